//! What time alone does to a reservation: people forget, and the hub does not (RSV-16, RSV-19, RSV-20).

use jiff::{SignedDuration, civil::time};

use super::{Action, Actor, Outcome, Reservation};
use crate::{Refusal, Settings, Status, Timestamp, slot::gives_up};

/// How long a parent on the portal has to confirm the mail address.
const UNCONFIRMED_FOR: SignedDuration = SignedDuration::from_mins(15);

/// How long a place that came free is kept for the first who waits.
const OFFERED_FOR: SignedDuration = SignedDuration::from_hours(24);

/// What is to be done to a reservation because its time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Approve it in the nursery's place (RSV-19).
    Approve,
    /// Give it up.
    Expire,
    /// Remind the parent, on the day before the visit.
    Remind,
    /// Regard the family as having come, on the day after.
    Complete,
}

impl Reservation {
    /// Sets until when somebody has to act, for the state that it has now.
    pub(super) fn set_deadlines(&mut self, settings: &Settings, now: Timestamp) {
        let given_up = gives_up(self.starts_at);
        let closes = settings.booking_closes(self.starts_at).min(given_up);
        self.approves_at = None;
        self.expires_at = match self.status {
            Status::Unconfirmed => Some((now + UNCONFIRMED_FOR).min(given_up)),
            Status::Waiting => Some(closes),
            Status::Offered => Some((now + OFFERED_FOR).min(closes)),
            Status::Pending => {
                self.approves_at = settings.auto_approval.approves_at(now, self.starts_at);
                Some(given_up)
            }
            _ => None,
        };
    }

    /// When the parent is reminded: at 10:00 on the day before the visit, unless it was approved
    /// after that.
    fn reminds_at(&self) -> Option<Timestamp> {
        let approved = self.history.last().map_or(self.requested_at, |change| change.at);
        let day_before = self.starts_at.date().yesterday().ok()?;
        let at = Timestamp::at(day_before, time(10, 0, 0, 0));
        (self.reminded_at.is_none() && self.applicant.is_some() && at > approved).then_some(at)
    }

    /// When the family is taken to have come: at 7:00 on the day after the visit.
    fn completes_at(&self) -> Option<Timestamp> {
        let day_after = self.starts_at.date().tomorrow().ok()?;
        Some(Timestamp::at(day_after, time(7, 0, 0, 0)))
    }

    /// All that time will do to it as it stands, the last word first.
    fn deadlines(&self) -> [Option<(Timestamp, Due)>; 2] {
        match self.status {
            Status::Approved => [
                self.completes_at().map(|at| (at, Due::Complete)),
                self.reminds_at().map(|at| (at, Due::Remind)),
            ],
            _ => [
                self.expires_at.map(|at| (at, Due::Expire)),
                self.approves_at.map(|at| (at, Due::Approve)),
            ],
        }
    }

    /// What is to be done to it now.
    pub fn due(&self, now: Timestamp) -> Option<Due> {
        let due = self.deadlines().into_iter().flatten().find(|(at, _)| *at <= now);
        // Nobody is reminded of a visit that has begun.
        due.map(|(_, due)| due).filter(|due| *due != Due::Remind || now < self.starts_at)
    }

    /// When something is to be done to it next, after this instant.
    pub fn due_after(&self, now: Timestamp) -> Option<Timestamp> {
        self.deadlines().into_iter().flatten().map(|(at, _)| at).filter(|at| *at > now).min()
    }

    /// When something is to be done to it first.
    pub fn first_due(&self) -> Option<Timestamp> {
        self.deadlines().into_iter().flatten().map(|(at, _)| at).min()
    }

    /// What time makes of it now. What is not due any more, or not wanted by the nursery any more, is
    /// left as it is.
    pub fn after_time(&self, settings: &Settings, now: Timestamp) -> Result<Outcome, Refusal> {
        match self.due(now) {
            Some(Due::Approve) if settings.auto_approval.may_approve(now, self.starts_at) => {
                self.after(&Action::Approve { comment: None }, Actor::Hub, now)
            }
            Some(Due::Expire) => self.after(&Action::Expire, Actor::Hub, now),
            Some(Due::Complete) => self.after(&Action::Complete, Actor::Hub, now),
            Some(Due::Remind) => Ok(Outcome::Becomes(Box::new(self.reminded(now)))),
            Some(Due::Approve) | None => Ok(Outcome::Already),
        }
    }

    /// With the parent reminded.
    #[must_use]
    pub fn reminded(&self, now: Timestamp) -> Self {
        let (sequence, reminded_at) = (self.sequence + 1, Some(now));
        Self { sequence, reminded_at, updated_at: now, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        reservation::tests::{in_state, pending},
        settings::{AutoApproval, AutoApprovalMode},
    };

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn set(status: Status, settings: &Settings, now: &str) -> Reservation {
        let mut reservation = in_state(status);
        reservation.set_deadlines(settings, at(now));
        reservation
    }

    fn automatic(mode: AutoApprovalMode) -> Settings {
        let auto_approval = AutoApproval { mode, ..AutoApproval::default() };
        Settings { auto_approval, ..Settings::default() }
    }

    #[test]
    fn each_state_has_its_own_deadline() {
        let expires = |status: Status, now: &str| {
            set(status, &Settings::default(), now).expires_at.unwrap().to_string()
        };
        let now = "2026-12-01T10:00:00+09:00";
        assert_eq!(expires(Status::Unconfirmed, now), "2026-12-01T10:15:00+09:00");
        assert_eq!(expires(Status::Waiting, now), "2026-12-09T10:00:00+09:00");
        assert_eq!(expires(Status::Offered, now), "2026-12-02T10:00:00+09:00");
        let late = "2026-12-08T20:00:00+09:00";
        assert_eq!(expires(Status::Offered, late), "2026-12-09T10:00:00+09:00");
        assert_eq!(expires(Status::Pending, now), "2026-12-10T09:00:00+09:00");
    }

    #[test]
    fn nobody_is_offered_or_confirms_what_would_be_given_up_at_once() {
        let settings = Settings { booking_closes_hours_before: 0, ..Settings::default() };
        let after = |status, action: &Action, now: &str| {
            in_state(status).after(action, Actor::Parent, at(now)).err()
        };
        let confirm = Action::Confirm { settings: settings.clone() };
        let offer = Action::Offer { settings };
        for (status, action) in [
            (Status::Unconfirmed, &confirm),
            (Status::Offered, &confirm),
            (Status::Waiting, &offer),
        ] {
            assert_eq!(after(status, action, "2026-12-10T08:59:59+09:00"), None, "{status:?}");
            let late = after(status, action, "2026-12-10T09:00:00+09:00");
            assert_eq!(late, Some(Refusal::TooLate), "{status:?}");
        }
    }

    #[test]
    fn rsv_19_a_request_of_friday_evening_is_approved_after_six_business_hours() {
        let settings = automatic(AutoApprovalMode::AfterBusinessHours);
        let mut request = in_state(Status::Pending);
        request.starts_at = at("2027-01-20T10:00:00+09:00");
        request.set_deadlines(&settings, at("2027-01-08T20:00:00+09:00"));
        assert_eq!(request.approves_at, Some(at("2027-01-12T13:00:00+09:00")));
        assert_eq!(request.due(at("2027-01-12T12:59:59+09:00")), None);
        assert_eq!(request.due(at("2027-01-12T13:00:00+09:00")), Some(Due::Approve));
    }

    #[test]
    fn rsv_19_no_visit_that_is_near_is_approved_automatically() {
        let settings = automatic(AutoApprovalMode::AtOnce);
        let approves = |now: &str| set(Status::Pending, &settings, now).approves_at.is_some();
        assert!(approves("2026-12-09T10:00:00+09:00"));
        assert!(!approves("2026-12-09T10:00:01+09:00"));
        assert!(set(Status::Waiting, &settings, "2026-12-01T10:00:00+09:00").approves_at.is_none());
    }

    #[test]
    fn an_unanswered_request_is_given_up_even_where_it_could_still_be_approved() {
        let mut request = pending();
        request.approves_at = Some(at("2026-12-02T10:00:00+09:00"));
        assert_eq!(request.due(at("2026-12-10T09:00:00+09:00")), Some(Due::Expire));
        assert_eq!(request.due_after(at("2026-12-02T10:00:00+09:00")), request.expires_at);
    }

    #[test]
    fn a_parent_is_reminded_the_day_before_and_the_visit_completed_the_day_after() {
        let approve = Action::Approve { comment: None };
        let approved_at = |now: &str| match pending().after(&approve, Actor::Hub, at(now)) {
            Ok(Outcome::Becomes(next)) => *next,
            _ => unreachable!("a pending request can be approved"),
        };
        let early = approved_at("2026-12-02T10:00:00+09:00");
        assert_eq!(early.first_due(), Some(at("2026-12-09T10:00:00+09:00")));
        assert_eq!(early.due(at("2026-12-09T10:00:00+09:00")), Some(Due::Remind));
        assert_eq!(early.due(at("2026-12-10T10:00:00+09:00")), None, "the visit has begun");
        let reminded = early.reminded(at("2026-12-09T10:00:00+09:00"));
        assert_eq!(reminded.first_due(), Some(at("2026-12-11T07:00:00+09:00")));
        assert_eq!(reminded.due(at("2026-12-11T07:00:00+09:00")), Some(Due::Complete));
        let late = approved_at("2026-12-09T12:00:00+09:00");
        assert_eq!(late.first_due(), Some(at("2026-12-11T07:00:00+09:00")));
    }

    #[test]
    fn nothing_is_due_once_it_is_over() {
        for status in Status::ALL.into_iter().filter(|status| status.is_final()) {
            let mut over = in_state(status);
            over.set_deadlines(&Settings::default(), over.requested_at);
            assert_eq!(over.first_due(), None, "{status:?}");
        }
    }
}
