//! The list of a facility's slots, by time: the same for anybody and for staff.

use deserr::Deserr;
use domain::{FacilityId, Invalid, Slot, SlotId, Timestamp, invalid::InputErrors};
use jiff::{ToSpan, civil::Date};
use runtime::Hub;
use utoipa::IntoParams;

use crate::{CursorSeal, Limit, Problem, QueryParams, input::some_date};

/// Which slots of a facility are listed.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = InputErrors, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SlotQuery {
    /// The first day; today where it is not said.
    #[deserr(default, try_from(String) = some_date -> Invalid)]
    #[param(value_type = Option<String>, format = Date)]
    from: Option<Date>,
    /// The last day; a year after the first where it is not said.
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

/// A page of a facility's slots, and the cursor of the next.
pub async fn slots(
    hub: &Hub,
    cursors: &CursorSeal,
    facility: &FacilityId,
    query: SlotQuery,
) -> Result<(Vec<Slot>, Option<String>), Problem> {
    let from = query.from.unwrap_or_else(|| hub.clock.now().date());
    let to = query.to.unwrap_or_else(|| from.saturating_add(1.year()));
    if to < from {
        return Err(Problem::input("/to", Invalid::EndsBeforeStart));
    }
    let list = ("slots", facility, from, to);
    let after: Option<SlotId> = cursors.open_some(&list, query.cursor).await?;
    let limit = query.limit.get();
    let (from, until) =
        (Timestamp::midnight(from), Timestamp::midnight(to.saturating_add(1.day())));
    let mut slots = hub.store.slots(facility, from, until, limit + 1, after.as_ref()).await?;
    let more = slots.len() > limit;
    slots.truncate(limit);
    let last = slots.last().filter(|_| more);
    let next = cursors.seal_some(&list, last.map(|slot| slot.slot_id.clone())).await?;
    Ok((slots, next))
}
