//! `GET /v1/staff/reports/{report}` and `GET /v1/staff/dashboard`: what is counted of reservations, slots and data items, for
//! those who look after many nurseries (REP-01, REP-02, REP-05 to REP-09, REP-16,
//! FAC-19).

mod query;
mod reading;
mod table;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{MunicipalityCode, Timestamp, report};
use hub_http::{Function, Path, PathValue, Problem, Query, caller::Authority, csv_file, routes};
use jiff::civil::Date;
use runtime::Hub;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::{
    query::{DashboardQuery, Format, ReportQuery},
    reading::Reading,
};

/// What this function serves, and what it needs for that.
pub const FUNCTION: Function<Hub, Hub> = Function::new(routes![get_report, dashboard], |hub| hub);

/// Which report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
enum ReportId {
    /// Requests that wait, by age.
    #[serde(rename = "REP-01")]
    Pending,
    /// Requests of the last seven days, and in all.
    #[serde(rename = "REP-02")]
    New,
    /// What became of requests, by month.
    #[serde(rename = "REP-05")]
    States,
    /// Slot use, by month.
    #[serde(rename = "REP-06")]
    SlotUse,
    /// Requests by hour and by weekday.
    #[serde(rename = "REP-07")]
    RequestTimes,
    /// How long nurseries take to answer.
    #[serde(rename = "REP-08")]
    ReviewTimes,
    /// How far ahead families ask.
    #[serde(rename = "REP-09")]
    LeadTimes,
    /// How many bookings came online.
    #[serde(rename = "REP-16")]
    Online,
    /// Which data items nurseries state and keep up.
    #[serde(rename = "items")]
    Items,
}

impl PathValue for ReportId {}

/// A report.
#[derive(Debug, Serialize, ToSchema)]
struct Report {
    /// When it was made.
    as_of: Timestamp,
    /// Whose nurseries it counts.
    municipalities: Vec<MunicipalityCode>,
    /// The first day; `null` where it tells of now.
    #[schema(value_type = Option<String>, format = Date)]
    from: Option<Date>,
    /// The last day; `null` where it tells of now.
    #[schema(value_type = Option<String>, format = Date)]
    to: Option<Date>,
    /// What it counts.
    #[serde(flatten)]
    content: Content,
}

/// What a report counts, by its id.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "report")]
enum Content {
    #[serde(rename = "REP-01")]
    Pending(report::PendingRequests),
    #[serde(rename = "REP-02")]
    New(report::NewRequests),
    #[serde(rename = "REP-05")]
    States(report::StatesByMonth),
    #[serde(rename = "REP-06")]
    SlotUse(report::SlotUseByMonth),
    #[serde(rename = "REP-07")]
    RequestTimes(report::RequestTimes),
    #[serde(rename = "REP-08")]
    ReviewTimes(report::ReviewTimes),
    #[serde(rename = "REP-09")]
    LeadTimes(report::LeadTimes),
    #[serde(rename = "REP-16")]
    Online(report::OnlineByMonth),
    #[serde(rename = "items")]
    Items(report::ItemUse),
}

/// What waits for an answer, and what came in.
#[derive(Debug, Serialize, ToSchema)]
struct Dashboard {
    /// When it was made.
    as_of: Timestamp,
    /// Whose nurseries it counts.
    municipalities: Vec<MunicipalityCode>,
    /// Requests that wait (REP-01).
    pending: report::PendingRequests,
    /// Requests of the last seven days, and in all (REP-02).
    new: report::NewRequests,
}

/// What municipal staff and operators look at first: REP-01 and REP-02 together.
#[utoipa::path(
    get, path = "/v1/staff/dashboard", tag = "staff", params(DashboardQuery),
    responses(
        (status = 200, description = "What waits, and what came in", body = Dashboard),
        (status = 404, description = "`not-found`: a municipality that the caller may not see"),
    ),
    security(("staff_token" = [])),
)]
async fn dashboard(
    State(hub): State<Hub>,
    authority: Authority,
    Query(query): Query<DashboardQuery>,
) -> Result<Json<Dashboard>, Problem> {
    let now = hub.clock.now();
    let reading = Reading::new(&hub.store, &authority, query.municipality).await?;
    let (pending, new) = (reading.pending(now).await?, reading.new_requests(now).await?);
    let municipalities = reading.municipalities();
    Ok(Json(Dashboard { as_of: now, municipalities, pending, new }))
}

/// A report as JSON, or as CSV with Japanese headings. Municipal staff see their own municipality, operators
/// all, or those that they name.
///
/// REP-01 and REP-02 tell of now and take no days. REP-06 counts visits and slots by the day of the visit, `items`
/// what is stated now and was stated in these days, all others requests by the day of the request.
#[utoipa::path(
    get, path = "/v1/staff/reports/{report}", tag = "staff",
    params(("report" = inline(ReportId), Path, description = "Which report"), ReportQuery),
    responses((
        status = 200, description = "The report",
        content((Report = "application/json"), (String = "text/csv")),
    )),
    security(("staff_token" = [])),
)]
async fn get_report(
    State(hub): State<Hub>,
    authority: Authority,
    Path(id): Path<ReportId>,
    Query(query): Query<ReportQuery>,
) -> Result<Response, Problem> {
    let now = hub.clock.now();
    let days = match id {
        ReportId::Pending | ReportId::New => {
            query.without_days()?;
            None
        }
        _ => Some(query.days(now.date())?),
    };
    let reading = Reading::new(&hub.store, &authority, query.municipality).await?;
    let content = reading.content(id, days, now).await?;
    let (from, to) = days.unzip();
    let municipalities = reading.municipalities();
    let report = Report { as_of: now, municipalities, from, to, content };
    match query.format {
        Format::Json => Ok(Json(report).into_response()),
        Format::Csv => report.csv(id),
    }
}

impl ReportId {
    fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "REP-01",
            Self::New => "REP-02",
            Self::States => "REP-05",
            Self::SlotUse => "REP-06",
            Self::RequestTimes => "REP-07",
            Self::ReviewTimes => "REP-08",
            Self::LeadTimes => "REP-09",
            Self::Online => "REP-16",
            Self::Items => "items",
        }
    }
}

impl Report {
    /// As a file that a spreadsheet opens.
    fn csv(&self, id: ReportId) -> Result<Response, Problem> {
        let id = id.as_str();
        let name = match (self.from, self.to) {
            (Some(from), Some(to)) => format!("{id}_{from}_{to}.csv"),
            _ => format!("{id}_{}.csv", self.as_of.date()),
        };
        csv_file(&name, &table::of(&self.content))
    }
}
