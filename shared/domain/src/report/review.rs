//! How long nurseries take to answer (REP-08).

use jiff::SignedDuration;
use serde::Serialize;
use utoipa::ToSchema;

use super::{AnsweredBy, Fact, Share, count::count};
use crate::time::business_time;

/// Until how many business hours the bands of the distribution reach.
const BANDS: [u32; 6] = [1, 3, 6, 12, 24, 48];

/// How long nurseries take to answer, in business hours: weekdays 7:00 to 19:00 without national holidays
/// (REP-08).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReviewTimes {
    /// Requests that people answered, approved or declined.
    pub answered: u32,
    /// Requests that the hub approved in the nursery's place; they are in none of the other figures.
    pub answered_by_hub: u32,
    /// Answered within three business hours.
    pub within_3_hours: Share,
    /// Answered within 24 business hours.
    pub within_24_hours: Share,
    /// Half of the answers took no more business minutes than this.
    pub p50_minutes: Option<u32>,
    /// 99 of a hundred answers took no more business minutes than this.
    pub p99_minutes: Option<u32>,
    /// All answers by how long they took.
    pub distribution: Vec<ReviewBand>,
}

/// How many answers took so long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReviewBand {
    /// More business hours than this; the first band also has what took none.
    pub over_hours: u32,
    /// No more than this; `null` where there is no end.
    pub up_to_hours: Option<u32>,
    /// How many.
    pub answers: u32,
}

/// How long nurseries took to answer these requests (REP-08).
pub fn review_times(facts: &[Fact]) -> ReviewTimes {
    let (mut took, mut answered_by_hub) = (Vec::new(), 0);
    for fact in facts.iter().filter(|fact| fact.is_request()) {
        match (fact.pending_since, fact.answered) {
            (Some(since), Some(answer)) if answer.by == AnsweredBy::People => {
                took.push(business_time(since, answer.at));
            }
            (_, Some(answer)) if answer.by == AnsweredBy::Hub => answered_by_hub += 1,
            _ => {}
        }
    }
    took.sort_unstable();
    let within = |hours: u32| {
        let limit = SignedDuration::from_hours(hours.into());
        count(took.partition_point(|took| *took <= limit))
    };
    let answered = count(took.len());
    let mut distribution = Vec::new();
    let (mut over, mut below) = (0, 0);
    for to in BANDS {
        let until = within(to);
        let (over_hours, up_to_hours) = (over, Some(to));
        distribution.push(ReviewBand { over_hours, up_to_hours, answers: until - below });
        (over, below) = (to, until);
    }
    let answers = answered - below;
    distribution.push(ReviewBand { over_hours: over, up_to_hours: None, answers });
    ReviewTimes {
        answered,
        answered_by_hub,
        within_3_hours: Share::of(answered, within(3)),
        within_24_hours: Share::of(answered, within(24)),
        p50_minutes: percentile(&took, 50),
        p99_minutes: percentile(&took, 99),
        distribution,
    }
}

/// The smallest of the sorted times that so many of a hundred do not exceed, in whole minutes, rounded up.
fn percentile(sorted: &[SignedDuration], of_hundred: usize) -> Option<u32> {
    let rank = (sorted.len() * of_hundred).div_ceil(100);
    let took = sorted.get(rank.checked_sub(1)?)?;
    u32::try_from((took.as_millis() + 59_999) / 60_000).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        Status,
        report::{
            Answered,
            fact::tests::{any_fact, at, fact},
        },
    };

    fn answered(since: &str, at_: &str, by: AnsweredBy) -> Fact {
        let answered = Some(Answered { at: at(at_), by });
        let since = at(since);
        Fact { requested_at: since, pending_since: Some(since), answered, ..fact(Status::Approved) }
    }

    #[test]
    fn rep_08_only_business_hours_count_and_only_what_people_answered() {
        let people = AnsweredBy::People;
        let facts = [
            // Over a weekend and a holiday: three hours on Tuesday.
            answered("2027-01-08T20:00:00+09:00", "2027-01-12T10:00:00+09:00", people),
            answered("2027-01-12T10:00:00+09:00", "2027-01-12T13:00:01+09:00", people),
            // Two business days.
            answered("2027-01-12T10:00:00+09:00", "2027-01-14T10:00:00+09:00", people),
            answered("2027-01-12T10:00:00+09:00", "2027-01-15T10:00:00+09:00", people),
            answered("2027-01-12T10:00:00+09:00", "2027-01-12T10:00:00+09:00", AnsweredBy::Hub),
            fact(Status::Pending),
            fact(Status::CancelledByParent),
        ];
        let report = review_times(&facts);
        assert_eq!((report.answered, report.answered_by_hub), (4, 1));
        assert_eq!(report.within_3_hours, Share::of(4, 1));
        assert_eq!(report.within_24_hours, Share::of(4, 3));
        assert_eq!((report.p50_minutes, report.p99_minutes), (Some(181), Some(36 * 60)));
        let counts: Vec<_> = report.distribution.iter().map(|band| band.answers).collect();
        assert_eq!(counts, [0, 1, 1, 0, 1, 1, 0]);
    }

    #[test]
    fn rep_08_nothing_answered_is_no_error() {
        let report = review_times(&[fact(Status::Pending)]);
        assert_eq!((report.p50_minutes, report.p99_minutes), (None, None));
        assert_eq!(report.within_3_hours.percent(), None);
    }

    proptest! {
        #[test]
        fn rep_08_the_distribution_adds_up_to_the_answers(
            facts in prop::collection::vec(any_fact(), 0..60),
        ) {
            let report = review_times(&facts);
            let total: u32 = report.distribution.iter().map(|band| band.answers).sum();
            prop_assert_eq!(total, report.answered);
            prop_assert!(report.within_3_hours.count <= report.within_24_hours.count);
            prop_assert!(report.p50_minutes <= report.p99_minutes);
        }
    }
}
