//! What became of the requests of each month (REP-05).

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

use super::Fact;
use crate::{Status, calendar::Month};

/// Every month that a span of days touches, each with nothing counted yet.
pub(super) fn months<T: Default>(from: Date, to: Date) -> BTreeMap<Month, T> {
    Month::between(from, to).map(|month| (month, T::default())).collect()
}

/// What became of requests. Each is counted once, so the states add up to the requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct StateCounts {
    /// Requests of families.
    pub requested: u32,
    /// Approved, and not cancelled later; whether the family came or not.
    pub approved: u32,
    /// Declined by the nursery.
    pub declined: u32,
    /// Cancelled, by either side, before the answer or after it.
    pub cancelled: u32,
    /// Of those cancelled: by the family.
    pub cancelled_by_parent: u32,
    /// Of those cancelled: by the nursery.
    pub cancelled_by_facility: u32,
    /// Given up because nobody answered, or no place came free, in time.
    pub expired: u32,
    /// Still open: for the nursery to answer, for a place, or for the family to take one that came free.
    pub open: u32,
}

impl StateCounts {
    fn add(&mut self, status: Status) {
        self.requested += 1;
        match status {
            Status::Approved | Status::Completed | Status::NoShow => self.approved += 1,
            Status::Declined => self.declined += 1,
            Status::CancelledByParent => {
                self.cancelled += 1;
                self.cancelled_by_parent += 1;
            }
            Status::CancelledByFacility => {
                self.cancelled += 1;
                self.cancelled_by_facility += 1;
            }
            Status::Expired => self.expired += 1,
            Status::Unconfirmed | Status::Waiting | Status::Offered | Status::Pending => {
                self.open += 1;
            }
        }
    }
}

/// The counts of one month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReportedMonth<T> {
    /// The month.
    pub month: Month,
    /// What is counted.
    #[serde(flatten)]
    pub counts: T,
}

/// What became of requests, by the month in which they were made (REP-05).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct StatesByMonth {
    /// Month by month.
    pub months: Vec<ReportedMonth<StateCounts>>,
    /// All of them together.
    pub total: StateCounts,
}

/// What became of the requests between two days, by the month in which they were made (REP-05).
pub fn states_by_month(facts: &[Fact], from: Date, to: Date) -> StatesByMonth {
    let (mut months, mut total) = (months::<StateCounts>(from, to), StateCounts::default());
    for fact in facts.iter().filter(|fact| fact.is_request()) {
        if let Some(counts) = months.get_mut(&Month::of(fact.requested_at.date())) {
            counts.add(fact.status);
            total.add(fact.status);
        }
    }
    StatesByMonth { months: listed(months), total }
}

pub(super) fn listed<T>(months: BTreeMap<Month, T>) -> Vec<ReportedMonth<T>> {
    months.into_iter().map(|(month, counts)| ReportedMonth { month, counts }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        report::fact::tests::{any_fact, at, fact},
        reservation::Origin,
    };

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn rep_05_each_request_is_counted_once_in_the_month_in_which_it_was_made() {
        let january = Fact {
            requested_at: at("2027-01-01T00:00:00+09:00"),
            ..fact(Status::CancelledByFacility)
        };
        let by_telephone = Fact { origin: Origin::OffSystem, ..fact(Status::Approved) };
        let facts = [
            fact(Status::Approved),
            fact(Status::Completed),
            fact(Status::NoShow),
            fact(Status::Declined),
            fact(Status::CancelledByParent),
            fact(Status::Waiting),
            january,
            by_telephone,
        ];
        let report = states_by_month(&facts, day("2026-11-15"), day("2027-01-15"));
        let months: Vec<_> = report.months.iter().map(|month| month.month.to_string()).collect();
        assert_eq!(months, ["2026-11", "2026-12", "2027-01"], "a month without requests too");
        assert_eq!(report.months[0].counts, StateCounts::default());
        let december = StateCounts {
            requested: 6,
            approved: 3,
            declined: 1,
            cancelled: 1,
            cancelled_by_parent: 1,
            open: 1,
            ..StateCounts::default()
        };
        assert_eq!(report.months[1].counts, december);
        assert_eq!(report.months[2].counts.cancelled_by_facility, 1);
        assert_eq!(report.total.requested, 7);
        let written = serde_json::to_value(&report.months[1]).unwrap();
        assert_eq!((&written["month"], &written["approved"]), (&"2026-12".into(), &3.into()));
    }

    proptest! {
        #[test]
        fn rep_05_the_states_add_up_to_the_requests_and_the_months_to_the_total(
            facts in prop::collection::vec(any_fact(), 0..60),
        ) {
            let report = states_by_month(&facts, day("2026-01-01"), day("2027-12-31"));
            let requests = facts.iter().filter(|fact| fact.is_request()).count();
            let StateCounts {
                requested, approved, declined, cancelled, cancelled_by_parent,
                cancelled_by_facility, expired, open,
            } = report.total;
            prop_assert_eq!(requested as usize, requests);
            prop_assert_eq!(approved + declined + cancelled + expired + open, requested);
            prop_assert_eq!(cancelled_by_parent + cancelled_by_facility, cancelled);
            let of_months: u32 = report.months.iter().map(|month| month.counts.requested).sum();
            prop_assert_eq!(of_months, requested);
        }
    }
}
