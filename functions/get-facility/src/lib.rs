//! `GET /v1/facilities/{facility_id}`: one nursery (API-01, POR-03).

use axum::{Json, extract::State};
use domain::{FacilityId, item::Visibility};
use futures::TryFutureExt;
use hub_http::{
    Function, Problem,
    access::{For, facility},
    caller::Anyone,
    routes,
    view::FacilityDetailView,
};
use jiff::SignedDuration;
use runtime::Hub;
use store::SLOTS_LOOKED_AT;

/// What this function serves, and what it needs for that.
pub const FUNCTION: Function<Hub, Hub> = Function::new(routes![get_facility], |hub| hub);

/// One nursery.
#[utoipa::path(
    get, path = "/v1/facilities/{facility_id}", tag = "public",
    params(("facility_id" = FacilityId, Path, description = "The nursery")),
    responses((status = 200, description = "The nursery", body = FacilityDetailView)),
)]
async fn get_facility(
    State(hub): State<Hub>,
    For { found: id, .. }: For<Anyone, FacilityId>,
) -> Result<Json<FacilityDetailView>, Problem> {
    let (store, now) = (&hub.store, hub.clock.now());
    let until = now + SignedDuration::from_hours(366 * 24);
    let slots = store.slots(&id, now, until, SLOTS_LOOKED_AT, None).map_err(Problem::from);
    let vacancy = store.latest_vacancy(&id).map_err(Problem::from);
    let (facility, slots, vacancy) = futures::try_join!(facility(&hub, &id), slots, vacancy)?;
    let next = match facility.takes_requests() {
        true => store.next_free_slot(&facility, slots, now, until).await?,
        false => None,
    };
    let next_slot_at = next.map(|slot| slot.starts_at);
    Ok(Json(FacilityDetailView::new(facility, Visibility::Public, next_slot_at, vacancy)))
}
