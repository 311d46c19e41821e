//! `GET /v1/reservations` and `…/{reservation_number}`: a search site reads its own reservations (API-03).

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRef, State},
};
use deserr::Deserr;
use domain::{
    FacilityId, Invalid, Reservation, ReservationNumber, Status, Timestamp, invalid::InputErrors,
};
use futures::future::try_join_all;
use hub_http::{
    CursorSeal, Function, Limit, List, Problem, Query, QueryParams,
    access::For,
    caller::{ReservationsRead, SearchSite},
    open_comment, routes,
    view::ReservationView,
};
use runtime::{Hub, Seal};
use store::{ListPosition, ReservationFilter, keys::Kind};
use utoipa::IntoParams;

/// What the handlers work with.
#[derive(Debug, Clone)]
pub struct Reservations {
    hub: Hub,
    seal: Arc<dyn Seal>,
    cursors: CursorSeal,
}

impl FromRef<Reservations> for Hub {
    fn from_ref(reservations: &Reservations) -> Self {
        reservations.hub.clone()
    }
}

impl Reservations {
    async fn view(&self, reservation: &Reservation) -> Result<ReservationView, Problem> {
        Ok(ReservationView::new(reservation, open_comment(&*self.seal, reservation).await?))
    }
}

/// What this function serves, and what it needs for that.
pub const FUNCTION: Function<Reservations, (Hub, Arc<dyn Seal>, CursorSeal)> =
    Function::new(routes![get_reservation, list_reservations], |(hub, seal, cursors)| {
        Reservations { hub, seal, cursors }
    })
    .first_reading(Kind::Reservation);

/// One reservation that the site made. Another site's is not there.
#[utoipa::path(
    get, path = "/v1/reservations/{reservation_number}", tag = "search site",
    params(("reservation_number" = ReservationNumber, Path, description = "The reservation")),
    responses((status = 200, description = "The reservation", body = ReservationView)),
    security(("client_credentials" = ["reservations:read"])),
)]
async fn get_reservation(
    State(reservations): State<Reservations>,
    For { found: own, .. }: For<SearchSite<ReservationsRead>, Reservation>,
) -> Result<Json<ReservationView>, Problem> {
    reservations.view(&own).await.map(Json)
}

/// Which reservations are listed.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = InputErrors, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ReservationQuery {
    /// In this state.
    #[deserr(default, try_from(String) = some -> Invalid)]
    status: Option<Status>,
    /// Of this nursery.
    #[deserr(default)]
    facility_id: Option<FacilityId>,
    /// Changed after this instant.
    #[deserr(default)]
    updated_after: Option<Timestamp>,
    /// 1 to 100.
    #[deserr(default, try_from(String) = Limit::try_from -> Invalid)]
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    limit: Limit,
    /// `next_cursor` of the page before.
    #[deserr(default)]
    cursor: Option<String>,
}

impl QueryParams for ReservationQuery {}

fn some(text: String) -> Result<Option<Status>, Invalid> {
    text.parse().map(Some)
}

/// The reservations that the site made, oldest request first.
#[utoipa::path(
    get, path = "/v1/reservations", tag = "search site", params(ReservationQuery),
    responses((status = 200, description = "The site's reservations", body = List<ReservationView>)),
    security(("client_credentials" = ["reservations:read"])),
)]
async fn list_reservations(
    State(reservations): State<Reservations>,
    site: SearchSite<ReservationsRead>,
    Query(query): Query<ReservationQuery>,
) -> Result<Json<List<ReservationView>>, Problem> {
    let Reservations { hub, cursors, .. } = &reservations;
    let filter = ReservationFilter {
        status: query.status,
        facility_id: query.facility_id,
        updated_after: query.updated_after,
    };
    let list = format!("{} {filter:?}", site.id);
    let after: Option<ListPosition> = cursors.open_some(&list, query.cursor).await?;
    let limit = query.limit.get();
    let (found, next) = hub.store.reservations_of_client(&site.id, &filter, limit, after).await?;
    let next_cursor = cursors.seal_some(&list, next).await?;
    let items = try_join_all(found.iter().map(|one| reservations.view(one))).await?;
    Ok(Json(List { items, next_cursor }))
}
