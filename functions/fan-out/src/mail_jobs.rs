//! Mail jobs: the messages on the queues of `send-mail`.

use domain::{Instant, Reservation, audience::ReservationMail};
use notify::order::{MailOrder, MailQueues};
use runtime::Message;
use store::StreamChange;

use crate::{RelayError, change::Change};

pub(crate) async fn send(
    queues: &MailQueues,
    changes: &[Change],
    now: Instant,
) -> Result<(), RelayError> {
    let messages: Vec<_> = changes.iter().flat_map(|change| messages(change, now)).collect();
    Ok(queues.send(&messages).await?)
}

fn messages(change: &Change, now: Instant) -> Vec<Message<MailOrder>> {
    let (orders, caused_at) = match &change.of {
        StreamChange::Reservation { after, .. } => {
            let mails = change.audience.iter().flat_map(|audience| &audience.mails);
            (mails.map(|mail| order(*mail, after)).collect(), after.updated_at)
        }
        StreamChange::Asking(asking) => {
            let (facility_id, at) = (asking.facility_id.clone(), asking.at);
            (vec![MailOrder::Asking { facility_id, at }], at)
        }
        StreamChange::PlanAsking(asking) => {
            let (facility_id, month) = (asking.facility_id.clone(), asking.month);
            (vec![MailOrder::PlanAsking { facility_id, month }], asking.at)
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
        StreamChange::NewNoticeAddresses { facility, version } => {
            let (facility_id, version) = (facility.clone(), *version);
            (vec![MailOrder::NewNoticeAddresses { facility_id, version }], now)
        }
        StreamChange::Facility(_) | StreamChange::Slot(_) | StreamChange::Nothing => return vec![],
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
        ReservationMail::Reminder => MailOrder::Reminder { reservation_number },
    }
}
