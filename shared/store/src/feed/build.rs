//! Brings all that there is into the feeds: what was written before the hub had a feed of it, and what a table that was
//! restored had not yet told.

use std::collections::BTreeSet;

use domain::{FacilityId, MunicipalityCode, Timestamp, procedure::Procedure};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::FeedThing;
use crate::{
    Store, StoreError,
    condition::Condition,
    facility_list::listed,
    item::{Item, from_item, to_item},
    keys::{Key, span::Span},
    procedure,
    query::Query,
    write::Write,
};

/// How far it is.
#[derive(Default, Serialize, Deserialize)]
struct Progress {
    /// Everything of the facilities up to this one is there.
    after: Option<(MunicipalityCode, FacilityId)>,
    /// All is there.
    complete: bool,
}

/// Slots that began longer ago have left their feed.
const SLOTS_SINCE: SignedDuration = SignedDuration::from_hours(8 * 24);

/// No slot is further ahead.
const SLOTS_UNTIL: SignedDuration = SignedDuration::from_hours(3 * 366 * 24);

impl Store {
    /// Goes on to bring all that there is into the feeds, with so many facilities; how many things were looked at. To
    /// have it done anew, remove the item that holds its progress.
    pub async fn build_feeds(&self, limit: usize, now: Timestamp) -> Result<usize, StoreError> {
        let progress = self.get_item(Key::FeedBuild(), false).await?;
        let mut progress: Progress = progress.map(from_item).transpose()?.unwrap_or_default();
        if progress.complete {
            return Ok(0);
        }
        let query = Query::of(Span::all_listed_facilities()).consistent();
        let after = progress.after.clone().map(|(code, id)| Key::ListedFacility(code, id));
        let facilities = self.list_after(&query, after, Some(limit), listed).await?;
        let mut things = BTreeSet::new();
        for (_, facility) in &facilities {
            things.extend(self.things_of(facility, now).await?);
        }
        if facilities.len() < limit {
            let query = Query::of(Span::procedures(None, None, None)).consistent();
            for procedure in self.list(&query, None, procedure::from_table).await? {
                self.follow_procedure(&procedure, now).await?;
                things.insert(FeedThing::of_procedure(&procedure));
            }
            progress.complete = true;
        }
        self.publish(&things, now).await?;
        progress.after = facilities.last().cloned().or(progress.after);
        let write = Write::replace(Key::FeedBuild(), to_item(&progress)?, Condition::Whatever);
        self.write(write).await?;
        Ok(things.len())
    }

    /// What the feeds tell of a facility.
    async fn things_of(
        &self,
        facility: &FacilityId,
        now: Timestamp,
    ) -> Result<Vec<FeedThing>, StoreError> {
        let thing = |item: Item| {
            FeedThing::of_item(&item).ok_or_else(|| StoreError::UnknownForm("of a facility".into()))
        };
        let slots = Span::slots(facility, (now - SLOTS_SINCE, now + SLOTS_UNTIL), None);
        let (slots, vacancies) =
            (Query::of(slots), Query::of(Span::vacancies_of_facility(facility)));
        let (slots, vacancies) = (slots.consistent(), vacancies.consistent());
        let (slots, vacancies) =
            futures::try_join!(self.list(&slots, None, thing), self.list(&vacancies, None, thing))?;
        let facility = FeedThing::Facility(facility.clone());
        Ok([facility].into_iter().chain(slots).chain(vacancies).collect())
    }

    /// Notes when time is to change what the feed says of a procedure, also of one that is not published yet.
    pub async fn follow_procedure(
        &self,
        procedure: &Procedure,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let thing = FeedThing::of_procedure(procedure);
        match procedure.turns_at(now).and_then(|at| thing.turn(at)) {
            Some(turn) => self.add(turn, Item::new()).await,
            None => Ok(()),
        }
    }
}
