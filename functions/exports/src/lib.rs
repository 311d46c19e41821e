//! `GET /v1/staff/exports/{dataset}`: what a municipality has in the hub, as files for its own use, for publication and for
//! programs, and as an archive from which another hub is filled (IMP-02, IMP-03, IMP-05, IMP-06).

mod query;
mod reading;

use axum::{extract::State, response::Response};
use domain::{Invalid, archive::Archive, export};
use http::{HeaderMap, header};
use hub_http::{
    Function, Path, PathValue, Problem, Query, caller::Authority, csv_bytes, file_headers, packed,
    routes,
};
use runtime::Hub;
use serde::Deserialize;
use utoipa::ToSchema;

use self::{
    query::{ExportQuery, Format},
    reading::Reading,
};

/// What this function serves, and what it needs for that.
pub const FUNCTION: Function<Hub, Hub> = Function::new(routes![export_dataset], |hub| hub);

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Dataset {
    /// Facilities with every item.
    Facilities,
    /// Procedures, also those that are not published now.
    Procedures,
    /// What is free in each month.
    Vacancies,
    /// What facilities ask to be changed. As a list, what waits for a decision.
    ChangeRequests,
    /// All of these, and the settings of the facilities.
    All,
}

impl PathValue for Dataset {}

impl Dataset {
    fn name(self) -> &'static str {
        match self {
            Self::Facilities => "facilities",
            Self::Procedures => "procedures",
            Self::Vacancies => "vacancies",
            Self::ChangeRequests => "change_requests",
            Self::All => "all",
        }
    }

    /// The forms that it has, the first where none is asked for.
    fn formats(self) -> (&'static [Format], &'static str) {
        match self {
            Self::Facilities => {
                (&[Format::Csv, Format::Opendata, Format::Json], "csv、opendata、json")
            }
            Self::Procedures | Self::Vacancies => {
                (&[Format::Csv, Format::Long, Format::Json], "csv、long、json")
            }
            Self::ChangeRequests => (&[Format::Csv, Format::Json], "csv、json"),
            Self::All => (&[Format::Json], "json"),
        }
    }
}

/// What a municipality has in the hub. Municipal staff get their own; operators name whose.
///
/// `csv` has the hub's own headings and all that staff may see; importing it again changes nothing. `opendata` is the
/// national layout of facilities (自治体標準オープンデータセット 子育て施設一覧), and `long` a row for each observation with ASCII
/// names and the codes of `/v1/codes`: both are for publication and have only what anybody may know. `json` is the archive
/// (of `all`) or a part of it, of which nothing is lost: slots and reservations are not in it. The lists are in UTF-8 with a
/// byte order mark, each record on one line that ends in CRLF.
///
/// An answer has at most 4 MB, as much as an import takes, packed for a caller who accepts gzip; larger ones are refused with
/// `answer-too-large`.
#[utoipa::path(
    get, path = "/v1/staff/exports/{dataset}", tag = "staff",
    params(("dataset" = inline(Dataset), Path, description = "What is exported"), ExportQuery),
    responses(
        (
            status = 200, description = "The export",
            content((Archive = "application/json"), (String = "text/csv")),
        ),
        (status = 404, description = "`not-found`: a municipality that the caller may not see"),
    ),
    security(("staff_token" = [])),
)]
async fn export_dataset(
    State(hub): State<Hub>,
    authority: Authority,
    Path(dataset): Path<Dataset>,
    Query(query): Query<ExportQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (formats, allowed) = dataset.formats();
    let format = query.format.unwrap_or(formats[0]);
    if !formats.contains(&format) {
        return Err(Problem::input("/format", Invalid::Format(allowed)));
    }
    if query.base_month.is_some() && dataset != Dataset::Vacancies {
        return Err(Problem::input("/base_month", Invalid::UnknownField));
    }
    let reading = Reading::new(&hub.store, &authority, query.municipality).await?;
    let name = reading.file_name(dataset.name(), query.base_month, format);
    if format == Format::Json {
        let archive = match dataset {
            Dataset::All => reading.archive().await?,
            Dataset::Facilities => {
                Archive::new(reading.facilities().await?, vec![], vec![], vec![])
            }
            Dataset::Procedures => {
                Archive::new(vec![], reading.procedures().await?, vec![], vec![])
            }
            Dataset::Vacancies => {
                Archive::new(vec![], vec![], reading.vacancies(query.base_month).await?, vec![])
            }
            Dataset::ChangeRequests => {
                Archive::new(vec![], vec![], vec![], reading.change_requests().await?)
            }
        };
        let json = serde_json::to_vec(&archive).map_err(|_| Problem::Internal)?;
        let json_file = [(header::CONTENT_TYPE, "application/json".to_owned())];
        return packed(&headers, json_file, json);
    }
    let table = match (dataset, format) {
        (Dataset::Facilities, Format::Opendata) => {
            export::open_data(&reading.facilities_by_name().await?)
        }
        (Dataset::Procedures, Format::Long) => {
            export::procedures_long(&reading.procedures().await?, hub.clock.now().date())
        }
        (Dataset::Procedures, _) => export::procedures(&reading.procedures().await?),
        (Dataset::Vacancies, Format::Long) => {
            export::vacancies_long(&reading.vacancies(query.base_month).await?)
        }
        (Dataset::Vacancies, _) => export::vacancies(&reading.vacancies(query.base_month).await?),
        (Dataset::ChangeRequests, _) => export::change_requests(&reading.waiting().await?),
        (Dataset::Facilities | Dataset::All, _) => {
            export::facilities(&reading.facilities_by_name().await?)
        }
    };
    packed(&headers, file_headers(&name), csv_bytes(&table)?)
}
