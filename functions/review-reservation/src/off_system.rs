//! Bookings that came by telephone or at the door (RSV-06): they take a place like any other, and count
//! for the share of those that came online (REP-16).

use axum::extract::State;
use deserr::Deserr;
use domain::{
    FacilityId, Invalid, ReservationNumber, SlotId,
    applicant::StaffMemo,
    family::{Duplicate, OpenRequests},
    invalid::InputErrors,
    reservation::{Memo, NewRequest, Origin, PartySize, RequestFingerprint},
    text,
};
use hub_http::{
    Body, Created, IdempotencyKey, Problem, Reserving, access::For, caller::FacilityStaff,
    view::ConsoleReservationView,
};
use runtime::Purpose;
use serde::Serialize;
use store::Judged;
use utoipa::ToSchema;

use crate::Desk;

/// A booking that the nursery took itself.
#[derive(Debug, Serialize, Deserr, ToSchema)]
#[deserr(error = InputErrors, deny_unknown_fields)]
pub(crate) struct OffSystem {
    /// One of its slots.
    slot_id: SlotId,
    /// How many people come.
    party_size: PartySize,
    /// Who they are, for the staff alone; it becomes the memo.
    #[deserr(default, try_from(Option<String>) = text::optional -> Invalid)]
    #[schema(value_type = Option<String>, max_length = 1000)]
    note: Option<StaffMemo>,
}

/// Enters a booking that came by telephone: it is approved by that, and holds a place.
#[utoipa::path(
    post, path = "/v1/staff/facilities/{facility_id}/off-system-reservations", tag = "staff",
    params(
        ("facility_id" = FacilityId, Path, description = "The nursery"),
        ("Idempotency-Key" = String, Header, description = "What the caller calls this request"),
    ),
    request_body = OffSystem,
    responses(
        (status = 201, description = "It holds a place", body = ConsoleReservationView),
        (status = 409, description = "`slot-full`, `slot-disabled` or `slot-past`",
            content_type = "application/problem+json"),
    ),
    security(("staff_token" = [])),
)]
pub(crate) async fn book(
    State(desk): State<Desk>,
    For { caller: staff, found: facility, .. }: For<FacilityStaff, FacilityId>,
    key: IdempotencyKey,
    Body(booking): Body<OffSystem>,
) -> Result<Created<ConsoleReservationView>, Problem> {
    let (hub, now) = (&desk.hub, desk.hub.clock.now());
    let scope = format!("{facility} {}", staff.subject);
    let fingerprint = RequestFingerprint {
        key: key.fingerprint(&desk.ids, "off-system", &scope),
        body: key.body_fingerprint(&desk.ids, &booking)?,
        body_by_other_keys: Vec::new(),
    };
    let settings = hub.store.settings(&facility).await?;
    let slot = hub.store.slot(&facility, &booking.slot_id, false).await?;
    let slot = slot.ok_or_else(|| Problem::input("/slot_id", Invalid::NoSuch("slot")))?;
    let judged = Judged::default();
    let (ids, scope, key, fingerprint, settings) =
        (&desk.ids, &*scope, &key, &fingerprint, &settings);
    let reserving = Reserving { hub, ids, scope, key, fingerprint, settings, slot, judged, now };
    let request = |number: ReservationNumber, _: &OpenRequests| {
        let (by, fingerprint, note) = (staff.actor(), fingerprint.clone(), &booking.note);
        let (seal, party_size) = (&desk.seal, booking.party_size);
        async move {
            let memo = match note {
                Some(note) => Some(Memo {
                    at: now,
                    by: by.clone(),
                    text: seal.seal(Purpose::Memo(&number), note.reveal().as_bytes()).await?,
                }),
                None => None,
            };
            Ok(NewRequest {
                reservation_number: number,
                origin: Origin::OffSystem,
                requested_by: by,
                party_size,
                consent: None,
                applicant: None,
                families: Vec::new(),
                possible_duplicate: Duplicate::None,
                memo,
                fingerprint,
            })
        }
    };
    let (reservation, replayed) =
        reserving.reserve(|slot, _| slot.may_be_booked(now), request).await?;
    Ok(Created {
        location: Some(format!("/v1/staff/reservations/{}", reservation.reservation_number)),
        body: ConsoleReservationView::new(&reservation, None, hub),
        replayed,
    })
}
