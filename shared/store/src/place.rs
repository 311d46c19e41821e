//! What a reservation takes of its slot: the writes that keep a slot's sets in step with the reservations
//! in them.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    Reservation,
    slot::{Standing, WAITING_AT_MOST},
};

use crate::{
    Store,
    condition::{
        Condition::{self, All, Any, FewerThan, Full, Has, Is, Lacks, Present},
        Limit,
    },
    item::number,
    keys::{Key, member},
    write::Write,
};

/// A place is free.
fn is_free() -> Condition {
    FewerThan("holding".into(), Limit::Attribute("capacity".into()))
}

/// The waiting list takes one more.
fn list_is_open() -> Condition {
    FewerThan("waiting".into(), Limit::Value(number(WAITING_AT_MOST as i64)))
}

fn is_not_disabled() -> Condition {
    Is("disabled".into(), AttributeValue::Bool(false))
}

/// The set of the slot in which a reservation with this place is.
fn set(place: Standing) -> Option<&'static str> {
    match place {
        Standing::HoldsPlace => Some("holding"),
        Standing::AwaitsDecision => Some("asking"),
        Standing::OnWaitingList => Some("waiting"),
        Standing::None => None,
    }
}

/// What the reservation is in that set: the waiting list is in order of the requests.
fn member_of(reservation: &Reservation, place: Standing) -> String {
    match place {
        Standing::OnWaitingList => {
            member::waiting(reservation.waiting_since(), &reservation.reservation_number)
        }
        Standing::HoldsPlace | Standing::AwaitsDecision | Standing::None => {
            reservation.reservation_number.to_string()
        }
    }
}

fn set_of(member: String) -> AttributeValue {
    AttributeValue::Ss(vec![member])
}

impl Store {
    /// A new reservation enters its slot, if the slot still is what the request was made for.
    pub(crate) fn enter_slot(&self, reservation: &Reservation) -> Write {
        let to = reservation.standing();
        let waiting = || "waiting".into();
        let room = match to {
            Standing::OnWaitingList => {
                let full = Full("holding".into(), Limit::Attribute("capacity".into()));
                let full = All(vec![Has("holding".into()), full]);
                All(vec![Any(vec![Has(waiting()), full]), list_is_open()])
            }
            // A place that came free belongs to those who wait.
            _ => All(vec![Lacks(waiting()), is_free()]),
        };
        let write =
            Write::update(slot_of(reservation), All(vec![Present, is_not_disabled(), room]));
        match set(to) {
            Some(set) => write.add(set, set_of(member_of(reservation, to))),
            None => write,
        }
    }

    /// A reservation goes from one of the slot's sets to another, or leaves it.
    pub(crate) fn move_in_slot(&self, current: &Reservation, next: &Reservation) -> Write {
        let (from, to) = (current.standing(), next.standing());
        let mut conditions = vec![Present];
        if to == Standing::HoldsPlace {
            conditions.push(is_free());
        }
        if to == Standing::OnWaitingList {
            conditions.push(list_is_open());
        }
        if (from, to) == (Standing::OnWaitingList, Standing::HoldsPlace)
            || to == Standing::OnWaitingList
        {
            conditions.push(is_not_disabled());
        }
        let mut write = Write::update(slot_of(next), All(conditions));
        if let Some(set) = set(to) {
            write = write.add(set, set_of(member_of(next, to)));
        }
        if let Some(set) = set(from) {
            write = write.take(set, set_of(member_of(current, from)));
        }
        write
    }

    /// Notes that a reservation is over without a place, for the lists of its facility: the slot knows it no more,
    /// so that it does not grow with all who came and went.
    pub(crate) fn note_over(&self, reservation: &Reservation) -> Write {
        let Reservation { facility_id, slot_id, reservation_number, .. } = reservation;
        Write::ensure(Key::Over(facility_id.clone(), slot_id.clone(), reservation_number.clone()))
    }
}

/// The slot of a reservation.
pub(crate) fn slot_of(reservation: &Reservation) -> Key {
    Key::Slot(reservation.facility_id.clone(), reservation.slot_id.clone())
}
