//! Who hears of a change of a reservation: the one place that decides it.

use crate::{
    ClientId, Reservation, Status,
    event::{Event, EventType},
    reservation::Actor,
};

/// A mail about a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReservationMail {
    /// Tells the parent what became of it (NTF-01).
    Parent,
    /// Tells the nursery of a request, or of what became of it without the nursery (NTF-02).
    Facility,
    /// Reminds the parent of the visit of the next day.
    VisitReminder,
}

/// Who hears of a change of a reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audience {
    /// The mails that are sent.
    pub mails: Vec<ReservationMail>,
    /// What vendors are sent, if they are sent anything.
    pub event: Option<Event>,
    /// The search site that made the reservation, if the event is for it.
    pub site: Option<ClientId>,
    /// Whether the event is for the ICT systems that are linked to the nursery.
    pub ict_systems: bool,
}

impl Audience {
    /// From the images of a reservation before and after the change.
    pub fn of(before: Option<&Reservation>, after: &Reservation) -> Self {
        let event = Event::of(before, after);
        let event_type = event.as_ref().map(|event| event.event_type);
        let for_site =
            event_type.is_some_and(|event_type| event_type != EventType::ReminderPending);
        Self {
            mails: mails(before, after),
            event,
            site: after.client_id().cloned().filter(|_| for_site),
            // The nursery never had it to answer while it only waited for a place.
            ict_systems: event_type.is_some()
                && (after.status == Status::Pending
                    || !before.is_some_and(|before| {
                        matches!(before.status, Status::Waiting | Status::Offered)
                    })),
        }
    }
}

fn mails(before: Option<&Reservation>, after: &Reservation) -> Vec<ReservationMail> {
    use ReservationMail::{Facility, Parent, VisitReminder};
    use Status::{
        Approved, CancelledByFacility, CancelledByParent, Completed, Declined, Expired, NoShow,
        Offered, Pending, Unconfirmed, Waiting,
    };
    let from = before.map(|before| before.status);
    if before.is_some_and(|before| before.sequence >= after.sequence) {
        return vec![];
    }
    if from == Some(after.status) {
        let reminded = before.is_some_and(|before| before.reminded_at != after.reminded_at);
        return if reminded { vec![VisitReminder] } else { vec![] };
    }
    let automatic = after.history.last().is_some_and(|change| change.by == Actor::Hub);
    let mut mails = match (from, after.status) {
        (_, Pending) | (Some(Pending), Expired) => vec![Parent, Facility],
        (Some(Pending | Approved), CancelledByParent) => vec![Parent, Facility],
        (_, Approved) if automatic => vec![Parent, Facility],
        (Some(Unconfirmed), Expired) | (_, Completed | NoShow) => vec![],
        (
            _,
            Unconfirmed | Waiting | Offered | Approved | Declined | CancelledByParent
            | CancelledByFacility | Expired,
        ) => vec![Parent],
    };
    // Who came by telephone gave the hub no address.
    mails.retain(|mail| after.applicant.is_some() || *mail != Parent);
    mails
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reservation::tests::{in_state, pending};

    #[test]
    fn request_is_for_parent_nursery_site_and_ict_systems() {
        let request = pending();
        let audience = Audience::of(None, &request);
        assert_eq!(audience.mails, [ReservationMail::Parent, ReservationMail::Facility]);
        assert_eq!(audience.site.as_ref(), request.client_id());
        assert!(audience.site.is_some() && audience.ict_systems);
    }

    #[test]
    fn what_only_waited_for_a_place_is_no_ict_systems_affair() {
        for status in [Status::Waiting, Status::Offered] {
            let before = in_state(status);
            let mut cancelled = before.clone();
            cancelled.status = Status::CancelledByParent;
            cancelled.sequence += 1;
            let audience = Audience::of(Some(&before), &cancelled);
            assert!(audience.site.is_some() && !audience.ict_systems, "{status:?}");
            let mut answered = before.clone();
            answered.status = Status::Pending;
            answered.sequence += 1;
            assert!(Audience::of(Some(&before), &answered).ict_systems, "{status:?}");
        }
    }

    #[test]
    fn reminder_of_an_unanswered_request_is_for_ict_systems_alone() {
        let before = pending();
        let mut reminders = before.clone();
        reminders.reminders =
            Some(crate::reservation::Reminders { count: 1, last_at: before.updated_at });
        reminders.sequence += 1;
        let audience = Audience::of(Some(&before), &reminders);
        assert_eq!((audience.mails, audience.site, audience.ict_systems), (vec![], None, true));
        // The same image again is no change.
        let nobody = Audience::of(Some(&reminders), &reminders);
        assert!(nobody.mails.is_empty() && nobody.event.is_none() && !nobody.ict_systems);
    }

    #[test]
    fn request_by_telephone_mails_nobody_but_the_nursery() {
        let mut request = pending();
        request.applicant = None;
        assert_eq!(Audience::of(None, &request).mails, [ReservationMail::Facility]);
    }
}
