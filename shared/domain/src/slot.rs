//! A time at which a nursery takes visitors.

use std::collections::BTreeSet;

use deserr::Deserr;
use jiff::{SignedDuration, civil::Date};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    FacilityId, Instant, MunicipalityCode, Refusal, ReservationNumber, Settings, SlotId,
    SlotNumber,
    invalid::{InputErrors, Invalid, within},
    time,
};

/// How many parties a slot takes (SLOT-07): 1 to 50.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Deserr, ToSchema,
)]
#[deserr(error = InputErrors, try_from(i64) = Capacity::new -> Invalid)]
#[schema(value_type = u8, minimum = 1, maximum = 50)]
pub struct Capacity(u8);

impl Capacity {
    /// A capacity from 1 to 50.
    pub fn new(parties: i64) -> Result<Self, Invalid> {
        within::<1, 50, u8>(parties).map(Self)
    }

    /// The number of parties.
    pub fn get(self) -> u8 {
        self.0
    }
}

/// A bookable time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// The hub's id.
    pub slot_id: SlotId,
    /// The number that people use (SLOT-04).
    pub slot_number: SlotNumber,
    /// Whose slot it is.
    pub facility_id: FacilityId,
    /// Where the facility is.
    pub municipality_code: MunicipalityCode,
    /// When the visit starts.
    pub starts_at: Instant,
    /// When it ends.
    pub ends_at: Instant,
    /// How many parties it takes.
    pub capacity: Capacity,
    /// A word of the nursery, shown before booking (SLOT-13).
    pub note: Option<Note>,
    /// Takes no more requests; those it has remain.
    pub disabled: bool,
    /// The reservations that hold a place. A set, so that no place is taken or given back twice.
    pub holding: BTreeSet<ReservationNumber>,
    /// The reservations that held a place once.
    pub released: BTreeSet<ReservationNumber>,
}

/// What a slot is to a parent who looks at it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SlotStatus {
    /// Takes requests.
    Open,
    /// Every place is held.
    Full,
    /// The nursery closed it.
    Disabled,
    /// It has begun.
    Past,
}

impl Slot {
    /// Places that are free (SLOT-05).
    pub fn remaining(&self) -> u8 {
        let held = u8::try_from(self.holding.len()).unwrap_or(u8::MAX);
        self.capacity.get().saturating_sub(held)
    }

    /// What it is to somebody who looks at it now.
    pub fn status(&self, now: Instant) -> SlotStatus {
        if self.starts_at <= now {
            SlotStatus::Past
        } else if self.disabled {
            SlotStatus::Disabled
        } else if self.remaining() == 0 {
            SlotStatus::Full
        } else {
            SlotStatus::Open
        }
    }

    /// Whether a parent may ask for this slot now.
    ///
    /// The nursery's window counts from the start of the visit: opening by whole days, closing by
    /// hours.
    pub fn may_be_requested(&self, settings: &Settings, now: Instant) -> Result<(), Refusal> {
        match self.status(now) {
            SlotStatus::Past => return Err(Refusal::SlotPast),
            SlotStatus::Disabled => return Err(Refusal::SlotDisabled),
            SlotStatus::Full => return Err(Refusal::SlotFull),
            SlotStatus::Open => {}
        }
        let hours = |hours: i64| SignedDuration::from_hours(hours);
        if now > self.starts_at - hours(settings.booking_closes_hours_before.into()) {
            return Err(Refusal::TooLate);
        }
        if now < self.starts_at - hours(24 * i64::from(settings.booking_opens_days_before)) {
            return Err(Refusal::TooEarly);
        }
        Ok(())
    }
}

/// A time that a nursery opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserr, ToSchema)]
#[deserr(error = InputErrors, deny_unknown_fields, validate = OpenSlot::check -> InputErrors)]
pub struct OpenSlot {
    /// When the visit starts.
    pub starts_at: Instant,
    /// When it ends; on the same day.
    pub ends_at: Instant,
    /// How many parties it takes.
    pub capacity: Capacity,
    /// A word to parents, shown before booking; up to 500 characters.
    #[deserr(default)]
    pub note: Option<Note>,
}

impl OpenSlot {
    fn check(self, _: deserr::ValuePointerRef<'_>) -> Result<Self, InputErrors> {
        if self.ends_at <= self.starts_at {
            return Err(InputErrors::one("/ends_at", Invalid::EndsBeforeStart));
        }
        if self.ends_at.date() != self.starts_at.date() {
            return Err(InputErrors::one("/ends_at", Invalid::Format("on the day of starts_at")));
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
    #[deserr(default)]
    pub note: Option<Note>,
    /// Opens slots on national holidays too.
    #[deserr(default)]
    #[schema(default = false)]
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
    parsed.ok_or(Invalid::Format("HH:MM"))
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
        Ok(self)
    }

    /// The slots that the pattern opens, and the days that it skips.
    pub fn plan(&self, now: Instant) -> (Vec<OpenSlot>, Vec<Skipped>) {
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
                starts_at: Instant::at(date, times.starts),
                ends_at: Instant::at(date, times.ends),
                capacity: self.capacity,
                note: self.note.clone(),
            });
            let (future, past): (Vec<_>, Vec<_>) = slots.partition(|slot| slot.starts_at > now);
            if !past.is_empty() {
                skipped.push(Skipped { date, reason: SkipReason::Past });
            }
            open.extend(future);
        }
        (open, skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    fn slot(capacity: i64) -> Slot {
        Slot {
            slot_id: "slt_0wx4n07k3m9qxd".parse().unwrap(),
            slot_number: SlotNumber::nth(1),
            facility_id: "fac_7k3m9qxd2abc".parse().unwrap(),
            municipality_code: "131199".parse().unwrap(),
            starts_at: at("2026-12-10T10:00:00+09:00"),
            ends_at: at("2026-12-10T10:45:00+09:00"),
            capacity: Capacity::new(capacity).unwrap(),
            note: None,
            disabled: false,
            holding: BTreeSet::new(),
            released: BTreeSet::new(),
        }
    }

    #[test]
    fn a_slot_is_requested_within_the_window_of_the_facility() {
        let settings = Settings::default();
        let may = |now: &str| slot(1).may_be_requested(&settings, at(now));
        assert_eq!(may("2026-12-09T10:00:00+09:00"), Ok(()));
        assert_eq!(may("2026-12-09T10:00:01+09:00"), Err(Refusal::TooLate));
        assert_eq!(may("2026-12-10T10:00:00+09:00"), Err(Refusal::SlotPast));
        assert_eq!(may("2026-09-11T10:00:00+09:00"), Ok(()));
        assert_eq!(may("2026-09-11T09:59:59+09:00"), Err(Refusal::TooEarly));
    }

    #[test]
    fn a_full_or_disabled_slot_is_refused_by_its_own_name() {
        let now = at("2026-12-01T10:00:00+09:00");
        let mut full = slot(1);
        full.holding.insert("R-7K3M-9QXD".parse().unwrap());
        assert_eq!(full.remaining(), 0);
        assert_eq!(full.may_be_requested(&Settings::default(), now), Err(Refusal::SlotFull));
        full.disabled = true;
        assert_eq!(full.may_be_requested(&Settings::default(), now), Err(Refusal::SlotDisabled));
    }

    #[test]
    fn a_capacity_is_one_to_fifty() {
        assert!(
            Capacity::new(0).is_err() && Capacity::new(51).is_err() && Capacity::new(-1).is_err()
        );
        assert_eq!(Capacity::new(50).unwrap().get(), 50);
    }

    #[test]
    fn a_weekly_pattern_skips_holidays_and_says_so() {
        let body = serde_json::json!({
            "from": "2026-12-01", "to": "2027-02-28", "weekdays": ["fri"],
            "times": [{"starts": "10:00", "ends": "10:45"}], "capacity": 3
        });
        let pattern: OpenSlots = deserr::deserialize::<_, _, InputErrors>(body).unwrap();
        let (open, skipped) = pattern.plan(at("2026-12-05T00:00:00+09:00"));
        assert_eq!(open.len(), 11);
        assert_eq!(open[0].starts_at.to_string(), "2026-12-11T10:00:00+09:00");
        assert_eq!(
            skipped,
            [
                Skipped { date: "2026-12-04".parse().unwrap(), reason: SkipReason::Past },
                Skipped { date: "2027-01-01".parse().unwrap(), reason: SkipReason::Holiday },
            ]
        );
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
