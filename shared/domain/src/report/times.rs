//! When families ask (REP-07).

use serde::Serialize;
use utoipa::ToSchema;

use super::{Fact, Share};
use crate::{slot::DayOfWeek, time};

/// How many requests were made in an hour of the day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct HourCount {
    /// The hour, 0 to 23: 9 is from 9:00 until before 10:00.
    pub hour: u8,
    /// How many.
    pub requests: u32,
}

/// How many requests were made on a day of the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct WeekdayCount {
    /// The day.
    pub weekday: DayOfWeek,
    /// How many.
    pub requests: u32,
}

/// When families ask (REP-07).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RequestTimes {
    /// By the hour of the day, in Japan.
    pub hours: Vec<HourCount>,
    /// By the day of the week.
    pub weekdays: Vec<WeekdayCount>,
    /// On days when nurseries do not work: Saturdays, Sundays and national holidays.
    pub on_holidays: Share,
    /// Outside of business hours: weekdays 7:00 to 19:00 without national holidays.
    pub outside_business_hours: Share,
}

/// When these requests were made (REP-07).
pub fn request_times(facts: &[Fact]) -> RequestTimes {
    let (mut hours, mut weekdays) = ([0_u32; 24], [0_u32; 7]);
    let (mut all, mut on_holidays, mut outside) = (0, 0, 0);
    for fact in facts.iter().filter(|fact| fact.is_request()) {
        let local = fact.requested_at.local();
        hours[usize::from(local.hour().unsigned_abs())] += 1;
        let weekday = local.weekday().to_monday_zero_offset();
        weekdays[usize::from(weekday.unsigned_abs())] += 1;
        all += 1;
        on_holidays += u32::from(!time::is_business_day(local.date()));
        outside += u32::from(!fact.requested_at.is_business_hour());
    }
    RequestTimes {
        hours: (0..).zip(hours).map(|(hour, requests)| HourCount { hour, requests }).collect(),
        weekdays: DayOfWeek::ALL
            .into_iter()
            .zip(weekdays)
            .map(|(weekday, requests)| WeekdayCount { weekday, requests })
            .collect(),
        on_holidays: Share::of(all, on_holidays),
        outside_business_hours: Share::of(all, outside),
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
    fn rep_07_requests_are_counted_by_the_hour_and_weekday_in_japan() {
        let asked = |text: &str| Fact { requested_at: at(text), ..fact(Status::Pending) };
        // A Friday evening that is still Friday in Japan, a holiday on a Monday, a Saturday.
        let facts = [
            asked("2027-01-08T11:30:00Z"),
            asked("2027-01-11T09:59:59+09:00"),
            asked("2027-01-16T00:00:00+09:00"),
            asked("2027-01-12T18:59:59+09:00"),
        ];
        let report = request_times(&facts);
        let at_hours: Vec<_> =
            report.hours.iter().filter(|hour| hour.requests > 0).map(|hour| hour.hour).collect();
        assert_eq!(at_hours, [0, 9, 18, 20]);
        let weekdays: Vec<_> = report.weekdays.iter().map(|day| day.requests).collect();
        assert_eq!(weekdays, [1, 1, 0, 0, 1, 1, 0]);
        assert_eq!(report.on_holidays, Share::of(4, 2));
        assert_eq!(report.outside_business_hours, Share::of(4, 3));
    }

    proptest! {
        #[test]
        fn rep_07_hours_and_weekdays_add_up_to_the_requests(
            facts in prop::collection::vec(any_fact(), 0..60),
        ) {
            let report = request_times(&facts);
            let hours: u32 = report.hours.iter().map(|hour| hour.requests).sum();
            let weekdays: u32 = report.weekdays.iter().map(|day| day.requests).sum();
            prop_assert_eq!((hours, weekdays), (report.on_holidays.of, report.on_holidays.of));
            prop_assert!(report.on_holidays.count <= report.outside_business_hours.count);
        }
    }
}
