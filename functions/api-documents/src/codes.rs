//! `GET /v1/codes`: what the codes of the data mean, for who reads it by program.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use deserr::Deserr;
use domain::{
    Invalid,
    export::{Code, codes},
    invalid::InputErrors,
};
use hub_http::{Problem, Query, QueryParams, csv_file, given};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::{KEPT, OPEN};

/// How the codes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "lowercase")]
enum Format {
    /// For programs.
    Json,
    /// To stand beside a table.
    Csv,
}

impl TryFrom<String> for Format {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        match text.as_str() {
            "json" => Ok(Self::Json),
            "csv" => Ok(Self::Csv),
            _ => Err(Invalid::Format("json、csv")),
        }
    }
}

/// How the codes are asked for.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = InputErrors, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CodesQuery {
    /// `json` where it is not said.
    #[deserr(default, try_from(String) = given::<Format> -> Invalid)]
    #[param(inline, value_type = Option<Format>)]
    format: Option<Format>,
}

impl QueryParams for CodesQuery {}

/// Every code.
#[derive(Debug, Serialize, ToSchema)]
struct Codes {
    /// By data and field.
    items: Vec<Code>,
}

/// The codes of the data items, with their Japanese labels: in JSON, and in `format=long` of an export, data has the code,
/// and a list in CSV the label.
#[utoipa::path(
    get, path = "/v1/codes", tag = "public", params(CodesQuery),
    responses((
        status = 200, description = "The codes",
        content((Codes = "application/json"), (String = "text/csv")),
    )),
)]
pub(crate) async fn list_codes(Query(query): Query<CodesQuery>) -> Result<Response, Problem> {
    let items = codes();
    if query.format != Some(Format::Csv) {
        return Ok(([KEPT, OPEN], Json(Codes { items })).into_response());
    }
    let headings = ["dataset", "field", "code", "label"].map(str::to_owned).to_vec();
    let row = |of: Code| vec![of.dataset.into(), of.field, of.code.into(), of.label.into()];
    let table: Vec<_> = [headings].into_iter().chain(items.into_iter().map(row)).collect();
    Ok(([KEPT, OPEN], csv_file("codes.csv", &table)?).into_response())
}
