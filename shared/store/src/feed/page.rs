//! The pages of a feed.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::{
    operation::transact_get_items::TransactGetItemsError,
    types::{Get, ReturnConsumedCapacity, TransactGetItem},
};
use domain::{
    Facility, FacilityId,
    feed::{Feed, SlotView},
    procedure::Procedure,
    vacancy::Vacancy,
};
use serde::de::DeserializeOwned;

use super::{
    FeedItem,
    thing::{PublishedFacility, PublishedSlot},
};
use crate::{
    Store, StoreError, facility,
    item::from_item,
    keys::{Key, span::Span},
    procedure::StoredProcedure,
    query::Query,
    vacancy::StoredVacancy,
};

/// What a feed says after a number.
#[derive(Debug, PartialEq)]
pub enum FeedRead<T> {
    /// What comes after it, in the order of the changes.
    Items(Vec<FeedItem<T>>),
    /// The number is none that the feed has given out, or was given out by a table that another took the place of. Who
    /// has read so far begins anew.
    BeginAgain,
}

impl<T> FeedRead<T> {
    fn map<U>(self, mut shown: impl FnMut(T) -> U) -> FeedRead<U> {
        match self {
            Self::BeginAgain => FeedRead::BeginAgain,
            Self::Items(items) => {
                let shown = |FeedItem { id, change_number, data }| FeedItem {
                    id,
                    change_number,
                    data: data.map(&mut shown),
                };
                FeedRead::Items(items.into_iter().map(shown).collect())
            }
        }
    }
}

impl Store {
    /// What the feed of slots says after this number: up to `limit`.
    pub async fn slots_feed(
        &self,
        after: u64,
        limit: usize,
    ) -> Result<FeedRead<SlotView>, StoreError> {
        Ok(self.feed(Feed::Slots, after, limit).await?.map(|PublishedSlot(slot)| slot))
    }

    /// The same of vacancies.
    pub async fn vacancies_feed(
        &self,
        after: u64,
        limit: usize,
    ) -> Result<FeedRead<Vacancy>, StoreError> {
        Ok(self.feed(Feed::Vacancies, after, limit).await?.map(|StoredVacancy(vacancy)| vacancy))
    }

    /// The same of procedures.
    pub async fn procedures_feed(
        &self,
        after: u64,
        limit: usize,
    ) -> Result<FeedRead<Procedure>, StoreError> {
        let page = self.feed(Feed::Procedures, after, limit).await?;
        Ok(page.map(|StoredProcedure(procedure)| procedure))
    }

    /// The same of facilities. Each is read as it is after its entry was read: it is what the entry told, or newer, and
    /// then comes again under a greater number.
    pub async fn facilities_feed(
        &self,
        after: u64,
        limit: usize,
    ) -> Result<FeedRead<Facility>, StoreError> {
        let page = self.feed::<PublishedFacility>(Feed::Facilities, after, limit).await?;
        let FeedRead::Items(entries) = page else { return Ok(FeedRead::BeginAgain) };
        let told = entries.iter().filter(|entry| entry.data.is_some());
        let ids = told.filter_map(|entry| entry.id.parse().ok());
        let facilities = self.get_items(ids.map(Key::Facility), true).await?.into_iter();
        let facilities = facilities.map(|item| {
            let facility = facility::from_table(item)?;
            Ok((facility.facility_id.clone(), facility))
        });
        let mut facilities =
            facilities.collect::<Result<HashMap<FacilityId, Facility>, StoreError>>()?;
        let items = entries.into_iter().map(|entry| {
            let id = entry.data.and_then(|_| entry.id.parse().ok());
            let data = id.and_then(|id: FacilityId| facilities.remove(&id));
            FeedItem { id: entry.id, change_number: entry.change_number, data }
        });
        Ok(FeedRead::Items(items.collect()))
    }

    async fn feed<T: DeserializeOwned>(
        &self,
        feed: Feed,
        after: u64,
        limit: usize,
    ) -> Result<FeedRead<T>, StoreError> {
        let count = self.feed_count(feed).await?;
        if count.is_lost(after) {
            return Ok(FeedRead::BeginAgain);
        }
        let (first_of_last, last) = (count.first_of_last, count.last);
        if last <= after {
            return Ok(FeedRead::Items(Vec::new()));
        }
        let entries = Query::of(Span::feed_entries(feed, after + 1, last)).consistent();
        let mut found: Vec<FeedItem<T>> = self.list_whole(&entries, Some(limit), from_item).await?;
        let there: BTreeSet<u64> = found.iter().map(|item| item.change_number).collect();
        let end = there.last().copied().unwrap_or_default();
        let missing = first_of_last.max(after + 1)..end;
        let missing: Vec<u64> = missing.filter(|number| !there.contains(number)).collect();
        if !missing.is_empty() && self.on_their_way(feed, &missing).await? {
            found.retain(|item| item.change_number < first_of_last);
        }
        Ok(FeedRead::Items(found))
    }

    /// Whether a transaction is at one of these entries right now.
    async fn on_their_way(&self, feed: Feed, entries: &[u64]) -> Result<bool, StoreError> {
        let gets = entries.iter().map(|number| {
            let key = Key::FeedEntry(feed, *number).attributes();
            let get = Get::builder().table_name(&*self.table).set_key(Some(key)).build();
            let get = get.map_err(|error| StoreError::Rejected(error.into()))?;
            Ok(TransactGetItem::builder().get(get).build())
        });
        let result = self
            .db
            .transact_get_items()
            .set_transact_items(Some(gets.collect::<Result<_, StoreError>>()?))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match result {
            Ok(output) => {
                self.meter.read(output.consumed_capacity());
                Ok(false)
            }
            Err(error) => match error.as_service_error() {
                Some(TransactGetItemsError::TransactionCanceledException(_)) => Ok(true),
                _ => Err(error.into()),
            },
        }
    }
}
