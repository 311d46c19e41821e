//! `GET /v1/procedures`: how families apply for a nursery in a municipality and fiscal year (API-04, PRC-01 to PRC-04).
//! `GET /v1/municipalities`: which municipalities have nurseries here. `GET /v1/catalog.jsonld`: what is published of them.

mod catalog;

use axum::{Json, extract::State};
use deserr::Deserr;
use domain::{
    Invalid, MunicipalityCode, calendar::FiscalYear, invalid::InputErrors, municipality,
    procedure::ProcedureView,
};
use hub_http::{
    CursorSeal, Function, Limit, List, PageQuery, Problem, Query, QueryParams, given, routes,
};
use runtime::Hub;
use serde::Serialize;
use store::{ProcedurePosition, keys::Kind};
use utoipa::{IntoParams, ToSchema};

/// What the handlers work with.
#[derive(Debug, Clone)]
pub struct Procedures {
    hub: Hub,
    cursors: CursorSeal,
}

/// What this function serves, and what it needs for that.
pub const FUNCTION: Function<Procedures, (Hub, CursorSeal)> = Function::new(
    routes![list_procedures, list_municipalities, catalog::catalog],
    |(hub, cursors)| Procedures { hub, cursors },
)
.first_reading(Kind::Procedure);

/// Which procedures are listed.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = InputErrors, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ProcedureQuery {
    /// Of this municipality; of all where it is not said.
    #[deserr(default, try_from(String) = given::<MunicipalityCode> -> Invalid)]
    municipality: Option<MunicipalityCode>,
    /// For the entry in this fiscal year; in any where it is not said.
    #[deserr(default, try_from(String) = given::<FiscalYear> -> Invalid)]
    fiscal_year: Option<FiscalYear>,
    /// 1 to 100.
    #[deserr(default, try_from(String) = Limit::try_from -> Invalid)]
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    limit: Limit,
    /// `next_cursor` of the page before.
    #[deserr(default)]
    cursor: Option<String>,
}

impl QueryParams for ProcedureQuery {}

/// The procedures that are published today, by municipality and fiscal year.
#[utoipa::path(
    get, path = "/v1/procedures", tag = "public", params(ProcedureQuery),
    responses((status = 200, description = "The procedures", body = List<ProcedureView>)),
)]
async fn list_procedures(
    State(Procedures { hub, cursors }): State<Procedures>,
    Query(query): Query<ProcedureQuery>,
) -> Result<Json<List<ProcedureView>>, Problem> {
    let (code, year, limit) = (query.municipality, query.fiscal_year, query.limit.get());
    let list = ("procedures", code, year);
    let after: Option<ProcedurePosition> = cursors.open_some(&list, query.cursor).await?;
    let today = hub.clock.now().date();
    let mut found = hub.store.procedures(code, year, today, limit + 1, after.as_ref()).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| more);
    let next_cursor = cursors.seal_some(&list, last.map(ProcedurePosition::after)).await?;
    let items = found.into_iter().map(ProcedureView::from).collect();
    Ok(Json(List { items, next_cursor }))
}

/// A municipality that has nurseries here.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Municipality)]
struct MunicipalityView {
    /// Its national code.
    municipality_code: MunicipalityCode,
    /// Its name.
    #[schema(examples("板橋区"))]
    municipality: &'static str,
    /// How its name is read, in hiragana.
    #[schema(examples("いたばしく"))]
    municipality_kana: &'static str,
    /// The national code of its prefecture.
    #[schema(examples("13"))]
    prefecture_code: String,
    /// Its prefecture.
    #[schema(examples("東京都"))]
    prefecture: &'static str,
}

impl MunicipalityView {
    /// None, if there is no such municipality any more.
    fn new(code: MunicipalityCode) -> Option<Self> {
        let known = municipality::by_code(code)?.municipality;
        Some(Self {
            municipality_code: code,
            municipality: known.name,
            municipality_kana: known.kana,
            prefecture_code: format!("{:02}", code.prefecture()),
            prefecture: known.prefecture,
        })
    }
}

/// The municipalities that have nurseries here, by their national codes.
#[utoipa::path(
    get, path = "/v1/municipalities", tag = "public", params(PageQuery),
    responses((status = 200, description = "The municipalities", body = List<MunicipalityView>)),
)]
async fn list_municipalities(
    State(Procedures { hub, cursors }): State<Procedures>,
    Query(query): Query<PageQuery>,
) -> Result<Json<List<MunicipalityView>>, Problem> {
    let (list, limit) = ("municipalities", query.limit.get());
    let after: Option<MunicipalityCode> = cursors.open_some(&list, query.cursor).await?;
    let mut codes = hub.store.municipalities(after, limit + 1).await?;
    let more = codes.len() > limit;
    codes.truncate(limit);
    let next_cursor = cursors.seal_some(&list, codes.last().filter(|_| more)).await?;
    let items = codes.into_iter().filter_map(MunicipalityView::new).collect();
    Ok(Json(List { items, next_cursor }))
}
