//! The queue of mails: writes each and sends it (NTF-01, NTF-02, NTF-04, NTF-07).
//!
//! Each recipient gets a mail of their own: an address that fails keeps no other from its mail, and who has got it
//! is not sent it again.
//!
//! One of the two places that open who an applicant is; the other is the staff's view.

mod pace;

use std::sync::Arc;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use data_encoding::HEXLOWER;
use domain::{
    Applicant, FacilityId, Reservation, ReservationNumber, Sealed, Slot, Status,
    applicant::Email,
    keys::{Addresses, Links, Notices},
};
use jiff::SignedDuration;
use notify::{
    information,
    letter::{self, LetterError, ToParent},
    order::{AddressedOrder, MailOrder, MailQueueError, MailQueues},
};
use runtime::{
    Environment, Hub, Keys, Mail, MailError, Mailer, Message, Purpose, Seal, SealError, SesMailer,
    Start, StartError,
    batch::{MissingId, each_message},
    telemetry::{Outcome, ms, ms_since},
};
use store::StoreError;

pub use self::pace::Pace;

/// How many runs there are at most, of both queues together: `MaximumConcurrency` in template.yaml.
pub const AT_ONCE: u32 = 4;

/// How many other times a mail names, and how far ahead they lie at most.
const OTHER_TIMES: usize = 5;
const OTHER_TIMES_WITHIN_DAYS: i64 = 60;

/// How many slots are looked at for them.
const SLOTS_READ: usize = 100;

/// What sending needs.
#[derive(Debug, Clone)]
pub struct SendMail {
    /// The table, and where links lead.
    pub hub: Hub,
    /// Opens who an applicant is.
    pub seal: Arc<dyn Seal>,
    /// Signs the links that parents follow.
    pub links: Keys<Links>,
    /// Signs the links that new notice addresses follow.
    pub notices: Keys<Notices>,
    /// Knows the addresses that are written to no longer.
    pub addresses: Keys<Addresses>,
    /// The mail service.
    pub mailer: Arc<dyn Mailer>,
    /// Where the messages come from.
    pub queues: MailQueues,
    /// How fast the mail service takes mails.
    pub pace: Arc<Pace>,
}

impl Start<Environment> for SendMail {
    async fn start(environment: &Environment) -> Result<Self, StartError> {
        let (mailer, queues) = (Arc::new(SesMailer::start()?), MailQueues::start()?);
        let pace = Arc::new(Pace::of_environment()?);
        type Needs = (Hub, Arc<dyn Seal>, Keys<Links>, Keys<Notices>, Keys<Addresses>);
        let (hub, seal, links, notices, addresses) = Needs::start(environment).await?;
        Ok(Self { hub, seal, links, notices, addresses, mailer, queues, pace })
    }
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
    #[error(transparent)]
    Queue(#[from] MailQueueError),
}

impl SendMail {
    /// Sends a batch of mails side by side.
    pub async fn handle(&self, event: SqsEvent) -> Result<SqsBatchResponse, MissingId> {
        each_message(event, |message, _| self.send(message)).await
    }

    async fn send(&self, message: Message<AddressedOrder>) -> Result<(), SendMailError> {
        let AddressedOrder { order, only } = &message.order;
        let mut mail = self.write(order).await?;
        if let Some(only) = only {
            // The key may have been rotated since the message was sent.
            let keys = self.addresses.ring().await;
            let is_meant = |fingerprint: &[u8; 16]| HEXLOWER.encode(fingerprint) == *only;
            mail.to.retain(|address| keys.every_fingerprint_of(address).iter().any(is_meant));
        }
        let suppressed = self.leave_out_suppressed(&mut mail.to).await?;
        // Each new notice address has a link of its own, so its mail is written once it has one recipient.
        if let (MailOrder::NewNoticeAddresses { facility_id, .. }, [address]) =
            (order, mail.to.as_slice())
        {
            mail = self.ask_new_address(facility_id, address).await?;
        }
        let recipients = mail.to.len();
        let outcome = match recipients {
            0 => Outcome::Skipped,
            1 => Outcome::Done,
            _ => Outcome::Divided,
        };
        match mail.to.as_slice() {
            [] => {}
            [to] => {
                self.pace.turn().await;
                self.mailer.send(to, &mail).await?;
            }
            all => {
                let (keys, now) = (self.addresses.ring().await, self.hub.clock.now());
                let fingerprints =
                    all.iter().map(|to| HEXLOWER.encode(&keys.address_fingerprint(to, now)));
                self.queues.send_to_each(&message, fingerprints).await?;
            }
        }
        let caused_at = message.caused_at.filter(|_| recipients == 1);
        tracing::info!(
            ?order,
            outcome = outcome.as_str(),
            recipients,
            duration_ms = ms(message.taken.elapsed()),
            MailLag = caused_at.map(|at| ms_since(self.hub.clock.now(), at)),
            MailsSuppressed = (suppressed > 0).then_some(suppressed),
            "mail"
        );
        Ok(())
    }

    /// Asks a new address of a nursery whether it wants its mails.
    async fn ask_new_address(
        &self,
        id: &FacilityId,
        address: &Email,
    ) -> Result<Mail, SendMailError> {
        let facility = self.facility(id).await?;
        let link = self.hub.notice_url(id, address, &*self.notices.ring().await);
        Ok(letter::new_notice_address(&facility, link, address.clone())?)
    }

    /// Leaves out those to whom a mail bounced or who complained; tells how many.
    async fn leave_out_suppressed(&self, to: &mut Vec<Email>) -> Result<usize, StoreError> {
        let keys = self.addresses.ring().await;
        let fingerprints: Vec<_> =
            to.iter().map(|address| keys.every_fingerprint_of(address)).collect();
        let suppressed = self.hub.store.suppressed(&fingerprints, self.hub.clock.now()).await?;
        let before = to.len();
        let mut suppressed = suppressed.into_iter();
        to.retain(|_| suppressed.next() != Some(true));
        Ok(before - to.len())
    }

    async fn write(&self, order: &MailOrder) -> Result<Mail, SendMailError> {
        let store = &self.hub.store;
        let link = |number: &ReservationNumber| self.hub.console_url(number);
        match order {
            MailOrder::Parent { reservation_number, sequence } => {
                let reservation = self.reservation(reservation_number).await?;
                let facility = self.facility(&reservation.facility_id).await?;
                let applicant = self.applicant(&reservation).await?;
                let other_times = self.other_times(&reservation).await?;
                let change = reservation.history.iter().find(|it| it.sequence == *sequence);
                let comment = change.and_then(|change| change.comment.as_ref());
                let comment = self.comment(reservation_number, comment).await?;
                let link = self.hub.visit_url(&reservation, &*self.links.ring().await);
                let (facility, applicant) = (&facility, &applicant);
                let other_times = &other_times;
                let about = ToParent { facility, applicant, comment, link, other_times };
                Ok(letter::to_parent(&reservation, *sequence, about)?)
            }
            MailOrder::VisitReminder { reservation_number } => {
                let reservation = self.reservation(reservation_number).await?;
                let facility = self.facility(&reservation.facility_id).await?;
                let applicant = self.applicant(&reservation).await?;
                let comment = self.comment(reservation_number, reservation.comment()).await?;
                let link = self.hub.visit_url(&reservation, &*self.links.ring().await);
                let (facility, applicant) = (&facility, &applicant);
                let about = ToParent { facility, applicant, comment, link, other_times: &[] };
                Ok(letter::visit_reminder(&reservation, about)?)
            }
            MailOrder::SlotPlanReminder { facility_id, month } => {
                let facility = self.facility(facility_id).await?;
                let to = store.settings(facility_id).await?.confirmed_addresses();
                Ok(letter::slot_plan_reminder(*month, &facility, to)?)
            }
            MailOrder::PlanDigest { municipality_code, month } => {
                let digest = store.plan_digest(*municipality_code, *month).await?;
                let digest = digest.ok_or(SendMailError::Missing)?;
                let facilities = store.facilities(&digest.facilities, false).await?;
                let contact = store.municipality_contact(*municipality_code).await?;
                Ok(letter::plan_digest(&digest, &facilities, contact.notice_addresses)?)
            }
            MailOrder::Facility { reservation_number, sequence } => {
                let reservation = self.reservation(reservation_number).await?;
                let facility = self.facility(&reservation.facility_id).await?;
                let to = store.settings(&reservation.facility_id).await?.confirmed_addresses();
                let link = link(reservation_number);
                Ok(letter::to_facility(&reservation, *sequence, &facility, link, to)?)
            }
            MailOrder::PendingReminder { facility_id, at } => {
                let pending_reminder = store
                    .pending_reminder(facility_id, *at)
                    .await?
                    .ok_or(SendMailError::Missing)?;
                let facility = self.facility(facility_id).await?;
                let to = store.settings(facility_id).await?.confirmed_addresses();
                Ok(letter::pending_reminder(&pending_reminder, &facility, link, to)?)
            }
            MailOrder::Digest { municipality_code, day, part } => {
                let digest = store.digest(*municipality_code, *day, *part).await?;
                let digest = digest.ok_or(SendMailError::Missing)?;
                let mut ids: Vec<_> =
                    digest.requests.iter().map(|request| request.facility_id.clone()).collect();
                ids.sort();
                ids.dedup();
                let facilities = store.facilities(&ids, false).await?;
                let contact = store.municipality_contact(*municipality_code).await?;
                Ok(letter::digest(&digest, &facilities, link, contact.notice_addresses)?)
            }
            MailOrder::InformationReminder { facility_id, day } => {
                let reminder = store.information_reminder(facility_id, *day).await?;
                let reminder = reminder.ok_or(SendMailError::Missing)?;
                let facility = self.facility(facility_id).await?;
                let to = store.settings(facility_id).await?.confirmed_addresses();
                Ok(information::reminder(&reminder, &facility, to)?)
            }
            MailOrder::ChangeDigest { municipality_code, day, part } => {
                let digest = store.change_digest(*municipality_code, *day, *part).await?;
                let digest = digest.ok_or(SendMailError::Missing)?;
                let mut ids: Vec<_> =
                    digest.changes.iter().map(|change| change.facility_id.clone()).collect();
                ids.sort();
                ids.dedup();
                let facilities = store.facilities(&ids, false).await?;
                let contact = store.municipality_contact(*municipality_code).await?;
                Ok(information::change_digest(&digest, &facilities, contact.notice_addresses)?)
            }
            MailOrder::NewNoticeAddresses { facility_id, version } => {
                // The stream told of these settings: an eventually consistent read may not have them yet.
                let saved = store.settings_to_change(facility_id).await?;
                Ok(Mail { to: saved.added_by(*version), ..Mail::default() })
            }
            MailOrder::EndpointDisabled { client_id, endpoint_id } => {
                let endpoint = store.endpoint(client_id, endpoint_id).await?;
                let endpoint = endpoint.ok_or(SendMailError::Missing)?;
                let vendor = store.vendor(client_id).await?.ok_or(SendMailError::Missing)?;
                Ok(letter::endpoint_disabled(&endpoint.url, vendor.contact)?)
            }
        }
    }

    async fn reservation(&self, number: &ReservationNumber) -> Result<Reservation, SendMailError> {
        // What the stream told of may be newer than an eventually consistent read.
        self.hub.store.reservation(number, true).await?.ok_or(SendMailError::Missing)
    }

    async fn applicant(&self, reservation: &Reservation) -> Result<Applicant, SendMailError> {
        let sealed = reservation.applicant.as_ref().ok_or(SendMailError::Missing)?;
        Ok(self.seal.open_applicant(&reservation.reservation_number, sealed).await?)
    }

    async fn comment(
        &self,
        number: &ReservationNumber,
        sealed: Option<&Sealed>,
    ) -> Result<Option<String>, SendMailError> {
        let Some(sealed) = sealed else { return Ok(None) };
        Ok(Some(self.seal.open_text(Purpose::Comment(number), sealed).await?))
    }

    /// What a parent who did not get this time may ask for instead: the nursery's next free times.
    async fn other_times(&self, reservation: &Reservation) -> Result<Vec<Slot>, SendMailError> {
        if !matches!(reservation.status, Status::Declined | Status::Expired) {
            return Ok(vec![]);
        }
        let (store, now) = (&self.hub.store, self.hub.clock.now());
        let settings = store.settings(&reservation.facility_id).await?;
        let until = now + SignedDuration::from_hours(24 * OTHER_TIMES_WITHIN_DAYS);
        let mut slots = store.slots(&reservation.facility_id, now, until, SLOTS_READ, None).await?;
        slots.retain(|slot| slot.slot_id != reservation.slot_id);
        slots.retain(|slot| slot.may_be_requested(&settings, false, now).is_ok());
        slots.truncate(OTHER_TIMES);
        Ok(slots)
    }

    async fn facility(&self, id: &FacilityId) -> Result<domain::Facility, SendMailError> {
        self.hub.store.facility(id).await?.ok_or(SendMailError::Missing)
    }
}
