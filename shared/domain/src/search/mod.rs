//! Finding nurseries: a compact index that is small enough to be held in memory.
//!
//! An [`Entry`] is what the index knows of one facility, some hundred bytes in the table and in memory. An [`Index`] is
//! all of them, and answers a search without a look at the table.

mod bytes;
mod document;
mod entry;
mod facets;
mod filter;
mod flags;
mod free;
mod index;
mod shown;
mod summary;
mod vacancy;

pub use self::{
    entry::Entry,
    facets::Facets,
    filter::Filter,
    flags::Feature,
    free::FreeSlots,
    index::{Found, Index, Position, Request, Sort},
    shown::ListedDetails,
    summary::FacilitySummary,
    vacancy::VacancySummary,
};

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{
        Facility, FacilityId, Timestamp,
        facility::{ChildCapacity, EstablishmentBody, FacilityType},
        text,
    };

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

    fn found(query: &str, facility: &Facility) -> bool {
        let index = Index::new([Entry::new(facility.clone()).into()], facility.updated_at);
        let filter = Filter { terms: text::terms(query), ..Filter::default() };
        let request =
            Request { filter: &filter, sort: Sort::Name, after: None, limit: 1, facets: false };
        !index.search(&request, facility.updated_at).page.is_empty()
    }

    #[test]
    fn all_terms_must_match_and_none_spans_two_fields() {
        let mut facility = facility("かないくぼ保育園", "板橋2-21-1");
        facility.details.nearest_station = Some("東武東上線 大山駅".into());
        for query in
            ["ｶﾅｲｸﾎﾞ", "カナイクボ", "板橋区 保育園", "板橋2-21", "", "大山駅", "山", "区板橋"]
        {
            assert!(found(query, &facility), "{query}");
        }
        for query in ["かないくぽ", "園板橋", "板橋区 幼稚園", "1東武"] {
            assert!(!found(query, &facility), "{query}");
        }
    }

    #[test]
    fn an_entry_is_folded_as_the_query_is() {
        let facility = facility("葛\u{e0100}西キッズ・ガーデン", "ひばりが丘２ー１");
        for query in ["葛西", "葛\u{fe00}西", "キッズガーデン", "ひばりヶ丘2-1", "ひばりケ丘２−１"]
        {
            assert!(found(query, &facility), "{query}");
        }
    }

    #[test]
    fn an_entry_knows_the_next_free_slot() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let facility = facility("みなみ保育園", "1");
        let mut entry = Entry::new(facility.clone());
        assert!(!entry.put_facility(facility.clone()));
        let now = at("2026-12-01T10:00:00+09:00");
        let (first, second) = (at("2026-12-02T10:00:00+09:00"), at("2026-12-03T10:00:00+09:00"));
        let late = at("2026-12-02T09:00:00+09:00");
        assert!(entry.put_slot(second, true, now) && entry.put_slot(first, true, now));
        assert!(!entry.put_slot(first, true, now));
        assert_eq!(entry.next_slot_at(now), Some(first));
        assert_eq!(entry.next_slot_at(late), Some(second), "nobody could answer it");
        assert_eq!(entry.next_slot_at(first), Some(second));
        let not_bookable = Facility { bookable: false, ..facility };
        assert!(entry.put_facility(not_bookable));
        assert_eq!(entry.next_slot_at(now), None);
    }

    #[test]
    fn an_entry_is_read_as_it_was_stored_and_not_in_another_form() {
        let mut entry = Entry::new(facility("みなみ保育園", "1"));
        entry.put_vacancy(VacancySummary { base_month: "2026-12".into(), ..Default::default() });
        let (stored, free) = (entry.facility_bytes().to_vec(), entry.free_bytes().to_vec());
        let vacancy = entry.vacancy_bytes().map(<[u8]>::to_vec);
        let read = |bytes| Entry::of_stored(bytes, free.clone(), vacancy.clone());
        assert_eq!(read(stored.clone()), Some(entry));
        let newer = [&[2], &stored[1..]].concat();
        assert_eq!(read(newer), None);
        assert_eq!(read(stored[..95].to_vec()), None);
    }
}
