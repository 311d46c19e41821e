//! Times of the day and days of the week.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Format, text::plain};
use crate::Invalid;

/// A time of the day, in minutes since midnight: up to 24:00, which ends it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, examples("07:15"))]
pub struct LocalTime(u16);

impl LocalTime {
    /// Minutes since midnight, up to 1,440.
    pub fn minutes(self) -> u16 {
        self.0
    }

    fn of(hour: u16, minute: u16) -> Option<Self> {
        let valid = minute < 60 && (hour < 24 || (hour, minute) == (24, 0));
        valid.then_some(Self(hour * 60 + minute))
    }
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl FromStr for LocalTime {
    type Err = Invalid;

    /// Any usual writing: `7:00`, `07:00:00`, `７時半`, `7時15分`, `午後6時`, `0715`.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        const FORM: Invalid = Invalid::Format("07:15");
        let text = plain(text);
        let (noon, text) = match text.strip_prefix("午後").or(text.strip_prefix("PM")) {
            Some(rest) => (12, rest),
            None => (0, text.strip_prefix("午前").or(text.strip_prefix("AM")).unwrap_or(&text)),
        };
        let text = text.replace("時半", "時30分").replace('時', ":").replace('分', "");
        let mut parts = text.split(':');
        let number = |part: Option<&str>| {
            let part = part.filter(|part| (1..=2).contains(&part.len()))?;
            part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok()).flatten()
        };
        let read = match (text.len(), text.contains(':')) {
            (4, false) => Some((number(text.get(..2)), number(text.get(2..)))),
            (_, true) => {
                let (hour, minute) = (number(parts.next()), parts.next());
                let minute = if minute == Some("") { Some(0) } else { number(minute) };
                let seconds = parts.next();
                (seconds.is_none_or(|s| s == "00") && parts.next().is_none())
                    .then_some((hour, minute))
            }
            _ => None,
        };
        let Some((Some(hour), Some(minute))) = read else { return Err(FORM) };
        if noon > 0 && hour > 12 {
            return Err(FORM);
        }
        let hour = if noon > 0 { noon + hour % 12 } else { hour };
        Self::of(hour, minute).ok_or(FORM)
    }
}

crate::text::text_conversions!(LocalTime);

/// When something opens. Of a span such as `18:01～20:00` in its cell, the beginning counts.
#[derive(Debug)]
pub struct Opens;

/// When something closes. Of a span in its cell, the end counts.
#[derive(Debug)]
pub struct Closes;

/// The two ends of a span; of a single time, twice that.
fn ends(cell: &str) -> (String, String) {
    let cell = plain(cell);
    let mut parts = cell.split(['~', '〜', '～', '-']).map(str::to_owned);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(from), Some(to), None) => (from, to),
        _ => (cell.clone(), cell),
    }
}

impl Format for Opens {
    type Value = LocalTime;
    const REWRITES: bool = true;

    fn read(cell: &str) -> Result<LocalTime, Invalid> {
        ends(cell).0.parse()
    }

    fn write(value: &LocalTime) -> String {
        value.to_string()
    }
}

impl Format for Closes {
    type Value = LocalTime;
    const REWRITES: bool = true;

    fn read(cell: &str) -> Result<LocalTime, Invalid> {
        ends(cell).1.parse()
    }

    fn write(value: &LocalTime) -> String {
        value.to_string()
    }
}

/// A day on which a nursery is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum OpenDay {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
    /// A national holiday.
    Holiday,
}

const DAYS: [(OpenDay, char); 8] = [
    (OpenDay::Mon, '月'),
    (OpenDay::Tue, '火'),
    (OpenDay::Wed, '水'),
    (OpenDay::Thu, '木'),
    (OpenDay::Fri, '金'),
    (OpenDay::Sat, '土'),
    (OpenDay::Sun, '日'),
    (OpenDay::Holiday, '祝'),
];

/// The days on which a nursery is open: `月火水木金土`, `月～土`, `月曜日から金曜日`, `平日`.
#[derive(Debug)]
pub struct OpenDays;

impl Format for OpenDays {
    type Value = Vec<OpenDay>;
    const REWRITES: bool = true;
    const TYPE: &'static str = "array";
    const CODES: &'static [(&'static str, &'static str)] = &[
        ("mon", "月"),
        ("tue", "火"),
        ("wed", "水"),
        ("thu", "木"),
        ("fri", "金"),
        ("sat", "土"),
        ("sun", "日"),
        ("holiday", "祝"),
    ];

    fn read(cell: &str) -> Result<Vec<OpenDay>, Invalid> {
        const FORM: Invalid = Invalid::Format("月火水木金土");
        let text = plain(cell)
            .replace("平日", "月~金")
            .replace("祝日", "祝")
            .replace("曜日", "")
            .replace("曜", "")
            .replace("から", "~");
        let (mut days, mut last, mut span) = (Vec::new(), None, false);
        for c in text.chars() {
            if let Some(place) = DAYS.iter().position(|(_, day)| *day == c) {
                let first = match last {
                    Some(last) if span && last < place => last + 1,
                    _ if span => return Err(FORM),
                    _ => place,
                };
                days.extend((first..=place).map(|place| DAYS[place].0));
                (last, span) = (Some(place), false);
            } else if "~〜～-".contains(c) && last.is_some() {
                span = true;
            } else if !"・、,，/".contains(c) {
                return Err(FORM);
            }
        }
        days.sort();
        days.dedup();
        if span || days.is_empty() { Err(FORM) } else { Ok(days) }
    }

    fn write(value: &Vec<OpenDay>) -> String {
        let name = |day: &OpenDay| DAYS.iter().find(|(of, _)| of == day).map(|(_, name)| *name);
        value.iter().filter_map(name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_people_write_it() {
        for (text, time) in [
            ("7:00", "07:00"),
            ("０７：１５", "07:15"),
            ("7時半", "07:30"),
            ("18時", "18:00"),
            ("午後6時15分", "18:15"),
            ("午後12時", "12:00"),
            ("午前0時", "00:00"),
            ("0715", "07:15"),
            ("07:15:00", "07:15"),
            ("24:00", "24:00"),
        ] {
            assert_eq!(text.parse::<LocalTime>().unwrap().to_string(), time, "{text}");
        }
        for wrong in
            ["24:01", "25:00", "7:60", "", "7", "7:0:30", "午後13時", "715", "-7:00", "7:+1"]
        {
            assert!(wrong.parse::<LocalTime>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_end_of_a_span_is_taken() {
        assert_eq!(Closes::read("18:01～20:00").unwrap().to_string(), "20:00");
        assert_eq!(Opens::read("18:01～20:00").unwrap().to_string(), "18:01");
        assert_eq!(Closes::read("20:00").unwrap().to_string(), "20:00");
    }

    #[test]
    fn each_day_has_its_code_and_its_label() {
        let of = |(day, name): (OpenDay, char)| {
            (serde_json::to_value(day).unwrap().as_str().unwrap().to_owned(), name.to_string())
        };
        let codes =
            OpenDays::CODES.iter().map(|(code, label)| (code.to_string(), label.to_string()));
        assert!(codes.eq(DAYS.map(of)));
    }

    #[test]
    fn days_are_read_alone_and_in_spans() {
        let read = |text| OpenDays::write(&OpenDays::read(text).unwrap());
        for text in ["月火水木金土", "月～土", "月曜日から土曜日", "平日、土", "土・月-金"]
        {
            assert_eq!(read(text), "月火水木金土", "{text}");
        }
        assert_eq!(read("月～日・祝日"), "月火水木金土日祝");
        for wrong in ["", "毎日", "土～月", "月～", "～月"] {
            assert!(OpenDays::read(wrong).is_err(), "{wrong}");
        }
    }
}
