//! Reservations: reserving, changing, reading and listing them.

mod item;

use domain::{
    Refusal, Reservation, ReservationNumber, Settings, Slot, Timestamp,
    attempt::Attempt,
    reservation::{Action, Actor, Outcome, RequestFingerprint},
    slot::Standing,
};

use crate::{
    Family, SavedAttempts, Store, StoreError,
    condition::Condition,
    item::number,
    keys::Key,
    place::slot_of,
    transaction::Transaction,
    write::{Found, Write, Written},
};

use self::item::item;
pub(crate) use self::item::{RemindersItem, from_table, number_of};

/// What came of a request for a visit.
#[derive(Clone, PartialEq, Eq)]
pub enum Reserved {
    /// It is recorded, and the slot knows it.
    New,
    /// The same request was made before; this is its reservation.
    Replayed(Box<Reservation>),
    /// Another request was made under the same idempotency key.
    OtherBody,
    /// The number belongs to somebody else's request: derive the next.
    NumberTaken,
    /// The slot is not, or no longer, what the request was made for: this is what it is.
    SlotIs(Box<Slot>),
    /// Somebody else asked meanwhile, in whose light it is to be judged again.
    JudgedBy(Judged),
}

/// What a request was judged by, beside its slot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judged {
    /// What its family has at the nursery; nothing on the portal, where it is judged when the link is followed.
    pub family: Family,
    /// What was asked for on the portal from the same source, and for the same address.
    pub attempts: Option<(SavedAttempts, SavedAttempts)>,
}

/// What came of a change.
#[derive(Clone, PartialEq, Eq)]
pub enum ChangeOutcome {
    /// It happened; the reservation as it is now.
    Done(Box<Reservation>),
    /// The reservation already was so.
    Already(Box<Reservation>),
    /// The rules do not allow it.
    Refused(Refusal),
    /// There is no such reservation.
    NotFound,
}

/// How often a change is tried anew when the reservation changes under it.
const CHANGE_TRIES: usize = 5;

impl Store {
    /// One reservation. `consistent` sees what was written a moment ago, at twice the cost.
    pub async fn reservation(
        &self,
        number: &ReservationNumber,
        consistent: bool,
    ) -> Result<Option<Reservation>, StoreError> {
        let item = self.get_item(Key::Reservation(number.clone()), consistent).await?;
        item.map(from_table).transpose()
    }

    /// Takes a place, or one on the waiting list, and records the request in one transaction (RSV-01,
    /// API-02).
    ///
    /// Costs eight write units and one for each of the two indexes.
    pub async fn reserve(
        &self,
        reservation: &Reservation,
        judged: &Judged,
    ) -> Result<Reserved, StoreError> {
        let key = key(reservation);
        let mut writes = vec![Write::create(key.clone(), item(reservation)?)];
        // Who would wait counts nowhere before the mail address is confirmed.
        if reservation.standing() != Standing::None {
            writes.push(self.enter_slot(reservation));
        }
        writes.extend(self.enter_families(reservation, &judged.family));
        if let Some((source, address)) = &judged.attempts {
            let attempt = attempt_of(reservation);
            writes.push(self.add_attempt(source, &attempt)?);
            writes.push(self.add_attempt(address, &attempt)?);
        }
        let refusals = match self.transact(writes).await? {
            Transaction::Done => return Ok(Reserved::New),
            Transaction::Refused(refusals) => refusals,
        };
        if let Some(existing) = refusals.of(&key) {
            return Ok(repeat_of(from_table(existing.expected()?)?, &reservation.fingerprint));
        }
        if let Some(slot) = refusals.of(&slot_of(reservation)) {
            return Ok(Reserved::SlotIs(Box::new(crate::slot::from_table(slot.expected()?)?)));
        }
        let mut newer = judged.clone();
        newer.family.learn(reservation.counted_by(), &reservation.facility_id, &refusals)?;
        if let Some((source, address)) = &mut newer.attempts {
            for saved in [source, address] {
                if let Some(found) = refusals.of(&saved.key()) {
                    *saved = saved.newer(found)?;
                }
            }
        }
        Ok(Reserved::JudgedBy(newer))
    }

    /// The reservation that an earlier request under the same mark made, if there was one.
    pub async fn find_repeat(
        &self,
        number: &ReservationNumber,
        fingerprint: &RequestFingerprint,
    ) -> Result<Option<Reserved>, StoreError> {
        let existing = self.reservation(number, true).await?;
        Ok(existing.map(|existing| repeat_of(existing, fingerprint)))
    }

    /// Does to a reservation what a rule says.
    pub async fn change(
        &self,
        number: &ReservationNumber,
        rule: impl Fn(&Reservation) -> Result<Outcome, Refusal>,
    ) -> Result<ChangeOutcome, StoreError> {
        match self.reservation(number, true).await? {
            Some(current) => self.change_read(current, rule).await,
            None => Ok(ChangeOutcome::NotFound),
        }
    }

    /// Does to a reservation that was read, consistently, what a rule says: compare-and-set on its sequence number.
    ///
    /// When somebody else was faster, the rule is asked again about what they made of it. A place is
    /// taken, or given back, in the same transaction. An approval costs a write unit and one for each
    /// index.
    pub async fn change_read(
        &self,
        mut current: Reservation,
        rule: impl Fn(&Reservation) -> Result<Outcome, Refusal>,
    ) -> Result<ChangeOutcome, StoreError> {
        let mut family = Family::default();
        for _ in 0..CHANGE_TRIES {
            let next = match rule(&current) {
                Err(refusal) => return Ok(ChangeOutcome::Refused(refusal)),
                Ok(Outcome::Already) => return Ok(ChangeOutcome::Already(Box::new(current))),
                Ok(Outcome::Becomes(next)) => next,
            };
            match self.replace(&current, &next, &mut family).await? {
                Replaced::Done => return Ok(ChangeOutcome::Done(next)),
                Replaced::NoPlace(refusal) => return Ok(ChangeOutcome::Refused(refusal)),
                Replaced::Newer(newer) => current = *newer,
                Replaced::OtherFamily => {}
            }
        }
        Err(StoreError::Unavailable("the reservation changes too fast".into()))
    }

    /// Follows a parent's link: a request that nobody had confirmed becomes its family's, if that may have one more
    /// at the nursery.
    pub async fn confirm(
        &self,
        mut current: Reservation,
        settings: &Settings,
        now: Timestamp,
    ) -> Result<ChangeOutcome, StoreError> {
        let action = Action::Confirm { settings: settings.clone() };
        let mut family = self.family(&current.facility_id, &current.families).await?;
        for _ in 0..CHANGE_TRIES {
            let mut next = match current.after(&action, Actor::Parent, now) {
                Err(refusal) => return Ok(ChangeOutcome::Refused(refusal)),
                Ok(Outcome::Already) => return Ok(ChangeOutcome::Already(Box::new(current))),
                Ok(Outcome::Becomes(next)) => next,
            };
            if !current.is_confirmed() {
                let open = family.open();
                if let Err(refusal) = open.may_ask(None, now) {
                    return Ok(ChangeOutcome::Refused(refusal));
                }
                next.possible_duplicate = open.duplicate(current.starts_at.date(), None);
            }
            match self.replace(&current, &next, &mut family).await? {
                Replaced::Done => return Ok(ChangeOutcome::Done(next)),
                Replaced::NoPlace(refusal) => return Ok(ChangeOutcome::Refused(refusal)),
                Replaced::Newer(newer) => current = *newer,
                Replaced::OtherFamily => {}
            }
        }
        Err(StoreError::Unavailable("the reservation changes too fast".into()))
    }

    /// Writes the next state over the current one, with the slot if it takes or gives back a place.
    async fn replace(
        &self,
        current: &Reservation,
        next: &Reservation,
        family: &mut Family,
    ) -> Result<Replaced, StoreError> {
        let (before, after) = (current.counted_by(), next.counted_by());
        let moves = current.standing() != next.standing();
        if !moves && before.is_empty() == after.is_empty() {
            return match self.write(put_over(current, next)?).await? {
                Written::Done => Ok(Replaced::Done),
                Written::Refused(found) => match newer_of(found)? {
                    Replaced::Newer(newer) if comes_after(&newer, current, next) => {
                        Ok(Replaced::Done)
                    }
                    other => Ok(other),
                },
            };
        }
        let mut writes = vec![put_over(current, next)?];
        if moves {
            writes.push(self.move_in_slot(current, next));
        }
        if moves && next.standing() == Standing::None && next.is_confirmed() {
            writes.push(self.note_over(next));
        }
        let fingerprints = match (before.is_empty(), after.is_empty()) {
            (true, false) => {
                writes.extend(self.enter_families(next, family));
                after
            }
            (false, true) => {
                writes.extend(self.leave_families(current, family));
                before
            }
            _ => &[],
        };
        let refusals = match self.transact(writes).await? {
            Transaction::Done => return Ok(Replaced::Done),
            Transaction::Refused(refusals) => refusals,
        };
        if let Some(newer) = refusals.of(&key(next)) {
            return newer_of(newer);
        }
        if let Some(slot) = refusals.of(&slot_of(next)) {
            let disabled = crate::slot::from_table(slot.expected()?)?.disabled;
            let refusal = if disabled { Refusal::SlotDisabled } else { Refusal::SlotFull };
            return Ok(Replaced::NoPlace(refusal));
        }
        let learned = family.learn(fingerprints, &next.facility_id, &refusals)?;
        if learned { Ok(Replaced::OtherFamily) } else { Err(StoreError::Conflict) }
    }
}

/// A write of the next state, if the current one still stands.
pub(crate) fn put_over(current: &Reservation, next: &Reservation) -> Result<Write, StoreError> {
    let unchanged = Condition::Is("sequence".into(), number(current.sequence));
    Ok(Write::change(key(next), &item(current)?, &item(next)?, unchanged))
}

fn key(reservation: &Reservation) -> Key {
    Key::Reservation(reservation.reservation_number.clone())
}

enum Replaced {
    Done,
    /// Somebody else was faster; this is what they made of it.
    Newer(Box<Reservation>),
    /// It needs a place, and there is none.
    NoPlace(Refusal),
    /// Its family has other open requests than was thought.
    OtherFamily,
}

/// As the portal's limits count it.
fn attempt_of(reservation: &Reservation) -> Attempt {
    Attempt {
        at: reservation.requested_at,
        until: reservation.expires_at.unwrap_or(reservation.requested_at),
        facility_id: reservation.facility_id.clone(),
        slot_id: reservation.slot_id.clone(),
        reservation_number: reservation.reservation_number.clone(),
    }
}

fn newer_of(found: Found) -> Result<Replaced, StoreError> {
    let newer = from_table(found.expected()?)?;
    Ok(Replaced::Newer(Box::new(newer)))
}

/// Whether what is there came after what this call would write: an earlier attempt wrote it, its answer was lost, and
/// somebody else went on from it before the call was repeated.
fn comes_after(newer: &Reservation, current: &Reservation, next: &Reservation) -> bool {
    let change = next.history.last().filter(|_| next.history != current.history);
    let memo = next.memos.last().filter(|_| next.memos != current.memos);
    newer.sequence > next.sequence
        && (change.is_some_and(|change| newer.history.contains(change))
            || memo.is_some_and(|memo| newer.memos.contains(memo)))
}

fn repeat_of(existing: Reservation, fingerprint: &RequestFingerprint) -> Reserved {
    if existing.fingerprint.key != fingerprint.key {
        Reserved::NumberTaken
    } else if !fingerprint.is_body_of(&existing.fingerprint) {
        Reserved::OtherBody
    } else {
        Reserved::Replayed(Box::new(existing))
    }
}
