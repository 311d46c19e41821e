//! What reports count: a small item for each reservation, by municipality and time of the request.
//!
//! Facts follow the reservations by way of the stream, so they cost a request nothing, and a report reads
//! those of its municipalities and days and no more. None holds anything personal.

use domain::{
    FacilityId, MunicipalityCode, Reservation, Status, Timestamp,
    report::{Answered, AnsweredBy, Fact},
    reservation::Origin,
};
use serde::{Deserialize, Serialize};

use crate::{
    Store, StoreError,
    condition::Condition,
    item::{Item, epoch_ms, from_item, number, some_epoch_ms, to_item},
    keys::{Key, span::Span},
    query::Query,
    write::Write,
};

/// A fact as it stands in the table, without what is null here; municipality, time of the request and number are its key.
#[derive(Serialize, Deserialize)]
struct FactItem {
    facility_id: FacilityId,
    origin: Origin,
    status: Status,
    #[serde(default, with = "some_epoch_ms")]
    pending_since: Option<Timestamp>,
    #[serde(default, with = "some_epoch_ms")]
    answered_at: Option<Timestamp>,
    answered_by: Option<AnsweredBy>,
    #[serde(default, with = "some_epoch_ms")]
    ended_at: Option<Timestamp>,
    #[serde(with = "epoch_ms")]
    starts_at: Timestamp,
    sequence: u32,
}

fn key(fact: &Fact) -> Key {
    Key::Fact(fact.municipality_code, fact.requested_at, fact.reservation_number.clone())
}

fn item(fact: &Fact) -> Result<Item, StoreError> {
    to_item(&FactItem {
        facility_id: fact.facility_id.clone(),
        origin: fact.origin,
        status: fact.status,
        pending_since: fact.pending_since,
        answered_at: fact.answered.map(|answer| answer.at),
        answered_by: fact.answered.map(|answer| answer.by),
        ended_at: fact.ended_at,
        starts_at: fact.starts_at,
        sequence: fact.sequence,
    })
}

fn from_table(item: Item) -> Result<Fact, StoreError> {
    let Some(Key::Fact(municipality_code, requested_at, reservation_number)) = Key::of(&item)
    else {
        return Err(StoreError::UnknownForm("the key of a fact".into()));
    };
    let item: FactItem = from_item(item)?;
    Ok(Fact {
        reservation_number,
        facility_id: item.facility_id,
        municipality_code,
        origin: item.origin,
        status: item.status,
        requested_at,
        pending_since: item.pending_since,
        answered: item.answered_at.zip(item.answered_by).map(|(at, by)| Answered { at, by }),
        ended_at: item.ended_at,
        starts_at: item.starts_at,
        sequence: item.sequence,
    })
}

impl Store {
    /// Brings the fact of a reservation in step with what it became. Safe to repeat: an older change, told
    /// again, does not take the place of a newer one.
    ///
    /// Costs a write unit, and nothing where nothing changed that is counted.
    pub async fn follow_fact(
        &self,
        before: Option<&Reservation>,
        after: &Reservation,
    ) -> Result<(), StoreError> {
        let Some(fact) = Fact::of(after) else { return Ok(()) };
        if before.and_then(Fact::of).is_some_and(|before| before.has_same_content_as(&fact)) {
            return Ok(());
        }
        let newer = Condition::newer("sequence", number(fact.sequence));
        self.write(Write::replace(key(&fact), item(&fact)?, newer)).await.map(drop)
    }

    /// The facts of a municipality's reservations that were asked for from this instant on and before the
    /// other, by time of the request.
    pub async fn facts(
        &self,
        code: MunicipalityCode,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Fact>, StoreError> {
        self.list(&Query::of(Span::facts(code, (from, until))), None, from_table).await
    }
}
