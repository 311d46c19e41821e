//! `GET /v1/ict/facilities/{facility_id}/reservations`: an ICT system reads the reservations of a nursery
//! that granted them (ICT-08), without personal data (SEC-02); `GET /v1/ict/facilities`: which nurseries did (ICT-07).

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRef, State},
};
use domain::{FacilityId, search::FacilitySummary};
use futures::future::try_join_all;
use hub_http::{
    CursorSeal, Function, List, PageQuery, Problem, Query,
    access::For,
    caller::{IctRead, IctSystem},
    open_comment, routes,
    view::ConsoleReservationView,
    visits::{VisitQuery, visits},
};
use runtime::{Hub, Seal};

/// What the handlers work with.
#[derive(Debug, Clone)]
pub struct Visits {
    hub: Hub,
    seal: Arc<dyn Seal>,
    cursors: CursorSeal,
}

impl FromRef<Visits> for Hub {
    fn from_ref(visits: &Visits) -> Self {
        visits.hub.clone()
    }
}

/// What this function serves, and what it needs for that.
pub const FUNCTION: Function<Visits, (Hub, Arc<dyn Seal>, CursorSeal)> =
    Function::new(routes![ict_list_facilities, ict_list_reservations], |(hub, seal, cursors)| {
        Visits { hub, seal, cursors }
    });

/// The nurseries that are linked to the system.
#[utoipa::path(
    get, path = "/v1/ict/facilities", tag = "ict",
    params(PageQuery),
    responses((status = 200, description = "The nurseries", body = List<FacilitySummary>)),
    security(("client_credentials" = ["ict:read"])),
)]
async fn ict_list_facilities(
    State(Visits { hub, cursors, .. }): State<Visits>,
    system: IctSystem<IctRead>,
    Query(PageQuery { limit, cursor }): Query<PageQuery>,
) -> Result<Json<List<FacilitySummary>>, Problem> {
    let list = ("linked facilities", &system.id);
    let after: Option<FacilityId> = cursors.open_some(&list, cursor).await?;
    let limit = limit.get();
    let mut ids = hub.store.linked_facilities(&system.id, limit + 1, after.as_ref()).await?;
    let goes_on = ids.len() > limit;
    ids.truncate(limit);
    let next_cursor = cursors.seal_some(&list, ids.last().filter(|_| goes_on)).await?;
    let mut items = hub.store.facilities(&ids, false).await?;
    items.sort_by(|a, b| a.facility_id.cmp(&b.facility_id));
    let items = items.into_iter().map(FacilitySummary::new).collect();
    Ok(Json(List { items, next_cursor }))
}

/// The reservations of a linked nursery, by time of visit.
#[utoipa::path(
    get, path = "/v1/ict/facilities/{facility_id}/reservations", tag = "ict",
    params(("facility_id" = FacilityId, Path, description = "The nursery"), VisitQuery),
    responses((status = 200, description = "Its reservations", body = List<ConsoleReservationView>)),
    security(("client_credentials" = ["ict:read"])),
)]
async fn ict_list_reservations(
    State(Visits { hub, seal, cursors }): State<Visits>,
    For { found: facility, .. }: For<IctSystem<IctRead>, FacilityId>,
    Query(query): Query<VisitQuery>,
) -> Result<Json<List<ConsoleReservationView>>, Problem> {
    let (reservations, next_cursor) = visits(&hub, &cursors, &facility, query).await?;
    let comments = reservations.iter().map(|reservation| open_comment(&*seal, reservation));
    let comments = try_join_all(comments).await?;
    let items = reservations.iter().zip(comments);
    let items = items.map(|(one, comment)| ConsoleReservationView::new(one, comment, &hub));
    Ok(Json(List { items: items.collect(), next_cursor }))
}
