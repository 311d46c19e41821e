//! Who must know of a change.

use domain::{
    ClientId, FacilityId, Instant, MunicipalityCode, Reservation, ReservationNumber, Status,
    WebhookEndpointId, event::Event, reservation::Actor,
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// A mail to be sent: a message on the queue of `send-mail`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum MailOrder {
    /// Tells the parent of a change of their reservation (NTF-01).
    Parent {
        /// Which.
        reservation_number: ReservationNumber,
        /// The change.
        sequence: u32,
    },
    /// Tells the nursery of a request, or of what became of it without the nursery (NTF-02).
    Facility {
        /// Which.
        reservation_number: ReservationNumber,
        /// The change.
        sequence: u32,
    },
    /// Reminds the parent of the visit of the next day.
    Reminder {
        /// Which.
        reservation_number: ReservationNumber,
    },
    /// Asks the nursery to open slots (SLOT-08).
    PlanAsking {
        /// Whom.
        facility_id: FacilityId,
        /// The first day of the month.
        month: Date,
    },
    /// Tells the municipality which of its nurseries were asked to (SLOT-10).
    PlanDigest {
        /// Which.
        municipality_code: MunicipalityCode,
        /// The first day of the month.
        month: Date,
    },
    /// Asks the nursery about requests that wait (NTF-07).
    Asking {
        /// Whom.
        facility_id: FacilityId,
        /// The hour of the asking.
        at: Instant,
    },
    /// Tells the municipality what its nurseries were asked about twice or more.
    Digest {
        /// Which.
        municipality_code: MunicipalityCode,
        /// The day.
        day: Date,
    },
    /// Tells a vendor that its webhook endpoint is sent to no longer.
    EndpointDisabled {
        /// Whose.
        client_id: ClientId,
        /// Which.
        endpoint_id: WebhookEndpointId,
    },
}

/// An event to be delivered to one endpoint: a message on the queue of `vendor-push`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushOrder {
    /// Whose endpoint.
    pub client_id: ClientId,
    /// The endpoint.
    pub endpoint_id: WebhookEndpointId,
    /// What it is told.
    pub event: Event,
}

/// The mails that a change of a reservation causes, from its images before and after.
pub fn mails_of(before: Option<&Reservation>, after: &Reservation) -> Vec<MailOrder> {
    use Status::{
        Approved, CancelledByFacility, CancelledByParent, Completed, Declined, Expired, NoShow,
        Offered, Pending, Unconfirmed, Waiting,
    };
    let (reservation_number, sequence) = (after.reservation_number.clone(), after.sequence);
    let parent = || MailOrder::Parent { reservation_number: reservation_number.clone(), sequence };
    let facility =
        || MailOrder::Facility { reservation_number: reservation_number.clone(), sequence };
    let from = before.map(|before| before.status);
    if before.is_some_and(|before| before.sequence >= after.sequence) {
        return vec![];
    }
    if from == Some(after.status) {
        let reminded = before.is_some_and(|before| before.reminded_at != after.reminded_at);
        return if reminded { vec![MailOrder::Reminder { reservation_number }] } else { vec![] };
    }
    let automatic = after.history.last().is_some_and(|change| change.by == Actor::Hub);
    let mails = match (from, after.status) {
        (_, Pending) | (Some(Pending), Expired) => vec![parent(), facility()],
        (Some(Pending | Approved), CancelledByParent) => vec![parent(), facility()],
        (_, Approved) if automatic => vec![parent(), facility()],
        (Some(Unconfirmed), Expired) | (_, Completed | NoShow) => vec![],
        (
            _,
            Unconfirmed | Waiting | Offered | Approved | Declined | CancelledByParent
            | CancelledByFacility | Expired,
        ) => vec![parent()],
    };
    // Who came by telephone gave the hub no address.
    let can_be_mailed =
        |mail: &MailOrder| after.applicant.is_some() || !matches!(mail, MailOrder::Parent { .. });
    mails.into_iter().filter(can_be_mailed).collect()
}
