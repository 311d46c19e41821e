//! `GET /v1/facilities/{facility_id}/slots`: when a nursery can be visited (VND-19, SLOT-05).

use axum::{
    Json,
    extract::{FromRef, State},
};
use domain::{Facility, FacilityId};
use hub_http::{
    CursorSeal, List, Problem, Query,
    access::For,
    caller::Anyone,
    slots::{SlotQuery, slots},
    view::SlotView,
};
use runtime::Hub;
use utoipa_axum::{router::OpenApiRouter, routes};

#[derive(Debug, Clone)]
struct Slots {
    hub: Hub,
    cursors: CursorSeal,
}

impl FromRef<Slots> for Hub {
    fn from_ref(slots: &Slots) -> Self {
        slots.hub.clone()
    }
}

/// The routes of this function.
pub fn routes(hub: Hub, cursors: CursorSeal) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list_slots)).with_state(Slots { hub, cursors })
}

/// The slots of a nursery, by time. Those that were disabled or have begun are told by their state.
#[utoipa::path(
    get, path = "/v1/facilities/{facility_id}/slots", tag = "public",
    params(("facility_id" = FacilityId, Path, description = "The nursery"), SlotQuery),
    responses((status = 200, description = "Its slots", body = List<SlotView>)),
)]
async fn list_slots(
    State(Slots { hub, cursors }): State<Slots>,
    For { found: facility, .. }: For<Anyone, Facility>,
    Query(query): Query<SlotQuery>,
) -> Result<Json<List<SlotView>>, Problem> {
    let now = hub.clock.now();
    let (slots, next_cursor) = slots(&hub, &cursors, &facility.facility_id, query).await?;
    let items = slots.into_iter().map(|slot| SlotView::new(slot, now)).collect();
    Ok(Json(List { items, next_cursor }))
}
