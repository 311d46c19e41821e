//! `POST /v1/staff/facilities/{facility_id}/slots` and `…/slots/bulk`: a nursery opens times for visits
//! (SLOT-01, SLOT-02).

use axum::extract::State;
use domain::{
    Facility, FacilityId, Invalid, SlotId,
    slot::{OpenSlot, OpenSlots, Skipped},
};
use hub_http::{
    Body, Created, IdempotencyKey, Path, Problem, body_mark, caller::FacilityStaff, view::SlotView,
};
use runtime::Hub;
use serde::Serialize;
use store::{Once, Opened};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this function.
pub fn routes(hub: Hub) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(open_slot)).routes(routes!(open_slots)).with_state(hub)
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
    responses((status = 201, description = "The slot is open", body = SlotView)),
    security(("staff_token" = [])),
)]
async fn open_slot(
    State(hub): State<Hub>,
    staff: FacilityStaff,
    Path(id): Path<FacilityId>,
    key: IdempotencyKey,
    Body(open): Body<OpenSlot>,
) -> Result<Created<SlotView>, Problem> {
    let facility = facility_of(&hub, &staff, &id).await?;
    let now = hub.clock.now();
    if open.starts_at <= now {
        return Err(Problem::input("/starts_at", Invalid::Format("in the future")));
    }
    let opened = open_planned(&hub, &staff, &facility, &key, &open, vec![open.clone()]).await?;
    let (mut slots, replayed) = opened;
    let slot = slots.pop().ok_or(Problem::Internal)?;
    Ok(Created { body: SlotView::new(slot, now), location: None, replayed })
}

/// Opens slots by a weekly pattern over a range of days. National holidays are skipped unless asked
/// for.
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
    let (plan, skipped) = pattern.plan(hub.clock.now());
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
    let planned: Vec<(SlotId, OpenSlot)> = plan
        .into_iter()
        .map(|open| (hub.secret.slot_id(&staff.subject, key.as_str(), open.starts_at), open))
        .collect();
    match hub.store.open_slots(facility, planned, &once, hub.clock.now()).await? {
        Opened::Done { slots, replayed } => Ok((slots, replayed)),
        Opened::OtherBody => Err(Problem::IdempotencyKeyReused),
    }
}
