//! `GET /v1/facilities`: finds nurseries (API-01, POR-02).

mod index;

use std::sync::Arc;

use axum::{Json, extract::State};
use deserr::Deserr;
use domain::{
    Invalid, MunicipalityCode,
    facility::{EstablishmentBody, FacilityType},
    invalid::InputErrors,
    search::Filter,
    text,
};
use hub_http::{
    CursorSeal, Function, Limit, List, Problem, Query, QueryParams, routes, view::FacilityView,
};
use runtime::Hub;
use serde::{Deserialize, Serialize};
use store::keys::Kind;
use utoipa::IntoParams;

pub use self::index::Index;

/// What the handlers work with.
#[derive(Debug, Clone)]
pub struct Search {
    hub: Hub,
    cursors: CursorSeal,
    index: Arc<Index>,
}

/// What this function serves, and what it needs for that.
pub const FUNCTION: Function<Search, (Hub, CursorSeal, Index)> =
    Function::new(routes![search_facilities], |(hub, cursors, index)| Search {
        hub,
        cursors,
        index: Arc::new(index),
    })
    .first_reading(Kind::Search);

/// What to look for; every condition must hold.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = InputErrors, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SearchQuery {
    /// In one of these municipalities; may be repeated.
    #[deserr(default)]
    #[param(explode = true, required = false)]
    municipality: Vec<MunicipalityCode>,
    /// Terms separated by spaces, each part of the name, the kana or the place. Width, kana, spacing,
    /// ヶ/ケ and old forms of kanji do not matter.
    #[deserr(default)]
    #[param(example = "かないくぼ")]
    q: Option<String>,
    /// Of this kind.
    #[deserr(rename = "type", default, try_from(Option<String>) = parse_if_given::<FacilityType> -> Invalid)]
    #[param(rename = "type")]
    facility_type: Option<FacilityType>,
    /// Run by.
    #[deserr(default, try_from(Option<String>) = parse_if_given::<EstablishmentBody> -> Invalid)]
    establishment_body: Option<EstablishmentBody>,
    /// Takes visit requests through this hub.
    #[deserr(default, try_from(Option<String>) = bool_if_given -> Invalid)]
    bookable: Option<bool>,
    /// 1 to 100.
    #[deserr(default, try_from(String) = Limit::try_from -> Invalid)]
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    limit: Limit,
    /// `next_cursor` of the page before.
    #[deserr(default)]
    cursor: Option<String>,
}

impl QueryParams for SearchQuery {
    const LISTS: &'static [&'static str] = &["municipality"];
}

fn parse_if_given<T: std::str::FromStr<Err = Invalid>>(
    text: Option<String>,
) -> Result<Option<T>, Invalid> {
    text.map(|text| text.parse()).transpose()
}

fn bool_if_given(text: Option<String>) -> Result<Option<bool>, Invalid> {
    text.map(|text| text.parse().map_err(|_| Invalid::Format("true、false"))).transpose()
}

/// After which facility the list goes on: name and id, which is how it is sorted.
#[derive(Serialize, Deserialize)]
struct Position(String, domain::FacilityId);

/// Finds nurseries, in kana order.
#[utoipa::path(
    get, path = "/v1/facilities", tag = "public", params(SearchQuery),
    responses((status = 200, description = "What was found", body = List<FacilityView>)),
)]
async fn search_facilities(
    State(search): State<Search>,
    Query(query): Query<SearchQuery>,
) -> Result<Json<List<FacilityView>>, Problem> {
    let filter = Filter {
        municipalities: query.municipality,
        terms: text::terms(query.q.as_deref().unwrap_or_default()),
        facility_type: query.facility_type,
        establishment_body: query.establishment_body,
        bookable: query.bookable,
    };
    let list = format!("{filter:?}");
    let after: Option<Position> = search.cursors.open_some(&list, query.cursor).await?;

    let entries = search.index.find(&search.hub.store, &filter).await?;
    let after = after.as_ref().map(|Position(name, id)| (name.as_str(), id));
    let start = entries.partition_point(|entry| {
        after.is_some_and(|after| domain::search::sort_key(entry) <= after)
    });
    let page = &entries[start..entries.len().min(start + query.limit.get())];
    let next = (start + page.len() < entries.len()).then(|| page.last()).flatten();
    let position = next.map(|last| {
        let (name, id) = domain::search::sort_key(last);
        Position(name.to_owned(), id.clone())
    });
    let next_cursor = search.cursors.seal_some(&list, position).await?;
    let now = search.hub.clock.now();
    let items = page
        .iter()
        .map(|entry| FacilityView {
            next_slot_at: entry.next_slot_at(now),
            facility: entry.facility.clone(),
        })
        .collect();
    Ok(Json(List { items, next_cursor }))
}
