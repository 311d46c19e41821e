//! What people, and the hub's rules about time, do to a reservation.

use super::{Actor, Change, Reservation};
use crate::{Refusal, Sealed, Settings, Status, Timestamp};

/// What somebody does to a reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The place that came free is kept for the first who waits.
    Offer {
        /// How long an offer may stand depends on them.
        settings: Settings,
    },
    /// The parent follows the link in the mail.
    Confirm {
        /// What the nursery wants of a request that becomes pending.
        settings: Settings,
    },
    /// The nursery takes the family (RSV-02), or the hub in its place (RSV-19).
    Approve {
        /// A word to the parent.
        comment: Option<Sealed>,
    },
    /// The nursery does not (RSV-02).
    Decline {
        /// A word to the parent.
        comment: Option<Sealed>,
    },
    /// The parent cancels, through the search site or the link in a mail (RSV-04).
    CancelByParent {
        /// Why; sealed, for a parent typed it.
        reason: Option<Sealed>,
        /// Until when the nursery allows it.
        until: Timestamp,
    },
    /// The nursery cancels (RSV-05).
    CancelByFacility {
        /// A word to the parent.
        comment: Option<Sealed>,
    },
    /// Nobody confirmed or answered in time.
    Expire,
    /// The family came.
    Complete,
    /// The family did not come.
    NoShow,
}

/// What an action leads to.
#[derive(Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The reservation is already so; nothing happens.
    Already,
    /// It becomes this.
    Becomes(Box<Reservation>),
}

impl Action {
    fn to(&self, of: &Reservation) -> Status {
        match self {
            Self::Offer { .. } => Status::Offered,
            Self::Confirm { .. } if of.confirms_to_wait() => Status::Waiting,
            Self::Confirm { .. } => Status::Pending,
            Self::Approve { .. } => Status::Approved,
            Self::Decline { .. } => Status::Declined,
            Self::CancelByParent { .. } => Status::CancelledByParent,
            Self::CancelByFacility { .. } => Status::CancelledByFacility,
            Self::Expire => Status::Expired,
            Self::Complete => Status::Completed,
            Self::NoShow => Status::NoShow,
        }
    }
}

impl Reservation {
    /// What an action does to this reservation, or why it may not be.
    pub fn after(&self, action: &Action, by: Actor, now: Timestamp) -> Result<Outcome, Refusal> {
        let to = action.to(self);
        if self.status == to {
            return Ok(Outcome::Already);
        }
        if !self.status.may_become(to) {
            return Err(Refusal::StateConflict { current: self.status });
        }
        match action {
            Action::CancelByParent { until, .. } if now > *until => return Err(Refusal::TooLate),
            Action::Complete | Action::NoShow if now < self.starts_at => {
                return Err(Refusal::TooEarly);
            }
            _ => {}
        }
        let mut next = self.clone();
        next.status = to;
        next.updated_at = now;
        next.sequence += 1;
        let comment = match action {
            Action::Approve { comment }
            | Action::Decline { comment }
            | Action::CancelByFacility { comment } => comment.clone(),
            Action::CancelByParent { reason, .. } => {
                next.cancel_reason.clone_from(reason);
                None
            }
            Action::Offer { .. }
            | Action::Confirm { .. }
            | Action::Expire
            | Action::Complete
            | Action::NoShow => None,
        };
        let (sequence, from) = (next.sequence, self.status);
        next.history.push(Change { sequence, at: now, by, from, to, comment });
        match action {
            Action::Offer { settings } | Action::Confirm { settings } => {
                next.set_deadlines(settings, now);
                // What would be given up in the same moment is not begun.
                if next.expires_at.is_some_and(|at| at <= now) {
                    return Err(Refusal::TooLate);
                }
            }
            _ => (next.expires_at, next.approves_at) = (None, None),
        }
        if to.is_final() {
            // Nothing is to be known of the family any more.
            next.families.clear();
        }
        Ok(Outcome::Becomes(Box::new(next)))
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;
    use crate::reservation::tests::{in_state, pending};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn becomes(outcome: Result<Outcome, Refusal>) -> Reservation {
        match outcome {
            Ok(Outcome::Becomes(next)) => *next,
            Ok(Outcome::Already) => panic!("already so"),
            Err(refusal) => panic!("{refusal}"),
        }
    }

    fn actions() -> [Action; 9] {
        let settings = Settings::default;
        [
            Action::Offer { settings: settings() },
            Action::Confirm { settings: settings() },
            Action::Approve { comment: None },
            Action::Decline { comment: Some(Sealed(vec![2])) },
            Action::CancelByParent { reason: None, until: at("2026-12-10T09:00:00+09:00") },
            Action::CancelByFacility { comment: None },
            Action::Expire,
            Action::Complete,
            Action::NoShow,
        ]
    }

    proptest! {
        #[test]
        fn whatever_happens_the_history_tells_the_state(
            steps in prop::collection::vec((0..9usize, 0..400i64), 0..12),
            first in prop::sample::select(vec![Status::Unconfirmed, Status::Waiting, Status::Pending, Status::Approved]),
        ) {
            let mut now = at("2026-12-01T10:00:00+09:00");
            let first = in_state(first);
            let mut reservation = first.clone();
            for (action, hours) in steps {
                now = now + SignedDuration::from_hours(hours);
                let action = &actions()[action];
                match reservation.after(action, Actor::Staff("s".into()), now) {
                    Ok(Outcome::Becomes(next)) => {
                        prop_assert!(reservation.status.may_become(next.status));
                        prop_assert_eq!(next.sequence, reservation.sequence + 1);
                        prop_assert_eq!(next.history.last().unwrap().to, next.status);
                        prop_assert_eq!(next.expires_at.is_some(), matches!(next.status, Status::Offered | Status::Pending));
                        reservation = *next;
                    }
                    Ok(Outcome::Already) => prop_assert_eq!(action.to(&reservation), reservation.status),
                    // Cancelling and confirming end an hour before the visit, offers when booking closes.
                    Err(Refusal::TooLate) => prop_assert!(now >= at("2026-12-09T10:00:00+09:00")),
                    Err(Refusal::TooEarly) => prop_assert!(now < reservation.starts_at),
                    Err(refusal) => prop_assert_eq!(refusal, Refusal::StateConflict { current: reservation.status }),
                }
            }
            let requested = reservation.as_requested();
            prop_assert_eq!(requested.status, first.status);
            prop_assert_eq!(requested.sequence, 1);
        }
    }

    #[test]
    fn approving_twice_changes_nothing_and_declining_then_names_the_state() {
        let now = at("2026-12-02T10:00:00+09:00");
        let by = || Actor::Staff("s".into());
        let approve = Action::Approve { comment: None };
        let approved = becomes(pending().after(&approve, by(), now));
        assert!(approved.after(&approve, by(), now) == Ok(Outcome::Already));
        assert!(
            approved.after(&Action::Decline { comment: None }, by(), now)
                == Err(Refusal::StateConflict { current: Status::Approved })
        );
    }

    #[test]
    fn rsv_04_a_parent_cancels_until_the_facilitys_deadline() {
        let cancel =
            Action::CancelByParent { reason: None, until: at("2026-12-10T09:00:00+09:00") };
        let by = || Actor::Client("site-1".parse().unwrap());
        let cancelled = |now: &str| pending().after(&cancel, by(), at(now));
        assert!(cancelled("2026-12-10T09:00:00+09:00").is_ok());
        assert!(cancelled("2026-12-10T09:00:01+09:00") == Err(Refusal::TooLate));
    }

    #[test]
    fn a_visit_is_completed_or_missed_once_it_has_begun() {
        for action in [Action::Complete, Action::NoShow] {
            let done = |now: &str| in_state(Status::Approved).after(&action, Actor::Hub, at(now));
            assert!(done("2026-12-10T09:59:59+09:00") == Err(Refusal::TooEarly));
            assert!(done("2026-12-10T10:00:00+09:00").is_ok());
        }
    }
}
