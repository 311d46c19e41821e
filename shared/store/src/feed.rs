//! The feeds: what anybody may know of each thing of a kind, in the order of the changes.
//!
//! A feed is one partition, which follows the table by way of the stream: an entry for each change number, the
//! last entry of each thing once more under its id, and the count. One transaction gives a change its number
//! and shows it, and takes the thing's former entry away, so a thing is in the feed once.
//!
//! Nobody who reads on after the last number may miss a change: no number may become visible after a greater
//! one. The count alone does not keep that, because others see the items of a transaction one by one. So
//! each transaction also touches the entries of the one before, and cannot begin while one of them is still
//! on its way; and who reads looks at the count first, and asks for what is missing of the last transaction.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use aws_sdk_dynamodb::{
    operation::transact_get_items::TransactGetItemsError,
    types::{AttributeValue, Get, ReturnConsumedCapacity, TransactGetItem},
};
use domain::{
    Capacity, FacilityId, SlotId, SlotNumber, Timestamp,
    feed::{Feed, SlotView},
    slot::{Note, SlotStatus},
};
use rand::RngExt;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    Store, StoreError,
    condition::Condition,
    item::{Item, from_item, number, to_item},
    keys::{Key, span::Span},
    query::Query,
    schema::EXPIRES_AT,
    slot,
    write::Write,
};

/// What a feed says of a thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedItem<T> {
    /// Which thing.
    pub id: String,
    /// In which place of the order: greater than that of every earlier change.
    pub change_number: u64,
    /// What it is; `None`: it is deleted.
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub data: Option<T>,
}

/// A slot as its feed holds it. Serde sees to it that it has the fields of what is shown.
#[derive(Serialize, Deserialize)]
#[serde(remote = "SlotView")]
struct PublishedSlotItem {
    slot_id: SlotId,
    slot_number: SlotNumber,
    facility_id: FacilityId,
    starts_at: Timestamp,
    ends_at: Timestamp,
    capacity: Capacity,
    remaining: u8,
    status: SlotStatus,
    note: Option<Note>,
}

#[derive(PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
struct PublishedSlot(#[serde(with = "PublishedSlotItem")] SlotView);

/// What a feed is to say of a thing.
struct Publication<T> {
    id: String,
    data: Option<T>,
    /// The entry by time that finds it when it is to leave the feed.
    leaves: Key,
}

/// The numbers that were given out, and which of them by the last transaction.
#[derive(Default, Serialize, Deserialize)]
struct Count {
    first_of_last: u64,
    last: u64,
}

/// DynamoDB takes 100 writes in one transaction: the count, and for each thing its entry, the same under its id,
/// its former entry, when it leaves, and an entry of the transaction before.
const PUBLISHED_AT_ONCE: usize = 19;

/// How often somebody else may be faster before the stream is told to come again.
const TRIES: u32 = 40;

/// A thing that was deleted is told as such for this long, and who did not read meanwhile begins anew: RPDE
/// asks for seven days.
const DELETED_FOR_SECONDS: i64 = 30 * 24 * 3600;

/// What was said last stays a week longer than its entry: DynamoDB takes away in no order.
const REMEMBERED_FOR_SECONDS: i64 = DELETED_FOR_SECONDS + 7 * 24 * 3600;

impl Store {
    /// Brings the feed in step with what these slots are now; returns how many were published. Safe to
    /// repeat, in any order, at any time.
    pub async fn publish_slots(
        &self,
        slots: &BTreeSet<(FacilityId, SlotId)>,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let slots: Vec<_> = slots.iter().collect();
        let mut published = 0;
        for some in slots.chunks(PUBLISHED_AT_ONCE) {
            let ids: Vec<&str> = some.iter().map(|(_, slot)| slot.as_str()).collect();
            published +=
                self.publish(Feed::Slots, &ids, now, || self.slot_publications(some, now)).await?;
        }
        Ok(published)
    }

    async fn slot_publications(
        &self,
        slots: &[&(FacilityId, SlotId)],
        now: Timestamp,
    ) -> Result<Vec<Publication<PublishedSlot>>, StoreError> {
        let keys = slots.iter().map(|(facility, slot)| Key::Slot(facility.clone(), slot.clone()));
        let items = self.get_items(keys, true).await?.into_iter();
        let publication = |item| {
            let slot = slot::from_table(item)?;
            let leaves = Key::SlotLeaves(
                slot.leaves_feed_at(),
                slot.facility_id.clone(),
                slot.slot_id.clone(),
            );
            let id = slot.slot_id.to_string();
            Ok(Publication { id, data: slot.in_feed(now).map(PublishedSlot), leaves })
        };
        items.map(publication).collect()
    }

    /// Publishes of these things what `is` reads of them.
    async fn publish<T, F>(
        &self,
        feed: Feed,
        ids: &[&str],
        now: Timestamp,
        is: impl Fn() -> F,
    ) -> Result<usize, StoreError>
    where
        T: Serialize + DeserializeOwned + PartialEq,
        F: Future<Output = Result<Vec<Publication<T>>, StoreError>>,
    {
        let mut published = 0;
        for attempt in 0..TRIES {
            // Read the published state before the source: otherwise a publisher with a newer read, who is faster, is
            // overwritten with what this one read earlier.
            let keys = ids.iter().map(|id| Key::FeedPlace(feed, id.to_string()));
            let published_before =
                self.get_items(keys, true).await?.into_iter().map(from_item::<FeedItem<T>>);
            let published_before =
                published_before.map(|item| item.map(|item| (item.id.clone(), item)));
            let published_before: HashMap<String, FeedItem<T>> =
                published_before.collect::<Result<_, _>>()?;
            let mut news = is().await?;
            news.retain(|publication| match published_before.get(&publication.id) {
                Some(published_before) => published_before.data != publication.data,
                // What was never in the feed need not be deleted from it.
                None => publication.data.is_some(),
            });
            if news.is_empty() {
                return Ok(published);
            }
            let some = news.len();
            if self.number(feed, &published_before, news, now).await? {
                // Compare once more: while this was written, a thing may have become again what was published before,
                // and the publisher of that change found nothing to publish.
                published += some;
                continue;
            }
            tracing::debug!(attempt, feed = feed.name(), "somebody else said something");
            let wait = rand::rng().random_range(0..=u64::from(attempt) * 2);
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
        Err(StoreError::Unavailable("too many writers of the same feed".into()))
    }

    /// Gives these changes their numbers and shows them, if nobody else does at the same time.
    async fn number<T: Serialize>(
        &self,
        feed: Feed,
        published_before: &HashMap<String, FeedItem<T>>,
        news: Vec<Publication<T>>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let Count { first_of_last, last } = self.feed_count(feed).await?;
        let next = Count { first_of_last: last + 1, last: last + news.len() as u64 };
        let mut writes = vec![next_of(
            Key::FeedCount(feed),
            (last > 0).then(|| to_item(&Count { first_of_last, last })).transpose()?,
            to_item(&next)?,
            ("last", last),
        )];
        let mut before: Vec<u64> = (first_of_last.max(1)..=last).collect();
        for (publication, change_number) in news.into_iter().zip(last + 1..) {
            let former = published_before.get(&publication.id);
            let former_number = former.map_or(0, |former| former.change_number);
            let appears = former.is_none_or(|former| former.data.is_none());
            let published = FeedItem { id: publication.id, change_number, data: publication.data };
            writes.push(next_of(
                Key::FeedPlace(feed, published.id.clone()),
                former.map(|former| kept(former, now, REMEMBERED_FOR_SECONDS)).transpose()?,
                kept(&published, now, REMEMBERED_FOR_SECONDS)?,
                ("change_number", former_number),
            ));
            let entry = kept(&published, now, DELETED_FOR_SECONDS)?;
            writes.push(Write::create(Key::FeedEntry(feed, change_number), entry));
            if former.is_some() {
                before.retain(|touched| *touched != former_number);
                let entry = Key::FeedEntry(feed, former_number);
                writes.push(Write::delete(entry, Condition::Whatever));
            }
            if appears {
                writes.push(Write::ensure(publication.leaves));
            }
        }
        for touched in before {
            writes.push(Write::check(Key::FeedEntry(feed, touched)));
        }
        Ok(self.transact(writes).await?.is_done())
    }

    async fn feed_count(&self, feed: Feed) -> Result<Count, StoreError> {
        let item = self.get_item(Key::FeedCount(feed), true).await?;
        Ok(item.map(from_item).transpose()?.unwrap_or_default())
    }

    /// What the feed of slots says after this number, in its order: up to `limit`.
    pub async fn slots_feed(
        &self,
        after: u64,
        limit: usize,
    ) -> Result<Vec<FeedItem<SlotView>>, StoreError> {
        let found = self.feed(Feed::Slots, after, limit).await?;
        let shown = |FeedItem { id, change_number, data }| {
            let data = data.map(|PublishedSlot(slot)| slot);
            FeedItem { id, change_number, data }
        };
        Ok(found.into_iter().map(shown).collect())
    }

    async fn feed<T: DeserializeOwned>(
        &self,
        feed: Feed,
        after: u64,
        limit: usize,
    ) -> Result<Vec<FeedItem<T>>, StoreError> {
        let Count { first_of_last, last } = self.feed_count(feed).await?;
        if last <= after {
            return Ok(Vec::new());
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
        Ok(found)
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

/// What a feed says of a thing, as an item. What is deleted is kept for so many seconds.
fn kept<T: Serialize>(
    published: &FeedItem<T>,
    now: Timestamp,
    seconds: i64,
) -> Result<Item, StoreError> {
    let mut item = to_item(published)?;
    if published.data.is_none() {
        item.insert(EXPIRES_AT.into(), number(now.epoch_ms() / 1000 + seconds));
    }
    Ok(item)
}

/// The next state of an item that counts its changes, over the one that was read, if there was one.
fn next_of(
    key: Key,
    before: Option<Item>,
    next: Item,
    (count, read): (&'static str, u64),
) -> Write {
    let Some(before) = before else { return Write::create(key, next) };
    let unchanged = Condition::Is(count.into(), AttributeValue::N(read.to_string()));
    Write::change(key, &before, &next, unchanged)
}
