//! `GET /v1/feeds/slots`, `…/facilities`, `…/vacancies` and `…/procedures`: every thing of a kind, in the order of the
//! changes, for whoever keeps a copy (ISS-14c, API-01, API-04).
//!
//! OpenActive RPDE 1.0 by change number: from the beginning or after a number, and on by `next` for ever. Who follows
//! has every thing as it is, and hears of every change. Names are those of that specification.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use deserr::Deserr;
use domain::{
    Invalid,
    feed::{END, Feed, FeedState, PublicFacility, SlotView},
    invalid::{InputErrors, within},
    item::Visibility,
    procedure::ProcedureView,
    vacancy::FacilityVacancyView,
};
use http::header::CACHE_CONTROL;
use hub_http::{Function, Problem, Query, QueryParams, routes};
use runtime::Hub;
use serde::Serialize;
use store::{FeedItem, FeedRead, keys::Kind};
use utoipa::{IntoParams, ToSchema};

/// What this function serves, and what it needs for that.
pub const FUNCTION: Function<Hub, Hub> =
    Function::new(routes![slots_feed, facilities_feed, vacancies_feed, procedures_feed], |hub| hub)
        .first_reading(Kind::Feed);

/// The greatest number that JSON has without loss.
const GREATEST: i64 = END.cast_signed();

/// No page has more.
const LIMIT: i64 = 500;

/// Under which terms the data may be used.
const LICENSE: &str = "https://creativecommons.org/licenses/by/4.0/";

/// Where in the feed to read.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = InputErrors, deny_unknown_fields, rename_all = camelCase)]
#[into_params(parameter_in = Query)]
struct FeedQuery {
    /// `modified` of the last item that is known; from the beginning where it is not said.
    #[deserr(default, try_from(String) = some_number -> Invalid)]
    #[param(rename = "afterChangeNumber", minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    after_change_number: Option<u64>,
    /// 1 to 500; 500 where it is not said. A page of nurseries has 100 at most.
    #[deserr(default, try_from(String) = some_limit -> Invalid)]
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u16>,
}

impl QueryParams for FeedQuery {}

fn some_number(text: String) -> Result<Option<u64>, Invalid> {
    number::<0, GREATEST, u64>(&text).map(Some)
}

fn some_limit(text: String) -> Result<Option<u16>, Invalid> {
    number::<1, LIMIT, u16>(&text).map(Some)
}

fn number<const MIN: i64, const MAX: i64, N: TryFrom<i64>>(text: &str) -> Result<N, Invalid> {
    within::<MIN, MAX, N>(text.parse().map_err(|_| Invalid::OutOfRange(MIN, MAX))?)
}

impl FeedQuery {
    fn after(&self) -> u64 {
        self.after_change_number.unwrap_or(0)
    }

    fn limit(&self, feed: Feed) -> usize {
        self.limit.map_or(feed.page_size(), |limit| limit.min(feed.page_size())).into()
    }

    /// The address of the page after this number.
    fn next(&self, hub: &Hub, feed: Feed, after: Option<u64>) -> String {
        let after = after.map(|number| format!("afterChangeNumber={number}"));
        let limit = self.limit.map(|limit| format!("limit={limit}"));
        let query: Vec<String> = after.into_iter().chain(limit).collect();
        let separator = if query.is_empty() { "" } else { "?" };
        format!("{}/v1/feeds/{}{separator}{}", hub.base_url, feed.name(), query.join("&"))
    }
}

/// A page of a feed.
#[derive(Debug, Serialize, ToSchema)]
struct FeedPage<T> {
    /// What changed, in the order of the changes; each thing is in the feed once, as it is now.
    items: Vec<FeedItemView<T>>,
    /// Where to read on. A page without items is the last one for now: ask for it again later.
    #[schema(format = "uri")]
    next: String,
    /// Under which terms the data may be used.
    #[schema(format = "uri")]
    license: &'static str,
}

/// What a feed says of a thing.
#[derive(Debug, Serialize, ToSchema)]
struct FeedItemView<T> {
    /// Whether the thing is there.
    state: FeedState,
    /// What kind of thing it is.
    #[schema(examples("slot", "facility", "vacancy", "procedure"))]
    kind: &'static str,
    /// Its id.
    id: String,
    /// The number of the change: greater than that of every item before.
    #[schema(minimum = 1)]
    modified: u64,
    /// The thing; not where it is deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<T>,
}

impl<T> FeedItemView<T> {
    fn new(item: FeedItem<T>, feed: Feed) -> Self {
        Self {
            state: FeedState::of(&item.data),
            kind: feed.kind(),
            id: item.id,
            modified: item.change_number,
            data: item.data,
        }
    }
}

/// The page that answers a query.
fn answer<T, V: Serialize>(
    hub: &Hub,
    feed: Feed,
    query: &FeedQuery,
    page: FeedRead<T>,
    view: impl Fn(T) -> V,
) -> Result<Response, Problem> {
    let FeedRead::Items(found) = page else {
        return Err(Problem::FeedRestarted { next: query.next(hub, feed, None) });
    };
    let last = found.last().map(|item| item.change_number);
    let next = query.next(hub, feed, last.or(query.after_change_number));
    // What a page says of its numbers stays true: whatever changes has a greater one, on a page behind.
    let cache = if found.is_empty() { "public, max-age=8" } else { "public, max-age=3600" };
    let shown = |FeedItem { id, change_number, data }| {
        FeedItemView::new(FeedItem { id, change_number, data: data.map(&view) }, feed)
    };
    let items = found.into_iter().map(shown).collect();
    let page = FeedPage { items, next, license: LICENSE };
    Ok(([(CACHE_CONTROL, cache)], Json(page)).into_response())
}

/// Every slot, in the order of the changes (OpenActive RPDE 1.0). A slot that was disabled is deleted, and so is
/// one that began seven days ago; a full one stays.
#[utoipa::path(
    get, path = "/v1/feeds/slots", tag = "public",
    params(FeedQuery),
    responses(
        (status = 200, description = "A page of the feed", body = FeedPage<SlotView>,
            headers(("Cache-Control" = String, description = "An hour; eight seconds for the last page"))),
        (status = 410, description = "`feed-restarted`: begin anew at `next`", content_type = "application/problem+json"),
    ),
)]
async fn slots_feed(
    State(hub): State<Hub>,
    Query(query): Query<FeedQuery>,
) -> Result<Response, Problem> {
    let feed = Feed::Slots;
    let page = hub.store.slots_feed(query.after(), query.limit(feed)).await?;
    answer(&hub, feed, &query, page, |slot| slot)
}

/// Every nursery with every item that is approved, in the order of the changes (OpenActive RPDE 1.0). Up to 100 on a
/// page.
#[utoipa::path(
    get, path = "/v1/feeds/facilities", tag = "public",
    params(FeedQuery),
    responses(
        (status = 200, description = "A page of the feed", body = FeedPage<PublicFacility>,
            headers(("Cache-Control" = String, description = "An hour; eight seconds for the last page"))),
        (status = 410, description = "`feed-restarted`: begin anew at `next`", content_type = "application/problem+json"),
    ),
)]
async fn facilities_feed(
    State(hub): State<Hub>,
    Query(query): Query<FeedQuery>,
) -> Result<Response, Problem> {
    let feed = Feed::Facilities;
    let page = hub.store.facilities_feed(query.after(), query.limit(feed)).await?;
    let shown = |facility| PublicFacility::new(facility, Visibility::Public);
    answer(&hub, feed, &query, page, shown)
}

/// What every nursery has free in each month, in the order of the changes (OpenActive RPDE 1.0). A month is deleted a
/// year after its end. The id is that of the nursery and the month.
#[utoipa::path(
    get, path = "/v1/feeds/vacancies", tag = "public",
    params(FeedQuery),
    responses(
        (status = 200, description = "A page of the feed", body = FeedPage<FacilityVacancyView>,
            headers(("Cache-Control" = String, description = "An hour; eight seconds for the last page"))),
        (status = 410, description = "`feed-restarted`: begin anew at `next`", content_type = "application/problem+json"),
    ),
)]
async fn vacancies_feed(
    State(hub): State<Hub>,
    Query(query): Query<FeedQuery>,
) -> Result<Response, Problem> {
    let feed = Feed::Vacancies;
    let page = hub.store.vacancies_feed(query.after(), query.limit(feed)).await?;
    answer(&hub, feed, &query, page, FacilityVacancyView::from)
}

/// Every procedure that is published, in the order of the changes (OpenActive RPDE 1.0). One is deleted after its last
/// day.
#[utoipa::path(
    get, path = "/v1/feeds/procedures", tag = "public",
    params(FeedQuery),
    responses(
        (status = 200, description = "A page of the feed", body = FeedPage<ProcedureView>,
            headers(("Cache-Control" = String, description = "An hour; eight seconds for the last page"))),
        (status = 410, description = "`feed-restarted`: begin anew at `next`", content_type = "application/problem+json"),
    ),
)]
async fn procedures_feed(
    State(hub): State<Hub>,
    Query(query): Query<FeedQuery>,
) -> Result<Response, Problem> {
    let feed = Feed::Procedures;
    let page = hub.store.procedures_feed(query.after(), query.limit(feed)).await?;
    answer(&hub, feed, &query, page, ProcedureView::from)
}
