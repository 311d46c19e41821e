//! A time at which a nursery takes visitors.

use std::collections::BTreeSet;

use deserr::Deserr;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    FacilityId, MunicipalityCode, Refusal, ReservationNumber, Settings, SlotId, SlotNumber, Status,
    Timestamp,
    invalid::{InputErrors, Invalid, within},
    text,
};

mod open;

pub use open::{CopySlot, DayOfWeek, Note, OpenSlot, OpenSlots, SkipReason, Skipped, TimeOfDay};

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
    pub starts_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// How many parties it takes.
    pub capacity: Capacity,
    /// A word of the nursery, shown before booking (SLOT-13).
    pub note: Option<Note>,
    /// Takes no more requests; those it has remain.
    pub disabled: bool,
    /// The reservations that hold a place. A set, so that no place is taken or given back twice.
    pub holding: BTreeSet<ReservationNumber>,
    /// Requests that wait for an answer without holding a place.
    pub undecided: BTreeSet<ReservationNumber>,
    /// The waiting list, in its order: since when each waits.
    pub waiting: BTreeSet<(Timestamp, ReservationNumber)>,
    /// Counts the changes that staff made; reservations leave it as it is.
    pub version: u32,
}

/// What a reservation takes of its slot: in which of the slot's sets it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// One of its places.
    HoldsPlace,
    /// None, while the nursery decides.
    AwaitsDecision,
    /// None, until one comes free.
    OnWaitingList,
    /// None: not yet, or not any more.
    None,
}

/// A waiting list has this many families at most: who comes later has no prospect.
pub const WAITING_AT_MOST: usize = 20;

/// An unanswered request is given up this long before the visit, so that nobody sets out in vain.
const GIVEN_UP_BEFORE: SignedDuration = SignedDuration::from_hours(1);

/// When a request for a visit that starts then is given up. Nobody could answer a later one.
pub fn gives_up(starts_at: Timestamp) -> Timestamp {
    starts_at - GIVEN_UP_BEFORE
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
    /// As a nursery opens it: nobody has asked for it yet.
    pub fn new(
        slot_id: SlotId,
        slot_number: SlotNumber,
        facility_id: FacilityId,
        municipality_code: MunicipalityCode,
        open: OpenSlot,
    ) -> Self {
        Self {
            slot_id,
            slot_number,
            facility_id,
            municipality_code,
            starts_at: open.starts_at,
            ends_at: open.ends_at,
            capacity: open.capacity,
            note: open.note,
            disabled: false,
            holding: BTreeSet::new(),
            undecided: BTreeSet::new(),
            waiting: BTreeSet::new(),
            version: 1,
        }
    }

    /// Places that are free (SLOT-05).
    pub fn remaining(&self) -> u8 {
        let held = u8::try_from(self.holding.len()).unwrap_or(u8::MAX);
        self.capacity.get().saturating_sub(held)
    }

    /// What it is to somebody who looks at it now.
    pub fn status(&self, now: Timestamp) -> SlotStatus {
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
        now: Timestamp,
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
        let closes = settings.booking_closes(self.starts_at);
        let is_late = now > closes || now >= gives_up(self.starts_at);
        // Who waits is given up when booking closes: at that moment there is nothing to wait for any more.
        if is_late || (status == Status::Waiting && now == closes) {
            return Err(Refusal::TooLate);
        }
        if now < settings.booking_opens(self.starts_at) {
            return Err(Refusal::TooEarly);
        }
        Ok(status)
    }

    /// Whether the nursery may enter a booking by telephone: it keeps no deadlines of its own (RSV-06).
    pub fn may_be_booked(&self, now: Timestamp) -> Result<Status, Refusal> {
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
    pub fn next_waiting(&self, now: Timestamp) -> Option<&ReservationNumber> {
        let free = !self.disabled && self.starts_at > now && self.remaining() > 0;
        self.waiting.first().filter(|_| free).map(|(_, number)| number)
    }

    /// Every reservation that has a place in it, asks for one or waits for one.
    pub fn reservations(&self) -> BTreeSet<&ReservationNumber> {
        let waiting = self.waiting.iter().map(|(_, number)| number);
        self.holding.iter().chain(&self.undecided).chain(waiting).collect()
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
    #[deserr(default, try_from(Option<String>) = text::optional -> Invalid)]
    pub note: Option<Note>,
    /// Whether it is closed; left as it is where it is not said.
    #[deserr(default)]
    pub disabled: Option<bool>,
    /// When the visit starts, as it is.
    #[deserr(default)]
    pub starts_at: Option<Timestamp>,
    /// When it ends, as it is.
    #[deserr(default)]
    pub ends_at: Option<Timestamp>,
}

impl ChangeSlot {
    /// Whether it leaves the time as it is.
    pub fn keeps_time(&self, slot: &Slot) -> Result<(), InputErrors> {
        let moved = |told: Option<Timestamp>, is: Timestamp| told.is_some_and(|told| told != is);
        let wrong = |pointer: &str| InputErrors::one(pointer, Invalid::Unchangeable);
        if moved(self.starts_at, slot.starts_at) {
            Err(wrong("/starts_at"))
        } else if moved(self.ends_at, slot.ends_at) {
            Err(wrong("/ends_at"))
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    pub(crate) fn slot(capacity: i64) -> Slot {
        let open = OpenSlot {
            starts_at: at("2026-12-10T10:00:00+09:00"),
            ends_at: at("2026-12-10T10:45:00+09:00"),
            capacity: Capacity::new(capacity).unwrap(),
            note: None,
        };
        Slot::new(
            "slt_0wx4n07k3m9qxd".parse().unwrap(),
            SlotNumber::nth(1),
            "fac_7k3m9qxd2abc".parse().unwrap(),
            "131199".parse().unwrap(),
            open,
        )
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
    fn a_request_that_nobody_can_answer_in_time_is_too_late() {
        let settings = Settings { booking_closes_hours_before: 0, ..Settings::default() };
        let may = |now: &str| slot(1).may_be_requested(&settings, false, at(now));
        assert_eq!(may("2026-12-10T08:59:59+09:00"), Ok(Status::Pending));
        assert_eq!(may("2026-12-10T09:00:00+09:00"), Err(Refusal::TooLate));
        assert_eq!(may("2026-12-10T09:20:00+09:00"), Err(Refusal::TooLate));
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
    fn a_capacity_is_one_to_fifty() {
        assert!(
            Capacity::new(0).is_err() && Capacity::new(51).is_err() && Capacity::new(-1).is_err()
        );
        assert_eq!(Capacity::new(50).unwrap().get(), 50);
    }
}
