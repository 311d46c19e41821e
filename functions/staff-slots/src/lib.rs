//! `/v1/staff/facilities/{facility_id}/slots`: a nursery opens, copies, changes and disables times for visits
//! (SLOT-01 to SLOT-07).

mod one;

use std::collections::BTreeSet;

use axum::{
    Json,
    extract::{FromRef, State},
    response::{IntoResponse, Response},
};
use domain::{
    Facility, FacilityId, Invalid, Slot, SlotId, Timestamp,
    keys::IdKey,
    slot::{OpenSlot, OpenSlots, Skipped},
};
use hub_http::{
    Body, Created, Creation, CursorSeal, Function, IdempotencyKey, List, Problem, Query,
    access::For,
    caller::FacilityStaff,
    replay, routes,
    slots::{SlotQuery, slots},
    view::StaffSlotView,
};
use runtime::Hub;
use serde::Serialize;
use store::OpenSlotsOutcome;
use utoipa::ToSchema;

/// What the handlers work with.
#[derive(Debug, Clone)]
pub struct Desk {
    hub: Hub,
    ids: IdKey,
    cursors: CursorSeal,
}

impl FromRef<Desk> for Hub {
    fn from_ref(desk: &Desk) -> Self {
        desk.hub.clone()
    }
}

/// What this function serves, and what it needs for that.
pub const FUNCTION: Function<Desk, (Hub, IdKey, CursorSeal)> = Function::new(
    routes![
        list_slots,
        open_slot,
        open_slots,
        one::get_slot,
        one::put_slot,
        one::copy_slot,
        one::disable_slot
    ],
    |(hub, ids, cursors)| Desk { hub, ids, cursors },
);

/// The slots of a nursery by time, those that are disabled among them.
#[utoipa::path(
    get, path = "/v1/staff/facilities/{facility_id}/slots", tag = "staff",
    operation_id = "staff_list_slots",
    params(("facility_id" = FacilityId, Path, description = "The nursery"), SlotQuery),
    responses((status = 200, description = "Its slots", body = List<StaffSlotView>)),
    security(("staff_token" = [])),
)]
async fn list_slots(
    State(desk): State<Desk>,
    For { found: id, .. }: For<FacilityStaff, FacilityId>,
    Query(query): Query<SlotQuery>,
) -> Result<Json<List<StaffSlotView>>, Problem> {
    let now = desk.hub.clock.now();
    let (slots, next_cursor) = slots(&desk.hub, &desk.cursors, &id, query).await?;
    let items = slots.into_iter().map(|slot| StaffSlotView::new(slot, now)).collect();
    Ok(Json(List { items, next_cursor }))
}

/// What a pattern opened.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenedSlots {
    /// How many slots.
    pub created: usize,
    /// On which days it opened nothing, and why.
    pub skipped: Vec<Skipped>,
}

/// Opens one slot.
#[utoipa::path(
    post, path = "/v1/staff/facilities/{facility_id}/slots", tag = "staff",
    params(
        ("facility_id" = FacilityId, Path, description = "The nursery"),
        ("Idempotency-Key" = String, Header, description = "What the caller calls this request"),
    ),
    request_body = OpenSlot,
    responses((status = 201, description = "The slot is open", body = StaffSlotView)),
    security(("staff_token" = [])),
)]
async fn open_slot(
    State(desk): State<Desk>,
    For { caller: staff, found: facility, .. }: For<FacilityStaff, Facility>,
    key: IdempotencyKey,
    Body(open): Body<OpenSlot>,
) -> Result<Response, Problem> {
    let Desk { hub, ids, .. } = &desk;
    let id = &facility.facility_id;
    let creation = Creation::new(hub, ids, &key, &format!("slots of {id}"), &staff.subject, &open)?;
    if let Some(first) = creation.repeated().await? {
        return Ok(first);
    }
    if open.starts_at <= hub.clock.now() {
        return Err(Problem::input("/starts_at", Invalid::InThePast));
    }
    open_planned(&desk, &facility, &creation, vec![open], one_opened).await
}

/// The answer to a request that opened one slot.
fn one_opened(slots: &[Slot], now: Timestamp) -> Option<Created<StaffSlotView>> {
    let slot = slots.first()?;
    let location = format!("/v1/staff/facilities/{}/slots/{}", slot.facility_id, slot.slot_id);
    let body = StaffSlotView::new(slot.clone(), now);
    Some(Created { body, location: Some(location), replayed: false })
}

/// Opens slots by a weekly pattern over a range of days. National holidays are skipped unless asked
/// for, and so are times at which a slot starts already.
#[utoipa::path(
    post, path = "/v1/staff/facilities/{facility_id}/slots/bulk", tag = "staff",
    params(
        ("facility_id" = FacilityId, Path, description = "The nursery"),
        ("Idempotency-Key" = String, Header, description = "What the caller calls this request"),
    ),
    request_body = OpenSlots,
    responses((status = 201, description = "The slots are open", body = OpenedSlots)),
    security(("staff_token" = [])),
)]
async fn open_slots(
    State(desk): State<Desk>,
    For { caller: staff, found: facility, .. }: For<FacilityStaff, Facility>,
    key: IdempotencyKey,
    Body(pattern): Body<OpenSlots>,
) -> Result<Response, Problem> {
    let Desk { hub, ids, .. } = &desk;
    let id = &facility.facility_id;
    let route = format!("slots in bulk of {id}");
    let creation = Creation::new(hub, ids, &key, &route, &staff.subject, &pattern)?;
    if let Some(first) = creation.repeated().await? {
        return Ok(first);
    }
    let span = (
        Timestamp::midnight(pattern.from),
        Timestamp::midnight(pattern.to.tomorrow().unwrap_or(pattern.to)),
    );
    let existing = hub.store.slots(id, span.0, span.1, i32::MAX as usize, None).await?;
    // Those that this very request opened before it was cut off are none that it would double.
    let own = |slot: &&Slot| slot.slot_id == slot_id(ids, id, &creation, slot.starts_at);
    let others = existing.iter().filter(|slot| !slot.disabled && !own(slot));
    let taken: BTreeSet<Timestamp> = others.map(|slot| slot.starts_at).collect();
    let (plan, skipped) = pattern.plan(hub.clock.now(), &taken);
    open_planned(&desk, &facility, &creation, plan, move |slots, _| {
        let body = OpenedSlots { created: slots.len(), skipped: skipped.clone() };
        Some(Created { body, location: None, replayed: false })
    })
    .await
}

fn slot_id(
    ids: &IdKey,
    facility: &FacilityId,
    creation: &Creation<'_>,
    starts_at: Timestamp,
) -> SlotId {
    ids.slot_id(facility, "staff", &creation.fingerprint(), starts_at)
}

/// Opens slots, with the answer that is made of them.
async fn open_planned<T: Serialize>(
    Desk { hub, ids, .. }: &Desk,
    facility: &Facility,
    creation: &Creation<'_>,
    plan: Vec<OpenSlot>,
    answer: impl Fn(&[Slot], Timestamp) -> Option<Created<T>> + Sync,
) -> Result<Response, Problem> {
    let now = hub.clock.now();
    let id = |open: &OpenSlot| slot_id(ids, &facility.facility_id, creation, open.starts_at);
    let planned = plan.into_iter().map(|open| (id(&open), open)).collect();
    let kept =
        |slots: &[Slot]| answer(slots, now).map_or(Ok(String::new()), |created| created.kept());
    let opened = hub.store.open_slots(facility, planned, &creation.once, &kept, now).await?;
    match opened {
        OpenSlotsOutcome::Done(slots) => {
            answer(&slots, now).map(IntoResponse::into_response).ok_or(Problem::Internal)
        }
        OpenSlotsOutcome::Earlier(earlier) => replay(earlier),
    }
}
