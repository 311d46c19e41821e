//! The shapes that callers see. More fields may come; none goes or changes its meaning.

use domain::{
    Applicant, Facility, FacilityId, Reservation, ReservationNumber, Settings, Slot, SlotId,
    Status, Timestamp,
    family::Duplicate,
    feed::PublicFacility,
    item::Visibility,
    reservation::{Consent, Origin, PartySize},
    search::{FacilitySummary, ListedDetails, VacancySummary},
    vacancy::{Vacancy, VacancyView},
};
use runtime::Hub;
use serde::Serialize;
use utoipa::ToSchema;

pub use domain::feed::SlotView;

/// A facility as anybody sees it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FacilityView {
    /// What is known of it.
    #[serde(flatten)]
    pub facility: FacilitySummary,
    /// When the next slot with a free place starts.
    pub next_slot_at: Option<Timestamp>,
}

/// A facility as a list shows it: every item but the long texts. Lists write it as they hold it, see
/// [`domain::search::Entry::write_json`].
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FacilityListView {
    /// What every list shows, and the next slot.
    #[serde(flatten)]
    pub facility: FacilityView,
    /// What is known beyond that.
    #[serde(flatten)]
    pub details: ListedDetails,
    /// The places for children that the municipality last published.
    pub vacancy: Option<VacancySummary>,
    /// How many metres it is from the nearest place of `near`, where a place was named and the facility's is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub distance_m: Option<u32>,
}

/// All that somebody may know of a facility.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FacilityDetailView {
    /// Its items.
    #[serde(flatten)]
    pub facility: PublicFacility,
    /// When the next slot with a free place starts.
    pub next_slot_at: Option<Timestamp>,
    /// What is free, in the latest month of which its municipality says so.
    pub vacancy: Option<VacancyView>,
    /// When the nursery last looked through all of this and said that it is right.
    pub confirmed_at: Option<Timestamp>,
}

impl FacilityDetailView {
    /// As somebody sees it who may see items up to this visibility.
    pub fn new(
        facility: Facility,
        seen: Visibility,
        next_slot_at: Option<Timestamp>,
        vacancy: Option<Vacancy>,
    ) -> Self {
        let confirmed_at = facility.notes.confirmed_at;
        let facility = PublicFacility::new(facility, seen);
        Self { facility, next_slot_at, vacancy: vacancy.map(VacancyView::from), confirmed_at }
    }
}

/// A slot as the nursery's staff see it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StaffSlotView {
    /// As anybody sees it.
    #[serde(flatten)]
    pub slot: SlotView,
    /// How many families wait for a place.
    pub waiting: usize,
}

impl StaffSlotView {
    /// The slot as it is at this time.
    pub fn new(slot: Slot, now: Timestamp) -> Self {
        Self { waiting: slot.waiting.len(), slot: SlotView::new(slot, now) }
    }
}

/// A reservation as a search site sees it: it has no field for personal data (SEC-02).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReservationView {
    /// Given out in place of personal data.
    pub reservation_number: ReservationNumber,
    /// The nursery.
    pub facility_id: FacilityId,
    /// The slot.
    pub slot_id: SlotId,
    /// When the visit starts.
    pub starts_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// Its state.
    pub status: Status,
    /// How many people come.
    pub party_size: PartySize,
    /// The nursery's word to the parent (RSV-03).
    #[schema(max_length = 500)]
    pub comment: Option<String>,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts the changes, from 1.
    pub sequence: u32,
    /// Where it came from.
    pub origin: Origin,
    /// Whether the same family had a request there for that day when it was made. Told, not refused. A search site
    /// hears of its own requests alone, ICT systems and staff of all.
    pub possible_duplicate: bool,
}

impl ReservationView {
    /// With the nursery's word, opened.
    pub fn new(reservation: &Reservation, comment: Option<String>) -> Self {
        Self {
            reservation_number: reservation.reservation_number.clone(),
            facility_id: reservation.facility_id.clone(),
            slot_id: reservation.slot_id.clone(),
            starts_at: reservation.starts_at,
            ends_at: reservation.ends_at,
            status: reservation.status,
            party_size: reservation.party_size,
            comment,
            requested_at: reservation.requested_at,
            updated_at: reservation.updated_at,
            sequence: reservation.sequence,
            origin: reservation.origin,
            possible_duplicate: reservation.possible_duplicate == Duplicate::OfSite,
        }
    }
}

/// A request on the portal, as anybody may see it who made it: it says nothing of the family's other requests.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PortalRequestView {
    /// Its number.
    pub reservation_number: ReservationNumber,
    /// The nursery.
    pub facility_id: FacilityId,
    /// The slot.
    pub slot_id: SlotId,
    /// When the visit starts.
    pub starts_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// Its state.
    pub status: Status,
    /// How many people come.
    pub party_size: PartySize,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts the changes, from 1.
    pub sequence: u32,
    /// Where it came from.
    pub origin: Origin,
}

impl From<&Reservation> for PortalRequestView {
    fn from(reservation: &Reservation) -> Self {
        Self {
            reservation_number: reservation.reservation_number.clone(),
            facility_id: reservation.facility_id.clone(),
            slot_id: reservation.slot_id.clone(),
            starts_at: reservation.starts_at,
            ends_at: reservation.ends_at,
            status: reservation.status,
            party_size: reservation.party_size,
            requested_at: reservation.requested_at,
            updated_at: reservation.updated_at,
            sequence: reservation.sequence,
            origin: reservation.origin,
        }
    }
}

/// A reservation as those see it who can act on it in the hub's screens: an ICT system, and staff
/// right after an answer.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConsoleReservationView {
    /// As a search site sees it.
    #[serde(flatten)]
    pub reservation: ReservationView,
    /// The screen where staff act (ICT-06).
    #[schema(format = "uri")]
    pub console_url: String,
}

impl ConsoleReservationView {
    /// With the nursery's word, opened, and the link to the hub's screen.
    pub fn new(reservation: &Reservation, comment: Option<String>, hub: &Hub) -> Self {
        let possible_duplicate = reservation.possible_duplicate != Duplicate::None;
        let view = ReservationView::new(reservation, comment);
        Self {
            reservation: ReservationView { possible_duplicate, ..view },
            console_url: hub.console_url(&reservation.reservation_number),
        }
    }
}

/// One line of a reservation's history.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ChangeView {
    /// The sequence number after it.
    pub sequence: u32,
    /// When.
    pub at: Timestamp,
    /// Who: `client:<id>`, `staff:<subject>`, `parent`, or `hub` where it happened automatically.
    #[schema(examples("client:1example23456789"))]
    pub by: String,
    /// The state before; `null` for the request itself.
    pub from: Option<Status>,
    /// The state after.
    pub to: Status,
    /// The word that went with it; `null` for operators.
    pub comment: Option<String>,
}

/// What the staff noted for themselves.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MemoView {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// The words.
    pub memo: String,
}

/// How often the hub asked the nursery for its answer.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RemindersView {
    /// How many times.
    pub count: u32,
    /// When last.
    pub last_at: Timestamp,
}

/// What was opened of a reservation, for those who may read it.
#[derive(Debug, Default)]
pub struct Unsealed {
    /// Who asks; none where the nursery entered it.
    pub applicant: Option<Applicant>,
    /// Why the parent cancelled.
    pub cancel_reason: Option<String>,
    /// The nursery's words to the parent: of each change of the history its own.
    pub comments: Vec<Option<String>>,
    /// What the staff noted, oldest first.
    pub memos: Vec<String>,
}

/// A reservation as facility and municipal staff see it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StaffReservationView {
    /// As an ICT system sees it.
    #[serde(flatten)]
    pub reservation: ConsoleReservationView,
    /// Who asks; `null` for operators, and where the nursery entered it.
    pub applicant: Option<domain::applicant::Contact>,
    /// Words to the nursery; `null` for operators.
    #[schema(value_type = Option<String>)]
    pub message_to_facility: Option<domain::applicant::Message>,
    /// When the child was born; `null` for operators.
    #[schema(value_type = Option<String>, examples("2025-04"))]
    pub child_birth_month: Option<domain::applicant::BirthMonth>,
    /// Agreement to the terms; `null` where the nursery entered it.
    pub consent: Option<Consent>,
    /// What the staff noted last; `null` for operators.
    pub staff_memo: Option<String>,
    /// What they noted before and now, oldest first (RSV-09).
    pub memo_history: Vec<MemoView>,
    /// When it is given up unless somebody acts.
    pub expires_at: Option<Timestamp>,
    /// When the hub approves it (RSV-19).
    pub approves_at: Option<Timestamp>,
    /// How often the hub asked for the answer.
    pub reminders: Option<RemindersView>,
    /// When the hub reminded the parent of the visit.
    pub reminded_at: Option<Timestamp>,
    /// What happened, oldest first.
    pub history: Vec<ChangeView>,
}

impl StaffReservationView {
    /// With what was opened of it.
    pub fn new(reservation: &Reservation, unsealed: Unsealed, hub: &Hub) -> Self {
        let requested = ChangeView {
            sequence: 1,
            at: reservation.requested_at,
            by: reservation.requested_by.to_string(),
            from: None,
            to: reservation.first_status(),
            comment: None,
        };
        let comment = unsealed.comments.iter().rev().flatten().next().cloned();
        let comments = unsealed.comments.into_iter().chain(std::iter::repeat(None));
        let changes =
            reservation.history.iter().zip(comments).map(|(change, comment)| ChangeView {
                sequence: change.sequence,
                at: change.at,
                by: change.by.to_string(),
                from: Some(change.from),
                to: change.to,
                comment: match change.to {
                    Status::CancelledByParent => unsealed.cancel_reason.clone(),
                    _ => comment,
                },
            });
        let history: Vec<_> = [requested].into_iter().chain(changes).collect();
        let memo_history: Vec<_> = reservation
            .memos
            .iter()
            .zip(unsealed.memos)
            .map(|(memo, text)| MemoView { at: memo.at, by: memo.by.to_string(), memo: text })
            .collect();
        let (contact, message, birth) =
            unsealed.applicant.map_or((None, None, None), |applicant| {
                (
                    Some(applicant.contact),
                    applicant.message_to_facility,
                    applicant.child_birth_month,
                )
            });
        Self {
            reservation: ConsoleReservationView::new(reservation, comment, hub),
            applicant: contact,
            message_to_facility: message,
            child_birth_month: birth,
            consent: reservation.consent.clone(),
            staff_memo: memo_history.last().map(|memo| memo.memo.clone()),
            memo_history,
            expires_at: reservation.expires_at,
            approves_at: reservation.approves_at,
            reminders: reservation.reminders.map(|reminders| RemindersView {
                count: reminders.count,
                last_at: reminders.last_at,
            }),
            reminded_at: reservation.reminded_at,
            history,
        }
    }
}

/// A reservation as the parent sees it, by the link in a mail.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct VisitView {
    /// Its number.
    pub reservation_number: ReservationNumber,
    /// The nursery.
    pub facility_name: String,
    /// Where it is.
    pub municipality: String,
    /// Its telephone, for the day of the visit.
    pub facility_phone: Option<String>,
    /// When the visit starts.
    pub starts_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// Its state.
    pub status: Status,
    /// How many people come.
    pub party_size: PartySize,
    /// The nursery's word (RSV-03).
    #[schema(max_length = 500)]
    pub comment: Option<String>,
    /// Until when somebody has to act: the parent, where `may_confirm`.
    pub expires_at: Option<Timestamp>,
    /// Whether it waits for the parent's confirmation.
    pub may_confirm: bool,
    /// Until when the parent may cancel; `null` where it cannot be cancelled.
    pub may_cancel_until: Option<Timestamp>,
}

impl VisitView {
    /// The reservation, with the nursery that it is for, and the nursery's word, opened.
    pub fn new(
        reservation: &Reservation,
        comment: Option<String>,
        facility: &Facility,
        settings: &Settings,
    ) -> Self {
        let may_become = |to| reservation.status.may_become(to);
        Self {
            reservation_number: reservation.reservation_number.clone(),
            facility_name: facility.facility_name.clone(),
            municipality: facility.municipality.clone(),
            facility_phone: facility.phone.clone(),
            starts_at: reservation.starts_at,
            ends_at: reservation.ends_at,
            status: reservation.status,
            party_size: reservation.party_size,
            comment,
            expires_at: reservation.expires_at,
            may_confirm: matches!(reservation.status, Status::Unconfirmed | Status::Offered),
            may_cancel_until: may_become(Status::CancelledByParent)
                .then(|| settings.cancel_closes(reservation.starts_at)),
        }
    }
}
