//! Bookings that came by telephone or at the door (RSV-06): they take a place like any other, and count
//! for the share of those that came online (REP-16).

use axum::extract::State;
use deserr::Deserr;
use domain::{
    FacilityId, Invalid, Slot, SlotId,
    applicant::StaffMemo,
    family::{Duplicate, OpenRequests},
    invalid::InputErrors,
    reservation::{Granted, Memo, NewRequest, Origin, PartySize},
    text,
};
use hub_http::{
    Body, Created, Creation, IdempotencyKey, Problem, Reserving, access::For,
    caller::FacilityStaff, under_a_number, view::ConsoleReservationView,
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
    let (caller, store, seal) = (format!("{facility} {}", staff.subject), &hub.store, &desk.seal);
    let creation = Creation::new(hub, &desk.ids, &key, "off-system", &caller, &booking)?;
    let (booking, facility, creation, by) = (&booking, &facility, &creation, &staff.actor());
    let made = under_a_number(creation, |number| async move {
        let memo = async {
            let Some(note) = &booking.note else { return Ok(None) };
            let note = seal.seal(Purpose::Memo(&number), note.reveal().as_bytes());
            Ok::<_, Problem>(Some(Memo { at: now, by: by.clone(), text: note.await? }))
        };
        let read = async {
            let slot = store.slot(facility, &booking.slot_id, false);
            let (settings, slot) = futures::try_join!(store.settings(facility), slot)?;
            let slot = slot.ok_or_else(|| Problem::input("/slot_id", Invalid::NoSuch("slot")))?;
            Ok((settings, slot))
        };
        let (memo, (settings, slot)) = futures::try_join!(memo, read)?;
        let request = NewRequest {
            reservation_number: number,
            origin: Origin::OffSystem,
            requested_by: by.clone(),
            party_size: booking.party_size,
            consent: None,
            applicant: None,
            families: Vec::new(),
            memo,
            fingerprint: creation.of_reservation(),
        };
        let allowed = |slot: &Slot, _: &OpenRequests| {
            let status = slot.may_be_booked(now)?;
            Ok(Granted { status, possible_duplicate: Duplicate::None })
        };
        let (settings, judged) = (&settings, Judged::default());
        Reserving { hub, settings, slot, judged, now }.reserve(request, allowed).await
    });
    let (reservation, replayed) = made.await?.into_parts();
    Ok(Created {
        location: Some(format!("/v1/staff/reservations/{}", reservation.reservation_number)),
        body: ConsoleReservationView::new(&reservation, None, hub),
        replayed,
    })
}
