//! How far ahead families ask (REP-09, RSV-22).

use serde::Serialize;
use utoipa::ToSchema;

use super::{Fact, Share, count::count};

/// The first day of each band of the distribution.
const BANDS: [u32; 6] = [0, 8, 15, 30, 45, 60];

/// How many days lie between request and visit, by the calendar (REP-09).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LeadTimes {
    /// Requests of families.
    pub requested: u32,
    /// For a visit within a week: on the seventh day after the request or before.
    pub within_a_week: Share,
    /// For a visit on the 30th day after the request or later.
    pub from_30_days: Share,
    /// The longest, in days.
    pub longest_days: Option<u32>,
    /// All requests by how far ahead they were made.
    pub distribution: Vec<LeadBand>,
}

/// How many requests were made so many days before the visit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LeadBand {
    /// This many days, or more.
    pub from_days: u32,
    /// This many days at most; `null` where there is no end.
    pub to_days: Option<u32>,
    /// How many.
    pub requests: u32,
}

/// How far ahead these requests were made (REP-09).
pub fn lead_times(facts: &[Fact]) -> LeadTimes {
    let requests = facts.iter().filter(|fact| fact.is_request());
    let days: Vec<u32> = requests
        .map(|fact| {
            let span = fact.starts_at.date() - fact.requested_at.date();
            u32::try_from(span.get_days()).unwrap_or(0)
        })
        .collect();
    let requested = count(days.len());
    let found =
        |wanted: &dyn Fn(u32) -> bool| count(days.iter().filter(|days| wanted(**days)).count());
    let ends = BANDS.iter().skip(1).map(|next| Some(next - 1)).chain([None]);
    let band = |(from_days, to_days): (u32, Option<u32>)| LeadBand {
        from_days,
        to_days,
        requests: found(&|days| days >= from_days && to_days.is_none_or(|to| days <= to)),
    };
    LeadTimes {
        requested,
        within_a_week: Share::of(requested, found(&|days| days <= 7)),
        from_30_days: Share::of(requested, found(&|days| days >= 30)),
        longest_days: days.iter().max().copied(),
        distribution: BANDS.into_iter().zip(ends).map(band).collect(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        Status,
        report::fact::tests::{any_fact, at, fact},
    };

    #[test]
    fn rsv_22_lead_times_count_days_of_the_calendar() {
        let asked = |requested: &str, starts: &str| Fact {
            requested_at: at(requested),
            starts_at: at(starts),
            ..fact(Status::Pending)
        };
        let facts = [
            asked("2026-12-01T23:59:59+09:00", "2026-12-08T10:00:00+09:00"),
            asked("2026-12-01T10:00:00+09:00", "2026-12-09T09:00:00+09:00"),
            asked("2026-12-01T10:00:00+09:00", "2026-12-31T09:00:00+09:00"),
            asked("2026-12-01T10:00:00+09:00", "2027-02-01T10:00:00+09:00"),
        ];
        let report = lead_times(&facts);
        assert_eq!(report.within_a_week, Share::of(4, 1));
        assert_eq!(report.from_30_days, Share::of(4, 2));
        assert_eq!(report.longest_days, Some(62));
        let bands: Vec<_> =
            report.distribution.iter().map(|b| (b.from_days, b.to_days, b.requests)).collect();
        let until = |from, to, count| (from, Some(to), count);
        let expected =
            [until(0, 7, 1), until(8, 14, 1), until(15, 29, 0), until(30, 44, 1), until(45, 59, 0)];
        assert_eq!(bands[..5], expected);
        assert_eq!(bands[5], (60, None, 1));
        assert_eq!(lead_times(&[]).longest_days, None);
    }

    proptest! {
        #[test]
        fn rep_09_the_distribution_adds_up_to_the_requests(
            facts in prop::collection::vec(any_fact(), 0..60),
        ) {
            let report = lead_times(&facts);
            let total: u32 = report.distribution.iter().map(|band| band.requests).sum();
            prop_assert_eq!(total, report.requested);
        }
    }
}
