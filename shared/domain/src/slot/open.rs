//! How a nursery opens times: one, a copy of one, or a weekly pattern.

use std::collections::BTreeSet;

use deserr::Deserr;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Capacity, Slot};
use crate::{
    Timestamp,
    invalid::{InputErrors, Invalid},
    text, time,
};

/// When a copy of a slot starts (SLOT-03).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserr, ToSchema)]
#[deserr(error = InputErrors, deny_unknown_fields)]
pub struct CopySlot {
    /// When the copy starts; it lasts as long as the slot.
    pub starts_at: Timestamp,
}

impl CopySlot {
    /// The copy: as long, as large and with the same note.
    pub fn of(&self, slot: &Slot) -> Result<OpenSlot, InputErrors> {
        let copy = OpenSlot {
            starts_at: self.starts_at,
            ends_at: self.starts_at + slot.ends_at.since(slot.starts_at),
            capacity: slot.capacity,
            note: slot.note.clone(),
        };
        if copy.ends_at.date() != copy.starts_at.date() {
            return Err(InputErrors::one("/starts_at", Invalid::AcrossDays));
        }
        Ok(copy)
    }
}

/// A time that a nursery opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserr, ToSchema)]
#[deserr(error = InputErrors, deny_unknown_fields, validate = OpenSlot::check -> InputErrors)]
pub struct OpenSlot {
    /// When the visit starts.
    pub starts_at: Timestamp,
    /// When it ends; on the same day.
    pub ends_at: Timestamp,
    /// How many parties it takes.
    pub capacity: Capacity,
    /// A word to parents, shown before booking; up to 500 characters.
    #[deserr(default, try_from(Option<String>) = text::optional -> Invalid)]
    pub note: Option<Note>,
}

impl OpenSlot {
    fn check(self, _: deserr::ValuePointerRef<'_>) -> Result<Self, InputErrors> {
        if self.ends_at <= self.starts_at {
            return Err(InputErrors::one("/ends_at", Invalid::EndsBeforeStart));
        }
        if self.ends_at.date() != self.starts_at.date() {
            return Err(InputErrors::one("/ends_at", Invalid::AcrossDays));
        }
        Ok(self)
    }
}

crate::text::words!(
    /// A nursery's word about a slot, up to 500 characters.
    Note, 500
);

/// A weekly pattern of times over a range of dates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserr, ToSchema)]
#[deserr(error = InputErrors, deny_unknown_fields, validate = OpenSlots::check -> InputErrors)]
pub struct OpenSlots {
    /// The first day.
    #[deserr(try_from(String) = parse_date -> Invalid)]
    #[schema(value_type = String, format = Date)]
    pub from: Date,
    /// The last day, at most a year after the first.
    #[deserr(try_from(String) = parse_date -> Invalid)]
    #[schema(value_type = String, format = Date)]
    pub to: Date,
    /// On which days of the week.
    #[schema(min_items = 1)]
    pub weekdays: Vec<DayOfWeek>,
    /// At which times.
    #[schema(min_items = 1)]
    pub times: Vec<TimeOfDay>,
    /// How many parties each slot takes.
    pub capacity: Capacity,
    /// A word to parents, for each slot.
    #[deserr(default, try_from(Option<String>) = text::optional -> Invalid)]
    pub note: Option<Note>,
    /// Opens slots on national holidays too.
    #[deserr(default)]
    #[schema(default = false, required = false)]
    pub include_holidays: bool,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserr, ToSchema)]
#[serde(rename_all = "lowercase")]
#[deserr(error = InputErrors, rename_all = lowercase)]
#[allow(missing_docs, reason = "the names say it")]
pub enum DayOfWeek {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl DayOfWeek {
    /// The days of a week, in order.
    pub const ALL: [Self; 7] =
        [Self::Mon, Self::Tue, Self::Wed, Self::Thu, Self::Fri, Self::Sat, Self::Sun];
}

/// A span of local time on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserr, ToSchema)]
#[deserr(error = InputErrors, deny_unknown_fields, validate = TimeOfDay::check -> Invalid)]
pub struct TimeOfDay {
    /// `HH:MM`.
    #[deserr(try_from(String) = parse_time -> Invalid)]
    #[schema(value_type = String, examples("10:00"))]
    pub starts: jiff::civil::Time,
    /// `HH:MM`, after `starts`.
    #[deserr(try_from(String) = parse_time -> Invalid)]
    #[schema(value_type = String, examples("10:45"))]
    pub ends: jiff::civil::Time,
}

impl TimeOfDay {
    fn check(self, _: deserr::ValuePointerRef<'_>) -> Result<Self, Invalid> {
        if self.ends <= self.starts { Err(Invalid::EndsBeforeStart) } else { Ok(self) }
    }
}

fn parse_date(text: String) -> Result<Date, Invalid> {
    time::parse_date(&text)
}

fn parse_time(text: String) -> Result<jiff::civil::Time, Invalid> {
    let parsed = (text.len() == 5).then(|| text.parse().ok()).flatten();
    parsed.ok_or(Invalid::Format("10:45"))
}

/// A day on which the pattern opens nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Skipped {
    /// The day.
    #[schema(value_type = String, format = Date)]
    pub date: Date,
    /// Why.
    pub reason: SkipReason,
}

/// Why a day is skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// A national holiday.
    Holiday,
    /// The time has already come.
    Past,
    /// A slot starts at that time already.
    Exists,
}

impl OpenSlots {
    fn check(self, _: deserr::ValuePointerRef<'_>) -> Result<Self, InputErrors> {
        if self.to < self.from {
            return Err(InputErrors::one("/to", Invalid::EndsBeforeStart));
        }
        if (self.to - self.from).get_days() > 366 {
            return Err(InputErrors::one("/to", Invalid::OutOfRange(0, 366)));
        }
        if self.weekdays.is_empty() {
            return Err(InputErrors::one("/weekdays", Invalid::Missing));
        }
        if !(1..=20).contains(&self.times.len()) {
            return Err(InputErrors::one("/times", Invalid::OutOfRange(1, 20)));
        }
        let again = |nth: &usize| {
            self.times[..*nth].iter().any(|before| before.starts == self.times[*nth].starts)
        };
        if let Some(again) = (1..self.times.len()).find(again) {
            return Err(InputErrors::one(format!("/times/{again}"), Invalid::Repeated));
        }
        if !self.include_holidays && self.to.year() > time::LAST_YEAR_OF_HOLIDAYS {
            let unknown = Invalid::HolidaysUnknown(time::LAST_YEAR_OF_HOLIDAYS);
            return Err(InputErrors::one("/to", unknown));
        }
        Ok(self)
    }

    /// The slots that the pattern opens, and the days that it skips. At a time that is `taken` by a slot
    /// it opens no second one, so that a pattern may be extended by sending it again.
    pub fn plan(
        &self,
        now: Timestamp,
        taken: &BTreeSet<Timestamp>,
    ) -> (Vec<OpenSlot>, Vec<Skipped>) {
        let (mut open, mut skipped) = (Vec::new(), Vec::new());
        for date in time::days(self.from, self.to) {
            let weekday = date.weekday().to_monday_zero_offset();
            if !self.weekdays.iter().any(|day| *day as i8 == weekday) {
                continue;
            }
            if !self.include_holidays && time::is_holiday(date) {
                skipped.push(Skipped { date, reason: SkipReason::Holiday });
                continue;
            }
            let slots = self.times.iter().map(|times| OpenSlot {
                starts_at: Timestamp::at(date, times.starts),
                ends_at: Timestamp::at(date, times.ends),
                capacity: self.capacity,
                note: self.note.clone(),
            });
            let (future, past): (Vec<_>, Vec<_>) = slots.partition(|slot| slot.starts_at > now);
            if !past.is_empty() {
                skipped.push(Skipped { date, reason: SkipReason::Past });
            }
            let (exist, new): (Vec<_>, Vec<_>) =
                future.into_iter().partition(|slot| taken.contains(&slot.starts_at));
            if !exist.is_empty() {
                skipped.push(Skipped { date, reason: SkipReason::Exists });
            }
            open.extend(new);
        }
        (open, skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::slot, *};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn slot_03_a_copy_is_as_long_and_as_large() {
        let slot = slot(3);
        let copy = |to: &str| CopySlot { starts_at: at(to) }.of(&slot);
        let copied = copy("2026-12-17T14:00:00+09:00").unwrap();
        assert_eq!(copied.ends_at, at("2026-12-17T14:45:00+09:00"));
        assert_eq!(copied.capacity, slot.capacity);
        assert!(copy("2026-12-17T23:30:00+09:00").is_err());
    }

    #[test]
    fn a_weekly_pattern_skips_holidays_and_says_so() {
        let body = serde_json::json!({
            "from": "2026-12-01", "to": "2027-02-28", "weekdays": ["fri"],
            "times": [{"starts": "10:00", "ends": "10:45"}], "capacity": 3
        });
        let pattern: OpenSlots = deserr::deserialize::<_, _, InputErrors>(body).unwrap();
        let (open, skipped) = pattern.plan(at("2026-12-05T00:00:00+09:00"), &BTreeSet::new());
        assert_eq!(open.len(), 11);
        assert_eq!(open[0].starts_at.to_string(), "2026-12-11T10:00:00+09:00");
        assert_eq!(
            skipped,
            [
                Skipped { date: "2026-12-04".parse().unwrap(), reason: SkipReason::Past },
                Skipped { date: "2027-01-01".parse().unwrap(), reason: SkipReason::Holiday },
            ]
        );
        let taken = open.iter().map(|slot| slot.starts_at).collect();
        let (again, skipped) = pattern.plan(at("2026-12-05T00:00:00+09:00"), &taken);
        assert!(again.is_empty());
        assert_eq!(skipped.len(), 13);
    }

    #[test]
    fn a_pattern_that_cannot_be_is_refused_by_field() {
        let body = serde_json::json!({
            "from": "2026-12-01", "to": "2026-11-30", "weekdays": ["fri", "someday"],
            "times": [{"starts": "10:00", "ends": "09:45"}], "capacity": 51
        });
        let mut pointers: Vec<_> = deserr::deserialize::<OpenSlots, _, InputErrors>(body)
            .unwrap_err()
            .0
            .into_iter()
            .map(|error| error.pointer)
            .collect();
        pointers.sort();
        assert_eq!(pointers, ["/capacity", "/times/0", "/weekdays/1"]);
    }
}
