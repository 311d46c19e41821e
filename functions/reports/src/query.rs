//! What a report is asked with.

use std::str::FromStr;

use deserr::Deserr;
use domain::{
    Invalid, MunicipalityCode,
    invalid::{InputError, InputErrors},
};
use hub_http::{Problem, QueryParams, some_date};
use jiff::{ToSpan, civil::Date};
use utoipa::{IntoParams, ToSchema};

/// The longest span of a report: a year.
const DAYS_AT_MOST: i64 = 366;

/// How a report is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum Format {
    /// For programs.
    #[default]
    Json,
    /// For spreadsheets: UTF-8 with a byte order mark.
    Csv,
}

impl TryFrom<String> for Format {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl FromStr for Format {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "json" => Ok(Self::Json),
            "csv" => Ok(Self::Csv),
            _ => Err(Invalid::Format("json、csv")),
        }
    }
}

/// Which days and municipalities a report counts.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = InputErrors, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReportQuery {
    /// The first day; the first of the month eleven months before the last day where it is not said.
    #[deserr(default, try_from(String) = some_date -> Invalid)]
    #[param(value_type = Option<String>, format = Date)]
    from: Option<Date>,
    /// The last day, at most 366 days after the first; today where it is not said.
    #[deserr(default, try_from(String) = some_date -> Invalid)]
    #[param(value_type = Option<String>, format = Date)]
    to: Option<Date>,
    /// Of these municipalities; may be repeated. All that the caller may see where it is not said.
    #[deserr(default)]
    #[param(explode = true, required = false)]
    pub(crate) municipality: Vec<MunicipalityCode>,
    /// `json` or `csv`.
    #[deserr(default, try_from(String) = Format::try_from -> Invalid)]
    #[param(inline, value_type = Option<Format>)]
    pub(crate) format: Format,
}

impl QueryParams for ReportQuery {
    const LISTS: &'static [&'static str] = &["municipality"];
}

impl ReportQuery {
    /// The first and the last day that are counted.
    pub(crate) fn days(&self, today: Date) -> Result<(Date, Date), Problem> {
        let to = self.to.unwrap_or(today);
        let a_year = || to.first_of_month().saturating_sub(11.months());
        let from = self.from.unwrap_or_else(a_year);
        if to < from {
            return Err(Problem::input("/to", Invalid::EndsBeforeStart));
        }
        if i64::from((to - from).get_days()) > DAYS_AT_MOST {
            return Err(Problem::input("/to", Invalid::OutOfRange(0, DAYS_AT_MOST)));
        }
        Ok((from, to))
    }

    /// That no days are named, for a report that tells of now.
    pub(crate) fn without_days(&self) -> Result<(), Problem> {
        let named = [("/from", self.from), ("/to", self.to)].into_iter();
        let wrong: Vec<_> = named
            .filter(|(_, day)| day.is_some())
            .map(|(pointer, _)| InputError {
                pointer: pointer.into(),
                invalid: Invalid::UnknownField,
            })
            .collect();
        if wrong.is_empty() { Ok(()) } else { Err(InputErrors(wrong).into()) }
    }
}

/// Which municipalities the dashboard shows.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = InputErrors, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DashboardQuery {
    /// Of these municipalities; may be repeated. All that the caller may see where it is not said.
    #[deserr(default)]
    #[param(explode = true, required = false)]
    pub(crate) municipality: Vec<MunicipalityCode>,
}

impl QueryParams for DashboardQuery {
    const LISTS: &'static [&'static str] = &["municipality"];
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(from: Option<&str>, to: Option<&str>) -> Result<(String, String), Problem> {
        let day = |text: Option<&str>| text.map(|text| text.parse().unwrap());
        let (municipality, format) = (Vec::new(), Format::Json);
        let query = ReportQuery { from: day(from), to: day(to), municipality, format };
        let (from, to) = query.days("2026-12-10".parse().unwrap())?;
        Ok((from.to_string(), to.to_string()))
    }

    #[test]
    fn a_year_is_counted_where_no_days_are_said_and_no_more_than_a_year() {
        let span = |from: &str, to: &str| Ok((from.to_owned(), to.to_owned()));
        assert_eq!(days(None, None), span("2026-01-01", "2026-12-10"));
        assert_eq!(days(Some("2026-12-10"), None), span("2026-12-10", "2026-12-10"));
        assert_eq!(days(None, Some("2026-03-31")), span("2025-04-01", "2026-03-31"));
        let (first, last) = ("2024-03-01", "2025-03-02");
        assert_eq!(days(Some(first), Some(last)), span(first, last));
        let wrong = |from: &str, to: &str| days(Some(from), Some(to)).unwrap_err();
        let too_long = Problem::input("/to", Invalid::OutOfRange(0, 366));
        assert_eq!(wrong("2024-03-01", "2025-03-03"), too_long);
        let backwards = Problem::input("/to", Invalid::EndsBeforeStart);
        assert_eq!(wrong("2026-12-11", "2026-12-10"), backwards);
    }
}
