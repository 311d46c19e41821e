use domain::Timestamp;
use jiff::{SignedDuration, civil::Weekday};

/// A scheduled function. `keep-deadlines` is none here: in AWS it runs every minute, and the local hub runs it
/// whenever something is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Job {
    /// On the hour from 7:00 to 18:00. On days that are no weekdays it finds nothing to do, and is left out here.
    PingPending,
    /// Each day at 9:00. It does something on the 10th, and is left out here on the others.
    CheckSlotPlans,
    /// Each day at 9:00. It does something on Mondays, and is left out here on the others.
    CheckInformation,
}

/// The first hour between two times, the first excluded, at which a function that `template.yaml` schedules has
/// something to do, and what.
pub(crate) fn next_jobs(after: Timestamp, until: Timestamp) -> Option<(Timestamp, Vec<Job>)> {
    let hour = SignedDuration::from_hours(1);
    let mut next = after.hour_start() + hour;
    while next <= until {
        let jobs = jobs_at(next);
        if !jobs.is_empty() {
            return Some((next, jobs));
        }
        next = next + hour;
    }
    None
}

fn jobs_at(hour: Timestamp) -> Vec<Job> {
    let local = hour.local();
    let weekday = !matches!(local.weekday(), Weekday::Saturday | Weekday::Sunday);
    let mut jobs = Vec::new();
    if weekday && (7..=18).contains(&local.hour()) {
        jobs.push(Job::PingPending);
    }
    if local.day() == 10 && local.hour() == 9 {
        jobs.push(Job::CheckSlotPlans);
    }
    if local.weekday() == Weekday::Monday && local.hour() == 9 {
        jobs.push(Job::CheckInformation);
    }
    jobs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(from: &str, until: &str) -> Vec<(String, Vec<Job>)> {
        let (mut at, until) = (from.parse().unwrap(), until.parse().unwrap());
        let mut runs = Vec::new();
        while let Some((next, jobs)) = next_jobs(at, until) {
            runs.push((next.to_string(), jobs));
            at = next;
        }
        runs
    }

    #[test]
    fn the_ping_is_hourly_on_weekdays() {
        let ping = |at: &str| (at.to_owned(), vec![Job::PingPending]);
        assert_eq!(
            runs("2026-12-04T17:00:00+09:00", "2026-12-07T08:00:00+09:00"),
            [
                ping("2026-12-04T18:00:00+09:00"),
                ping("2026-12-07T07:00:00+09:00"),
                ping("2026-12-07T08:00:00+09:00")
            ]
        );
    }

    #[test]
    fn slots_are_checked_on_the_tenth_whatever_the_day() {
        let on_sunday = runs("2027-01-09T18:00:00+09:00", "2027-01-11T06:00:00+09:00");
        let check = vec![Job::CheckSlotPlans];
        assert_eq!(on_sunday, [("2027-01-10T09:00:00+09:00".to_owned(), check)]);
        let both = runs("2026-12-10T08:00:00+09:00", "2026-12-10T09:00:00+09:00");
        assert_eq!(both[0].1, [Job::PingPending, Job::CheckSlotPlans]);
    }

    #[test]
    fn information_is_checked_on_mondays_on_holidays_too() {
        // The second Monday of January is a holiday.
        let week = runs("2027-01-10T18:00:00+09:00", "2027-01-17T18:00:00+09:00");
        let checks = week.iter().filter(|(_, jobs)| jobs.contains(&Job::CheckInformation));
        let times: Vec<_> = checks.map(|(at, _)| at.as_str()).collect();
        assert_eq!(times, ["2027-01-11T09:00:00+09:00"]);
    }
}
