//! Days, months and fiscal years, as people and spreadsheets write them.

use super::{Format, text::plain};
use crate::{
    Invalid,
    calendar::{Day, FiscalYear, Month},
};

/// The numbers of a date: `2026/12/1`, `2026年12月1日`, `令和8年12月`, `R8.12.1`, `20261201`, `2026年度`.
fn numbers(cell: &str) -> Option<Vec<u16>> {
    let cell = plain(cell);
    let (era, rest) = match cell.strip_prefix("令和").or(cell.strip_prefix('R')) {
        Some(rest) => (2018, rest),
        None => (0, cell.as_str()),
    };
    let rest = rest.trim_end_matches(['日', '月', '度', '年']);
    let digits = rest.bytes().all(|b| b.is_ascii_digit());
    let written = match (era, rest.len()) {
        (0, 6 | 8) if digits => {
            let (year, rest) = rest.split_at(4);
            let (month, day) = rest.split_at(2);
            [year, month, day].join("-").trim_end_matches('-').to_owned()
        }
        _ => rest.replace(['年', '月', '/', '.'], "-"),
    };
    let number = |part: &str| {
        let digits = part.bytes().all(|b| b.is_ascii_digit());
        (digits && part.len() <= 4).then(|| part.parse().ok()).flatten()
    };
    let mut numbers: Vec<u16> = written.split('-').map(number).collect::<Option<_>>()?;
    numbers[0] += era;
    Some(numbers)
}

impl Format for Day {
    type Value = Self;

    fn read(cell: &str) -> Result<Self, Invalid> {
        match numbers(cell).as_deref() {
            Some([year, month, day]) => format!("{year:04}-{month:02}-{day:02}").parse(),
            _ => Err(Invalid::Format("2026-12-01")),
        }
    }

    fn write(value: &Self) -> String {
        value.to_string()
    }
}

impl Format for Month {
    type Value = Self;

    /// Spreadsheets make the first day of it.
    fn read(cell: &str) -> Result<Self, Invalid> {
        match numbers(cell).as_deref() {
            Some([year, month] | [year, month, 1]) => format!("{year:04}-{month:02}").parse(),
            _ => Err(Invalid::Format("2026-12")),
        }
    }

    fn write(value: &Self) -> String {
        value.to_string()
    }
}

impl Format for FiscalYear {
    type Value = Self;
    const TYPE: &'static str = "integer";

    fn read(cell: &str) -> Result<Self, Invalid> {
        match numbers(cell).as_deref() {
            Some([year]) => year.to_string().parse(),
            _ => Err(Invalid::OutOfRange(2020, 2100)),
        }
    }

    fn write(value: &Self) -> String {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_months_and_years_are_read_as_people_write_them() {
        for day in [
            "2026-12-01",
            "2026/12/1",
            "２０２６年１２月１日",
            "令和8年12月1日",
            "R8.12.1",
            "20261201",
        ] {
            assert_eq!(Day::read(day).unwrap().to_string(), "2026-12-01", "{day}");
        }
        for month in ["2026-12", "2026/12/01", "2026年12月", "令和８年 12月", "R8.12", "202612"]
        {
            assert_eq!(Month::read(month).unwrap().to_string(), "2026-12", "{month}");
        }
        for year in ["2027", "2027年度", "令和9年度", "Ｒ９"] {
            assert_eq!(FiscalYear::read(year).unwrap().to_string(), "2027", "{year}");
        }
        for wrong in ["", "2026", "2026-13-01", "26-12-01", "2026-12", "12/1", "R", "2026-12-1a"] {
            assert!(Day::read(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "2026", "2026-00", "2026-12-02", "Dec-26"] {
            assert!(Month::read(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "N", "N+1", "27", "2026-12", "-2027"] {
            assert!(FiscalYear::read(wrong).is_err(), "{wrong}");
        }
    }
}
