use domain::Instant;
use jiff::{SignedDuration, civil::Weekday};

/// When `ping-pending` runs between two times, the first excluded: the same hours as its schedule in
/// `template.yaml`, weekdays on the hour from 7:00 to 18:00.
pub(crate) fn ping_runs(after: Instant, until: Instant) -> Vec<Instant> {
    let hour = SignedDuration::from_hours(1);
    let mut runs = Vec::new();
    let mut next = after.hour_start() + hour;
    while next <= until {
        let local = next.local();
        let weekday = !matches!(local.weekday(), Weekday::Saturday | Weekday::Sunday);
        if weekday && (7..=18).contains(&local.hour()) {
            runs.push(next);
        }
        next = next + hour;
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_hourly_on_weekdays() {
        let at = |text: &str| text.parse::<Instant>().unwrap();
        let runs = ping_runs(at("2026-12-04T17:00:00+09:00"), at("2026-12-07T08:00:00+09:00"));
        let told: Vec<String> = runs.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            ["2026-12-04T18:00:00+09:00", "2026-12-07T07:00:00+09:00", "2026-12-07T08:00:00+09:00"]
        );
    }
}
