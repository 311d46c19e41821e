//! `GET /v1/facilities/{facility_id}`: one nursery (API-01, POR-03).

use axum::{Json, extract::State};
use domain::{Facility, FacilityId};
use hub_http::{Function, Problem, access::For, caller::Anyone, routes, view::FacilityView};
use jiff::SignedDuration;
use runtime::Hub;

/// What this function serves, and what it needs for that.
pub const FUNCTION: Function<Hub, Hub> = Function::new(routes![get_facility], |hub| hub);

/// One nursery.
#[utoipa::path(
    get, path = "/v1/facilities/{facility_id}", tag = "public",
    params(("facility_id" = FacilityId, Path, description = "The nursery")),
    responses((status = 200, description = "The nursery", body = FacilityView)),
)]
async fn get_facility(
    State(hub): State<Hub>,
    For { found: facility, .. }: For<Anyone, Facility>,
) -> Result<Json<FacilityView>, Problem> {
    let facility = facility.shown();
    let now = hub.clock.now();
    let year = SignedDuration::from_hours(366 * 24);
    let next_slot_at = if facility.bookable {
        hub.store.next_free_slot(&facility, now, now + year).await?.map(|slot| slot.starts_at)
    } else {
        None
    };
    Ok(Json(FacilityView { facility, next_slot_at }))
}
