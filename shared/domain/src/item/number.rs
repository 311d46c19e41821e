//! Items that are numbers, and what people write around a number.

use super::{Format, text::plain};
use crate::Invalid;

/// Children or places: 0 to 9,999.
#[derive(Debug)]
pub struct Count;

impl Format for Count {
    type Value = u32;
    const REWRITES: bool = true;
    const TYPE: &'static str = "integer";

    fn read(cell: &str) -> Result<u32, Invalid> {
        let cell = plain(cell).replace(',', "");
        let number = cell.trim_end_matches(['人', '名', '台']);
        match number.parse() {
            Ok(count @ 0..=9999) if !number.starts_with('+') => Ok(count),
            _ => Err(Invalid::OutOfRange(0, 9999)),
        }
    }

    fn write(value: &u32) -> String {
        value.to_string()
    }
}

/// Children, of whom few are not told: a dash stands in their place, lest somebody be known by the number. 0 is told.
#[derive(Debug)]
pub struct FewCount;

impl Format for FewCount {
    type Value = u32;
    const TYPE: &'static str = Count::TYPE;

    fn is_unstated(cell: &str) -> bool {
        matches!(plain(cell).as_str(), "-" | "ー" | "*" | "x" | "X" | "…")
    }

    fn read(cell: &str) -> Result<u32, Invalid> {
        Count::read(cell)
    }

    fn write(value: &u32) -> String {
        Count::write(value)
    }
}

/// Staff, of whom some lists count parts: 0 to 9,999 with up to two decimals.
#[derive(Debug)]
pub struct Staff;

impl Format for Staff {
    type Value = f64;
    const REWRITES: bool = true;
    const TYPE: &'static str = "number";

    fn read(cell: &str) -> Result<f64, Invalid> {
        let cell = plain(cell).replace(',', "");
        let number = cell.trim_end_matches(['人', '名']);
        let digits = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        match number.parse::<f64>() {
            Ok(staff) if digits && staff <= 9999.0 => Ok((staff * 100.0).round() / 100.0),
            _ => Err(Invalid::OutOfRange(0, 9999)),
        }
    }

    fn write(value: &f64) -> String {
        value.to_string()
    }
}

/// Minutes on foot: 0 to 240. `徒歩10分`, `バス停から5分` and `3分` are read.
#[derive(Debug)]
pub struct Minutes;

impl Format for Minutes {
    type Value = u32;
    const REWRITES: bool = true;
    const TYPE: &'static str = "integer";

    fn read(cell: &str) -> Result<u32, Invalid> {
        const FORM: Invalid = Invalid::Format("徒歩10分、10");
        let cell = plain(cell);
        let mut numbers = cell.split(|c: char| !c.is_ascii_digit()).filter(|n| !n.is_empty());
        let (Some(number), None) = (numbers.next(), numbers.next()) else { return Err(FORM) };
        // A distance, an hour, or something less than nothing is no number of minutes.
        let rest: String = cell.chars().filter(|c| !c.is_ascii_digit()).collect();
        if ["m", "M", "時", "-", ".", "秒"].iter().any(|other| rest.contains(other)) {
            return Err(FORM);
        }
        number.parse().ok().filter(|minutes| *minutes <= 240).ok_or(Invalid::OutOfRange(0, 240))
    }

    fn write(value: &u32) -> String {
        value.to_string()
    }
}

/// An amount in yen, 0 to 9,999,999.
#[derive(Debug)]
pub struct Yen;

impl Yen {
    /// The amount that a text says, if it says one and nothing else.
    pub fn of_text(text: &str) -> Option<u32> {
        Self::read(text).ok()
    }
}

impl Format for Yen {
    type Value = u32;
    const REWRITES: bool = true;
    const TYPE: &'static str = "integer";

    fn read(cell: &str) -> Result<u32, Invalid> {
        let cell = plain(cell).replace(',', "");
        let number =
            cell.trim_start_matches(['月', '額', '約', '¥']).trim_end_matches(['円', '也']);
        match number.parse() {
            Ok(yen @ 0..=9_999_999) if !number.starts_with('+') => Ok(yen),
            _ => Err(Invalid::OutOfRange(0, 9_999_999)),
        }
    }

    fn write(value: &u32) -> String {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_stated_and_none_are_not_mixed() {
        assert_eq!(Count::read("0"), Ok(0));
        assert_eq!(Count::read("１０３人"), Ok(103));
        for wrong in ["", "-1", "+1", "4294967295", "10000", "1.5", "約10"] {
            assert!(Count::read(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Count::from_json(json!(12)), Ok(12));
        assert_eq!(Count::from_json(json!(10000)), Err(Invalid::OutOfRange(0, 9999)));
        assert_eq!(Count::from_json(json!(-1)), Err(Invalid::WrongType("integer")));
    }

    #[test]
    fn staff_are_counted_in_parts() {
        assert_eq!(Staff::read("12.5"), Ok(12.5));
        assert_eq!(Staff::write(&12.0), "12");
        for wrong in ["NaN", "inf", "1e3", "-1", ""] {
            assert!(Staff::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn minutes_are_read_as_people_write_them() {
        for (text, minutes) in
            [("3分", 3), ("徒歩10分", 10), ("バス停５分", 5), ("徒歩約 7 分", 7), ("12", 12)]
        {
            assert_eq!(Minutes::read(text), Ok(minutes), "{text}");
        }
        for wrong in ["5〜7分", "1時間", "徒歩", "", "300分", "500m", "-5"] {
            assert!(Minutes::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn amount_is_taken_from_a_text_that_says_nothing_else() {
        assert_eq!(Yen::of_text("月額１，５００円"), Some(1500));
        assert_eq!(Yen::of_text("主食費 1,500円、延長 500円"), None);
    }
}
