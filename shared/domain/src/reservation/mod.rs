//! A visit that a parent asks for, and every state it can be in.

use std::fmt;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    ClientId, FacilityId, MunicipalityCode, ReservationNumber, Sealed, SlotId, Status, Timestamp,
    applicant::FamilyFingerprint, family::Duplicate, slot::Standing,
};

mod action;
mod deadline;
mod request;

pub use action::{Action, Outcome};
pub use deadline::Due;
pub use request::{Consent, Granted, NewRequest, PartySize, RequestVisit, consent_is_given};

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

#[cfg(test)]
pub(crate) mod tests;
