//! Making a reservation under an idempotency key: the same for search sites, parents and staff.

use std::future::Future;

use domain::{
    Instant, Refusal, Reservation, ReservationNumber, Settings, Slot, Status,
    reservation::{Due, NewRequest, RequestMark},
};
use runtime::{Hub, telemetry::Causes};
use store::{Changed, Reserved};

use crate::{IdempotencyKey, Problem};

/// How many numbers are derived for one request before giving up. That even the second belongs to
/// somebody else happens once in a hundred billion requests.
const NUMBERS: u8 = 4;

/// How often a request is made anew for a slot that fills up, or gets a free place, under it.
const SLOT_TRIES: u8 = 4;

/// A request about to be made: under which key, for which slot, and when.
pub struct Reserving<'a> {
    /// The table and the secret.
    pub hub: &'a Hub,
    /// Whose key it is.
    pub scope: &'a str,
    /// What the caller calls the request.
    pub key: &'a IdempotencyKey,
    /// What ties a repeat to it.
    pub mark: &'a RequestMark,
    /// The settings of the nursery.
    pub settings: &'a Settings,
    /// The slot as it was read.
    pub slot: Slot,
    /// Now.
    pub now: Instant,
}

impl Reserving<'_> {
    /// Makes the request, or finds the one that it repeats, and tells which.
    ///
    /// `allowed` is the rule about the slot; `request` makes the request once its number is known, for
    /// what is sealed is sealed for that number.
    pub async fn reserve<F>(
        mut self,
        allowed: impl Fn(&Slot) -> Result<Status, Refusal>,
        request: impl Fn(ReservationNumber) -> F,
    ) -> Result<(Reservation, bool), Problem>
    where
        F: Future<Output = Result<NewRequest, Problem>>,
    {
        let (store, secret) = (&self.hub.store, &self.hub.secret);
        for attempt in 0..NUMBERS {
            let number = secret.reservation_number(self.scope, self.key.as_str(), attempt);
            let mut tries = 0..SLOT_TRIES;
            let reserved = loop {
                let status = match allowed(&self.slot) {
                    Ok(status) => status,
                    // What is refused now may have been granted before: a repeat gets the first answer.
                    Err(refusal) => match store.find_repeat(&number, self.mark).await? {
                        Some(repeat) => break repeat,
                        None => return Err(refusal.into()),
                    },
                };
                let new = request(number.clone()).await?;
                let new = new.reservation(&self.slot, self.settings, status, self.now);
                match store.reserve(&new).await? {
                    Reserved::New => return Ok((new, false)),
                    Reserved::SlotIs(newer) if tries.next().is_some() => self.slot = *newer,
                    other => break other,
                }
            };
            match reserved {
                Reserved::Replayed(first) => return Ok((first.as_requested(), true)),
                Reserved::OtherBody => return Err(Problem::IdempotencyKeyReused),
                Reserved::SlotIs(_) => return Err(Problem::Unavailable),
                Reserved::New | Reserved::NumberTaken => {}
            }
        }
        Err(Problem::Unavailable)
    }
}

/// A nursery may want every request approved as soon as it is made (RSV-19). Returns the reservation as it
/// is then. The request stands even if this fails: what is due, time does again.
pub async fn approve_at_once(
    hub: &Hub,
    reservation: Reservation,
    settings: &Settings,
    now: Instant,
) -> Reservation {
    if reservation.due(now) != Some(Due::Approve) {
        return reservation;
    }
    let number = &reservation.reservation_number;
    match hub.store.change(number, |current| current.after_time(settings, now)).await {
        Ok(Changed::Done(approved)) => *approved,
        Ok(_) => reservation,
        Err(error) => {
            tracing::warn!(reservation_number = %number, error = %Causes(&error), "not approved yet");
            reservation
        }
    }
}
