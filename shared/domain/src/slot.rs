//! A time at which a nursery takes visitors.

use std::collections::BTreeSet;

use deserr::Deserr;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    FacilityId, Instant, MunicipalityCode, Refusal, ReservationNumber, Settings, SlotId,
    SlotNumber, Status,
    applicant::FamilyMark,
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
    /// Requests that wait for an answer without holding a place.
    pub asking: BTreeSet<ReservationNumber>,
    /// The waiting list, in its order: since when each waits.
    pub waiting: BTreeSet<(Instant, ReservationNumber)>,
    /// The reservations that are over without a place.
    pub released: BTreeSet<ReservationNumber>,
    /// The families of those that are not over.
    pub families: BTreeSet<(FamilyMark, ReservationNumber)>,
    /// Counts the changes that staff made; reservations leave it as it is.
    pub version: u32,
}

/// What a reservation takes of its slot: in which of the slot's sets it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// One of its places.
    Holding,
    /// None, while the nursery decides.
    Asking,
    /// None, until one comes free.
    Waiting,
    /// None any more.
    Released,
}

/// A waiting list has this many families at most: who comes later has no prospect.
const WAITING_AT_MOST: usize = 20;

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
        if self.starts_at <= now { SlotStatus::Past } else { self.status_until_start() }
    }

    /// What it is until it begins.
    pub(crate) fn status_until_start(&self) -> SlotStatus {
        if self.disabled {
            SlotStatus::Disabled
        } else if self.remaining() == 0 || !self.waiting.is_empty() {
            // A place that came free belongs to those who wait.
            SlotStatus::Full
        } else {
            SlotStatus::Open
        }
    }

    /// Whether a parent may ask for this slot now, and the state in which the request begins: `pending`,
    /// or `waiting` if the slot is full and the parent would wait.
    ///
    /// The nursery's window counts from the start of the visit: opening by whole days, closing by
    /// hours.
    pub fn may_be_requested(
        &self,
        settings: &Settings,
        would_wait: bool,
        now: Instant,
    ) -> Result<Status, Refusal> {
        if settings.external_booking_url.is_some() {
            return Err(Refusal::BookingClosed);
        }
        let status = self.may_be_booked(now);
        let status = match status {
            Err(Refusal::SlotFull) if would_wait && self.may_be_waited_for(settings) => {
                Status::Waiting
            }
            other => other?,
        };
        if now > settings.booking_closes(self.starts_at) {
            return Err(Refusal::TooLate);
        }
        if now < settings.booking_opens(self.starts_at) {
            return Err(Refusal::TooEarly);
        }
        Ok(status)
    }

    /// Whether the nursery may enter a booking by telephone: it keeps no deadlines of its own (RSV-06).
    pub fn may_be_booked(&self, now: Instant) -> Result<Status, Refusal> {
        match self.status(now) {
            SlotStatus::Past => Err(Refusal::SlotPast),
            SlotStatus::Disabled => Err(Refusal::SlotDisabled),
            SlotStatus::Full => Err(Refusal::SlotFull),
            SlotStatus::Open => Ok(Status::Pending),
        }
    }

    fn may_be_waited_for(&self, settings: &Settings) -> bool {
        settings.waiting_list && self.waiting.len() < WAITING_AT_MOST
    }

    /// Who is to be offered the place that is free now.
    pub fn next_waiting(&self, now: Instant) -> Option<&ReservationNumber> {
        let free = !self.disabled && self.starts_at > now && self.remaining() > 0;
        self.waiting.first().filter(|_| free).map(|(_, number)| number)
    }

    /// Every reservation that it has or had.
    pub fn reservations(&self) -> BTreeSet<&ReservationNumber> {
        let waiting = self.waiting.iter().map(|(_, number)| number);
        self.holding.iter().chain(&self.asking).chain(waiting).chain(&self.released).collect()
    }

    /// Whether a request of this family that is not over is among its reservations.
    pub fn has_family(&self, families: &[FamilyMark]) -> bool {
        self.families.iter().any(|(mark, _)| families.contains(mark))
    }

    /// The slot as staff change it.
    pub fn changed(&self, change: &ChangeSlot) -> Result<Self, Refusal> {
        if usize::from(change.capacity.get()) < self.holding.len() {
            return Err(Refusal::CapacityBelowTaken);
        }
        Ok(Self {
            capacity: change.capacity,
            note: change.note.clone(),
            disabled: change.disabled.unwrap_or(self.disabled),
            ..self.clone()
        })
    }
}

/// What staff may change of a slot. Its time stays: a slot at another time is a copy, and this one is
/// disabled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserr, ToSchema)]
#[deserr(error = InputErrors, deny_unknown_fields)]
pub struct ChangeSlot {
    /// How many parties it takes; not below the places that are held.
    pub capacity: Capacity,
    /// A word to parents, shown before booking; up to 500 characters.
    #[deserr(default)]
    pub note: Option<Note>,
    /// Whether it is closed; left as it is where it is not said.
    #[deserr(default)]
    pub disabled: Option<bool>,
    /// When the visit starts, as it is.
    #[deserr(default)]
    pub starts_at: Option<Instant>,
    /// When it ends, as it is.
    #[deserr(default)]
    pub ends_at: Option<Instant>,
}

impl ChangeSlot {
    /// Whether it leaves the time as it is.
    pub fn keeps_time(&self, slot: &Slot) -> Result<(), InputErrors> {
        let moved = |told: Option<Instant>, is: Instant| told.is_some_and(|told| told != is);
        let wrong = |pointer: &str| InputErrors::one(pointer, Invalid::Format("as it is"));
        if moved(self.starts_at, slot.starts_at) {
            Err(wrong("/starts_at"))
        } else if moved(self.ends_at, slot.ends_at) {
            Err(wrong("/ends_at"))
        } else {
            Ok(())
        }
    }
}

/// When a copy of a slot starts (SLOT-03).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserr, ToSchema)]
#[deserr(error = InputErrors, deny_unknown_fields)]
pub struct CopySlot {
    /// When the copy starts; it lasts as long as the slot.
    pub starts_at: Instant,
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
            return Err(InputErrors::one("/starts_at", Invalid::Format("a time on one day")));
        }
        Ok(copy)
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
        Ok(self)
    }

    /// The slots that the pattern opens, and the days that it skips. At a time that is `taken` by a slot
    /// it opens no second one, so that a pattern may be extended by sending it again.
    pub fn plan(&self, now: Instant, taken: &BTreeSet<Instant>) -> (Vec<OpenSlot>, Vec<Skipped>) {
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
pub(crate) mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    pub(crate) fn slot(capacity: i64) -> Slot {
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
            asking: BTreeSet::new(),
            waiting: BTreeSet::new(),
            released: BTreeSet::new(),
            families: BTreeSet::new(),
            version: 1,
        }
    }

    #[test]
    fn a_slot_is_requested_within_the_window_of_the_facility() {
        let settings = Settings::default();
        let may = |now: &str| slot(1).may_be_requested(&settings, false, at(now));
        let allowed = Ok(Status::Pending);
        assert_eq!(may("2026-12-09T10:00:00+09:00"), allowed);
        assert_eq!(may("2026-12-09T10:00:01+09:00"), Err(Refusal::TooLate));
        assert_eq!(may("2026-12-10T10:00:00+09:00"), Err(Refusal::SlotPast));
        assert_eq!(may("2026-09-11T10:00:00+09:00"), allowed);
        assert_eq!(may("2026-09-11T09:59:59+09:00"), Err(Refusal::TooEarly));
    }

    #[test]
    fn a_full_or_disabled_slot_is_refused_by_its_own_name() {
        let now = at("2026-12-01T10:00:00+09:00");
        let mut full = slot(1);
        full.holding.insert("R-7K3M-9QXD".parse().unwrap());
        assert_eq!(full.remaining(), 0);
        let may =
            |slot: &Slot, would_wait| slot.may_be_requested(&Settings::default(), would_wait, now);
        assert_eq!(may(&full, false), Err(Refusal::SlotFull));
        assert_eq!(may(&full, true), Ok(Status::Waiting));
        full.disabled = true;
        assert_eq!(may(&full, true), Err(Refusal::SlotDisabled));
    }

    #[test]
    fn rsv_21_a_nursery_that_books_elsewhere_takes_no_request() {
        let external_booking_url = "https://nursery.example.jp/booking".parse().ok();
        assert!(external_booking_url.is_some());
        let settings = Settings { external_booking_url, ..Settings::default() };
        let now = at("2026-12-01T10:00:00+09:00");
        let refused = Err(Refusal::BookingClosed);
        assert_eq!(slot(1).may_be_requested(&settings, true, now), refused);
    }

    #[test]
    fn a_place_that_came_free_is_for_those_who_wait() {
        let now = at("2026-12-01T10:00:00+09:00");
        let mut slot = slot(1);
        let waits: ReservationNumber = "R-7K3M-9QXD".parse().unwrap();
        slot.waiting.insert((now, waits.clone()));
        slot.waiting.insert((at("2026-12-01T10:00:01+09:00"), "R-0000-0000".parse().unwrap()));
        assert_eq!((slot.remaining(), slot.status(now)), (1, SlotStatus::Full));
        assert_eq!(slot.next_waiting(now), Some(&waits));
        assert_eq!(slot.next_waiting(slot.starts_at), None);
        slot.holding.insert("R-1111-1111".parse().unwrap());
        assert_eq!(slot.next_waiting(now), None);
    }

    #[test]
    fn slot_07_a_capacity_is_never_below_what_is_taken() {
        let mut slot = slot(3);
        slot.holding.extend(["R-7K3M-9QXD".parse().unwrap(), "R-0000-0000".parse().unwrap()]);
        let change = |capacity| {
            let capacity = Capacity::new(capacity).unwrap();
            let (note, disabled, starts_at, ends_at) = (None, Some(true), None, None);
            ChangeSlot { capacity, note, disabled, starts_at, ends_at }
        };
        assert_eq!(slot.changed(&change(1)), Err(Refusal::CapacityBelowTaken));
        let changed = slot.changed(&change(2)).unwrap();
        assert_eq!((changed.remaining(), changed.disabled), (0, true));
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
