//! The parts of partitions that queries read.

use domain::{
    ClientId, FacilityId, MunicipalityCode, SlotId, Timestamp,
    calendar::{FiscalYear, Month},
    change_request::ChangeStatus,
    feed::Feed,
    vendor::VendorKind,
};

use super::{
    Key,
    part::{Part, SearchBucket, SearchGroup},
};

/// A part of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) pk: String,
    pub(crate) sort: Sort,
}

/// Which sort keys are in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sort {
    /// Those from the first to the second, both among them.
    Between(String, String),
    /// Those up to this one.
    UpTo(String),
    /// Those that begin so.
    Below(&'static str),
}

impl Span {
    fn of_facility(id: &FacilityId, sort: Sort) -> Self {
        Self { pk: format!("FAC#{id}"), sort }
    }

    /// The slots of a facility that start in this span; after a slot, those that follow it.
    pub(crate) fn slots(
        facility: &FacilityId,
        (from, until): (Timestamp, Timestamp),
        after: Option<&SlotId>,
    ) -> Self {
        let low = after.map_or_else(|| SlotId::first_at(from), |slot| format!("{slot}~"));
        let high = SlotId::first_at(until);
        Self::of_facility(facility, Sort::Between(format!("SLOT#{low}"), format!("SLOT#{high}")))
    }

    /// What is over without a place in the slots of this span.
    pub(crate) fn over(facility: &FacilityId, (from, until): (Timestamp, Timestamp)) -> Self {
        let bound = |at| format!("OVER#{}", SlotId::first_at(at));
        Self::of_facility(facility, Sort::Between(bound(from), bound(until)))
    }

    /// The change requests of a facility.
    pub(crate) fn change_requests(facility: &FacilityId) -> Self {
        Self::of_facility(facility, Sort::Below("CHG#"))
    }

    /// The change requests by which a facility was changed.
    pub(crate) fn changes(facility: &FacilityId) -> Self {
        Self::of_facility(facility, Sort::Below("HIS#"))
    }

    /// The change requests in a state, of one municipality or of all.
    pub(crate) fn listed_change_requests(
        status: ChangeStatus,
        code: Option<MunicipalityCode>,
    ) -> Self {
        let low = code.map_or_else(|| format!("{status}#"), |code| format!("{status}#{code}#"));
        Self { pk: "CHG".into(), sort: Sort::Between(low.clone(), low + "~") }
    }

    /// The ICT systems that are linked to a facility.
    pub(crate) fn links(facility: &FacilityId) -> Self {
        Self::of_facility(facility, Sort::Below("ICT#"))
    }

    /// The facilities that are linked to an ICT system, by id; after one, those that follow it.
    pub(crate) fn linked_facilities(client: &ClientId, after: Option<&FacilityId>) -> Self {
        let low = after.map_or_else(|| "FAC#".to_owned(), |id| format!("FAC#{id}~"));
        Self { pk: format!("CLI#{client}"), sort: Sort::Between(low, "FAC#~".into()) }
    }

    /// The vendors of a kind.
    pub(crate) fn listed_vendors(kind: VendorKind) -> Self {
        let kind = kind.as_str();
        let sort = Sort::Between(format!("{kind}#"), format!("{kind}#~"));
        Self { pk: "CLI".into(), sort }
    }

    /// The facilities of a municipality.
    pub(crate) fn listed_facilities(code: MunicipalityCode) -> Self {
        let sort = Sort::Between(format!("{code}#"), format!("{code}#~"));
        Self { pk: "MUN".into(), sort }
    }

    /// The facilities of all municipalities, one after the other.
    pub(crate) fn all_listed_facilities() -> Self {
        Self { pk: "MUN".into(), sort: Sort::UpTo("~".into()) }
    }

    /// The facilities of the municipalities that follow this one.
    pub(crate) fn listed_facilities_after(code: MunicipalityCode) -> Self {
        Self { pk: "MUN".into(), sort: Sort::Between(format!("{code}#~"), "~".into()) }
    }

    /// What a facility has free, by month.
    pub(crate) fn vacancies_of_facility(facility: &FacilityId) -> Self {
        Self::of_facility(facility, Sort::Below("VAC#"))
    }

    /// What the facilities of a municipality have free, by month.
    pub(crate) fn vacancies_of_municipality(code: MunicipalityCode) -> Self {
        Self { pk: format!("VAC#{code}"), sort: Sort::UpTo("~".into()) }
    }

    /// What they have free in a month, by the id of the facility; after one, those that follow it.
    pub(crate) fn vacancies(
        code: MunicipalityCode,
        month: Month,
        after: Option<&FacilityId>,
    ) -> Self {
        let low =
            after.map_or_else(|| format!("{month}#"), |facility| format!("{month}#{facility}~"));
        let sort = Sort::Between(low, format!("{month}#~"));
        Self { pk: format!("VAC#{code}"), sort }
    }

    /// The procedures of a municipality, or of all, of a fiscal year, or of all years of the municipality; after one,
    /// those that follow it.
    pub(crate) fn procedures(
        code: Option<MunicipalityCode>,
        year: Option<FiscalYear>,
        after: Option<&Key>,
    ) -> Self {
        let below = match (code, year) {
            (Some(code), Some(year)) => format!("{code}#{year}#"),
            (Some(code), None) => format!("{code}#"),
            (None, _) => String::new(),
        };
        let high = format!("{below}~");
        let sort = match after {
            Some(after) => Sort::Between(format!("{}~", after.text().1), high),
            // DynamoDB takes no empty bound.
            None if below.is_empty() => Sort::UpTo(high),
            None => Sort::Between(below, high),
        };
        Self { pk: "PRC".into(), sort }
    }

    /// The webhook endpoints of a client.
    pub(crate) fn webhook_endpoints(client: &ClientId) -> Self {
        Self { pk: format!("CLI#{client}"), sort: Sort::Below("WHE#") }
    }

    /// The facts of a municipality's reservations that were requested from this instant on and before the other.
    pub(crate) fn facts(code: MunicipalityCode, (from, until): (Timestamp, Timestamp)) -> Self {
        // A key has more after the time, so the first that is not meant comes after the bound.
        let bound = |at: Timestamp| format!("{:013}", at.epoch_ms().max(0));
        let sort = Sort::Between(bound(from), bound(until.max(from)));
        Self { pk: format!("FACT#{code}"), sort }
    }

    /// The versions of the search entries, and whether there are all of them.
    pub(crate) fn search_versions() -> Self {
        Self { pk: "SEARCH".into(), sort: Sort::Below("ENTRIES") }
    }

    /// The search entries of a group.
    pub(crate) fn search_group(group: SearchGroup) -> Self {
        Self { pk: format!("SEARCH#{}", group.write()), sort: Sort::UpTo("~".into()) }
    }

    /// The search entries of a bucket.
    pub(crate) fn search_bucket(SearchBucket(group, letter): SearchBucket) -> Self {
        let low = format!("fac_{}{letter}", group.write());
        let sort = Sort::Between(low.clone(), format!("{low}~"));
        Self { pk: format!("SEARCH#{}", group.write()), sort }
    }

    /// The versions of the search entries as versions of the hub before kept them.
    pub(crate) fn old_search_versions() -> Self {
        Self { pk: "SEARCH".into(), sort: Sort::Below("VERSIONS") }
    }

    /// What is due about reservations at this instant.
    pub(crate) fn deadlines(now: Timestamp) -> Self {
        Self { pk: "DUE".into(), sort: Self::until(now) }
    }

    /// The things of a feed that are to enter or leave it at this instant.
    pub(crate) fn feed_turns(feed: Feed, now: Timestamp) -> Self {
        Self { pk: format!("DUE#{}", feed.write()), sort: Self::until(now) }
    }

    fn until(now: Timestamp) -> Sort {
        Sort::UpTo(format!("{}~", now.write()))
    }

    /// The entries of a feed from this number to the other, both among them.
    pub(crate) fn feed_entries(feed: Feed, first: u64, last: u64) -> Self {
        let (pk, low) = Key::FeedEntry(feed, first).text();
        Self { pk, sort: Sort::Between(low, last.write()) }
    }
}
