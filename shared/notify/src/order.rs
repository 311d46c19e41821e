//! Who must know of a change.

use domain::{
    ClientId, FacilityId, Instant, MunicipalityCode, ReservationNumber, WebhookEndpointId,
    event::{Event, EventType},
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
    /// Tells the nursery of a request or of a parent's cancellation (NTF-02).
    Facility {
        /// Which.
        reservation_number: ReservationNumber,
        /// The change.
        sequence: u32,
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

/// The mails that an event of a reservation causes.
pub fn mails_of(event: &Event) -> Vec<MailOrder> {
    let parent = || MailOrder::Parent {
        reservation_number: event.data.reservation_number.clone(),
        sequence: event.sequence,
    };
    let facility = || MailOrder::Facility {
        reservation_number: event.data.reservation_number.clone(),
        sequence: event.sequence,
    };
    match event.event_type {
        EventType::Requested => vec![parent(), facility()],
        EventType::Cancelled if event.data.status == domain::Status::CancelledByParent => {
            vec![parent(), facility()]
        }
        EventType::Approved | EventType::Declined | EventType::Cancelled => vec![parent()],
        // The facility's mail is written for the asking as a whole.
        EventType::ReminderPending => vec![],
    }
}
