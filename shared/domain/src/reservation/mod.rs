//! A visit that a parent asks for, and every state it can be in.

use std::fmt;

use deserr::Deserr;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Applicant, ClientId, FacilityId, MunicipalityCode, ReservationNumber, Sealed, Settings, Slot,
    SlotId, Status, Timestamp,
    applicant::{BirthMonth, Contact, FamilyFingerprint, Message},
    family::Duplicate,
    invalid::{InputErrors, Invalid, within},
    slot::Standing,
    text,
};

mod action;
mod deadline;

pub use action::{Action, Outcome};
pub use deadline::Due;

/// Where a request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A private search site.
    SearchSite,
    /// The hub's own form, with a mail address and no account (RSV-12).
    Portal,
    /// By telephone or at the door, entered by the nursery (RSV-06).
    OffSystem,
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
    pub agreed_at: Timestamp,
}

fn consent_version(text: String) -> Result<String, Invalid> {
    text::one_line(&text, 40)
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

/// What a search site, or a parent on the portal, sends to ask for a visit (API-02, RSV-12).
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
    #[deserr(default, try_from(Option<String>) = text::optional -> Invalid)]
    #[schema(value_type = Option<String>, max_length = 1000)]
    pub message_to_facility: Option<Message>,
    /// When the child was born.
    #[deserr(default, try_from(Option<String>) = text::optional -> Invalid)]
    #[schema(value_type = Option<String>, examples("2025-04"))]
    pub child_birth_month: Option<BirthMonth>,
    /// Agreement to the terms.
    pub consent: Consent,
    /// Whether to wait for a place where the slot is full.
    #[deserr(default)]
    #[schema(default = false, required = false)]
    pub waiting_list: bool,
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
    /// The parent, by the link in a mail.
    Parent,
    /// The hub itself, by one of its rules about time (RSV-20).
    Hub,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(id) => write!(f, "client:{id}"),
            Self::Staff(subject) => write!(f, "staff:{subject}"),
            Self::Parent => f.write_str("parent"),
            Self::Hub => f.write_str("hub"),
        }
    }
}

/// One change of state after the request itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The reservation's sequence number after it.
    pub sequence: u32,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: Actor,
    /// The state before.
    pub from: Status,
    /// The state after.
    pub to: Status,
    /// The nursery's word to the parent that went with it (RSV-03). Sealed, for people write names into such fields.
    pub comment: Option<Sealed>,
}

/// What the staff noted for themselves (RSV-09). Sealed, for people write names into such fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memo {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: Actor,
    /// The words.
    pub text: Sealed,
}

/// How many memos of a reservation are kept, the newest ones.
const MEMOS_KEPT: usize = 20;

/// What ties a repeated request to the first one. Keyed hashes, so they tell nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct RequestFingerprint {
    /// Of client and idempotency key.
    pub key: [u8; 16],
    /// Of the body.
    pub body: [u8; 16],
    /// Of the body, under the other keys that are accepted; not kept.
    pub body_by_other_keys: Vec<[u8; 16]>,
}

impl RequestFingerprint {
    /// Whether the body is that of an earlier request.
    pub fn is_body_of(&self, earlier: &Self) -> bool {
        self.body == earlier.body || self.body_by_other_keys.contains(&earlier.body)
    }
}

/// How often, and when last, the nursery was reminded of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reminders {
    /// The number of times.
    pub count: u32,
    /// The last time, on the hour.
    pub last_at: Timestamp,
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
    pub starts_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// Who sent or entered the request.
    pub requested_by: Actor,
    /// Where it came from.
    pub origin: Origin,
    /// Its state.
    pub status: Status,
    /// How many people come.
    pub party_size: PartySize,
    /// Agreement to the terms; none for what came by telephone.
    pub consent: Option<Consent>,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts the changes; the request itself is 1.
    pub sequence: u32,
    /// Whether the slot was full when it was asked for on the portal, and the family would wait: then it counts
    /// nowhere until the mail address is confirmed.
    pub would_wait: bool,
    /// Whether it holds a place while it is pending: the nursery's wish when it was asked for.
    pub pending_holds_place: bool,
    /// When it is given up unless somebody acts; `None` once nobody has to.
    pub expires_at: Option<Timestamp>,
    /// When the hub approves it in the nursery's place (RSV-19).
    pub approves_at: Option<Timestamp>,
    /// By what other requests of the same family are known, until it is over.
    pub families: Vec<FamilyFingerprint>,
    /// Whether the family had another request there for that day.
    pub possible_duplicate: Duplicate,
    /// How often and when the nursery was asked about it.
    pub reminders: Option<Reminders>,
    /// When the parent was reminded of the visit.
    pub reminded_at: Option<Timestamp>,
    /// The changes of state, oldest first.
    pub history: Vec<Change>,
    /// What the staff noted, oldest first.
    pub memos: Vec<Memo>,
    /// Who asked; unknown to the hub where the nursery entered it.
    pub applicant: Option<Sealed>,
    /// The parent's reason for a cancellation.
    pub cancel_reason: Option<Sealed>,
    /// What ties a repeat to it.
    pub fingerprint: RequestFingerprint,
}

impl Reservation {
    /// The search site that made it.
    pub fn client_id(&self) -> Option<&ClientId> {
        match &self.requested_by {
            Actor::Client(id) => Some(id),
            Actor::Staff(_) | Actor::Parent | Actor::Hub => None,
        }
    }

    /// The nursery's last word to the parent.
    pub fn comment(&self) -> Option<&Sealed> {
        self.history.iter().rev().find_map(|change| change.comment.as_ref())
    }

    /// The state in which it began.
    pub fn first_status(&self) -> Status {
        self.history.first().map_or(self.status, |change| change.from)
    }

    /// When the parent's link opens it no more.
    pub fn link_ends_at(&self) -> Timestamp {
        self.ends_at + SignedDuration::from_hours(24)
    }

    /// Since when the nursery has it to answer.
    pub fn pending_since(&self) -> Timestamp {
        self.became(Status::Pending)
    }

    /// Since when it waits for a place: its turn.
    pub fn waiting_since(&self) -> Timestamp {
        self.became(Status::Waiting)
    }

    fn became(&self, status: Status) -> Timestamp {
        let became = self.history.iter().rev().find(|change| change.to == status);
        became.map_or(self.requested_at, |change| change.at)
    }

    /// Whether a family stands behind it. A request on the portal whose mail address was not confirmed, or not
    /// yet, is nobody's: it is in no list, no report and no event.
    pub fn is_confirmed(&self) -> bool {
        let given_up =
            |last: &Change| (last.from, last.to) == (Status::Unconfirmed, Status::Expired);
        self.status != Status::Unconfirmed && !self.history.last().is_some_and(given_up)
    }

    /// Under which marks it counts among the open requests of its family: what nobody confirmed is nobody's.
    pub fn counted_by(&self) -> &[FamilyFingerprint] {
        if self.is_confirmed() { &self.families } else { &[] }
    }

    /// Whether confirming it leads, or has led, onto the waiting list.
    fn confirms_to_wait(&self) -> bool {
        self.would_wait && matches!(self.status, Status::Unconfirmed | Status::Waiting)
    }

    /// What it takes of its slot.
    pub fn standing(&self) -> Standing {
        match self.status {
            Status::Pending if !self.pending_holds_place => Standing::AwaitsDecision,
            Status::Waiting => Standing::OnWaitingList,
            Status::Unconfirmed if self.would_wait => Standing::None,
            // Who came, or did not come, had the place.
            Status::Unconfirmed
            | Status::Offered
            | Status::Pending
            | Status::Approved
            | Status::Completed
            | Status::NoShow => Standing::HoldsPlace,
            Status::Declined
            | Status::CancelledByParent
            | Status::CancelledByFacility
            | Status::Expired => Standing::None,
        }
    }

    /// The reservation as it was when it was asked for: what the first answer said.
    pub fn as_requested(&self) -> Self {
        Self {
            status: self.first_status(),
            updated_at: self.requested_at,
            sequence: 1,
            reminders: None,
            reminded_at: None,
            history: Vec::new(),
            memos: Vec::new(),
            cancel_reason: None,
            ..self.clone()
        }
    }

    /// With one more memo (RSV-09). Past the number that is kept, the oldest one goes.
    #[must_use]
    pub fn noted(&self, memo: Memo) -> Self {
        let mut next = self.clone();
        next.updated_at = memo.at;
        next.sequence += 1;
        next.memos.push(memo);
        let too_many = next.memos.len().saturating_sub(MEMOS_KEPT);
        next.memos.drain(..too_many);
        next
    }
}

/// What the rules grant to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Granted {
    /// The state that it begins in.
    pub status: Status,
    /// Whether its family had another request there for that day.
    pub possible_duplicate: Duplicate,
}

/// A new request: who makes it and what ties it together, beside what it asks for.
#[derive(Clone)]
pub struct NewRequest {
    /// Its number.
    pub reservation_number: ReservationNumber,
    /// Where it comes from.
    pub origin: Origin,
    /// Who sends or enters it.
    pub requested_by: Actor,
    /// How many people come.
    pub party_size: PartySize,
    /// Agreement to the terms.
    pub consent: Option<Consent>,
    /// Who asks.
    pub applicant: Option<Sealed>,
    /// By what the family is known.
    pub families: Vec<FamilyFingerprint>,
    /// What the staff noted when they entered it.
    pub memo: Option<Memo>,
    /// What ties a repeat to it.
    pub fingerprint: RequestFingerprint,
}

impl NewRequest {
    /// The reservation that it makes (RSV-01), in the state that the slot allows
    /// ([`Slot::may_be_requested`]).
    ///
    /// From the portal it begins as `unconfirmed` (RSV-12); what the nursery enters is approved by that
    /// (RSV-06).
    pub fn reservation(
        self,
        slot: &Slot,
        settings: &Settings,
        granted: Granted,
        now: Timestamp,
    ) -> Reservation {
        let allowed = granted.status;
        let status = match (allowed, self.origin) {
            (_, Origin::Portal) => Status::Unconfirmed,
            (Status::Pending, Origin::OffSystem) => Status::Approved,
            (allowed, _) => allowed,
        };
        let mut reservation = Reservation {
            reservation_number: self.reservation_number,
            facility_id: slot.facility_id.clone(),
            municipality_code: slot.municipality_code,
            slot_id: slot.slot_id.clone(),
            starts_at: slot.starts_at,
            ends_at: slot.ends_at,
            requested_by: self.requested_by,
            origin: self.origin,
            status,
            party_size: self.party_size,
            consent: self.consent,
            requested_at: now,
            updated_at: now,
            sequence: 1,
            would_wait: status == Status::Unconfirmed && allowed == Status::Waiting,
            pending_holds_place: settings.pending_holds_place,
            expires_at: None,
            approves_at: None,
            families: self.families,
            possible_duplicate: granted.possible_duplicate,
            reminders: None,
            reminded_at: None,
            history: Vec::new(),
            memos: self.memo.into_iter().collect(),
            applicant: self.applicant,
            cancel_reason: None,
            fingerprint: self.fingerprint,
        };
        reservation.set_deadlines(settings, now);
        reservation
    }
}

/// Consent given in the future is none. Five minutes are allowed for clocks that differ.
pub fn consent_is_given(consent: &Consent, now: Timestamp) -> Result<(), InputErrors> {
    if consent.agreed_at > now + SignedDuration::from_mins(5) {
        return Err(InputErrors::one("/consent/agreed_at", Invalid::InTheFuture));
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn pending() -> Reservation {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        Reservation {
            reservation_number: "R-7K3M-9QXD".parse().unwrap(),
            facility_id: "fac_7k3m9qxd2abc".parse().unwrap(),
            municipality_code: "131199".parse().unwrap(),
            slot_id: "slt_0wx4n07k3m9qxd".parse().unwrap(),
            starts_at: at("2026-12-10T10:00:00+09:00"),
            ends_at: at("2026-12-10T10:45:00+09:00"),
            requested_by: Actor::Client("site-1".parse().unwrap()),
            origin: Origin::SearchSite,
            status: Status::Pending,
            party_size: PartySize::new(2).unwrap(),
            consent: Some(Consent {
                version: "1".into(),
                agreed_at: at("2026-12-01T09:59:00+09:00"),
            }),
            requested_at: at("2026-12-01T10:00:00+09:00"),
            updated_at: at("2026-12-01T10:00:00+09:00"),
            sequence: 1,
            would_wait: false,
            pending_holds_place: true,
            expires_at: Some(at("2026-12-10T09:00:00+09:00")),
            approves_at: None,
            families: Vec::new(),
            possible_duplicate: Duplicate::None,
            reminders: None,
            reminded_at: None,
            history: Vec::new(),
            memos: Vec::new(),
            applicant: Some(Sealed(vec![1])),
            cancel_reason: None,
            fingerprint: RequestFingerprint {
                key: [0; 16],
                body: [0; 16],
                body_by_other_keys: Vec::new(),
            },
        }
    }

    pub(crate) fn in_state(status: Status) -> Reservation {
        Reservation { status, ..pending() }
    }

    #[test]
    fn rsv_09_the_newest_memos_are_kept() {
        let memo =
            |n: u8| Memo { at: pending().requested_at, by: Actor::Hub, text: Sealed(vec![n]) };
        let noted = (0..30).fold(pending(), |reservation, n| reservation.noted(memo(n)));
        assert_eq!(noted.sequence, 31);
        assert_eq!(noted.memos.len(), MEMOS_KEPT);
        assert_eq!(noted.memos.last(), Some(&memo(29)));
    }

    #[test]
    fn who_would_wait_counts_nowhere_before_the_mail_address_is_confirmed() {
        let unconfirmed = Reservation { would_wait: true, ..in_state(Status::Unconfirmed) };
        assert_eq!(unconfirmed.standing(), Standing::None);
        let now = unconfirmed.requested_at + SignedDuration::from_mins(5);
        let confirm = Action::Confirm { settings: Settings::default() };
        let Ok(Outcome::Becomes(waiting)) = unconfirmed.after(&confirm, Actor::Parent, now) else {
            unreachable!("the link was followed in time")
        };
        assert_eq!(
            (waiting.status, waiting.standing()),
            (Status::Waiting, Standing::OnWaitingList)
        );
        assert_eq!(waiting.waiting_since(), now, "its turn is when it was confirmed");
        let again = waiting.after(&confirm, Actor::Parent, now);
        assert!(again == Ok(Outcome::Already));
    }

    #[test]
    fn a_place_that_was_given_back_is_never_taken_again() {
        for from in Status::ALL.into_iter().filter(|s| in_state(*s).standing() == Standing::None) {
            assert!(from.is_final(), "{from:?}");
        }
    }
}
