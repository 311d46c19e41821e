//! What vendors hear of a change in a feed (decision 0020). It is made of what the feed says under the thing's id, as the
//! table's stream tells it: so it is told after the feed says it, and once more if telling it failed.

use domain::{
    Timestamp,
    event::{Event, EventData, EventType, FacilityEvent, ProcedureEvent, VacancyEvent},
    feed::{Feed, FeedState},
    vacancy::Vacancy,
};
use serde::{Deserialize, de::DeserializeOwned};

use super::thing::PublishedFacility;
use crate::{
    StoreError,
    item::{Item, from_item, some_epoch_ms},
    procedure::StoredProcedure,
    vacancy::StoredVacancy,
};

/// What a feed says of a thing, and since when.
#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Place<T> {
    id: String,
    change_number: u64,
    #[serde(default = "Option::default")]
    data: Option<T>,
    /// None where a version before this one wrote it, which told nobody.
    #[serde(default, with = "some_epoch_ms")]
    published_at: Option<Timestamp>,
}

/// The event, from the images of what the feed says of a thing before and after the change.
pub(crate) fn event_from_table(
    feed: Feed,
    before: Option<Item>,
    after: Item,
) -> Result<Option<Event>, StoreError> {
    match feed {
        // A booking changes a slot: sites read it from the feed.
        Feed::Slots => Ok(None),
        Feed::Facilities => event(before, after, |place: &Place<PublishedFacility>, _| {
            let facility_id = place.id.parse().ok()?;
            let state = FeedState::of(&place.data);
            let data = EventData::Facility(FacilityEvent { facility_id, state });
            Some((EventType::FacilityUpdated, data))
        }),
        Feed::Vacancies => event(before, after, |place: &Place<StoredVacancy>, _| {
            // One that is a year old leaves the feed, and nobody need hear of it.
            let StoredVacancy(Vacancy { facility_id, base_month, .. }) = place.data.as_ref()?;
            let (facility_id, base_month) = (facility_id.clone(), *base_month);
            let data = EventData::Vacancy(VacancyEvent { facility_id, base_month });
            Some((EventType::VacancyPublished, data))
        }),
        Feed::Procedures => event(before, after, |place: &Place<StoredProcedure>, before| {
            let StoredProcedure(procedure) =
                place.data.as_ref().or_else(|| before?.data.as_ref())?;
            let data = EventData::Procedure(ProcedureEvent {
                procedure_id: procedure.procedure_id.clone(),
                municipality_code: procedure.municipality_code,
                fiscal_year: procedure.fiscal_year,
                state: FeedState::of(&place.data),
            });
            Some((EventType::ProcedureUpdated, data))
        }),
    }
}

fn event<T: DeserializeOwned>(
    before: Option<Item>,
    after: Item,
    about: impl Fn(&Place<T>, Option<&Place<T>>) -> Option<(EventType, EventData)>,
) -> Result<Option<Event>, StoreError> {
    let before: Option<Place<T>> = before.map(from_item).transpose()?;
    let after: Place<T> = from_item(after)?;
    if before.as_ref().is_some_and(|before| before.change_number == after.change_number) {
        return Ok(None);
    }
    let Some(published_at) = after.published_at else { return Ok(None) };
    let event = about(&after, before.as_ref()).map(|(event_type, data)| {
        Event::of_feed(event_type, &after.id, after.change_number, published_at, data)
    });
    Ok(event)
}
