//! `GET /v1/reservations` and `…/{reservation_number}`: a search site reads its own reservations (API-03).

use axum::{Json, extract::State};
use deserr::Deserr;
use domain::{FacilityId, Instant, Invalid, ReservationNumber, Status, invalid::InputErrors};
use hub_http::{
    Limit, List, Path, Problem, Query, QueryParams,
    caller::{Scope, SearchSite},
    cursor,
    view::ReservationView,
};
use runtime::Hub;
use store::{ListPosition, ReservationFilter};
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this function.
pub fn routes(hub: Hub) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(get_reservation))
        .routes(routes!(list_reservations))
        .with_state(hub)
}

/// One reservation that the site made. Another site's is not there.
#[utoipa::path(
    get, path = "/v1/reservations/{reservation_number}", tag = "search site",
    params(("reservation_number" = ReservationNumber, Path, description = "The reservation")),
    responses((status = 200, description = "The reservation", body = ReservationView)),
    security(("client_credentials" = ["reservations:read"])),
)]
async fn get_reservation(
    State(hub): State<Hub>,
    site: SearchSite,
    Path(number): Path<ReservationNumber>,
) -> Result<Json<ReservationView>, Problem> {
    let client = site.with(Scope::ReservationsRead)?;
    let reservation = hub.store.reservation(&number, false).await?;
    let own = reservation.filter(|reservation| reservation.client_id() == Some(client));
    Ok(Json((&own.ok_or(Problem::NotFound)?).into()))
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
    updated_after: Option<Instant>,
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
    State(hub): State<Hub>,
    site: SearchSite,
    Query(query): Query<ReservationQuery>,
) -> Result<Json<List<ReservationView>>, Problem> {
    let client = site.with(Scope::ReservationsRead)?;
    let filter = ReservationFilter {
        status: query.status,
        facility_id: query.facility_id,
        updated_after: query.updated_after,
    };
    let list = format!("{client} {filter:?}");
    let after: Option<ListPosition> =
        query.cursor.map(|sealed| cursor::open(&hub.secret, &list, &sealed)).transpose()?;
    let limit = query.limit.get();
    let (reservations, next) =
        hub.store.reservations_of_client(client, &filter, limit, after).await?;
    let next_cursor =
        next.map(|position| cursor::seal(&hub.secret, &list, &position)).transpose()?;
    Ok(Json(List { items: reservations.iter().map(Into::into).collect(), next_cursor }))
}
