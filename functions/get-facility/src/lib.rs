//! `GET /v1/facilities/{facility_id}`: one nursery (API-01, POR-03).

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use domain::FacilityId;
use hub_http::{
    Function, Problem,
    access::{For, public_facility},
    caller::Anyone,
    etag_with, routes,
    view::FacilityDetailView,
};
use runtime::Hub;

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
) -> Result<Response, Problem> {
    let (_, shown) = public_facility(&hub, &id).await?;
    // A change of its items is based on them, not on its next free slot.
    let etag = etag_with(&shown.facility, &shown)?;
    Ok(([(header::ETAG, etag)], Json(shown)).into_response())
}
