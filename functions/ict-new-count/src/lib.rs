//! `GET /v1/ict/facilities/{facility_id}/new-count`: how many requests wait for an answer (API-05, ICT-04).

use axum::{Json, extract::State};
use domain::{FacilityId, Timestamp};
use hub_http::{
    Function, Problem,
    access::For,
    caller::{IctRead, IctSystem},
    routes,
};
use runtime::Hub;
use serde::Serialize;
use utoipa::ToSchema;

/// What this function serves, and what it needs for that.
pub const FUNCTION: Function<Hub, Hub> = Function::new(routes![ict_new_count], |hub| hub);

/// How many requests wait.
#[derive(Debug, Serialize, ToSchema)]
struct NewCount {
    /// Requests that wait for the nursery's answer.
    count: u64,
    /// When this number last changed. An answer with the same `ETag` says the same: poll with `If-None-Match`.
    as_of: Timestamp,
}

/// How many requests of a linked nursery wait for its answer.
#[utoipa::path(
    get, path = "/v1/ict/facilities/{facility_id}/new-count", tag = "ict",
    params(("facility_id" = FacilityId, Path, description = "The nursery")),
    responses((status = 200, description = "The count", body = NewCount)),
    security(("client_credentials" = ["ict:read"])),
)]
async fn ict_new_count(
    State(hub): State<Hub>,
    For { found: facility, .. }: For<IctSystem<IctRead>, FacilityId>,
) -> Result<Json<NewCount>, Problem> {
    let (count, changed_at) = hub.store.pending_count(&facility).await?;
    let as_of = match changed_at {
        Some(at) => at,
        // It was zero ever since the hub knows the nursery.
        None => hub.store.facility(&facility).await?.ok_or(Problem::NotFound)?.updated_at,
    };
    Ok(Json(NewCount { count, as_of }))
}
