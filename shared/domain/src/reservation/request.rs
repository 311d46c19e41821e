//! What a family asks for, and the reservation that it becomes.

use deserr::Deserr;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Actor, Memo, Origin, RequestFingerprint, Reservation};
use crate::{
    Applicant, FacilityId, ReservationNumber, Sealed, Settings, Slot, SlotId, Status, Timestamp,
    applicant::{BirthMonth, Contact, FamilyFingerprint, Message},
    family::Duplicate,
    invalid::{InputErrors, Invalid, within},
    text,
};

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
