//! Finding nurseries: a compact index that is small enough to be held in memory.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Facility, FacilityId, MunicipalityCode, Timestamp,
    facility::{ChildCapacity, EstablishmentBody, FacilityType, Location, still_takes},
    item::Visibility,
    settings::{BookingUrl, MessageToParents, Settings},
    text,
};

/// What a list shows of a facility, and all that a search looks at. Every search holds it of every facility of the
/// country, so what only the facility's own page shows is not in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Facility, description = "A nursery. `null` is \"not stated\".")]
pub struct FacilitySummary {
    /// The hub's id.
    pub facility_id: FacilityId,
    /// 事業所番号.
    #[schema(examples("1311912345678"))]
    pub office_number: Option<String>,
    /// 施設の名称.
    #[schema(examples("かないくぼ保育園"))]
    pub facility_name: String,
    /// 施設の名称（ふりがな）.
    pub facility_name_kana: Option<String>,
    /// 施設類型.
    pub facility_type: Option<FacilityType>,
    /// 施設の設置主体.
    pub establishment_body: Option<EstablishmentBody>,
    /// The national code of the municipality.
    pub municipality_code: MunicipalityCode,
    /// 市区町村.
    #[schema(examples("板橋区"))]
    pub municipality: String,
    /// 都道府県.
    #[schema(examples("東京都"))]
    pub prefecture: String,
    /// Seven digits without a hyphen.
    #[schema(examples("1730004"))]
    pub postal_code: Option<String>,
    /// 町名・番地.
    pub street_address: Option<String>,
    /// The nursery's own telephone number.
    #[schema(examples("03-3961-0000"))]
    pub phone: Option<String>,
    /// Where it is.
    pub location: Option<Location>,
    /// 利用定員数.
    pub capacity: ChildCapacity,
    /// Takes visit requests through this hub (POR-04).
    pub bookable: bool,
    /// The nursery's word to every parent (SLOT-09).
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub message_to_parents: Option<MessageToParents>,
    /// Where the nursery takes bookings itself, instead of here (RSV-21).
    #[serde(default)]
    pub external_booking_url: Option<BookingUrl>,
    /// Visits are asked for until this many hours before they start, and never in the last hour.
    #[serde(default = "default_closes")]
    #[schema(maximum = 720)]
    pub booking_closes_hours_before: u16,
    /// When one of these values last changed.
    pub updated_at: Timestamp,
}

/// Entries from before it was part of them.
fn default_closes() -> u16 {
    Settings::default().booking_closes_hours_before
}

impl FacilitySummary {
    /// Of a facility, as the public sees it.
    pub fn new(facility: Facility) -> Self {
        let facility = facility.visible_to(Visibility::Public);
        Self {
            bookable: facility.takes_requests(),
            facility_id: facility.facility_id,
            office_number: facility.office_number,
            facility_name: facility.facility_name,
            facility_name_kana: facility.facility_name_kana,
            facility_type: facility.facility_type,
            establishment_body: facility.establishment_body,
            municipality_code: facility.municipality_code,
            municipality: facility.municipality,
            prefecture: facility.prefecture,
            postal_code: facility.postal_code,
            street_address: facility.street_address,
            phone: facility.phone,
            location: facility.location,
            capacity: facility.capacity,
            message_to_parents: facility.message_to_parents,
            external_booking_url: facility.external_booking_url,
            booking_closes_hours_before: facility.booking_closes_hours_before,
            updated_at: facility.updated_at,
        }
    }
}

/// What the index knows of one facility.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "StoredEntry")]
pub struct Entry {
    /// The facility, as it is answered.
    pub facility: FacilitySummary,
    /// When its slots with a free place start, in milliseconds since 1970.
    pub free: BTreeSet<i64>,
    /// Name, kana and place, folded, each on a line of its own so that no term spans two of them. Made when the entry
    /// is read, so that it is folded as the query is, whatever version of the hub wrote the entry.
    #[serde(skip_serializing)]
    haystack: String,
}

#[derive(Deserialize)]
struct StoredEntry {
    facility: FacilitySummary,
    free: BTreeSet<i64>,
}

impl From<StoredEntry> for Entry {
    fn from(stored: StoredEntry) -> Self {
        Self { free: stored.free, ..Self::new(stored.facility) }
    }
}

impl Entry {
    /// An entry for a facility, without free slots.
    pub fn new(facility: FacilitySummary) -> Self {
        let haystack = haystack(&facility);
        Self { facility, free: BTreeSet::new(), haystack }
    }

    /// When the next slot starts that has a free place and still takes requests.
    pub fn next_slot_at(&self, now: Timestamp) -> Option<Timestamp> {
        let starts = self.free.range(now.epoch_ms()..);
        let mut starts = starts.filter_map(|ms| Timestamp::from_epoch_ms(*ms));
        let closes = self.facility.booking_closes_hours_before;
        starts.find(|starts_at| still_takes(closes, *starts_at, now))
    }
}

fn haystack(facility: &FacilitySummary) -> String {
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
        let facility = FacilitySummary::new(facility);
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
pub(crate) mod tests {
    use super::*;

    pub(crate) fn facility(name: &str, address: &str) -> Facility {
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
            details: Default::default(),
            notes: Default::default(),
            updated_at: "2026-12-01T10:00:00+09:00".parse().unwrap(),
        }
    }

    fn entry(facility: Facility) -> Entry {
        Entry::new(FacilitySummary::new(facility))
    }

    fn found(query: &str, entry: &Entry) -> bool {
        Filter { terms: text::terms(query), ..Filter::default() }.matches(entry)
    }

    #[test]
    fn all_terms_must_match_and_none_spans_two_fields() {
        let entry = entry(facility("かないくぼ保育園", "板橋2-21-1"));
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
        let entry = entry(facility("葛\u{e0100}西キッズ・ガーデン", "ひばりが丘２ー１"));
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

    /// A nursery of which everything is stated.
    fn stated() -> Facility {
        let count = Some(120);
        Facility {
            office_number: Some("1311912345678".into()),
            facility_name_kana: Some("しゃかいふくしほうじんひまわりかいひまわりほいくえん".into()),
            facility_type: Some(FacilityType::KodomoenYouchien),
            postal_code: Some("1730004".into()),
            phone: Some("03-0000-0000".into()),
            location: Some(Location { lat: 35.751_234_5, lon: 139.712_345_6 }),
            capacity: ChildCapacity {
                age_0: count,
                age_1: count,
                age_2: count,
                age_3: count,
                age_4: count,
                age_5: count,
                total: count,
            },
            message_to_parents: Some("改修中のため、3月の見学はお休みします。".parse().unwrap()),
            external_booking_url: Some("https://nursery.example.jp/booking".parse().unwrap()),
            ..facility(
                "社会福祉法人ひまわり会ひまわり保育園",
                "大谷口上町一丁目２番３号ひまわりビル４階",
            )
        }
    }

    #[test]
    fn an_entry_that_another_version_wrote_is_read() {
        let mut stored = serde_json::to_value(entry(facility("みなみ保育園", "1"))).unwrap();
        let known = stored["facility"].as_object_mut().unwrap();
        known.insert("of_a_newer_version".into(), true.into());
        for later in ["message_to_parents", "external_booking_url", "booking_closes_hours_before"] {
            known.remove(later).unwrap();
        }
        let read: Entry = serde_json::from_value(stored).unwrap();
        assert_eq!(read.facility.booking_closes_hours_before, default_closes());
    }

    #[test]
    fn an_entry_is_small_whatever_else_is_known_of_the_facility() {
        let stored = serde_json::to_value(entry(stated())).unwrap();
        let facility = stored["facility"].as_object().unwrap();
        assert!(facility.values().all(|value| !value.is_null()), "{facility:?}");
        let bytes = stored.to_string().len();
        assert!(bytes <= 1000, "{bytes} bytes before they are packed");
    }
}
