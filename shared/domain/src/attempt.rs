//! How often strangers may ask on the portal: by where they call from, and by whom they have the hub write to.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::{FacilityId, ReservationNumber, SlotId, Timestamp};

/// A source holds at most this many unconfirmed places at a nursery, and in all, at a time.
const HELD_AT_NURSERY: usize = 3;
const HELD_IN_ALL: usize = 20;

/// A source asks at most this often at a nursery, and in all, on a day.
const A_DAY_AT_NURSERY: usize = 10;
const A_DAY_IN_ALL: usize = 100;

/// An address has at most this many unconfirmed requests at a time.
const UNCONFIRMED_OF_ADDRESS: usize = 3;

/// An address is asked at most this often in 24 hours whether it made a request.
const MAILS_A_DAY: usize = 5;
const MAILS_COUNT_FOR: SignedDuration = SignedDuration::from_hours(24);

/// A request that was made on the portal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When.
    pub at: Timestamp,
    /// Until when it is held for who confirms it.
    pub until: Timestamp,
    /// At which nursery.
    pub facility_id: FacilityId,
    /// For which slot.
    pub slot_id: SlotId,
    /// What it is known by.
    pub reservation_number: ReservationNumber,
}

/// What was asked for in the last 24 hours by one source, or for one address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Attempts(pub Vec<Attempt>);

/// It was too often: again at this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooOften {
    /// When it is allowed again.
    pub until: Timestamp,
    /// Whether it could be allowed at once, had some been confirmed.
    pub unless_confirmed: bool,
}

/// Refuses from the `most`th on, until the first of the latest `most` counts no longer.
fn fewer_than(
    most: usize,
    mut count_until: Vec<Timestamp>,
    unless_confirmed: bool,
) -> Result<(), TooOften> {
    count_until.sort_unstable();
    match count_until.len().checked_sub(most) {
        None => Ok(()),
        Some(nth) => Err(TooOften { until: count_until[nth], unless_confirmed }),
    }
}

impl Attempts {
    /// Whether a source may ask for this slot now; `confirmed` are those of which that is known.
    pub fn from_source_may(
        &self,
        facility: &FacilityId,
        slot: &SlotId,
        confirmed: &BTreeSet<ReservationNumber>,
        now: Timestamp,
    ) -> Result<(), TooOften> {
        let tomorrow = end_of_day(now);
        let at_nursery = |one: &&Attempt| one.facility_id == *facility;
        let today = || self.0.iter().filter(|one| one.at.date() == now.date());
        fewer_than(A_DAY_IN_ALL, today().map(|_| tomorrow).collect(), false)?;
        fewer_than(
            A_DAY_AT_NURSERY,
            today().filter(at_nursery).map(|_| tomorrow).collect(),
            false,
        )?;
        let unconfirmed =
            || self.0.iter().filter(|one| !confirmed.contains(&one.reservation_number));
        let lapsed = unconfirmed().filter(|one| one.slot_id == *slot && one.until <= now);
        let lapsed = lapsed.filter(|one| one.until.date() == now.date());
        fewer_than(1, lapsed.map(|_| tomorrow).collect(), true)?;
        let held = || unconfirmed().filter(|one| now < one.until);
        fewer_than(HELD_IN_ALL, held().map(|one| one.until).collect(), true)?;
        let here = held().filter(at_nursery).map(|one| one.until);
        fewer_than(HELD_AT_NURSERY, here.collect(), true)
    }

    /// Whether an address may be written to now.
    pub fn to_address_may(
        &self,
        confirmed: &BTreeSet<ReservationNumber>,
        now: Timestamp,
    ) -> Result<(), TooOften> {
        let counts = self.0.iter().map(|one| one.at + MAILS_COUNT_FOR).filter(|until| now < *until);
        fewer_than(MAILS_A_DAY, counts.collect(), false)?;
        let unconfirmed = self.0.iter().filter(|one| !confirmed.contains(&one.reservation_number));
        let open = unconfirmed.map(|one| one.until).filter(|until| now < *until);
        fewer_than(UNCONFIRMED_OF_ADDRESS, open.collect(), true)
    }

    /// With one more, and without those that count no longer.
    #[must_use]
    pub fn with(mut self, attempt: Attempt) -> Self {
        let now = attempt.at;
        self.0.retain(|one| now < one.at + MAILS_COUNT_FOR);
        self.0.push(attempt);
        self
    }
}

fn end_of_day(now: Timestamp) -> Timestamp {
    now.date().tomorrow().map_or(now, Timestamp::midnight)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-12-01T10:00:00+09:00";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn attempt(nth: usize, at: Timestamp, facility: &str) -> Attempt {
        Attempt {
            at,
            until: at + SignedDuration::from_mins(15),
            facility_id: facility.parse().unwrap(),
            slot_id: format!("slt_{nth:014}").parse().unwrap(),
            reservation_number: format!("R-0000-{nth:04}").parse().unwrap(),
        }
    }

    const HERE: &str = "fac_000000000000";
    const THERE: &str = "fac_111111111111";

    fn attempts(facilities: &[(&str, usize)]) -> Attempts {
        let each = facilities.iter().flat_map(|(facility, count)| vec![*facility; *count]);
        Attempts(each.enumerate().map(|(nth, id)| attempt(nth, at(NOW), id)).collect())
    }

    fn may(attempts: &Attempts, confirmed: &[usize], now: &str) -> Result<(), TooOften> {
        let numbers = confirmed.iter().map(|nth| format!("R-0000-{nth:04}").parse().unwrap());
        let slot = "slt_zzzzzzzzzzzzzz".parse().unwrap();
        let facility = HERE.parse().unwrap();
        attempts.from_source_may(&facility, &slot, &numbers.collect(), at(now))
    }

    #[test]
    fn a_source_holds_three_places_at_a_nursery_and_twenty_in_all() {
        assert_eq!(may(&attempts(&[(HERE, 2)]), &[], NOW), Ok(()));
        let full = attempts(&[(HERE, 3)]);
        let until = at("2026-12-01T10:15:00+09:00");
        assert_eq!(may(&full, &[], NOW), Err(TooOften { until, unless_confirmed: true }));
        assert_eq!(may(&full, &[1], NOW), Ok(()), "one was confirmed");
        assert_eq!(may(&full, &[], "2026-12-01T10:15:00+09:00"), Ok(()), "they lapsed");
        assert_eq!(may(&attempts(&[(THERE, 19)]), &[], NOW), Ok(()));
        assert!(may(&attempts(&[(THERE, 20)]), &[], NOW).is_err());
    }

    #[test]
    fn a_source_asks_ten_times_a_day_at_a_nursery_and_a_hundred_in_all_confirmed_or_not() {
        let (later, tomorrow) = ("2026-12-01T23:59:59+09:00", "2026-12-02T00:00:00+09:00");
        let all: Vec<usize> = (0..100).collect();
        assert_eq!(may(&attempts(&[(HERE, 9)]), &all, later), Ok(()));
        let refused = Err(TooOften { until: at(tomorrow), unless_confirmed: false });
        assert_eq!(may(&attempts(&[(HERE, 10)]), &all, later), refused);
        assert_eq!(may(&attempts(&[(THERE, 99)]), &all, later), Ok(()));
        assert_eq!(may(&attempts(&[(THERE, 100)]), &all, later), refused);
        assert_eq!(may(&attempts(&[(HERE, 10)]), &all, tomorrow), Ok(()));
    }

    #[test]
    fn a_slot_that_a_source_let_lapse_is_not_its_own_again_on_that_day() {
        let lapsed = attempts(&[(HERE, 1)]);
        let again = |confirmed: &[&str], now: &str| {
            let confirmed = confirmed.iter().map(|number| number.parse().unwrap()).collect();
            let (facility, slot) = (HERE.parse().unwrap(), lapsed.0[0].slot_id.clone());
            lapsed.from_source_may(&facility, &slot, &confirmed, at(now))
        };
        assert_eq!(again(&[], "2026-12-01T10:14:59+09:00"), Ok(()));
        assert!(again(&[], "2026-12-01T10:15:00+09:00").is_err());
        assert!(again(&[], "2026-12-01T23:59:59+09:00").is_err());
        assert_eq!(again(&["R-0000-0000"], "2026-12-01T23:59:59+09:00"), Ok(()));
        assert_eq!(again(&[], "2026-12-02T00:00:00+09:00"), Ok(()));
    }

    #[test]
    fn an_address_is_written_to_five_times_in_24_hours_and_has_three_unconfirmed() {
        let none = BTreeSet::new();
        let three = attempts(&[(HERE, 1), (THERE, 2)]);
        assert!(three.to_address_may(&none, at(NOW)).is_err());
        assert_eq!(three.to_address_may(&none, at("2026-12-01T10:15:00+09:00")), Ok(()));
        let five = attempts(&[(HERE, 5)]);
        let next_day = at("2026-12-02T10:00:00+09:00");
        let refused = Err(TooOften { until: next_day, unless_confirmed: false });
        assert_eq!(five.to_address_may(&none, at("2026-12-02T09:59:59+09:00")), refused);
        assert_eq!(five.to_address_may(&none, next_day), Ok(()));
        let more = five.with(attempt(9, next_day, HERE));
        assert_eq!(more.0.len(), 1, "what counts no longer is forgotten");
    }
}
