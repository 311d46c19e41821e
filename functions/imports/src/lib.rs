//! `/v1/staff/imports`: offices send their lists, and watch what becomes of them (IMP-01).

mod file;

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRef, State},
    response::{IntoResponse, Response},
};
use deserr::Deserr;
use domain::{
    ImportId, Invalid, MunicipalityCode, Timestamp,
    archive::Archive,
    import::{
        Counts, Dataset, Import, ImportReport, ImportStatus, RowChange, RowError, RowWarning,
    },
    invalid::InputErrors,
    keys::IdKey,
    sheet::errors_csv,
};
use http::StatusCode;
use hub_http::{
    Created, Creation, Function, IdempotencyKey, Problem, Query, QueryParams, access::For, as_file,
    caller::Authority, routes,
};
use runtime::{Hub, Uploads};
use serde::{Deserialize, Serialize};
use store::{ImportRequested, keys};
use utoipa::{IntoParams, ToSchema};

use file::{File, Kind};

/// What the handlers work with.
#[derive(Debug, Clone)]
pub struct Imports {
    hub: Hub,
    ids: IdKey,
    uploads: Arc<dyn Uploads>,
}

impl FromRef<Imports> for Hub {
    fn from_ref(imports: &Imports) -> Self {
        imports.hub.clone()
    }
}

/// What this function serves, and what it needs for that.
pub const FUNCTION: Function<Imports, (Hub, IdKey, Arc<dyn Uploads>)> =
    Function::new(routes![request_import, get_import, get_import_errors], |(hub, ids, uploads)| {
        Imports { hub, ids, uploads }
    })
    .first_reading(keys::Kind::Import);

/// What is sent.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = InputErrors, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ImportQuery {
    /// Of what the list is.
    #[deserr(try_from(String) = parse::<Dataset> -> Invalid)]
    #[param(inline)]
    dataset: Dataset,
    /// Compares the list with what the hub has, says what it would change, and writes nothing.
    #[deserr(default, try_from(String) = parse_bool -> Invalid)]
    #[param(required = false)]
    dry_run: bool,
}

impl QueryParams for ImportQuery {}

fn parse<T: std::str::FromStr<Err = Invalid>>(text: String) -> Result<T, Invalid> {
    text.parse()
}

fn parse_bool(text: String) -> Result<bool, Invalid> {
    text.parse().map_err(|_| Invalid::Format("true、false"))
}

/// An import that was requested.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct Requested {
    /// Its id.
    import_id: ImportId,
    /// Where its file is sent by `PUT`, while it is expected: there without a body alone. It takes a file for an hour, and
    /// whoever knows it may send one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "uri", nullable = false)]
    upload_url: Option<String>,
}

/// An import, and what was found in its file.
#[derive(Debug, Serialize, ToSchema)]
struct ImportView {
    /// Its id.
    import_id: ImportId,
    /// Of what.
    dataset: Dataset,
    /// How far it is.
    status: ImportStatus,
    /// Whether nothing is written.
    dry_run: bool,
    /// When it was sent.
    created_at: Timestamp,
    /// What becomes of its rows.
    #[serde(flatten)]
    counts: Counts,
    /// How many errors there are.
    error_count: usize,
    /// What is wrong, up to the thousandth error; `errors.csv` has the rows of all.
    errors: Vec<RowError>,
    /// How many warnings there are.
    warning_count: usize,
    /// What was taken otherwise than it is written, up to the thousandth.
    warnings: Vec<RowWarning>,
    /// What the first thousand things that change become.
    changes: Vec<RowChange>,
}

/// As much as an answer holds of each list.
const TOLD: usize = 1000;

impl ImportView {
    fn new(import: Import, mut report: ImportReport, now: Timestamp) -> Self {
        let (error_count, warning_count) = (report.errors.len(), report.warnings.len());
        report.errors.truncate(TOLD);
        report.warnings.truncate(TOLD);
        let status = import.status_at(now);
        Self {
            import_id: import.import_id,
            dataset: import.dataset,
            status,
            dry_run: import.dry_run,
            created_at: import.created_at,
            counts: import.counts,
            error_count,
            errors: report.errors,
            warning_count,
            warnings: report.warnings,
            changes: report.changes,
        }
    }
}

/// Sends a list: CSV or with tabs, in UTF-8, UTF-16 or CP932. Its headings are the hub's names of the items; of
/// facilities also those of ここdeサーチ or of 自治体標準オープンデータセット.
///
/// All of it is imported, or nothing. Municipal staff import their own municipality alone. Code, prefecture and name of a
/// municipality agree; a first zero that a spreadsheet took off the code is put back, and that is told.
///
/// An import never deletes: what a list leaves out keeps what it had, and so does an item for which the list has no column.
/// What an empty cell says depends on the dataset. Of `facilities` it leaves what is there, and what a municipality approved
/// since is not overwritten. Of `procedures` and `vacancies` a row is the whole statement: an empty cell says that the item
/// is not stated. Columns that are no item are kept of `facilities`; of the others a warning names each.
///
/// A row of `procedures` is of a fiscal year (`年度`), or of two: then `N年度分 …` are of that year, and `N+1年度分 …` of the
/// next, of which nothing is imported where the row says nothing. A row of `vacancies` is of a month (`基準年月`) and names
/// its facility by `事業所番号`, or by `区市町村` and `施設の名称` where only one has the name. It is published under the name
/// that the facility has today.
///
/// `all` takes the archive of the export as `application/json`, with its ids and times, into a hub that has no facility yet.
/// An error names its place in `column` as a JSON pointer. Whose notice address nobody confirmed there is mailed a link of
/// this hub.
///
/// A file that is larger comes later: without a body the answer has an `upload_url`, and the import is `expecting`. The file
/// is sent there by `PUT`, as it is or packed with gzip, which is seen by how it begins; no other header is needed, and up to
/// 64 MB are taken, also when it is unpacked. Then the import runs as others do; what cannot be read makes it `failed`. The
/// first file that comes is taken. One that does not come within six hours makes the import `expired`, and nothing of it is
/// kept. The same request again gives the same `import_id`, and a new `upload_url` as long as the file is expected.
#[utoipa::path(
    post, path = "/v1/staff/imports", tag = "staff",
    params(
        ImportQuery,
        ("Idempotency-Key" = String, Header, description = "What the caller calls this request"),
    ),
    request_body(
        content(
            (Option<String> = "text/csv"),
            (Option<String> = "text/tab-separated-values"),
            (Option<Archive> = "application/json"),
        ),
        description = "Up to 4 MB as it is sent, `Content-Encoding: gzip` included, and 64 MB unpacked; nothing, \
            where it comes later",
    ),
    responses(
        (
            status = 202, body = Requested,
            description = "It is kept, and imported within seconds; without a body, once its file has come",
        ),
        (
            status = 409, description = "`state-conflict`: of `all`, the hub has facilities already",
            content_type = "application/problem+json",
        ),
    ),
    security(("staff_token" = [])),
)]
async fn request_import(
    State(imports): State<Imports>,
    authority: Authority,
    key: IdempotencyKey,
    Query(query): Query<ImportQuery>,
    file: Option<File>,
) -> Result<Response, Problem> {
    let Imports { hub, ids, .. } = &imports;
    let is_archive = query.dataset == Dataset::All;
    if file.as_ref().is_some_and(|file| (file.kind == Kind::Archive) != is_archive) {
        return Err(Problem::UnsupportedMediaType);
    }
    let (requested_by, municipality) = of(authority);
    let fingerprint = file.as_ref().map(|file| ids.fingerprint(&[b"file", &file.bytes]));
    let sent = (query.dataset, query.dry_run, fingerprint);
    let creation = Creation::new(hub, ids, &key, "imports", &requested_by, &sent)?;
    if let Some(first) = hub.store.earlier(&creation.once).await? {
        return imports.accepted(Created::again(first)?, file.is_none()).await;
    }
    if is_archive && hub.store.has_any_facility().await? {
        return Err(Problem::HubNotEmpty);
    }
    let now = hub.clock.now();
    // A key may come again once its answer is no longer kept; its import may still be there.
    let import_id = ids.import_id(&requested_by, &format!("{} {now}", creation.fingerprint()));
    let import = Import {
        import_id: import_id.clone(),
        dataset: query.dataset,
        dry_run: query.dry_run,
        municipality,
        requested_by: requested_by.clone(),
        created_at: now,
        status: if file.is_some() { ImportStatus::Running } else { ImportStatus::Expecting },
        counts: Counts::default(),
    };
    let location = Some(format!("/v1/staff/imports/{import_id}"));
    let body = Requested { import_id, upload_url: None };
    let created = Created { body, location, replayed: false };
    let kept = created.kept().map_err(|_| Problem::Internal)?;
    let requested = match &file {
        Some(file) => hub.store.request_import(&import, &file.bytes, &creation.once, kept).await?,
        None => hub.store.expect_import(&import, &creation.once, kept).await?,
    };
    let answer = match requested {
        ImportRequested::New => created,
        ImportRequested::Earlier(earlier) => Created::again(earlier)?,
    };
    imports.accepted(answer, file.is_none()).await
}

impl Imports {
    /// The answer, with an address for the file where it is still expected. None is kept for a repeat, which gets a new one.
    async fn accepted(
        &self,
        mut created: Created<Requested>,
        came_without_file: bool,
    ) -> Result<Response, Problem> {
        let Requested { import_id, upload_url } = &mut created.body;
        let now = self.hub.clock.now();
        if came_without_file && self.hub.store.expected_import(import_id, now).await?.is_some() {
            *upload_url = Some(self.uploads.address(import_id).await?);
        }
        let mut response = created.into_response();
        *response.status_mut() = StatusCode::ACCEPTED;
        Ok(response)
    }
}

/// Who sends it, and for which municipality alone.
fn of(authority: Authority) -> (String, Option<MunicipalityCode>) {
    match authority {
        Authority::Municipality(staff) => (staff.subject, Some(staff.municipality)),
        Authority::Operator(operator) => (operator.subject, None),
    }
}

/// How far an import is, and what was found in its file.
#[utoipa::path(
    get, path = "/v1/staff/imports/{import_id}", tag = "staff",
    params(("import_id" = ImportId, Path, description = "The import")),
    responses((status = 200, description = "The import", body = ImportView)),
    security(("staff_token" = [])),
)]
async fn get_import(
    State(Imports { hub, .. }): State<Imports>,
    For { found: import, .. }: For<Authority, Import>,
) -> Result<Json<ImportView>, Problem> {
    let report = hub.store.import_report(&import.import_id).await?;
    Ok(Json(ImportView::new(import, report, hub.clock.now())))
}

/// The rows that are wrong, as they were sent, with two more columns: their line (行) and what is wrong (誤り). Corrected, the
/// file can be sent as it is: those two columns are passed over.
#[utoipa::path(
    get, path = "/v1/staff/imports/{import_id}/errors.csv", tag = "staff",
    params(("import_id" = ImportId, Path, description = "The import")),
    responses((status = 200, description = "The wrong rows", content((String = "text/csv")))),
    security(("staff_token" = [])),
)]
async fn get_import_errors(
    State(Imports { hub, .. }): State<Imports>,
    For { found: import, .. }: For<Authority, Import>,
) -> Result<Response, Problem> {
    let id = &import.import_id;
    let report = hub.store.import_report(id).await?;
    // An archive has no rows that could be sent again by themselves.
    let file = match import.dataset {
        Dataset::All => Vec::new(),
        _ => hub.store.import_file(id).await?,
    };
    Ok(as_file("errors.csv", errors_csv(&file, &report.errors).into()))
}
