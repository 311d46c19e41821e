//! Who must know of a change.

use std::sync::Arc;

use domain::{
    ClientId, FacilityId, MunicipalityCode, ReservationNumber, Timestamp, WebhookEndpointId,
    event::Event,
};
use jiff::civil::Date;
use runtime::{ConfigError, Message, Outgoing, Queue, QueueError, SqsQueue};
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
    #[serde(alias = "reminder")]
    VisitReminder {
        /// Which.
        reservation_number: ReservationNumber,
    },
    /// Asks the nursery to open slots (SLOT-08).
    #[serde(alias = "plan_asking")]
    SlotPlanReminder {
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
    /// Reminds the nursery of pending requests (NTF-07).
    #[serde(alias = "asking")]
    PendingReminder {
        /// Whom.
        facility_id: FacilityId,
        /// The hour of the reminder.
        at: Timestamp,
    },
    /// Tells the municipality what its nurseries were asked about twice or more.
    Digest {
        /// Which.
        municipality_code: MunicipalityCode,
        /// The day.
        day: Date,
        /// Which part, counted from 1.
        #[serde(default = "first")]
        part: usize,
    },
    /// Reminds the nursery of its information (FAC-10).
    InformationReminder {
        /// Whom.
        facility_id: FacilityId,
        /// The day.
        day: Date,
    },
    /// Tells the municipality which change requests it left undecided (FAC-10).
    ChangeDigest {
        /// Which.
        municipality_code: MunicipalityCode,
        /// The day.
        day: Date,
        /// Which part, counted from 1.
        part: usize,
    },
    /// Asks the new addresses of a nursery whether they want its mails (NTF-02).
    NewNoticeAddresses {
        /// Whose.
        facility_id: FacilityId,
        /// The version of its settings that added them.
        version: u32,
    },
    /// Tells a vendor that its webhook endpoint is sent to no longer.
    EndpointDisabled {
        /// Whose.
        client_id: ClientId,
        /// Which.
        endpoint_id: WebhookEndpointId,
    },
}

impl MailOrder {
    /// Whether somebody sits and waits for it: such a mail does not stand behind reminders and digests.
    pub fn is_awaited(&self) -> bool {
        match self {
            Self::Parent { .. } | Self::Facility { .. } | Self::NewNoticeAddresses { .. } => true,
            Self::VisitReminder { .. }
            | Self::SlotPlanReminder { .. }
            | Self::PlanDigest { .. }
            | Self::PendingReminder { .. }
            | Self::Digest { .. }
            | Self::InformationReminder { .. }
            | Self::ChangeDigest { .. }
            | Self::EndpointDisabled { .. } => false,
        }
    }
}

/// The two queues of `send-mail`.
#[derive(Debug, Clone)]
pub struct MailQueues {
    /// Of what somebody waits for.
    pub awaited: Arc<dyn Queue>,
    /// Of all else.
    pub routine: Arc<dyn Queue>,
}

/// A mail of which one recipient alone has not got it yet, known by the mark of the address; all of them where there
/// is no mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressedOrder {
    /// The mail.
    #[serde(flatten)]
    pub order: MailOrder,
    /// To whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<String>,
}

/// Why mails were not put on their queues.
#[derive(Debug, thiserror::Error)]
pub enum MailQueueError {
    /// A queue did not take them.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// An order cannot be written.
    #[error("a message cannot be written")]
    Message(#[from] serde_json::Error),
}

impl MailQueues {
    /// Those that `MAIL_QUEUE_URL` and `ROUTINE_MAIL_QUEUE_URL` name.
    pub fn start() -> Result<Self, ConfigError> {
        Ok(Self {
            awaited: Arc::new(SqsQueue::start("MAIL_QUEUE_URL")?),
            routine: Arc::new(SqsQueue::start("ROUTINE_MAIL_QUEUE_URL")?),
        })
    }

    /// Puts each on the queue where it belongs.
    pub async fn send(&self, mails: &[Message<MailOrder>]) -> Result<(), MailQueueError> {
        for awaited in [true, false] {
            let here = mails.iter().filter(|mail| mail.order.is_awaited() == awaited);
            let messages: Result<Vec<_>, _> = here.map(Outgoing::new).collect();
            self.queue(awaited).send(messages?).await?;
        }
        Ok(())
    }

    /// Puts a mail on its queue once for each recipient, so that each attempt writes to one of them.
    pub async fn send_to_each(
        &self,
        mail: &Message<AddressedOrder>,
        fingerprints: impl IntoIterator<Item = String>,
    ) -> Result<(), MailQueueError> {
        let to_one = |fingerprint| {
            let order = AddressedOrder { only: Some(fingerprint), ..mail.order.clone() };
            Outgoing::new(&Message { order, ..mail.clone() })
        };
        let messages: Result<Vec<_>, _> = fingerprints.into_iter().map(to_one).collect();
        Ok(self.queue(mail.order.order.is_awaited()).send(messages?).await?)
    }

    fn queue(&self, awaited: bool) -> &Arc<dyn Queue> {
        if awaited { &self.awaited } else { &self.routine }
    }
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
    /// Which attempt is next, counted from 1.
    #[serde(default = "first")]
    pub attempt: usize,
    /// Not before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
}

fn first() -> usize {
    1
}
