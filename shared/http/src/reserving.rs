//! Making a reservation under an idempotency key: the same for search sites, parents and staff.

use std::{collections::BTreeSet, future::Future};

use domain::{
    Refusal, Reservation, ReservationNumber, Settings, Slot, Timestamp,
    attempt::TooOften,
    family::OpenRequests,
    reservation::{Due, Granted, NewRequest},
};
use runtime::{Hub, telemetry::ErrorChain};
use store::{ChangeOutcome, Judged, Reserved};

use crate::{Creation, Problem};

/// How often a request is made anew for a slot that fills up, or gets a free place, under it, or because its family
/// or its source made another one.
const TRIES: u8 = 8;

/// A request about to be made, and what it is judged by, as it was read.
pub struct Reserving<'a> {
    /// The table.
    pub hub: &'a Hub,
    /// The settings of the nursery.
    pub settings: &'a Settings,
    /// The slot.
    pub slot: Slot,
    /// What else it is judged by.
    pub judged: Judged,
    /// Now.
    pub now: Timestamp,
}

/// What became of a request.
pub enum Made {
    /// This reservation.
    New(Reservation),
    /// It repeats the request that made this one, which is as it was then.
    Repeat(Reservation),
}

impl Made {
    /// The reservation, and whether it was there already.
    pub fn into_parts(self) -> (Reservation, bool) {
        match self {
            Self::New(reservation) => (reservation, false),
            Self::Repeat(reservation) => (reservation, true),
        }
    }
}

/// Makes a reservation under the first number that belongs to nobody else. `attempt` seals what is personal for a
/// number, reads what the request is judged by, both side by side, and reserves.
pub async fn under_a_number<F>(
    creation: &Creation<'_>,
    attempt: impl Fn(ReservationNumber) -> F,
) -> Result<Made, Problem>
where
    F: Future<Output = Result<Option<Made>, Problem>>,
{
    for number in creation.reservation_numbers() {
        if let Some(made) = attempt(number).await? {
            return Ok(made);
        }
    }
    Err(Problem::Unavailable)
}

impl Reserving<'_> {
    /// Makes the request, or finds the one that it repeats; nothing where its number belongs to somebody else.
    ///
    /// `allowed` is the rule about the slot and the family. It is asked again when somebody else was faster.
    pub async fn reserve(
        mut self,
        request: NewRequest,
        allowed: impl Fn(&Slot, &OpenRequests) -> Result<Granted, Refusal>,
    ) -> Result<Option<Made>, Problem> {
        let store = &self.hub.store;
        let mut tries = 0..TRIES;
        let reserved = loop {
            let granted = match self.judge(&allowed).await {
                Ok(granted) => granted,
                // What is refused now may have been granted before: a repeat gets the first answer.
                Err(refusal) => {
                    let (number, fingerprint) = (&request.reservation_number, &request.fingerprint);
                    match store.find_repeat(number, fingerprint).await? {
                        Some(repeat) => break repeat,
                        None => return Err(refusal),
                    }
                }
            };
            let new = request.clone().reservation(&self.slot, self.settings, granted, self.now);
            match store.reserve(&new, &self.judged).await? {
                Reserved::New => return Ok(Some(Made::New(new))),
                Reserved::SlotIs(newer) if tries.next().is_some() => self.slot = *newer,
                Reserved::JudgedBy(newer) if tries.next().is_some() => self.judged = newer,
                other => break other,
            }
        };
        match reserved {
            Reserved::Replayed(first) => Ok(Some(Made::Repeat(first.as_requested()))),
            Reserved::OtherBody => Err(Problem::IdempotencyKeyReused),
            Reserved::SlotIs(_) | Reserved::JudgedBy(_) => Err(Problem::Unavailable),
            Reserved::New | Reserved::NumberTaken => Ok(None),
        }
    }

    async fn judge(
        &self,
        allowed: impl Fn(&Slot, &OpenRequests) -> Result<Granted, Refusal>,
    ) -> Result<Granted, Problem> {
        let granted = allowed(&self.slot, &self.judged.family.open())?;
        self.is_not_too_often().await?;
        Ok(granted)
    }

    /// What strangers may ask for on the portal is limited. Whether a request was confirmed it says itself, so it is
    /// read where that decides.
    async fn is_not_too_often(&self) -> Result<(), Problem> {
        let Some((source, address)) = &self.judged.attempts else { return Ok(()) };
        let Slot { facility_id, slot_id, .. } = &self.slot;
        let may = |confirmed: &BTreeSet<ReservationNumber>| {
            source.attempts.from_source_may(facility_id, slot_id, confirmed, self.now)?;
            address.attempts.to_address_may(confirmed, self.now)
        };
        let mut allowed = may(&BTreeSet::new());
        if allowed.is_err_and(|refused| refused.unless_confirmed) {
            let all = source.attempts.0.iter().chain(&address.attempts.0);
            // What came from here for this address is under both.
            let numbers: BTreeSet<_> = all.map(|one| one.reservation_number.clone()).collect();
            let numbers: Vec<_> = numbers.into_iter().collect();
            let found = self.hub.store.reservations(&numbers).await?.into_iter();
            let confirmed = found.filter(Reservation::is_confirmed);
            allowed = may(&confirmed.map(|one| one.reservation_number).collect());
        }
        allowed.map_err(|TooOften { until, .. }| {
            let seconds = until.since(self.now).as_secs() + 1;
            Problem::RateLimited { retry_after: seconds.max(1).unsigned_abs() }
        })
    }
}

/// A nursery may want every request approved as soon as it is made (RSV-19). Returns the reservation as it
/// is then. The request stands even if this fails: what is due, time does again.
pub async fn approve_at_once(
    hub: &Hub,
    reservation: Reservation,
    settings: &Settings,
    now: Timestamp,
) -> Reservation {
    if reservation.due(now) != Some(Due::Approve) {
        return reservation;
    }
    let number = &reservation.reservation_number;
    match hub.store.change(number, |current| current.after_time(settings, now)).await {
        Ok(ChangeOutcome::Done(approved)) => *approved,
        Ok(_) => reservation,
        Err(error) => {
            tracing::warn!(reservation_number = %number, error = %ErrorChain(&error), "not approved yet");
            reservation
        }
    }
}
