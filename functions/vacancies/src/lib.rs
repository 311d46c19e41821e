//! `GET /v1/vacancies`: what nurseries of a municipality have free in a month (VAC-01, VAC-03).
//! `GET /v1/municipalities/{code}/vacancies.csv`, `.json` and `.html`: the same as a table at a stable address, which the
//! municipality's own site links to, reads or frames instead of keeping one of its own (ADD-10, PRC-07, VAC-04).

mod table;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use deserr::Deserr;
use domain::{
    FacilityId, Invalid, MunicipalityCode, calendar::Month, invalid::InputErrors,
    vacancy::FacilityVacancyView,
};
use hub_http::{
    CursorSeal, Function, Limit, List, Path, Problem, Query, QueryParams, given, routes,
};
use runtime::Hub;
use serde::{Deserialize, Serialize};
use store::keys::Kind;
use utoipa::IntoParams;

use self::table::{KEPT, OPEN, Table, TableView};

/// What the handlers work with.
#[derive(Debug, Clone)]
pub struct Vacancies {
    hub: Hub,
    cursors: CursorSeal,
}

/// What this function serves, and what it needs for that.
pub const FUNCTION: Function<Vacancies, (Hub, CursorSeal)> = Function::new(
    routes![list_vacancies, vacancies_csv, vacancies_json, vacancies_html],
    |(hub, cursors)| Vacancies { hub, cursors },
)
.first_reading(Kind::Vacancy);

/// Which vacancies are listed.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = InputErrors, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct VacancyQuery {
    /// Of this municipality.
    municipality: MunicipalityCode,
    /// Of this month; of the latest of which there is something where it is not said.
    #[deserr(default, try_from(String) = given::<Month> -> Invalid)]
    base_month: Option<Month>,
    /// 1 to 100.
    #[deserr(default, try_from(String) = Limit::try_from -> Invalid)]
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    limit: Limit,
    /// `next_cursor` of the page before.
    #[deserr(default)]
    cursor: Option<String>,
}

impl QueryParams for VacancyQuery {}

/// After which facility a list goes on, and of which month it is, whatever becomes the latest meanwhile.
#[derive(Serialize, Deserialize)]
struct Position(Month, FacilityId);

/// What the nurseries of a municipality have free in a month.
#[utoipa::path(
    get, path = "/v1/vacancies", tag = "public", params(VacancyQuery),
    responses((status = 200, description = "What is free", body = List<FacilityVacancyView>)),
)]
async fn list_vacancies(
    State(Vacancies { hub, cursors }): State<Vacancies>,
    Query(query): Query<VacancyQuery>,
) -> Result<Json<List<FacilityVacancyView>>, Problem> {
    let (code, limit) = (query.municipality, query.limit.get());
    let list = ("vacancies", code, query.base_month);
    let after: Option<Position> = cursors.open_some(&list, query.cursor).await?;
    let (month, after) = match after {
        Some(Position(month, facility)) => (Some(month), Some(facility)),
        None => (query.base_month, None),
    };
    let month = match month {
        Some(month) => Some(month),
        None => hub.store.latest_month(code).await?,
    };
    let Some(month) = month else {
        return Ok(Json(List { items: Vec::new(), next_cursor: None }));
    };
    let mut found = hub.store.vacancies(code, month, Some(limit + 1), after.as_ref()).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| more);
    let position = last.map(|last| Position(month, last.facility_id.clone()));
    let next_cursor = cursors.seal_some(&list, position).await?;
    let items = found.into_iter().map(FacilityVacancyView::from).collect();
    Ok(Json(List { items, next_cursor }))
}

/// Which month a table is of.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = InputErrors, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TableQuery {
    /// The month; the latest of which there is something where it is not said.
    #[deserr(default, try_from(String) = given::<Month> -> Invalid)]
    base_month: Option<Month>,
}

impl QueryParams for TableQuery {}

/// The table as a file: UTF-8, a line of headings, a line for each nursery. The hub imports it as it is.
#[utoipa::path(
    get, path = "/v1/municipalities/{code}/vacancies.csv", tag = "public",
    params(("code" = MunicipalityCode, Path, description = "The municipality"), TableQuery),
    responses((status = 200, description = "The table", content_type = "text/csv")),
)]
async fn vacancies_csv(
    State(Vacancies { hub, .. }): State<Vacancies>,
    Path(code): Path<MunicipalityCode>,
    Query(query): Query<TableQuery>,
) -> Result<Response, Problem> {
    let table = Table::read(&hub.store, code, query.base_month).await?;
    Ok(([KEPT, OPEN], table.csv()?).into_response())
}

/// The table for programs, whole.
#[utoipa::path(
    get, path = "/v1/municipalities/{code}/vacancies.json", tag = "public",
    params(("code" = MunicipalityCode, Path, description = "The municipality"), TableQuery),
    responses((status = 200, description = "The table", body = TableView)),
)]
async fn vacancies_json(
    State(Vacancies { hub, .. }): State<Vacancies>,
    Path(code): Path<MunicipalityCode>,
    Query(query): Query<TableQuery>,
) -> Result<Response, Problem> {
    let table = Table::read(&hub.store, code, query.base_month).await?;
    Ok(([KEPT, OPEN], Json(TableView::from(table))).into_response())
}

/// The table for people: a page without a script, which any site may frame.
#[utoipa::path(
    get, path = "/v1/municipalities/{code}/vacancies.html", tag = "public",
    params(("code" = MunicipalityCode, Path, description = "The municipality"), TableQuery),
    responses((status = 200, description = "The table", content_type = "text/html")),
)]
async fn vacancies_html(
    State(Vacancies { hub, .. }): State<Vacancies>,
    Path(code): Path<MunicipalityCode>,
    Query(query): Query<TableQuery>,
) -> Result<Response, Problem> {
    let table = Table::read(&hub.store, code, query.base_month).await?;
    Ok(([KEPT, OPEN], table.html()?).into_response())
}
