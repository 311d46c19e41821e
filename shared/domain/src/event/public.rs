//! Events about what anybody may know. They say that it changed: what it is now stands in the feed under the event's
//! sequence number, and at its own address.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Event, EventData, EventType};
use crate::{
    EventId, FacilityId, MunicipalityCode, ProcedureId, Timestamp,
    calendar::{FiscalYear, Month},
    feed::FeedState,
};

/// What `facility.updated` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FacilityEvent {
    /// The nursery.
    pub facility_id: FacilityId,
    /// Whether anybody still sees it.
    pub state: FeedState,
}

/// What `vacancy.published` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VacancyEvent {
    /// The nursery.
    pub facility_id: FacilityId,
    /// The month on whose first day the children would begin.
    pub base_month: Month,
}

/// What `procedure.updated` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProcedureEvent {
    /// The procedure.
    pub procedure_id: ProcedureId,
    /// The municipality whose it is.
    pub municipality_code: MunicipalityCode,
    /// The year that it is for.
    pub fiscal_year: FiscalYear,
    /// Whether anybody still sees it.
    pub state: FeedState,
}

impl Event {
    /// The event that a change in a feed is. `thing` is what the feed calls the thing.
    pub fn of_feed(
        event_type: EventType,
        thing: &str,
        change_number: u64,
        occurred_at: Timestamp,
        data: EventData,
    ) -> Self {
        let id = EventId::of(&thing, change_number);
        Self { id, event_type, occurred_at, sequence: change_number, data }
    }
}
