//! Making a reservation under an idempotency key: the same for search sites, parents and staff.

use std::{collections::BTreeSet, future::Future};

use domain::{
    Refusal, Reservation, ReservationNumber, Settings, Slot, Status, Timestamp,
    attempt::TooOften,
    family::OpenRequests,
    keys::IdKey,
    reservation::{Due, NewRequest, RequestFingerprint},
};
use runtime::{Hub, telemetry::ErrorChain};
use store::{ChangeOutcome, Judged, Reserved};

use crate::{IdempotencyKey, Problem};

/// How many numbers are derived for one request before giving up. That even the second belongs to
/// somebody else happens once in a hundred billion requests.
const NUMBERS: u8 = 4;

/// How often a request is made anew for a slot that fills up, or gets a free place, under it, or because its family
/// or its source made another one.
const TRIES: u8 = 8;

/// A request about to be made: under which key, for which slot, and when.
pub struct Reserving<'a> {
    /// The table.
    pub hub: &'a Hub,
    /// What its number is derived from.
    pub ids: &'a IdKey,
    /// Whose key it is.
    pub scope: &'a str,
    /// What the caller calls the request.
    pub key: &'a IdempotencyKey,
    /// What ties a repeat to it.
    pub fingerprint: &'a RequestFingerprint,
    /// The settings of the nursery.
    pub settings: &'a Settings,
    /// The slot as it was read.
    pub slot: Slot,
    /// What else it is judged by, as it was read.
    pub judged: Judged,
    /// Now.
    pub now: Timestamp,
}

impl Reserving<'_> {
    /// Makes the request, or finds the one that it repeats, and tells which.
    ///
    /// `allowed` is the rule about the slot and the family; `request` makes the request once its number is known, for
    /// what is sealed is sealed for that number.
    pub async fn reserve<F>(
        mut self,
        allowed: impl Fn(&Slot, &OpenRequests) -> Result<Status, Refusal>,
        request: impl Fn(ReservationNumber, &OpenRequests) -> F,
    ) -> Result<(Reservation, bool), Problem>
    where
        F: Future<Output = Result<NewRequest, Problem>>,
    {
        let store = &self.hub.store;
        for attempt in 0..NUMBERS {
            let number = self.ids.reservation_number(self.scope, self.key.as_str(), attempt);
            let mut tries = 0..TRIES;
            let reserved = loop {
                let open = self.judged.family.open();
                let status = match self.judge(&allowed, &open).await {
                    Ok(status) => status,
                    // What is refused now may have been granted before: a repeat gets the first answer.
                    Err(refusal) => match store.find_repeat(&number, self.fingerprint).await? {
                        Some(repeat) => break repeat,
                        None => return Err(refusal),
                    },
                };
                let new = request(number.clone(), &open).await?;
                let new = new.reservation(&self.slot, self.settings, status, self.now);
                match store.reserve(&new, &self.judged).await? {
                    Reserved::New => return Ok((new, false)),
                    Reserved::SlotIs(newer) if tries.next().is_some() => self.slot = *newer,
                    Reserved::JudgedBy(newer) if tries.next().is_some() => self.judged = newer,
                    other => break other,
                }
            };
            match reserved {
                Reserved::Replayed(first) => return Ok((first.as_requested(), true)),
                Reserved::OtherBody => return Err(Problem::IdempotencyKeyReused),
                Reserved::SlotIs(_) | Reserved::JudgedBy(_) => return Err(Problem::Unavailable),
                Reserved::New | Reserved::NumberTaken => {}
            }
        }
        Err(Problem::Unavailable)
    }
}

impl Reserving<'_> {
    async fn judge(
        &self,
        allowed: impl Fn(&Slot, &OpenRequests) -> Result<Status, Refusal>,
        open: &OpenRequests,
    ) -> Result<Status, Problem> {
        let status = allowed(&self.slot, open)?;
        self.is_not_too_often().await?;
        Ok(status)
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
