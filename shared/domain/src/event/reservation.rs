//! Events about a reservation.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Event, EventData, EventType};
use crate::{EventId, FacilityId, Reservation, ReservationNumber, SlotId, Status};

/// What a `reservation.` event says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReservationEvent {
    /// The reservation.
    pub reservation_number: ReservationNumber,
    /// The nursery.
    pub facility_id: FacilityId,
    /// The slot.
    pub slot_id: SlotId,
    /// The state after the event.
    pub status: Status,
}

impl Event {
    /// The event that a change of a reservation is, from its images before and after; `None` where
    /// nothing happened that anyone must know.
    pub fn of(before: Option<&Reservation>, after: &Reservation) -> Option<Self> {
        let event_type = match before {
            Some(before) if before.sequence >= after.sequence => return None,
            Some(before) if before.status == after.status => {
                (before.reminders != after.reminders).then_some(EventType::ReminderPending)
            }
            _ => match after.status {
                Status::Pending => Some(EventType::Requested),
                Status::Approved => Some(EventType::Approved),
                Status::Declined => Some(EventType::Declined),
                Status::CancelledByParent | Status::CancelledByFacility => {
                    Some(EventType::Cancelled)
                }
                Status::Expired => {
                    // Nobody heard of a request that was never confirmed.
                    let known = before.is_none_or(|before| before.status != Status::Unconfirmed);
                    known.then_some(EventType::Expired)
                }
                // Between the parent and the hub, or after the fact.
                Status::Unconfirmed
                | Status::Waiting
                | Status::Offered
                | Status::Completed
                | Status::NoShow => None,
            },
        }?;
        Some(Self {
            id: EventId::of(&after.reservation_number, after.sequence.into()),
            event_type,
            occurred_at: after.updated_at,
            sequence: after.sequence.into(),
            data: EventData::Reservation(ReservationEvent {
                reservation_number: after.reservation_number.clone(),
                facility_id: after.facility_id.clone(),
                slot_id: after.slot_id.clone(),
                status: after.status,
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reservation::{
        Action, Actor, Outcome,
        tests::{in_state, pending},
    };

    #[test]
    fn a_change_of_state_is_an_event_with_a_deterministic_id() {
        let before = pending();
        assert_eq!(Event::of(None, &before).unwrap().event_type, EventType::Requested);
        let now = "2026-12-02T10:00:00+09:00".parse().unwrap();
        let approve = Action::Approve { comment: None };
        let Ok(Outcome::Becomes(after)) = before.after(&approve, Actor::Staff("s".into()), now)
        else {
            unreachable!("a pending reservation can be approved")
        };
        let event = Event::of(Some(&before), &after).unwrap();
        assert_eq!(event.id.as_str(), "evt_R7K3M9QXD_2");
        assert_eq!(
            serde_json::to_value(&event).unwrap(),
            serde_json::json!({
                "id": "evt_R7K3M9QXD_2", "type": "reservation.approved",
                "occurred_at": "2026-12-02T10:00:00+09:00", "sequence": 2,
                "data": {"reservation_number": "R-7K3M-9QXD", "facility_id": "fac_7k3m9qxd2abc",
                         "slot_id": "slt_0wx4n07k3m9qxd", "status": "approved"}
            })
        );
        assert_eq!(Event::of(Some(&after), &after), None);
    }

    #[test]
    fn what_is_between_the_parent_and_the_hub_is_no_event() {
        let at = |status: Status, sequence: u32| {
            let mut reservation = in_state(status);
            reservation.sequence = sequence;
            reservation
        };
        let event = |from: Status, to: Status| {
            Event::of(Some(&at(from, 1)), &at(to, 2)).map(|event| event.event_type)
        };
        assert_eq!(Event::of(None, &at(Status::Unconfirmed, 1)), None);
        assert_eq!(Event::of(None, &at(Status::Waiting, 1)), None);
        assert_eq!(event(Status::Unconfirmed, Status::Expired), None);
        assert_eq!(event(Status::Waiting, Status::Offered), None);
        assert_eq!(event(Status::Offered, Status::Pending), Some(EventType::Requested));
        assert_eq!(event(Status::Pending, Status::Expired), Some(EventType::Expired));
        assert_eq!(event(Status::Approved, Status::Completed), None);
        let noted = pending().reminded("2026-12-09T10:00:00+09:00".parse().unwrap());
        assert_eq!(Event::of(Some(&pending()), &noted), None);
    }
}
