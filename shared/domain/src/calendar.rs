//! Days, months and fiscal years as data states them: without a time, in Japan.

use std::{fmt, str::FromStr};

use jiff::{ToSpan, civil::Date};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Invalid, text::text_conversions, time};

/// A calendar day, written `YYYY-MM-DD`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, format = Date, examples("2026-12-01"))]
pub struct Day(pub Date);

impl Day {
    /// The first one that the hub knows.
    pub const FIRST: Self = Self(jiff::civil::date(2020, 1, 1));
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Day {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        time::parse_date(text).map(Self)
    }
}

text_conversions!(Day);

/// A month, written `YYYY-MM`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, examples("2026-12"))]
pub struct Month(Date);

impl Month {
    /// The first one that the hub knows.
    pub const FIRST: Self = Self(Day::FIRST.0);

    /// The month of a day.
    pub fn of(day: Date) -> Self {
        Self(day.first_of_month())
    }

    /// Every month that a span of days touches.
    pub fn between(from: Date, to: Date) -> impl Iterator<Item = Self> {
        from.first_of_month().series(1.month()).take_while(move |first| *first <= to).map(Self)
    }

    /// The first day of the month that comes so many months later.
    pub fn first_day_after(self, months: i32) -> Date {
        self.0.saturating_add(months.months())
    }

    /// The year that it is in.
    pub fn year(self) -> i16 {
        self.0.year()
    }

    /// For people: `2026年12月`.
    pub fn ja(self) -> String {
        format!("{}年{}月", self.0.year(), self.0.month())
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.strftime("%Y-%m"))
    }
}

impl fmt::Debug for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Month {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wrong_form = |error| match error {
            Invalid::Format(_) => Invalid::Format("2026-12"),
            other => other,
        };
        time::parse_date(&format!("{text}-01")).map(Self).map_err(wrong_form)
    }
}

text_conversions!(Month);

/// A fiscal year (年度), by the year in whose April it begins. Never "this" or "next" year: those change their meaning.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "i16", into = "i16")]
#[schema(value_type = u16, minimum = 2020, maximum = 2100, examples(2027))]
pub struct FiscalYear(i16);

impl FiscalYear {
    /// The first one that the hub knows.
    pub const FIRST: Self = Self(2020);

    /// That of a month, if the hub knows it.
    pub fn of(Month(first): Month) -> Option<Self> {
        let begun = if first.month() < 4 { first.year() - 1 } else { first.year() };
        Self::try_from(begun).ok()
    }

    /// The one after it, if the hub knows it.
    pub fn next(self) -> Option<Self> {
        Self::try_from(self.0 + 1).ok()
    }
}

impl TryFrom<i16> for FiscalYear {
    type Error = Invalid;

    fn try_from(year: i16) -> Result<Self, Invalid> {
        let known = (2020..=2100).contains(&year);
        known.then_some(Self(year)).ok_or(Invalid::OutOfRange(2020, 2100))
    }
}

impl From<FiscalYear> for i16 {
    fn from(FiscalYear(year): FiscalYear) -> Self {
        year
    }
}

impl FromStr for FiscalYear {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let digits = text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit());
        let year = digits.then(|| text.parse().ok()).flatten();
        year.ok_or(Invalid::OutOfRange(2020, 2100)).and_then(|year: i16| Self::try_from(year))
    }
}

impl TryFrom<String> for FiscalYear {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl fmt::Display for FiscalYear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for FiscalYear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_written_as_it_is_read() {
        assert_eq!("2026-12".parse::<Month>().unwrap().to_string(), "2026-12");
        assert_eq!("2026-12".parse::<Month>().unwrap().ja(), "2026年12月");
        for wrong in ["2026-13", "2026-1", "2026-12-01", "12-2026", ""] {
            assert_eq!(wrong.parse::<Month>(), Err(Invalid::Format("2026-12")), "{wrong}");
        }
        assert_eq!("2019-12".parse::<Month>(), Err(Invalid::NotOfThisAge));
    }

    #[test]
    fn a_fiscal_year_is_a_number_of_four_digits() {
        let year: FiscalYear = "2027".parse().unwrap();
        assert_eq!(serde_json::to_value(year.next().unwrap()).unwrap(), 2028);
        for wrong in ["27", "2019", "2101", "+202", "N", ""] {
            assert!(wrong.parse::<FiscalYear>().is_err(), "{wrong}");
        }
        assert!(serde_json::from_value::<FiscalYear>(2019.into()).is_err());
    }
}
