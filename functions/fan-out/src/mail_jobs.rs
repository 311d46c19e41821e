//! Mail jobs: the messages on the queues of `send-mail`.

use domain::{Reservation, Timestamp, audience::ReservationMail};
use notify::order::{MailOrder, MailQueues};
use runtime::Message;
use store::StreamChange;

use crate::{RelayError, change::Change};

pub(crate) async fn send(
    queues: &MailQueues,
    changes: &[Change],
    now: Timestamp,
) -> Result<(), RelayError> {
    let messages: Vec<_> = changes.iter().flat_map(|change| messages(change, now)).collect();
    Ok(queues.send(&messages).await?)
}

fn messages(change: &Change, now: Timestamp) -> Vec<Message<MailOrder>> {
    let (orders, caused_at) = match &change.of {
        StreamChange::Reservation { after, .. } => {
            let mails = change.audience.iter().flat_map(|audience| &audience.mails);
            (mails.map(|mail| order(*mail, after)).collect(), after.updated_at)
        }
        StreamChange::PendingReminder(reminder) => {
            let (facility_id, at) = (reminder.facility_id.clone(), reminder.at);
            (vec![MailOrder::PendingReminder { facility_id, at }], at)
        }
        StreamChange::SlotPlanReminder(reminder) => {
            let (facility_id, month) = (reminder.facility_id.clone(), reminder.month);
            (vec![MailOrder::SlotPlanReminder { facility_id, month }], reminder.at)
        }
        StreamChange::Digest(digest) => {
            let (municipality_code, part) = (digest.municipality_code, digest.part);
            let day = digest.at.date();
            (vec![MailOrder::Digest { municipality_code, day, part }], digest.at)
        }
        StreamChange::PlanDigest(digest) => {
            let (municipality_code, month) = (digest.municipality_code, digest.month);
            (vec![MailOrder::PlanDigest { municipality_code, month }], digest.at)
        }
        StreamChange::InformationReminder(reminder) => {
            let (facility_id, day) = (reminder.facility_id.clone(), reminder.at.date());
            (vec![MailOrder::InformationReminder { facility_id, day }], reminder.at)
        }
        StreamChange::ChangeDigest(digest) => {
            let (municipality_code, part) = (digest.municipality_code, digest.part);
            let day = digest.at.date();
            (vec![MailOrder::ChangeDigest { municipality_code, day, part }], digest.at)
        }
        StreamChange::NewNoticeAddresses { facility, version } => {
            let (facility_id, version) = (facility.clone(), *version);
            (vec![MailOrder::NewNoticeAddresses { facility_id, version }], now)
        }
        StreamChange::Facility(_)
        | StreamChange::Slot(_)
        | StreamChange::Vacancy(_)
        | StreamChange::Procedure(_)
        | StreamChange::Published(_)
        | StreamChange::Removed(_)
        | StreamChange::Nothing => return vec![],
    };
    let message = |order| Message::new(order, change.correlation_id.clone(), caused_at);
    orders.into_iter().map(message).collect()
}

fn order(mail: ReservationMail, reservation: &Reservation) -> MailOrder {
    let reservation_number = reservation.reservation_number.clone();
    let sequence = reservation.sequence;
    match mail {
        ReservationMail::Parent => MailOrder::Parent { reservation_number, sequence },
        ReservationMail::Facility => MailOrder::Facility { reservation_number, sequence },
        ReservationMail::VisitReminder => MailOrder::VisitReminder { reservation_number },
    }
}
