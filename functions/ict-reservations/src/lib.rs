//! `GET /v1/ict/facilities/{facility_id}/reservations`: an ICT system reads the reservations of a nursery
//! that granted them (ICT-08), without personal data (SEC-02).

use axum::{Json, extract::State};
use domain::FacilityId;
use hub_http::{
    List, Path, Problem, Query,
    caller::{IctSystem, Scope},
    view::ConsoleReservationView,
    visits::{VisitQuery, visits},
};
use runtime::Hub;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this function.
pub fn routes(hub: Hub) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(ict_list_reservations)).with_state(hub)
}

/// The reservations of a linked nursery, by time of visit.
#[utoipa::path(
    get, path = "/v1/ict/facilities/{facility_id}/reservations", tag = "ict",
    params(("facility_id" = FacilityId, Path, description = "The nursery"), VisitQuery),
    responses((status = 200, description = "Its reservations", body = List<ConsoleReservationView>)),
    security(("client_credentials" = ["ict:read"])),
)]
async fn ict_list_reservations(
    State(hub): State<Hub>,
    system: IctSystem,
    Path(facility): Path<FacilityId>,
    Query(query): Query<VisitQuery>,
) -> Result<Json<List<ConsoleReservationView>>, Problem> {
    let client = system.with(Scope::IctRead)?;
    if !hub.store.is_linked(client, &facility).await? {
        return Err(Problem::NotFound);
    }
    let (reservations, next_cursor) = visits(&hub, &facility, query).await?;
    let items = reservations.iter().map(|r| ConsoleReservationView::new(r, &hub)).collect();
    Ok(Json(List { items, next_cursor }))
}
