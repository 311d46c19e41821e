//! `/v1/staff/facilities/{facility_id}/slots`: a nursery opens, copies, changes and disables times for visits
//! (SLOT-01 to SLOT-07).

mod one;

use std::collections::BTreeSet;

use axum::{Json, extract::State};
use domain::{
    Facility, FacilityId, Instant, Invalid, SlotId,
    slot::{OpenSlot, OpenSlots, Skipped},
};
use hub_http::{
    Body, Created, IdempotencyKey, List, Path, Problem, Query, body_mark,
    caller::FacilityStaff,
    slots::{SlotQuery, slots},
    view::StaffSlotView,
};
use runtime::Hub;
use serde::Serialize;
use store::{Once, Opened};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this function.
pub fn routes(hub: Hub) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list_slots, open_slot))
        .routes(routes!(open_slots))
        .routes(routes!(one::get_slot, one::put_slot))
        .routes(routes!(one::copy_slot))
        .routes(routes!(one::disable_slot))
        .with_state(hub)
}

/// The slots of a nursery by time, those that are disabled among them.
#[utoipa::path(
    get, path = "/v1/staff/facilities/{facility_id}/slots", tag = "staff",
    operation_id = "staff_list_slots",
    params(("facility_id" = FacilityId, Path, description = "The nursery"), SlotQuery),
    responses((status = 200, description = "Its slots", body = List<StaffSlotView>)),
    security(("staff_token" = [])),
)]
async fn list_slots(
    State(hub): State<Hub>,
    staff: FacilityStaff,
    Path(id): Path<FacilityId>,
    Query(query): Query<SlotQuery>,
) -> Result<Json<List<StaffSlotView>>, Problem> {
    staff.of(&id)?;
    let now = hub.clock.now();
    let (slots, next_cursor) = slots(&hub, &id, query).await?;
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
    State(hub): State<Hub>,
    staff: FacilityStaff,
    Path(id): Path<FacilityId>,
    key: IdempotencyKey,
    Body(open): Body<OpenSlot>,
) -> Result<Created<StaffSlotView>, Problem> {
    let facility = facility_of(&hub, &staff, &id).await?;
    let now = hub.clock.now();
    if open.starts_at <= now {
        return Err(Problem::input("/starts_at", Invalid::Format("in the future")));
    }
    let opened = open_planned(&hub, &staff, &facility, &key, &open, vec![open.clone()]).await?;
    let (mut slots, replayed) = opened;
    let slot = slots.pop().ok_or(Problem::Internal)?;
    Ok(created(slot, now, replayed))
}

fn created(slot: domain::Slot, now: Instant, replayed: bool) -> Created<StaffSlotView> {
    let (facility, id) = (&slot.facility_id, &slot.slot_id);
    let location = Some(format!("/v1/staff/facilities/{facility}/slots/{id}"));
    Created { body: StaffSlotView::new(slot, now), location, replayed }
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
    State(hub): State<Hub>,
    staff: FacilityStaff,
    Path(id): Path<FacilityId>,
    key: IdempotencyKey,
    Body(pattern): Body<OpenSlots>,
) -> Result<Created<OpenedSlots>, Problem> {
    let facility = facility_of(&hub, &staff, &id).await?;
    let span = (
        Instant::midnight(pattern.from),
        Instant::midnight(pattern.to.tomorrow().unwrap_or(pattern.to)),
    );
    let existing = hub.store.slots(&id, span.0, span.1, i32::MAX as usize, None).await?;
    // Those that this very request has opened before are none that it would double.
    let own = |slot: &&domain::Slot| {
        slot.slot_id == hub.secret.slot_id(&id, &staff.subject, key.as_str(), slot.starts_at)
    };
    let others = existing.iter().filter(|slot| !slot.disabled && !own(slot));
    let taken: BTreeSet<Instant> = others.map(|slot| slot.starts_at).collect();
    let (plan, skipped) = pattern.plan(hub.clock.now(), &taken);
    let (slots, replayed) = open_planned(&hub, &staff, &facility, &key, &pattern, plan).await?;
    let body = OpenedSlots { created: slots.len(), skipped };
    Ok(Created { body, location: None, replayed })
}

async fn facility_of(
    hub: &Hub,
    staff: &FacilityStaff,
    id: &FacilityId,
) -> Result<Facility, Problem> {
    staff.of(id)?;
    hub.store.facility(id).await?.ok_or(Problem::NotFound)
}

async fn open_planned(
    hub: &Hub,
    staff: &FacilityStaff,
    facility: &Facility,
    key: &IdempotencyKey,
    body: &impl Serialize,
    plan: Vec<OpenSlot>,
) -> Result<(Vec<domain::Slot>, bool), Problem> {
    let once = Once {
        key: key.mark(&hub.secret, facility.facility_id.as_str(), &staff.subject),
        body: body_mark(&hub.secret, body)?,
    };
    let id = |open: &OpenSlot| {
        hub.secret.slot_id(&facility.facility_id, &staff.subject, key.as_str(), open.starts_at)
    };
    let planned: Vec<(SlotId, OpenSlot)> = plan.into_iter().map(|open| (id(&open), open)).collect();
    match hub.store.open_slots(facility, planned, &once, hub.clock.now()).await? {
        Opened::Done { slots, replayed } => Ok((slots, replayed)),
        Opened::OtherBody => Err(Problem::IdempotencyKeyReused),
    }
}
