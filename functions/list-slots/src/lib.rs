//! `GET /v1/facilities/{facility_id}/slots`: when a nursery can be visited (VND-19, SLOT-05).

use axum::{
    Json,
    extract::{FromRef, State},
};
use domain::FacilityId;
use hub_http::{
    CursorSeal, Function, List, Problem, Query,
    access::{For, facility},
    caller::Anyone,
    routes,
    slots::{SlotQuery, slots},
    view::SlotView,
};
use runtime::Hub;

/// What the handlers work with.
#[derive(Debug, Clone)]
pub struct Slots {
    hub: Hub,
    cursors: CursorSeal,
}

impl FromRef<Slots> for Hub {
    fn from_ref(slots: &Slots) -> Self {
        slots.hub.clone()
    }
}

/// What this function serves, and what it needs for that.
pub const FUNCTION: Function<Slots, (Hub, CursorSeal)> =
    Function::new(routes![list_slots], |(hub, cursors)| Slots { hub, cursors });

/// The slots of a nursery, by time. Those that were disabled or have begun are told by their state.
#[utoipa::path(
    get, path = "/v1/facilities/{facility_id}/slots", tag = "public",
    params(("facility_id" = FacilityId, Path, description = "The nursery"), SlotQuery),
    responses((status = 200, description = "Its slots", body = List<SlotView>)),
)]
async fn list_slots(
    State(Slots { hub, cursors }): State<Slots>,
    For { found: id, .. }: For<Anyone, FacilityId>,
    Query(query): Query<SlotQuery>,
) -> Result<Json<List<SlotView>>, Problem> {
    let now = hub.clock.now();
    let (_, (slots, next_cursor)) =
        futures::try_join!(facility(&hub, &id), slots(&hub, &cursors, &id, query))?;
    let items = slots.into_iter().map(|slot| SlotView::new(slot, now)).collect();
    Ok(Json(List { items, next_cursor }))
}
