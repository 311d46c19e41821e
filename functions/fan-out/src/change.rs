//! The records of the stream, and what they say.

use std::time::Instant;

use aws_lambda_events::dynamodb::EventRecord;
use domain::{CorrelationId, Status, audience::Audience};
use runtime::telemetry::{Outcome, ms};
use serde::Serialize;
use store::{StoreError, StreamChange, item::Item};

/// Where in the stream a record is.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Position {
    stream_arn: String,
    start_sequence_number: String,
    end_sequence_number: String,
    batch_size: usize,
}

/// A change of an item as the stream delivers it.
pub(crate) struct Record {
    pub(crate) position: Position,
    before: Option<Item>,
    after: Option<Item>,
}

impl Record {
    pub(crate) fn of(record: EventRecord) -> Self {
        // Without a number, Lambda delivers the whole batch again.
        let number = record.change.sequence_number.unwrap_or_default();
        let position = Position {
            stream_arn: record.event_source_arn.unwrap_or_default(),
            start_sequence_number: number.clone(),
            end_sequence_number: number,
            batch_size: 1,
        };
        let image = |item: serde_dynamo::Item| (!item.is_empty()).then(|| item.into());
        let (before, after) = (image(record.change.old_image), image(record.change.new_image));
        Self { position, before, after }
    }

    /// The sequence number.
    pub(crate) fn number(&self) -> &str {
        &self.position.start_sequence_number
    }

    /// What the record says.
    pub(crate) fn change(&self) -> Result<Change, StoreError> {
        let correlation_id = store::correlation_id_of(self.before.as_ref(), self.after.as_ref());
        let of = StreamChange::of(self.before.clone(), self.after.clone())?;
        let audience = match &of {
            StreamChange::Reservation { before, after } => {
                Some(Audience::of(before.as_deref(), after))
            }
            StreamChange::Published(event) => Some(Audience::of_public(event.clone())),
            _ => None,
        };
        Ok(Change { of, correlation_id, audience })
    }
}

/// What a record says.
pub(crate) struct Change {
    pub(crate) of: StreamChange,
    /// The request or run that caused it.
    pub(crate) correlation_id: Option<CorrelationId>,
    /// Who hears of it.
    pub(crate) audience: Option<Audience>,
}

impl Change {
    /// Writes that it was relayed. A change of state counts once, for it is relayed once unless the batch is repeated.
    pub(crate) fn log(&self, started: Instant) {
        let (change, subject) = match &self.of {
            StreamChange::Reservation { after, .. } => {
                ("reservation", after.reservation_number.to_string())
            }
            StreamChange::Facility(facility) => ("facility", facility.facility_id.to_string()),
            StreamChange::Slot(slot) => ("slot", slot.slot_id.to_string()),
            StreamChange::Vacancy(vacancy) => ("vacancy", vacancy.facility_id.to_string()),
            StreamChange::Procedure(procedure) => ("procedure", procedure.procedure_id.to_string()),
            StreamChange::PendingReminder(reminder) => {
                ("pending_reminder", reminder.facility_id.to_string())
            }
            StreamChange::Digest(digest) => ("digest", digest.municipality_code.to_string()),
            StreamChange::SlotPlanReminder(reminder) => {
                ("slot_plan_reminder", reminder.facility_id.to_string())
            }
            StreamChange::PlanDigest(digest) => {
                ("plan_digest", digest.municipality_code.to_string())
            }
            StreamChange::InformationReminder(reminder) => {
                ("information_reminder", reminder.facility_id.to_string())
            }
            StreamChange::ChangeDigest(digest) => {
                ("change_digest", digest.municipality_code.to_string())
            }
            StreamChange::NewNoticeAddresses { facility, .. } => {
                ("new_notice_addresses", facility.to_string())
            }
            StreamChange::Published(event) => ("published", event.id.to_string()),
            StreamChange::Removed(key) => ("removed", key.text().0),
            StreamChange::Nothing => return,
        };
        let event = self.audience.as_ref().and_then(|audience| audience.event.as_ref());
        let status = self.new_status();
        tracing::info!(
            correlation_id = self.correlation_id.as_ref().map(CorrelationId::as_str),
            change,
            subject,
            event_id = event.map(|event| event.id.as_str()),
            status = status.map(Status::as_str),
            outcome = Outcome::Done.as_str(),
            duration_ms = ms(started.elapsed()),
            Reservations = status.map(|_| 1),
            "change"
        );
    }

    /// The state that a reservation came into.
    fn new_status(&self) -> Option<Status> {
        let StreamChange::Reservation { before, after } = &self.of else { return None };
        let was = before.as_ref().map(|before| before.status);
        Some(after.status).filter(|now| was != Some(*now))
    }
}
