//! `/v1/staff/facilities/{facility_id}/settings`: a nursery decides about its visits, and whom the hub
//! writes to (NTF-02).

use axum::{Json, extract::State};
use domain::{Facility, FacilityId, Settings};
use hub_http::{Body, IfMatch, Problem, access::For, caller::FacilityStaff};
use runtime::Hub;
use store::StoreError;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this function.
pub fn routes(hub: Hub) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(get_settings, put_settings)).with_state(hub)
}

/// The settings of a nursery; the defaults if it never saved any.
#[utoipa::path(
    get, path = "/v1/staff/facilities/{facility_id}/settings", tag = "staff",
    params(("facility_id" = FacilityId, Path, description = "The nursery")),
    responses((status = 200, description = "Its settings", body = Settings)),
    security(("staff_token" = [])),
)]
async fn get_settings(
    State(hub): State<Hub>,
    For { found: id, .. }: For<FacilityStaff, FacilityId>,
) -> Result<Json<Settings>, Problem> {
    Ok(Json(hub.store.settings(&id).await?))
}

/// Saves the settings of a nursery as a whole. They hold for requests made from now on.
#[utoipa::path(
    put, path = "/v1/staff/facilities/{facility_id}/settings", tag = "staff",
    params(
        ("facility_id" = FacilityId, Path, description = "The nursery"),
        ("If-Match" = String, Header, description = "The ETag of the settings that were read"),
    ),
    request_body = Settings,
    responses((status = 200, description = "They are saved", body = Settings)),
    security(("staff_token" = [])),
)]
async fn put_settings(
    State(hub): State<Hub>,
    For { found: facility, .. }: For<FacilityStaff, Facility>,
    read: IfMatch,
    Body(new): Body<Settings>,
) -> Result<Json<Settings>, Problem> {
    let id = &facility.facility_id;
    let saved = hub.store.settings_to_change(id).await?;
    read.check(&saved.settings)?;
    match hub.store.save_settings(id, &saved, new.clone(), hub.clock.now()).await {
        Ok(()) => Ok(Json(new)),
        Err(StoreError::Changed) => Err(Problem::PreconditionFailed),
        Err(error) => Err(error.into()),
    }
}
