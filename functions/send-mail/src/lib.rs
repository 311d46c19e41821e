//! The queue of mails: writes each and sends it (NTF-01, NTF-02, NTF-04, NTF-07).
//!
//! One of the two places that open who an applicant is; the other is the staff's view.

use std::sync::Arc;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use domain::{FacilityId, ReservationNumber};
use notify::{
    letter::{self, LetterError},
    order::MailOrder,
};
use runtime::{
    Hub, Mail, MailError, Mailer, Seal, SealError,
    batch::{MissingId, each_message},
};
use store::StoreError;

/// What sending needs.
#[derive(Debug, Clone)]
pub struct SendMail {
    /// The table, and where links lead.
    pub hub: Hub,
    /// Opens who an applicant is.
    pub seal: Arc<dyn Seal>,
    /// The mail service.
    pub mailer: Arc<dyn Mailer>,
}

/// Why a mail stays on the queue.
#[derive(Debug, thiserror::Error)]
enum SendMailError {
    #[error("what the mail is about does not exist")]
    Missing,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Letter(#[from] LetterError),
    #[error(transparent)]
    Mail(#[from] MailError),
}

impl SendMail {
    /// Sends a batch of mails side by side.
    pub async fn handle(&self, event: SqsEvent) -> Result<SqsBatchResponse, MissingId> {
        each_message(event, |order, _| self.send(order)).await
    }

    async fn send(&self, order: MailOrder) -> Result<(), SendMailError> {
        let mail = self.write(&order).await?;
        if mail.to.is_empty() {
            tracing::info!(?order, "nobody gave an address to write to");
            return Ok(());
        }
        self.mailer.send(mail).await?;
        tracing::info!(?order, "mail sent");
        Ok(())
    }

    async fn write(&self, order: &MailOrder) -> Result<Mail, SendMailError> {
        let store = &self.hub.store;
        let link = |number: &ReservationNumber| self.hub.console_url(number);
        match order {
            MailOrder::Parent { reservation_number, sequence } => {
                let reservation = self.reservation(reservation_number).await?;
                let facility = self.facility(&reservation.facility_id).await?;
                let applicant =
                    self.seal.open_applicant(reservation_number, &reservation.applicant).await?;
                Ok(letter::to_parent(&reservation, *sequence, &facility, &applicant)?)
            }
            MailOrder::Facility { reservation_number, sequence } => {
                let reservation = self.reservation(reservation_number).await?;
                let facility = self.facility(&reservation.facility_id).await?;
                let to = store.settings(&reservation.facility_id).await?.notice_addresses;
                let link = link(reservation_number);
                Ok(letter::to_facility(&reservation, *sequence, &facility, link, to)?)
            }
            MailOrder::Asking { facility_id, at } => {
                let asking = store.asking(facility_id, *at).await?.ok_or(SendMailError::Missing)?;
                let facility = self.facility(facility_id).await?;
                let to = store.settings(facility_id).await?.notice_addresses;
                Ok(letter::asking(&asking, &facility, link, to)?)
            }
            MailOrder::Digest { municipality_code, day } => {
                let digest = store.digest(*municipality_code, *day).await?;
                let digest = digest.ok_or(SendMailError::Missing)?;
                let mut ids: Vec<_> =
                    digest.requests.iter().map(|request| request.facility_id.clone()).collect();
                ids.sort();
                ids.dedup();
                let facilities = store.facilities(&ids).await?;
                let contact = store.municipality_contact(*municipality_code).await?;
                Ok(letter::digest(&digest, &facilities, link, contact.notice_addresses)?)
            }
            MailOrder::EndpointDisabled { client_id, endpoint_id } => {
                let endpoint = store.endpoint(client_id, endpoint_id).await?;
                let endpoint = endpoint.ok_or(SendMailError::Missing)?;
                let vendor = store.vendor(client_id).await?.ok_or(SendMailError::Missing)?;
                Ok(letter::endpoint_disabled(&endpoint.url, vendor.contact)?)
            }
        }
    }

    async fn reservation(
        &self,
        number: &ReservationNumber,
    ) -> Result<domain::Reservation, SendMailError> {
        // What the stream told of may be newer than an eventually consistent read.
        self.hub.store.reservation(number, true).await?.ok_or(SendMailError::Missing)
    }

    async fn facility(&self, id: &FacilityId) -> Result<domain::Facility, SendMailError> {
        self.hub.store.facility(id).await?.ok_or(SendMailError::Missing)
    }
}
