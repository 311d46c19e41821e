//! What everyone who must know is told. Thin: ids, state, sequence number and time.
//!
//! An event is about one thing that has a number for each of its changes: its id is made of both. What it says of the thing
//! is a type for each kind of thing.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{EventId, Timestamp};

mod public;
mod reservation;

pub use self::{
    public::{FacilityEvent, ProcedureEvent, VacancyEvent},
    reservation::ReservationEvent,
};

/// The kind of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum EventType {
    /// A parent asked for a visit.
    #[serde(rename = "reservation.requested")]
    Requested,
    /// The nursery approved.
    #[serde(rename = "reservation.approved")]
    Approved,
    /// The nursery declined.
    #[serde(rename = "reservation.declined")]
    Declined,
    /// The parent or the nursery cancelled; the state tells who.
    #[serde(rename = "reservation.cancelled")]
    Cancelled,
    /// Nobody answered, or confirmed, in time.
    #[serde(rename = "reservation.expired")]
    Expired,
    /// A request waits for more than a day. Told to ICT systems alone.
    #[serde(rename = "reservation.reminder_pending")]
    ReminderPending,
    /// What anybody may know of a nursery is new or changed.
    #[serde(rename = "facility.updated")]
    FacilityUpdated,
    /// What a nursery has free in a month is new or changed.
    #[serde(rename = "vacancy.published")]
    VacancyPublished,
    /// A procedure is published or changed, or is public no longer.
    #[serde(rename = "procedure.updated")]
    ProcedureUpdated,
}

impl EventType {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Requested,
        Self::Approved,
        Self::Declined,
        Self::Cancelled,
        Self::Expired,
        Self::ReminderPending,
        Self::FacilityUpdated,
        Self::VacancyPublished,
        Self::ProcedureUpdated,
    ];

    /// The name, such as `reservation.approved`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "reservation.requested",
            Self::Approved => "reservation.approved",
            Self::Declined => "reservation.declined",
            Self::Cancelled => "reservation.cancelled",
            Self::Expired => "reservation.expired",
            Self::ReminderPending => "reservation.reminder_pending",
            Self::FacilityUpdated => "facility.updated",
            Self::VacancyPublished => "vacancy.published",
            Self::ProcedureUpdated => "procedure.updated",
        }
    }
}

/// For how long an event is recorded, in days: a vendor that was away for so long lists what it missed.
pub const KEPT_FOR_DAYS: i64 = 30;

/// An event: the body of a webhook. It has no field for personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// The same for every delivery.
    pub id: EventId,
    /// Its kind.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Orders the events about one thing; a receiver drops what it has seen. Of public data it is the change number of
    /// the thing's feed.
    pub sequence: u64,
    /// What it is about.
    pub data: EventData,
}

/// What an event is about: a type for each kind of thing, told apart by the type of the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum EventData {
    /// Events whose type begins with `reservation.`.
    Reservation(ReservationEvent),
    /// `procedure.updated`.
    Procedure(ProcedureEvent),
    /// `vacancy.published`.
    Vacancy(VacancyEvent),
    /// `facility.updated`.
    Facility(FacilityEvent),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_of_json() {
        for kind in EventType::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}
