//! Finding nurseries: a compact index that is small enough to be held in memory.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    Facility, FacilityId, MunicipalityCode, Timestamp,
    facility::{EstablishmentBody, FacilityType},
    text,
};

/// What the index knows of one facility.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "StoredEntry")]
pub struct Entry {
    /// The facility.
    pub facility: Facility,
    /// When its slots with a free place start, in milliseconds since 1970.
    pub free: BTreeSet<i64>,
    /// Name, kana and place, folded, each on a line of its own so that no term spans two of them. Made when the entry
    /// is read, so that it is folded as the query is, whatever version of the hub wrote the entry.
    #[serde(skip_serializing)]
    haystack: String,
}

#[derive(Deserialize)]
struct StoredEntry {
    facility: Facility,
    free: BTreeSet<i64>,
}

impl From<StoredEntry> for Entry {
    fn from(stored: StoredEntry) -> Self {
        Self { free: stored.free, ..Self::new(stored.facility) }
    }
}

impl Entry {
    /// An entry for a facility, without free slots.
    pub fn new(facility: Facility) -> Self {
        let haystack = haystack(&facility);
        Self { facility, free: BTreeSet::new(), haystack }
    }

    /// When the next slot starts that has a free place and still takes requests.
    pub fn next_slot_at(&self, now: Timestamp) -> Option<Timestamp> {
        let starts = self.free.range(now.epoch_ms()..);
        let mut starts = starts.filter_map(|ms| Timestamp::from_epoch_ms(*ms));
        starts.find(|starts_at| self.facility.still_takes(*starts_at, now))
    }
}

fn haystack(facility: &Facility) -> String {
    let place = format!(
        "{}{}",
        facility.municipality,
        facility.street_address.as_deref().unwrap_or_default()
    );
    [&facility.facility_name, facility.facility_name_kana.as_deref().unwrap_or_default(), &place]
        .map(text::fold)
        .join("\n")
}

/// The facilities of one municipality, sorted by name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Shard {
    /// The entries.
    pub entries: Vec<Entry>,
}

impl Shard {
    /// Takes a facility in or replaces what is known of it; tells whether anything changed.
    pub fn put(&mut self, facility: Facility) -> bool {
        let facility = facility.shown();
        match self.find(&facility.facility_id) {
            Some(entry) if entry.facility == facility => false,
            Some(entry) => {
                entry.haystack = haystack(&facility);
                entry.facility = facility;
                self.sort();
                true
            }
            None => {
                self.entries.push(Entry::new(facility));
                self.sort();
                true
            }
        }
    }

    /// Notes whether a slot of a facility has a free place; tells whether anything changed.
    ///
    /// Starts before `now` are forgotten on the way.
    pub fn put_slot(
        &mut self,
        id: &FacilityId,
        starts_at: Timestamp,
        free: bool,
        now: Timestamp,
    ) -> bool {
        let Some(entry) = self.find(id) else { return false };
        let start = starts_at.epoch_ms();
        let changed = if free { entry.free.insert(start) } else { entry.free.remove(&start) };
        if changed {
            entry.free = entry.free.split_off(&now.epoch_ms());
        }
        changed
    }

    fn find(&mut self, id: &FacilityId) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.facility.facility_id == *id)
    }

    fn sort(&mut self) {
        self.entries.sort_by(|a, b| sort_key(a).cmp(&sort_key(b)));
    }
}

/// Kana order: by the kana where it is known, else by the name; ids make it unique.
pub fn sort_key(entry: &Entry) -> (&str, &FacilityId) {
    let mut lines = entry.haystack.split('\n');
    let name = lines.next().unwrap_or_default();
    let kana = lines.next().filter(|kana| !kana.is_empty());
    (kana.unwrap_or(name), &entry.facility.facility_id)
}

/// What somebody looks for; every condition must hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// In one of these municipalities; empty for all.
    pub municipalities: Vec<MunicipalityCode>,
    /// Each term is part of the name, the kana or the place; from [`text::terms`].
    pub terms: Vec<String>,
    /// Of this kind.
    pub facility_type: Option<FacilityType>,
    /// Run by.
    pub establishment_body: Option<EstablishmentBody>,
    /// Takes visit requests through the hub, or does not.
    pub bookable: Option<bool>,
}

impl Filter {
    /// Whether an entry fulfils every condition.
    pub fn matches(&self, entry: &Entry) -> bool {
        let facility = &entry.facility;
        (self.municipalities.is_empty()
            || self.municipalities.contains(&facility.municipality_code))
            && self.facility_type.is_none_or(|kind| facility.facility_type == Some(kind))
            && self.establishment_body.is_none_or(|body| facility.establishment_body == Some(body))
            && self.bookable.is_none_or(|bookable| facility.bookable == bookable)
            && self.terms.iter().all(|term| entry.haystack.contains(term.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facility::ChildCapacity;

    fn facility(name: &str, address: &str) -> Facility {
        let code = "131199".parse().unwrap();
        Facility {
            facility_id: FacilityId::derive(None, &code, name),
            office_number: None,
            facility_name: name.into(),
            facility_name_kana: None,
            facility_type: Some(FacilityType::Nursery),
            establishment_body: Some(EstablishmentBody::Public),
            municipality_code: code,
            municipality: "板橋区".into(),
            prefecture: "東京都".into(),
            postal_code: None,
            street_address: Some(address.into()),
            phone: None,
            location: None,
            capacity: ChildCapacity::default(),
            bookable: true,
            message_to_parents: None,
            external_booking_url: None,
            booking_closes_hours_before: 0,
            updated_at: "2026-12-01T10:00:00+09:00".parse().unwrap(),
        }
    }

    fn found(query: &str, entry: &Entry) -> bool {
        Filter { terms: text::terms(query), ..Filter::default() }.matches(entry)
    }

    #[test]
    fn all_terms_must_match_and_none_spans_two_fields() {
        let entry = Entry::new(facility("かないくぼ保育園", "板橋2-21-1"));
        for query in ["ｶﾅｲｸﾎﾞ", "カナイクボ", "板橋区 保育園", "板橋2-21", ""]
        {
            assert!(found(query, &entry), "{query}");
        }
        for query in ["かないくぽ", "園板橋", "板橋区 幼稚園"] {
            assert!(!found(query, &entry), "{query}");
        }
    }

    #[test]
    fn an_entry_is_folded_as_the_query_is_whoever_wrote_it() {
        let entry = Entry::new(facility("葛\u{e0100}西キッズ・ガーデン", "ひばりが丘２ー１"));
        let stored = serde_json::to_value(&entry).unwrap();
        assert_eq!(stored.get("haystack"), None);
        let read: Entry = serde_json::from_value(stored).unwrap();
        assert_eq!(read, entry);
        for query in ["葛西", "葛\u{fe00}西", "キッズガーデン", "ひばりヶ丘2-1", "ひばりケ丘２−１"]
        {
            assert!(found(query, &read), "{query}");
        }
    }

    #[test]
    fn a_shard_knows_the_next_free_slot() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let facility = facility("みなみ保育園", "1");
        let id = facility.facility_id.clone();
        let mut shard = Shard::default();
        assert!(shard.put(facility.clone()));
        assert!(!shard.put(facility));
        let now = at("2026-12-01T10:00:00+09:00");
        let (first, second) = (at("2026-12-02T10:00:00+09:00"), at("2026-12-03T10:00:00+09:00"));
        let late = at("2026-12-02T09:00:00+09:00");
        assert!(shard.put_slot(&id, second, true, now) && shard.put_slot(&id, first, true, now));
        assert!(!shard.put_slot(&id, first, true, now));
        assert_eq!(shard.entries[0].next_slot_at(now), Some(first));
        assert_eq!(shard.entries[0].next_slot_at(late), Some(second), "nobody could answer it");
        assert_eq!(shard.entries[0].next_slot_at(first), Some(second));
        assert!(shard.put_slot(&id, second, false, now));
        assert_eq!(shard.entries[0].next_slot_at(first), None);
    }
}
