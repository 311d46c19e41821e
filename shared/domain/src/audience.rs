//! Who hears of a change: the one place that decides it.

use crate::{
    ClientId, FacilityId, Reservation, Status,
    event::{Event, EventData, EventType},
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

/// Which search sites hear of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sites {
    /// None.
    None,
    /// The one that made the reservation.
    One(ClientId),
    /// All: the event is about what anybody may know.
    All,
}

/// Who hears of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audience {
    /// The mails that are sent.
    pub mails: Vec<ReservationMail>,
    /// What vendors are sent, if they are sent anything.
    pub event: Option<Event>,
    /// The search sites that the event is for.
    pub sites: Sites,
    /// The nursery to whose linked ICT systems the event is told too.
    pub ict_systems_of: Option<FacilityId>,
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
            sites: match after.client_id() {
                Some(client) if for_site => Sites::One(client.clone()),
                _ => Sites::None,
            },
            // The nursery never had it to answer while it only waited for a place.
            ict_systems_of: (event_type.is_some()
                && (after.status == Status::Pending
                    || !before.is_some_and(|before| {
                        matches!(before.status, Status::Waiting | Status::Offered)
                    })))
            .then(|| after.facility_id.clone()),
        }
    }

    /// Of an event about what anybody may know.
    pub fn of_public(event: Event) -> Self {
        let ict_systems_of = match &event.data {
            EventData::Facility(about) => Some(about.facility_id.clone()),
            EventData::Vacancy(about) => Some(about.facility_id.clone()),
            // No nursery's affair.
            EventData::Procedure(_) | EventData::Reservation(_) => None,
        };
        Self { mails: vec![], event: Some(event), sites: Sites::All, ict_systems_of }
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
        assert_eq!(audience.sites, Sites::One(request.client_id().unwrap().clone()));
        assert_eq!(audience.ict_systems_of, Some(request.facility_id));
    }

    #[test]
    fn what_only_waited_for_a_place_is_no_ict_systems_affair() {
        for status in [Status::Waiting, Status::Offered] {
            let before = in_state(status);
            let mut cancelled = before.clone();
            cancelled.status = Status::CancelledByParent;
            cancelled.sequence += 1;
            let audience = Audience::of(Some(&before), &cancelled);
            assert_ne!(audience.sites, Sites::None, "{status:?}");
            assert_eq!(audience.ict_systems_of, None, "{status:?}");
            let mut answered = before.clone();
            answered.status = Status::Pending;
            answered.sequence += 1;
            let audience = Audience::of(Some(&before), &answered);
            assert!(audience.ict_systems_of.is_some(), "{status:?}");
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
        assert_eq!((audience.mails, audience.sites), (vec![], Sites::None));
        assert!(audience.ict_systems_of.is_some());
        // The same image again is no change.
        let nobody = Audience::of(Some(&reminders), &reminders);
        assert!(
            nobody.mails.is_empty() && nobody.event.is_none() && nobody.ict_systems_of.is_none()
        );
    }

    #[test]
    fn request_by_telephone_mails_nobody_but_the_nursery() {
        let mut request = pending();
        request.applicant = None;
        assert_eq!(Audience::of(None, &request).mails, [ReservationMail::Facility]);
    }
}
