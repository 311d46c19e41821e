use crate::{
    FacilityId, MunicipalityCode, Reservation, ReservationNumber, Status, Timestamp,
    reservation::{Actor, Origin},
};

/// What reports count of a reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Of which.
    pub reservation_number: ReservationNumber,
    /// The nursery.
    pub facility_id: FacilityId,
    /// Where it is.
    pub municipality_code: MunicipalityCode,
    /// Where it came from.
    pub origin: Origin,
    /// Its state.
    pub status: Status,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// Since when the nursery had it to answer; none if it never had.
    pub pending_since: Option<Timestamp>,
    /// When and by whom it was approved or declined.
    pub answered: Option<Answered>,
    /// When nothing happened to it any more.
    pub ended_at: Option<Timestamp>,
    /// When the visit starts.
    pub starts_at: Timestamp,
    /// The reservation's sequence number, by which a newer fact is known.
    pub sequence: u32,
}

/// An approval or a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: AnsweredBy,
}

/// Who answers requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnsweredBy {
    /// People, in the hub's screens or in an ICT system.
    People,
    /// The hub, where the nursery wants it (RSV-19).
    Hub,
}

impl Fact {
    /// What is counted of a reservation as it is now; nothing of what nobody confirmed.
    pub fn of(reservation: &Reservation) -> Option<Self> {
        if !reservation.is_confirmed() {
            return None;
        }
        let Reservation { status, history, requested_at, .. } = reservation;
        let became_pending = history.iter().rev().find(|change| change.to == Status::Pending);
        let began_pending = reservation.first_status() == Status::Pending;
        let answer = history.iter().find(|change| {
            change.from == Status::Pending
                && matches!(change.to, Status::Approved | Status::Declined)
        });
        Some(Self {
            reservation_number: reservation.reservation_number.clone(),
            facility_id: reservation.facility_id.clone(),
            municipality_code: reservation.municipality_code,
            origin: reservation.origin,
            status: *status,
            requested_at: *requested_at,
            pending_since: became_pending
                .map(|change| change.at)
                .or_else(|| began_pending.then_some(*requested_at)),
            answered: answer.map(|change| Answered {
                at: change.at,
                by: match change.by {
                    Actor::Hub => AnsweredBy::Hub,
                    Actor::Client(_) | Actor::Staff(_) | Actor::Parent => AnsweredBy::People,
                },
            }),
            ended_at: history.last().filter(|_| status.is_final()).map(|change| change.at),
            starts_at: reservation.starts_at,
            sequence: reservation.sequence,
        })
    }

    /// Whether it says the same as another, whichever is newer.
    pub fn has_same_content_as(&self, other: &Self) -> bool {
        Self { sequence: other.sequence, ..self.clone() } == *other
    }

    /// Whether a family asked for it through the hub. What the nursery took by telephone is no request.
    pub fn is_request(&self) -> bool {
        self.origin != Origin::OffSystem
    }

    /// Whether it was approved, and stands or was kept.
    pub fn is_approved(&self) -> bool {
        matches!(self.status, Status::Approved | Status::Completed | Status::NoShow)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        Settings,
        reservation::{Action, Outcome, tests::in_state},
    };

    pub(crate) fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// A request of `2026-12-01T10:00`, in this state.
    pub(crate) fn fact(status: Status) -> Fact {
        of(&in_state(status))
    }

    fn of(reservation: &Reservation) -> Fact {
        Fact::of(reservation).unwrap()
    }

    /// Any fact: of any origin and state, asked for and answered at any time of two years.
    pub(crate) fn any_fact() -> impl Strategy<Value = Fact> {
        let origins = vec![Origin::SearchSite, Origin::Portal, Origin::OffSystem];
        let answers = prop::option::of((
            0..5000i64,
            prop::sample::select(vec![AnsweredBy::People, AnsweredBy::Hub]),
        ));
        (
            prop::sample::select(Status::ALL[1..].to_vec()),
            prop::sample::select(origins),
            (0..730 * 24 * 60i64, 0..90 * 24 * 60i64),
            answers,
        )
            .prop_map(|(status, origin, (asked, ahead), answered)| {
                let requested_at =
                    at("2026-01-01T00:00:00+09:00") + SignedDuration::from_mins(asked);
                let answered = answered.map(|(minutes, by)| Answered {
                    at: requested_at + SignedDuration::from_mins(minutes),
                    by,
                });
                Fact {
                    origin,
                    requested_at,
                    answered,
                    pending_since: Some(requested_at),
                    starts_at: requested_at + SignedDuration::from_mins(ahead),
                    ..fact(status)
                }
            })
    }

    fn after(reservation: &Reservation, action: Action, by: Actor, hours: i64) -> Reservation {
        let now = reservation.updated_at + SignedDuration::from_hours(hours);
        match reservation.after(&action, by, now) {
            Ok(Outcome::Becomes(next)) => *next,
            Ok(Outcome::Already) | Err(_) => panic!("it may become so"),
        }
    }

    #[test]
    fn an_answer_is_that_of_people_or_of_the_hub_and_stays_when_the_visit_is_cancelled() {
        for (actor, by) in [
            (Actor::Staff("s".into()), AnsweredBy::People),
            (Actor::Client("ict-1".parse().unwrap()), AnsweredBy::People),
            (Actor::Hub, AnsweredBy::Hub),
        ] {
            let pending = in_state(Status::Pending);
            let approved = after(&pending, Action::Approve { comment: None }, actor, 2);
            let answered = Some(Answered { at: at("2026-12-01T12:00:00+09:00"), by });
            let fact = of(&approved);
            assert_eq!((fact.answered, fact.ended_at), (answered, None));
            assert_eq!(fact.pending_since, Some(pending.requested_at));
            let cancel = Action::CancelByFacility { comment: None };
            let cancelled = after(&approved, cancel, Actor::Staff("s".into()), 1);
            let fact = of(&cancelled);
            assert_eq!((fact.answered, fact.ended_at), (answered, Some(cancelled.updated_at)));
            assert!(!fact.is_approved() && fact.is_request());
        }
    }

    #[test]
    fn the_nursery_has_a_request_from_when_it_is_pending() {
        let settings = Settings::default;
        let waiting = in_state(Status::Waiting);
        assert_eq!(of(&waiting).pending_since, None);
        let offered = after(&waiting, Action::Offer { settings: settings() }, Actor::Hub, 5);
        let confirm = Action::Confirm { settings: settings() };
        let pending = after(&offered, confirm, Actor::Parent, 1);
        let fact = of(&pending);
        assert_eq!(fact.pending_since, Some(at("2026-12-01T16:00:00+09:00")));
        assert_eq!(fact.requested_at, at("2026-12-01T10:00:00+09:00"));
        let entered = Reservation { origin: Origin::OffSystem, ..in_state(Status::Approved) };
        let fact = of(&entered);
        assert_eq!(
            (fact.pending_since, fact.answered),
            (None, None),
            "there was nothing to answer"
        );
    }

    #[test]
    fn what_nobody_confirmed_is_no_request_and_who_waited_in_vain_made_one() {
        let unconfirmed = Reservation { origin: Origin::Portal, ..in_state(Status::Unconfirmed) };
        assert_eq!(Fact::of(&unconfirmed), None);
        let expired = after(&unconfirmed, Action::Expire, Actor::Hub, 1);
        assert_eq!(Fact::of(&expired), None);
        let confirm = Action::Confirm { settings: Settings::default() };
        let confirmed = after(&unconfirmed, confirm, Actor::Parent, 0);
        assert!(of(&confirmed).is_request());
        let in_vain = after(&in_state(Status::Waiting), Action::Expire, Actor::Hub, 1);
        assert!(of(&in_vain).is_request());
    }

    #[test]
    fn a_reminder_changes_nothing_that_is_counted() {
        let approved = in_state(Status::Approved);
        let reminded = approved.reminded(approved.updated_at);
        assert_ne!(of(&approved), of(&reminded));
        assert!(of(&approved).has_same_content_as(&of(&reminded)));
        assert!(!of(&approved).has_same_content_as(&fact(Status::Completed)));
    }
}
