//! The list of a facility's reservations, by the day of the visit: the same for ICT systems and staff.

use deserr::Deserr;
use domain::{FacilityId, Invalid, Reservation, Status, Timestamp, invalid::InputErrors};
use runtime::Hub;
use store::VisitPosition;
use utoipa::IntoParams;

use crate::{CursorSeal, Limit, Problem, QueryParams, input::some_date};

/// Which reservations of a facility are listed.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = InputErrors, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VisitQuery {
    /// In this state.
    #[deserr(default, try_from(String) = some_status -> Invalid)]
    status: Option<Status>,
    /// With the visit on this day or later; today where neither day is said.
    #[deserr(default, try_from(String) = some_date -> Invalid)]
    #[param(value_type = Option<String>, format = Date)]
    from: Option<jiff::civil::Date>,
    /// With the visit on this day or earlier.
    #[deserr(default, try_from(String) = some_date -> Invalid)]
    #[param(value_type = Option<String>, format = Date)]
    to: Option<jiff::civil::Date>,
    /// 1 to 100.
    #[deserr(default, try_from(String) = Limit::try_from -> Invalid)]
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    limit: Limit,
    /// `next_cursor` of the page before.
    #[deserr(default)]
    cursor: Option<String>,
}

impl QueryParams for VisitQuery {}

fn some_status(text: String) -> Result<Option<Status>, Invalid> {
    text.parse().map(Some)
}

/// A page of a facility's reservations by time of visit, and the cursor of the next. A page may be short, or empty, while
/// there is a next one.
pub async fn visits(
    hub: &Hub,
    cursors: &CursorSeal,
    facility: &FacilityId,
    query: VisitQuery,
) -> Result<(Vec<Reservation>, Option<String>), Problem> {
    let today = hub.clock.now().date();
    let from = match (query.from, query.to) {
        (None, None) => today,
        (from, _) => from.unwrap_or(jiff::civil::date(2020, 1, 1)),
    };
    let to = query.to.unwrap_or(jiff::civil::date(2999, 12, 31));
    if to < from {
        return Err(Problem::input("/to", Invalid::EndsBeforeStart));
    }
    let list = ("visits", facility, query.status, from, to);
    let place: Option<VisitPosition> = cursors.open_some(&list, query.cursor).await?;
    let span = (Timestamp::midnight(from), Timestamp::midnight(to.tomorrow().unwrap_or(to)));
    let limit = query.limit.get();
    let (reservations, next) =
        hub.store.reservations_of_facility(facility, span, query.status, limit, place).await?;
    Ok((reservations, cursors.seal_some(&list, next).await?))
}
