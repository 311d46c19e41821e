//! One slot: reading, changing, copying, disabling it (SLOT-02, SLOT-03).

use axum::{Json, extract::State, response::Response};
use domain::{
    FacilityId, Invalid, Slot, SlotId,
    slot::{ChangeSlot, CopySlot},
};
use hub_http::{
    Body, Creation, IdempotencyKey, IfMatch, Problem, access::For, caller::FacilityStaff,
    view::StaffSlotView,
};
use runtime::Hub;
use store::SlotChangeOutcome;

use crate::{Desk, one_opened, open_planned};

/// One slot.
#[utoipa::path(
    get, path = "/v1/staff/facilities/{facility_id}/slots/{slot_id}", tag = "staff",
    params(
        ("facility_id" = FacilityId, Path, description = "The nursery"),
        ("slot_id" = SlotId, Path, description = "The slot"),
    ),
    responses((status = 200, description = "The slot", body = StaffSlotView)),
    security(("staff_token" = [])),
)]
pub(crate) async fn get_slot(
    State(hub): State<Hub>,
    For { found: slot, .. }: For<FacilityStaff, Slot>,
) -> Result<Json<StaffSlotView>, Problem> {
    Ok(Json(StaffSlotView::new(slot, hub.clock.now())))
}

/// Changes capacity and note of a slot, and whether it is disabled. Its time stays: copy it to another
/// time, and disable it.
#[utoipa::path(
    put, path = "/v1/staff/facilities/{facility_id}/slots/{slot_id}", tag = "staff",
    params(
        ("facility_id" = FacilityId, Path, description = "The nursery"),
        ("slot_id" = SlotId, Path, description = "The slot"),
        ("If-Match" = String, Header, description = "The ETag of the slot that was read"),
    ),
    request_body = ChangeSlot,
    responses(
        (status = 200, description = "It is changed", body = StaffSlotView),
        (status = 409, description = "`capacity-below-taken` or `slot-past`",
            content_type = "application/problem+json"),
    ),
    security(("staff_token" = [])),
)]
pub(crate) async fn put_slot(
    State(hub): State<Hub>,
    For { found: read, .. }: For<FacilityStaff, Slot>,
    matched: IfMatch,
    Body(change): Body<ChangeSlot>,
) -> Result<Json<StaffSlotView>, Problem> {
    let now = hub.clock.now();
    matched.check(&StaffSlotView::new(read.clone(), now))?;
    change.keeps_time(&read)?;
    if read.starts_at <= now {
        return Err(domain::Refusal::SlotPast.into());
    }
    let next = read.changed(&change)?;
    match hub.store.change_slot(&read, &next).await? {
        SlotChangeOutcome::Done(slot) => Ok(Json(StaffSlotView::new(slot, now))),
        SlotChangeOutcome::Stale(newer) => {
            // Either a place was taken meanwhile, or other staff changed the slot.
            newer.changed(&change)?;
            Err(Problem::PreconditionFailed)
        }
    }
}

/// Copies a slot to another time: as long, as large, with the same note (SLOT-03).
#[utoipa::path(
    post, path = "/v1/staff/facilities/{facility_id}/slots/{slot_id}/copy", tag = "staff",
    params(
        ("facility_id" = FacilityId, Path, description = "The nursery"),
        ("slot_id" = SlotId, Path, description = "The slot"),
        ("Idempotency-Key" = String, Header, description = "What the caller calls this request"),
    ),
    request_body = CopySlot,
    responses((status = 201, description = "The copy is open", body = StaffSlotView)),
    security(("staff_token" = [])),
)]
pub(crate) async fn copy_slot(
    State(desk): State<Desk>,
    For { caller: staff, found: slot, .. }: For<FacilityStaff, Slot>,
    key: IdempotencyKey,
    Body(copy): Body<CopySlot>,
) -> Result<Response, Problem> {
    let Desk { hub, ids, .. } = &desk;
    let (id, facility) = (&slot.slot_id, &slot.facility_id);
    let route = format!("copy of {id} of {facility}");
    let creation = Creation::new(hub, ids, &key, &route, &staff.subject, &copy)?;
    if let Some(first) = creation.repeated().await? {
        return Ok(first);
    }
    if copy.starts_at <= hub.clock.now() {
        return Err(Problem::input("/starts_at", Invalid::InThePast));
    }
    let facility = hub.store.facility(facility).await?.ok_or(Problem::NotFound)?;
    open_planned(&desk, &facility, &creation, vec![copy.of(&slot)?], one_opened).await
}

/// Takes no more requests for a slot. The reservations that it has remain.
#[utoipa::path(
    post, path = "/v1/staff/facilities/{facility_id}/slots/{slot_id}/disable", tag = "staff",
    params(
        ("facility_id" = FacilityId, Path, description = "The nursery"),
        ("slot_id" = SlotId, Path, description = "The slot"),
    ),
    responses((status = 200, description = "It is disabled", body = StaffSlotView)),
    security(("staff_token" = [])),
)]
pub(crate) async fn disable_slot(
    State(hub): State<Hub>,
    For { found: mut slot, .. }: For<FacilityStaff, Slot>,
) -> Result<Json<StaffSlotView>, Problem> {
    // Other staff may change it at the same time; disabling wins over whatever they change.
    for _ in 0..5 {
        if slot.disabled {
            return Ok(Json(StaffSlotView::new(slot, hub.clock.now())));
        }
        let next = Slot { disabled: true, ..slot.clone() };
        slot = match hub.store.change_slot(&slot, &next).await? {
            // Not looked at again: who has opened it since would find it disabled a second time.
            SlotChangeOutcome::Done(slot) => {
                return Ok(Json(StaffSlotView::new(slot, hub.clock.now())));
            }
            SlotChangeOutcome::Stale(slot) => slot,
        };
    }
    Err(Problem::Unavailable)
}
