//! `GET /v1/facilities`: finds nurseries (API-01, POR-02, ADD-11).

mod index;
mod query;

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{
    Timestamp,
    search::{Facets, Found, Request},
};
use http::header::CONTENT_TYPE;
use hub_http::{CursorSeal, Function, Problem, Query, routes, view::FacilityListView};
use runtime::Hub;
use serde::Serialize;
use store::keys::Kind;
use utoipa::ToSchema;

pub use self::index::HeldIndex;
use self::query::SearchQuery;

/// What the handlers work with.
#[derive(Debug, Clone)]
pub struct Search {
    hub: Hub,
    cursors: CursorSeal,
    index: Arc<HeldIndex>,
}

/// What this function serves, and what it needs for that.
pub const FUNCTION: Function<Search, (Hub, CursorSeal, HeldIndex)> =
    Function::new(routes![search_facilities], |(hub, cursors, index)| Search {
        hub,
        cursors,
        index: Arc::new(index),
    })
    .first_reading(Kind::Search);

/// A page of what was found.
#[derive(Debug, Serialize, ToSchema)]
struct FoundView {
    /// The nurseries.
    items: Vec<FacilityListView>,
    /// Give it back as `cursor` for the next page; `null` at the end.
    next_cursor: Option<String>,
    /// How many of all that match there are of each kind, with `facets=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    facets: Option<Facets>,
}

/// Finds nurseries. A list shows every item but the long texts.
#[utoipa::path(
    get, path = "/v1/facilities", tag = "public", params(SearchQuery),
    responses((status = 200, description = "What was found", body = FoundView)),
)]
async fn search_facilities(
    State(search): State<Search>,
    Query(query): Query<SearchQuery>,
) -> Result<Response, Problem> {
    let now = search.hub.clock.now();
    let wanted = query.wanted()?;
    let list = format!("{:?} {:?}", wanted.filter, wanted.sort);
    let after = search.cursors.open_some(&list, wanted.cursor).await?;
    let index = search.index.get(&search.hub.store, now).await?;
    let request = Request {
        filter: &wanted.filter,
        sort: wanted.sort,
        after,
        limit: wanted.limit,
        facets: wanted.facets,
    };
    let found = index.search(&request, now);
    let next_cursor = search.cursors.seal_some(&list, found.next.clone()).await?;
    let json = json(&found, next_cursor, now).map_err(|_| Problem::Internal)?;
    Ok(([(CONTENT_TYPE, "application/json")], json).into_response())
}

/// Items are written as they are held: parsed, and written again, they would cost a search most of its time.
fn json(
    found: &Found,
    next_cursor: Option<String>,
    now: Timestamp,
) -> Result<String, serde_json::Error> {
    let mut json = "{\"items\":[".to_owned();
    for (place, (entry, distance)) in found.page.iter().enumerate() {
        if place > 0 {
            json.push(',');
        }
        entry.write_json(*distance, now, &mut json);
    }
    json.push_str("],\"next_cursor\":");
    json.push_str(&serde_json::to_string(&next_cursor)?);
    if let Some(facets) = &found.facets {
        json.push_str(",\"facets\":");
        json.push_str(&serde_json::to_string(facets)?);
    }
    json.push('}');
    Ok(json)
}
