//! `GET /v1/facilities/{facility_id}/slots`: when a nursery can be visited (VND-19, SLOT-05).

use axum::{Json, extract::State};
use deserr::Deserr;
use domain::{FacilityId, Instant, Invalid, SlotId, invalid::InputErrors, time};
use hub_http::{Limit, List, Path, Problem, Query, QueryParams, cursor, view::SlotView};
use jiff::{ToSpan, civil::Date, civil::Time};
use runtime::Hub;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this function.
pub fn routes(hub: Hub) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list_slots)).with_state(hub)
}

/// Which slots are listed.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = InputErrors, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SlotQuery {
    /// The first day; today where it is not said.
    #[deserr(default, try_from(String) = some_date -> Invalid)]
    #[param(value_type = Option<String>, format = Date)]
    from: Option<Date>,
    /// The last day; 90 days after the first where it is not said.
    #[deserr(default, try_from(String) = some_date -> Invalid)]
    #[param(value_type = Option<String>, format = Date)]
    to: Option<Date>,
    /// 1 to 100.
    #[deserr(default, try_from(String) = Limit::try_from -> Invalid)]
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    limit: Limit,
    /// `next_cursor` of the page before.
    #[deserr(default)]
    cursor: Option<String>,
}

impl QueryParams for SlotQuery {}

fn some_date(text: String) -> Result<Option<Date>, Invalid> {
    time::parse_date(&text).map(Some)
}

/// The slots of a nursery, by time. Those that were disabled or have begun are told by their state.
#[utoipa::path(
    get, path = "/v1/facilities/{facility_id}/slots", tag = "public",
    params(("facility_id" = FacilityId, Path, description = "The nursery"), SlotQuery),
    responses((status = 200, description = "Its slots", body = List<SlotView>)),
)]
async fn list_slots(
    State(hub): State<Hub>,
    Path(id): Path<FacilityId>,
    Query(query): Query<SlotQuery>,
) -> Result<Json<List<SlotView>>, Problem> {
    let now = hub.clock.now();
    let from = query.from.unwrap_or(now.date());
    let to = query.to.unwrap_or(from.saturating_add(90.days()));
    if to < from {
        return Err(Problem::input("/to", Invalid::EndsBeforeStart));
    }
    hub.store.facility(&id).await?.ok_or(Problem::NotFound)?;
    let list = ("slots", &id, from, to);
    let after: Option<SlotId> =
        query.cursor.map(|sealed| cursor::open(&hub.secret, &list, &sealed)).transpose()?;
    let midnight = |day: Date| Instant::at(day, Time::midnight());
    let (limit, until) = (query.limit.get(), midnight(to.saturating_add(1.day())));
    let mut slots = hub.store.slots(&id, midnight(from), until, limit + 1, after.as_ref()).await?;
    let more = slots.len() > limit;
    slots.truncate(limit);
    let last = slots.last().filter(|_| more);
    let next_cursor =
        last.map(|slot| cursor::seal(&hub.secret, &list, &slot.slot_id)).transpose()?;
    let items = slots.into_iter().map(|slot| SlotView::new(slot, now)).collect();
    Ok(Json(List { items, next_cursor }))
}
