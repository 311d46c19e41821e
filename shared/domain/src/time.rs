//! Instants, and the business calendar of the people who answer requests.

use std::{collections::HashSet, fmt, str::FromStr, sync::LazyLock};

use jiff::{
    SignedDuration, ToSpan, Zoned,
    civil::{Date, Weekday},
    tz::{self, TimeZone},
};
use serde::{Deserialize, Serialize};

use crate::Invalid;

/// Japan Standard Time. Japan has had no daylight saving time since 1951, so no zone database is
/// needed for any date the hub handles.
pub const TOKYO: TimeZone = TimeZone::fixed(tz::offset(9));

/// The hours in which the hub asks for answers: weekdays 7:00 to 19:00, the end excluded (REP-08).
pub const BUSINESS_HOURS: std::ops::Range<i8> = 7..19;

/// A point in time, in whole milliseconds. RFC 3339 with any offset in, with `+09:00` out.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[schema(value_type = String, format = DateTime, examples("2026-12-01T10:00:00+09:00"))]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// 1970-01-01T00:00:00Z: before anything that the hub knows.
    pub const EPOCH: Self = Self(jiff::Timestamp::UNIX_EPOCH);

    /// The instant this many milliseconds after 1970-01-01T00:00:00Z, or `None` beyond the year 9999.
    pub fn from_epoch_ms(ms: i64) -> Option<Self> {
        jiff::Timestamp::from_millisecond(ms).ok().map(Self)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn epoch_ms(self) -> i64 {
        self.0.as_millisecond()
    }

    /// The start of this local hour.
    pub fn hour_start(self) -> Self {
        let local = self.local();
        let past =
            SignedDuration::from_secs(i64::from(local.minute()) * 60 + i64::from(local.second()))
                + SignedDuration::from_nanos(i64::from(local.subsec_nanosecond()));
        Self(self.0 - past)
    }

    /// Date and time in Japan.
    pub fn local(self) -> Zoned {
        self.0.to_zoned(TOKYO)
    }

    /// The date in Japan.
    pub fn date(self) -> Date {
        self.local().date()
    }

    /// The instant of a local date and time in Japan.
    pub fn at(date: Date, time: jiff::civil::Time) -> Self {
        let offset = tz::offset(9);
        // A civil date of the years 0-9998 always exists at a fixed offset.
        Self(offset.to_timestamp(date.to_datetime(time)).unwrap_or(jiff::Timestamp::MAX))
    }

    /// The beginning of a day in Japan.
    pub fn midnight(date: Date) -> Self {
        Self::at(date, jiff::civil::Time::midnight())
    }

    /// How long ago `earlier` was.
    pub fn since(self, earlier: Self) -> SignedDuration {
        self.0.duration_since(earlier.0)
    }

    /// How long its day in Tokyo still lasts.
    pub fn rest_of_day(self) -> SignedDuration {
        SignedDuration::from_hours(24) - self.since(Self::midnight(self.date()))
    }

    /// Whether the hub may ask somebody for an answer now: a business day, 7:00 to 19:00.
    pub fn is_business_hour(self) -> bool {
        let local = self.local();
        is_business_day(local.date()) && BUSINESS_HOURS.contains(&local.hour())
    }

    /// For people: `2026年12月1日（火）10:00`.
    pub fn ja(self) -> String {
        let local = self.local();
        format!(
            "{}年{}月{}日（{}）{:02}:{:02}",
            local.year(),
            local.month(),
            local.day(),
            weekday_ja(local.weekday()),
            local.hour(),
            local.minute()
        )
    }
}

impl std::ops::Add<SignedDuration> for Timestamp {
    type Output = Self;
    fn add(self, by: SignedDuration) -> Self {
        Self(self.0.saturating_add(by).unwrap_or(jiff::Timestamp::MAX))
    }
}

impl std::ops::Sub<SignedDuration> for Timestamp {
    type Output = Self;
    fn sub(self, by: SignedDuration) -> Self {
        Self(self.0.saturating_sub(by).unwrap_or(jiff::Timestamp::MIN))
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(timestamp: jiff::Timestamp) -> Self {
        let ms = timestamp.as_millisecond();
        Self(jiff::Timestamp::from_millisecond(ms).unwrap_or(timestamp))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display_with_offset(tz::offset(9)).fmt(f)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        text.parse::<jiff::Timestamp>()
            .map(Self::from)
            .map_err(|_| Invalid::Format("2026-12-01T10:00:00+09:00"))
    }
}

impl TryFrom<String> for Timestamp {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(instant: Timestamp) -> String {
        instant.to_string()
    }
}

impl<E: deserr::DeserializeError + deserr::MergeWithError<Invalid>> deserr::Deserr<E>
    for Timestamp
{
    /// As a request says it: of the years that the hub knows.
    fn deserialize_from_value<V: deserr::IntoValue>(
        value: deserr::Value<V>,
        location: deserr::ValuePointerRef<'_>,
    ) -> Result<Self, E> {
        let text = String::deserialize_from_value(value, location)?;
        let read =
            text.parse().and_then(|instant: Self| of_this_age(instant.date()).map(|_| instant));
        read.map_err(|invalid| deserr::take_cf_content(E::merge(None, invalid, location)))
    }
}

/// Parses a calendar date `YYYY-MM-DD` of the years that the hub knows.
pub fn parse_date(text: &str) -> Result<Date, Invalid> {
    const FORM: Invalid = Invalid::Format("2026-12-01");
    if text.len() != 10 {
        return Err(FORM);
    }
    of_this_age(text.parse().map_err(|_| FORM)?)
}

/// No visit was or will be outside of these years: another is a slip of the keys.
fn of_this_age(date: Date) -> Result<Date, Invalid> {
    if (2020..=2100).contains(&date.year()) { Ok(date) } else { Err(Invalid::NotOfThisAge) }
}

/// The last year of `data/holidays.csv`. What a nursery plans beyond it would be planned on holidays.
pub const LAST_YEAR_OF_HOLIDAYS: i16 = 2035;

/// The date of a national holiday, until the last year that `data/holidays.csv` covers.
pub fn is_holiday(date: Date) -> bool {
    /// 国民の祝日 2024–2035, substitute holidays included. The Cabinet Office has published the days
    /// up to 2027; the later ones follow the law in force and change only with it.
    static HOLIDAYS: LazyLock<HashSet<Date>> = LazyLock::new(|| {
        include_str!("../data/holidays.csv")
            .lines()
            .filter_map(|line| line.split(',').next()?.parse().ok())
            .collect()
    });
    HOLIDAYS.contains(&date)
}

/// Monday to Friday and no national holiday.
pub fn is_business_day(date: Date) -> bool {
    !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday) && !is_holiday(date)
}

/// The instant at which this much business time has passed since `from`: weekdays 7:00 to 19:00
/// without national holidays count.
pub fn after_business_hours(from: Timestamp, mut hours: SignedDuration) -> Timestamp {
    let mut day = from.date();
    loop {
        if let Some((opens, closes)) = business_span(day) {
            let starts = opens.max(from);
            let left = closes.since(starts);
            if hours <= left {
                return starts + hours;
            }
            hours -= left.max(SignedDuration::ZERO);
        }
        match day.tomorrow() {
            Ok(next) => day = next,
            Err(_) => return Timestamp(jiff::Timestamp::MAX),
        }
    }
}

/// The business time between two instants (REP-08).
pub fn business_time(from: Timestamp, to: Timestamp) -> SignedDuration {
    days(from.date(), to.date())
        .filter_map(business_span)
        .map(|(opens, closes)| closes.min(to).since(opens.max(from)))
        .filter(SignedDuration::is_positive)
        .sum()
}

/// When business begins and ends on a day.
fn business_span(day: Date) -> Option<(Timestamp, Timestamp)> {
    let at = |hour| Timestamp::at(day, jiff::civil::time(hour, 0, 0, 0));
    is_business_day(day).then(|| (at(BUSINESS_HOURS.start), at(BUSINESS_HOURS.end)))
}

/// The next business day after this one.
pub fn next_business_day(day: Date) -> Date {
    let later = day.series(1.day()).skip(1);
    later.into_iter().find(|day| is_business_day(*day)).unwrap_or(Date::MAX)
}

/// The days from `from` to `to`, both included.
pub fn days(from: Date, to: Date) -> impl Iterator<Item = Date> {
    from.series(1.day()).take_while(move |day| *day <= to)
}

fn weekday_ja(weekday: Weekday) -> &'static str {
    match weekday {
        Weekday::Monday => "月",
        Weekday::Tuesday => "火",
        Weekday::Wednesday => "水",
        Weekday::Thursday => "木",
        Weekday::Friday => "金",
        Weekday::Saturday => "土",
        Weekday::Sunday => "日",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn an_instant_is_read_with_any_offset_and_written_in_japan_time() {
        assert_eq!(at("2026-12-01T01:00:00Z").to_string(), "2026-12-01T10:00:00+09:00");
        assert_eq!(at("2026-12-01T10:00:00.25+09:00").to_string(), "2026-12-01T10:00:00.25+09:00");
        assert!("2026-12-01".parse::<Timestamp>().is_err());
        assert!("2026-12-01T10:00:00".parse::<Timestamp>().is_err(), "an offset is needed");
    }

    #[test]
    fn weekends_and_national_holidays_are_no_business_days() {
        for day in ["2027-01-01", "2027-01-02", "2027-01-03", "2027-01-11", "2026-11-23"] {
            assert!(!is_business_day(day.parse().unwrap()), "{day}");
        }
        assert!(is_business_day("2027-01-12".parse().unwrap()));
    }

    #[test]
    fn business_hours_begin_at_seven_and_end_before_nineteen() {
        assert!(!at("2027-01-12T06:59:59+09:00").is_business_hour());
        assert!(at("2027-01-12T07:00:00+09:00").is_business_hour());
        assert!(at("2027-01-12T18:59:59+09:00").is_business_hour());
        assert!(!at("2027-01-12T19:00:00+09:00").is_business_hour());
    }

    #[test]
    fn the_start_of_an_hour() {
        let start = at("2026-12-01T10:00:00+09:00");
        assert_eq!(at("2026-12-01T10:59:59.999+09:00").hour_start(), start);
        assert_eq!(start.hour_start(), start);
    }

    #[test]
    fn business_hours_pass_on_business_days_alone() {
        let after = |from: &str, hours| {
            after_business_hours(at(from), SignedDuration::from_hours(hours)).to_string()
        };
        assert_eq!(after("2027-01-08T20:00:00+09:00", 6), "2027-01-12T13:00:00+09:00");
        assert_eq!(after("2027-01-08T18:30:00+09:00", 1), "2027-01-12T07:30:00+09:00");
        assert_eq!(after("2027-01-12T07:00:00+09:00", 12), "2027-01-12T19:00:00+09:00");
        assert_eq!(after("2027-01-12T07:00:00+09:00", 13), "2027-01-13T08:00:00+09:00");
        assert_eq!(after("2026-12-31T18:00:00+09:00", 2), "2027-01-04T08:00:00+09:00");
    }

    #[test]
    fn business_time_is_what_lies_in_business_hours() {
        let minutes = |from: &str, to: &str| business_time(at(from), at(to)).as_mins();
        assert_eq!(minutes("2027-01-08T20:00:00+09:00", "2027-01-12T13:00:00+09:00"), 360);
        assert_eq!(minutes("2027-01-08T18:30:00+09:00", "2027-01-08T18:45:00+09:00"), 15);
        assert_eq!(minutes("2027-01-09T10:00:00+09:00", "2027-01-09T12:00:00+09:00"), 0);
        assert_eq!(minutes("2027-01-12T10:00:00+09:00", "2027-01-13T10:00:00+09:00"), 12 * 60);
        assert_eq!(minutes("2027-01-13T10:00:00+09:00", "2027-01-12T10:00:00+09:00"), 0);
    }

    #[test]
    fn the_day_after_a_long_weekend() {
        assert_eq!(next_business_day("2027-01-08".parse().unwrap()).to_string(), "2027-01-12");
    }

    #[test]
    fn every_line_of_the_holidays_is_a_date() {
        let lines: Vec<_> = include_str!("../data/holidays.csv").lines().skip(1).collect();
        assert!(lines.iter().all(|line| line[..10].parse::<Date>().is_ok()));
        let last: Date = lines.last().unwrap()[..10].parse().unwrap();
        assert_eq!(last.year(), LAST_YEAR_OF_HOLIDAYS);
    }
}
