//! A visit that a parent asks for, and every state it can be in.

use std::fmt;

use deserr::Deserr;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Applicant, ClientId, FacilityId, Instant, MunicipalityCode, ReservationNumber, Sealed, Slot,
    SlotId,
    applicant::{BirthMonth, Contact, Message},
    asking::Asked,
    invalid::{InputErrors, Invalid, within},
};

/// The state of a reservation (RSV-08).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waits for the nursery's answer (仮予約); holds a place.
    Pending,
    /// The nursery expects the family.
    Approved,
    /// The nursery cannot take the family (見送り).
    Declined,
    /// The parent gave up the visit.
    CancelledByParent,
    /// The nursery gave up the visit, after telling the family (RSV-05).
    CancelledByFacility,
}

impl Status {
    /// The name used in JSON, in the table and in event types.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Declined => "declined",
            Self::CancelledByParent => "cancelled_by_parent",
            Self::CancelledByFacility => "cancelled_by_facility",
        }
    }

    /// Whether a reservation in this state takes one of the slot's places.
    pub fn holds_place(self) -> bool {
        matches!(self, Self::Pending | Self::Approved)
    }

    /// Whether a reservation may go from this state to the other. There is no transition but these.
    pub fn may_become(self, next: Self) -> bool {
        use Status::{Approved, CancelledByFacility, CancelledByParent, Declined, Pending};
        matches!(
            (self, next),
            (Pending, Approved | Declined | CancelledByParent | CancelledByFacility)
                | (Approved, CancelledByParent | CancelledByFacility)
        )
    }
}

impl std::str::FromStr for Status {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        use Status::{Approved, CancelledByFacility, CancelledByParent, Declined, Pending};
        [Pending, Approved, Declined, CancelledByParent, CancelledByFacility]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or(Invalid::Format(
                "pending approved declined cancelled_by_parent cancelled_by_facility",
            ))
    }
}

/// Where a request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A private search site.
    SearchSite,
}

/// Why the rules refuse something. Each is a problem type of its own in the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Every place of the slot is held.
    #[error("every place of the slot is held")]
    SlotFull,
    /// The nursery closed the slot.
    #[error("the slot is disabled")]
    SlotDisabled,
    /// The slot has begun.
    #[error("the slot has begun")]
    SlotPast,
    /// Past the deadline for asking or for cancelling.
    #[error("the deadline is over")]
    TooLate,
    /// Before the nursery takes requests for that day.
    #[error("the booking window is not open yet")]
    TooEarly,
    /// The reservation is in a state that does not allow it.
    #[error("the reservation is {}", .current.as_str())]
    StateConflict {
        /// The state that was met.
        current: Status,
    },
}

crate::text::words!(
    /// The nursery's reply, shown to the parent and in the mail (RSV-03); up to 500 characters.
    Comment, 500
);

/// Agreement to the terms of the entry point (RSV-13, SEC-08).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = InputErrors, deny_unknown_fields)]
pub struct Consent {
    /// Which text was agreed to.
    #[deserr(try_from(String) = consent_version -> Invalid)]
    #[schema(min_length = 1, max_length = 40, examples("2026-10"))]
    pub version: String,
    /// When.
    pub agreed_at: Instant,
}

fn consent_version(text: String) -> Result<String, Invalid> {
    crate::text::free_text(&text, 40)
}

/// How many people come: 1 to 20.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = InputErrors, try_from(i64) = PartySize::new -> Invalid)]
#[schema(value_type = u8, minimum = 1, maximum = 20)]
pub struct PartySize(u8);

impl PartySize {
    /// A party of 1 to 20 people.
    pub fn new(people: i64) -> Result<Self, Invalid> {
        within::<1, 20, u8>(people).map(Self)
    }

    /// The number of people.
    pub fn get(self) -> u8 {
        self.0
    }
}

/// What a search site sends to ask for a visit (API-02).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserr, ToSchema)]
#[deserr(error = InputErrors, deny_unknown_fields)]
pub struct RequestVisit {
    /// The nursery.
    pub facility_id: FacilityId,
    /// One of its slots (VND-19).
    pub slot_id: SlotId,
    /// Who asks. Never given out again through the API of search sites and ICT systems.
    pub applicant: Contact,
    /// How many people come (RSV-10).
    pub party_size: PartySize,
    /// Words to the nursery (RSV-10).
    #[deserr(default)]
    #[schema(value_type = Option<String>, max_length = 1000)]
    pub message_to_facility: Option<Message>,
    /// When the child was born.
    #[deserr(default)]
    #[schema(value_type = Option<String>, examples("2025-04"))]
    pub child_birth_month: Option<BirthMonth>,
    /// Agreement to the terms.
    pub consent: Consent,
}

impl RequestVisit {
    /// What is sealed of it.
    pub fn applicant(&self) -> Applicant {
        Applicant {
            contact: self.applicant.clone(),
            message_to_facility: self.message_to_facility.clone(),
            child_birth_month: self.child_birth_month.clone(),
        }
    }
}

/// Who did something to a reservation. Written into its history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// A search site or an ICT system.
    Client(ClientId),
    /// A person of the staff, by the subject of the token.
    Staff(String),
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(id) => write!(f, "client:{id}"),
            Self::Staff(subject) => write!(f, "staff:{subject}"),
        }
    }
}

/// One change of state after the request itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The reservation's sequence number after it.
    pub sequence: u32,
    /// When.
    pub at: Instant,
    /// Who.
    pub by: Actor,
    /// The state before.
    pub from: Status,
    /// The state after.
    pub to: Status,
    /// The nursery's word to the parent that went with it (RSV-03).
    pub comment: Option<Comment>,
}

/// What ties a repeated request to the first one. Keyed hashes, so they tell nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct RequestMark {
    /// Of client and idempotency key.
    pub key: [u8; 16],
    /// Of the body.
    pub body: [u8; 16],
}

/// A request for a visit and what became of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Given out in place of personal data (RSV-07).
    pub reservation_number: ReservationNumber,
    /// The nursery.
    pub facility_id: FacilityId,
    /// Where it is.
    pub municipality_code: MunicipalityCode,
    /// The slot.
    pub slot_id: SlotId,
    /// When the visit starts.
    pub starts_at: Instant,
    /// When it ends.
    pub ends_at: Instant,
    /// Who sent the request.
    pub client_id: ClientId,
    /// The kind of sender.
    pub origin: Origin,
    /// Its state.
    pub status: Status,
    /// How many people come.
    pub party_size: PartySize,
    /// Agreement to the terms.
    pub consent: Consent,
    /// When it was asked for.
    pub requested_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
    /// Counts the changes; the request itself is 1.
    pub sequence: u32,
    /// How often and when the nursery was asked about it.
    pub asked: Option<Asked>,
    /// The changes of state, oldest first.
    pub history: Vec<Change>,
    /// Who asked.
    pub applicant: Sealed,
    /// The parent's reason for a cancellation.
    pub cancel_reason: Option<Sealed>,
    /// What ties a repeat to it.
    pub mark: RequestMark,
}

impl Reservation {
    /// The nursery's last word to the parent.
    pub fn comment(&self) -> Option<&Comment> {
        self.history.iter().rev().find_map(|change| change.comment.as_ref())
    }

    /// The reservation as it was when it was asked for: what the first answer said.
    pub fn as_requested(&self) -> Self {
        Self {
            status: Status::Pending,
            updated_at: self.requested_at,
            sequence: 1,
            asked: None,
            history: Vec::new(),
            cancel_reason: None,
            ..self.clone()
        }
    }
}

/// A new request (RSV-01), once [`Slot::may_be_requested`] allows it and its personal data is sealed.
pub fn request(
    reservation_number: ReservationNumber,
    asked: &RequestVisit,
    slot: &Slot,
    client: &ClientId,
    applicant: Sealed,
    mark: RequestMark,
    now: Instant,
) -> Reservation {
    Reservation {
        reservation_number,
        facility_id: slot.facility_id.clone(),
        municipality_code: slot.municipality_code,
        slot_id: slot.slot_id.clone(),
        starts_at: slot.starts_at,
        ends_at: slot.ends_at,
        client_id: client.clone(),
        origin: Origin::SearchSite,
        status: Status::Pending,
        party_size: asked.party_size,
        consent: asked.consent.clone(),
        requested_at: now,
        updated_at: now,
        sequence: 1,
        asked: None,
        history: Vec::new(),
        applicant,
        cancel_reason: None,
        mark,
    }
}

/// Consent given in the future is none. Five minutes are allowed for clocks that differ.
pub fn consent_is_given(consent: &Consent, now: Instant) -> Result<(), InputErrors> {
    if consent.agreed_at > now + SignedDuration::from_mins(5) {
        return Err(InputErrors::one("/consent/agreed_at", Invalid::InTheFuture));
    }
    Ok(())
}

/// What somebody does to a reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The nursery takes the family (RSV-02).
    Approve {
        /// A word to the parent.
        comment: Option<Comment>,
    },
    /// The nursery does not (RSV-02).
    Decline {
        /// A word to the parent.
        comment: Option<Comment>,
    },
    /// The parent cancels, through the search site (RSV-04).
    CancelByParent {
        /// Why; sealed, for a parent typed it.
        reason: Option<Sealed>,
        /// How long before the visit the nursery allows it.
        closes_hours_before: u16,
    },
    /// The nursery cancels (RSV-05).
    CancelByFacility {
        /// A word to the parent.
        comment: Option<Comment>,
    },
}

/// What an action leads to.
#[derive(Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The reservation is already so; nothing happens.
    Already,
    /// It becomes this.
    Becomes(Box<Reservation>),
}

impl Reservation {
    /// What an action does to this reservation, or why it may not be.
    pub fn after(&self, action: &Action, by: Actor, now: Instant) -> Result<Outcome, Refusal> {
        let to = match action {
            Action::Approve { .. } => Status::Approved,
            Action::Decline { .. } => Status::Declined,
            Action::CancelByParent { .. } => Status::CancelledByParent,
            Action::CancelByFacility { .. } => Status::CancelledByFacility,
        };
        if self.status == to {
            return Ok(Outcome::Already);
        }
        if !self.status.may_become(to) {
            return Err(Refusal::StateConflict { current: self.status });
        }
        if let Action::CancelByParent { closes_hours_before, .. } = action
            && now > self.starts_at - SignedDuration::from_hours((*closes_hours_before).into())
        {
            return Err(Refusal::TooLate);
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
        };
        let (sequence, from) = (next.sequence, self.status);
        next.history.push(Change { sequence, at: now, by, from, to, comment });
        Ok(Outcome::Becomes(Box::new(next)))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn pending() -> Reservation {
        let at = |text: &str| text.parse::<Instant>().unwrap();
        Reservation {
            reservation_number: "R-7K3M-9QXD".parse().unwrap(),
            facility_id: "fac_7k3m9qxd2abc".parse().unwrap(),
            municipality_code: "131199".parse().unwrap(),
            slot_id: "slt_0wx4n07k3m9qxd".parse().unwrap(),
            starts_at: at("2026-12-10T10:00:00+09:00"),
            ends_at: at("2026-12-10T10:45:00+09:00"),
            client_id: "site-1".parse().unwrap(),
            origin: Origin::SearchSite,
            status: Status::Pending,
            party_size: PartySize::new(2).unwrap(),
            consent: Consent { version: "1".into(), agreed_at: at("2026-12-01T09:59:00+09:00") },
            requested_at: at("2026-12-01T10:00:00+09:00"),
            updated_at: at("2026-12-01T10:00:00+09:00"),
            sequence: 1,
            asked: None,
            history: Vec::new(),
            applicant: Sealed(vec![1]),
            cancel_reason: None,
            mark: RequestMark { key: [0; 16], body: [0; 16] },
        }
    }

    fn action() -> impl Strategy<Value = Action> {
        prop_oneof![
            Just(Action::Approve { comment: None }),
            Just(Action::Decline { comment: "満員".parse().ok() }),
            Just(Action::CancelByParent { reason: None, closes_hours_before: 1 }),
            Just(Action::CancelByFacility { comment: None }),
        ]
    }

    proptest! {
        #[test]
        fn whatever_happens_the_history_tells_the_state(actions in prop::collection::vec(action(), 0..8)) {
            let now = "2026-12-02T10:00:00+09:00".parse().unwrap();
            let mut reservation = pending();
            for action in actions {
                match reservation.after(&action, Actor::Staff("s".into()), now) {
                    Ok(Outcome::Becomes(next)) => {
                        prop_assert!(reservation.status.may_become(next.status));
                        prop_assert_eq!(next.sequence, reservation.sequence + 1);
                        prop_assert_eq!(next.history.last().unwrap().to, next.status);
                        reservation = *next;
                    }
                    Ok(Outcome::Already) => {}
                    Err(refusal) => prop_assert_eq!(refusal, Refusal::StateConflict { current: reservation.status }),
                }
            }
            prop_assert!(reservation.as_requested() == pending());
        }
    }

    #[test]
    fn a_place_that_was_given_back_is_never_taken_again() {
        use Status::{Approved, CancelledByFacility, CancelledByParent, Declined, Pending};
        let all = [Pending, Approved, Declined, CancelledByParent, CancelledByFacility];
        for from in all.into_iter().filter(|status| !status.holds_place()) {
            assert!(all.into_iter().all(|to| !from.may_become(to)), "{from:?}");
        }
    }

    #[test]
    fn approving_twice_changes_nothing_and_declining_then_names_the_state() {
        let now = "2026-12-02T10:00:00+09:00".parse().unwrap();
        let by = || Actor::Staff("s".into());
        let approve = Action::Approve { comment: None };
        let Ok(Outcome::Becomes(approved)) = pending().after(&approve, by(), now) else {
            unreachable!("a pending reservation can be approved")
        };
        assert!(approved.after(&approve, by(), now) == Ok(Outcome::Already));
        assert!(
            approved.after(&Action::Decline { comment: None }, by(), now)
                == Err(Refusal::StateConflict { current: Status::Approved })
        );
    }

    #[test]
    fn a_parent_cancels_until_the_facilitys_deadline() {
        let cancel = Action::CancelByParent { reason: None, closes_hours_before: 1 };
        let by = || Actor::Client("site-1".parse().unwrap());
        let at = |text: &str| pending().after(&cancel, by(), text.parse().unwrap());
        assert!(at("2026-12-10T09:00:00+09:00").is_ok());
        assert!(at("2026-12-10T09:00:01+09:00") == Err(Refusal::TooLate));
    }
}
