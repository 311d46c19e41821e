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

mod build;
mod event;
mod page;
mod thing;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    Timestamp,
    feed::{self, Feed},
};
use rand::RngExt;
use serde::{Deserialize, Serialize};

pub(crate) use self::event::event_from_table;
use self::thing::{InFeed, Published, PublishedFacility, PublishedSlot};
pub use self::{page::FeedRead, thing::FeedThing};
use crate::{
    Store, StoreError,
    condition::Condition,
    item::{Item, from_item, number, to_item},
    keys::Key,
    procedure::StoredProcedure,
    schema::EXPIRES_AT,
    vacancy::StoredVacancy,
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

/// What a feed is to say of a thing.
struct Publication<T> {
    thing: FeedThing,
    told: InFeed<T>,
}

/// The numbers that were given out, and which of them by the last transaction.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Count {
    first_of_last: u64,
    last: u64,
    /// A table that this one took the place of gave out numbers after the first of each pair, up to the second: what they
    /// told is not there any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lost: Vec<(u64, u64)>,
    /// The table was restored, and no number was given out since.
    #[serde(default, skip_serializing_if = "is_false")]
    restored: bool,
}

fn is_false(value: &bool) -> bool {
    !value
}

impl Count {
    /// After so many more numbers. A restored table goes on far beyond every number that the one before may have given
    /// out: less than one each millisecond since 1970.
    fn after(&self, numbers: usize, now: Timestamp) -> Self {
        let (mut before, mut lost) = (self.last, self.lost.clone());
        if self.restored {
            before = before.max(now.epoch_ms().unsigned_abs());
            lost.push((self.last, before));
        }
        let last = before + numbers as u64;
        Self { first_of_last: before + 1, last, lost, restored: false }
    }

    /// Whether what this number told is not there any more, or never was.
    fn is_lost(&self, number: u64) -> bool {
        let within = |(from, to): &(u64, u64)| (from + 1..=*to).contains(&number);
        number != feed::END && (number > self.last || self.lost.iter().any(within))
    }
}

/// DynamoDB takes 100 writes in one transaction: the count, and for each thing its entry, the same under its id,
/// its former entry, when it leaves, and an entry of the transaction before.
const PUBLISHED_AT_ONCE: usize = 19;

/// When a feed began to say of a thing what it says, in the entry under the thing's id: the time of the event of it.
const PUBLISHED_AT: &str = "published_at";

/// How often somebody else may be faster before the stream is told to come again.
const TRIES: u32 = 40;

/// A thing that was deleted is told as such for this long, and who did not read meanwhile begins anew: RPDE
/// asks for seven days.
const DELETED_FOR_SECONDS: i64 = 30 * 24 * 3600;

/// What was said last stays a week longer than its entry: DynamoDB takes away in no order.
const REMEMBERED_FOR_SECONDS: i64 = DELETED_FOR_SECONDS + 7 * 24 * 3600;

impl Store {
    /// Brings the feeds in step with what these things are now; returns how many were published. Safe to repeat, in any
    /// order, at any time.
    pub async fn publish(
        &self,
        things: &BTreeSet<FeedThing>,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let mut published = 0;
        for feed in Feed::ALL {
            let of_feed: Vec<_> = things.iter().filter(|thing| thing.feed() == feed).collect();
            for some in of_feed.chunks(PUBLISHED_AT_ONCE) {
                published += match feed {
                    Feed::Slots => self.publish_some::<PublishedSlot>(feed, some, now).await,
                    Feed::Facilities => {
                        self.publish_some::<PublishedFacility>(feed, some, now).await
                    }
                    Feed::Vacancies => self.publish_some::<StoredVacancy>(feed, some, now).await,
                    Feed::Procedures => self.publish_some::<StoredProcedure>(feed, some, now).await,
                }?;
            }
        }
        Ok(published)
    }

    /// What a feed is to say of these things, as they are at this moment.
    async fn publications<T: Published>(
        &self,
        things: &[&FeedThing],
        now: Timestamp,
    ) -> Result<Vec<Publication<T>>, StoreError> {
        let items = self.get_items(things.iter().map(|thing| thing.key()), true).await?;
        let items = items.into_iter().filter_map(|item| Some((FeedThing::of_item(&item)?, item)));
        let mut items: BTreeMap<FeedThing, Item> = items.collect();
        let publication = |thing: &&FeedThing| {
            let told = match items.remove(*thing) {
                Some(item) => T::of(item, now)?,
                None => InFeed { data: None, turns_at: None },
            };
            Ok(Publication { thing: (*thing).clone(), told })
        };
        things.iter().map(publication).collect()
    }

    /// Publishes of these things of one feed what they are.
    async fn publish_some<T: Published>(
        &self,
        feed: Feed,
        things: &[&FeedThing],
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let mut published = 0;
        for attempt in 0..TRIES {
            // Read the published state before the source: otherwise a publisher with a newer read, who is faster, is
            // overwritten with what this one read earlier.
            let keys = things.iter().map(|thing| Key::FeedPlace(feed, thing.id()));
            let published_before =
                self.get_items(keys, true).await?.into_iter().map(from_item::<FeedItem<T>>);
            let published_before =
                published_before.map(|item| item.map(|item| (item.id.clone(), item)));
            let published_before: HashMap<String, FeedItem<T>> =
                published_before.collect::<Result<_, _>>()?;
            let mut news = self.publications::<T>(things, now).await?;
            news.retain(|Publication { thing, told }| match published_before.get(&thing.id()) {
                Some(published_before) => published_before.data != told.data,
                // What was never in the feed need not be deleted from it.
                None => told.data.is_some(),
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
        let count = self.feed_count(feed).await?;
        let next = count.after(news.len(), now);
        let mut writes = vec![next_of(
            Key::FeedCount(feed),
            (count.last > 0).then(|| to_item(&count)).transpose()?,
            to_item(&next)?,
            ("last", count.last),
        )];
        let mut before: Vec<u64> = (count.first_of_last.max(1)..=count.last).collect();
        for (publication, change_number) in news.into_iter().zip(next.first_of_last..) {
            let Publication { thing, told: InFeed { data, turns_at } } = publication;
            let id = thing.id();
            let former = published_before.get(&id);
            let former_number = former.map_or(0, |former| former.change_number);
            let appears = former.is_none_or(|former| former.data.is_none());
            let published = FeedItem { id, change_number, data };
            let mut place = kept(&published, now, REMEMBERED_FOR_SECONDS)?;
            place.insert(PUBLISHED_AT.into(), number(now.epoch_ms()));
            writes.push(next_of(
                Key::FeedPlace(feed, published.id.clone()),
                former.map(|former| kept(former, now, REMEMBERED_FOR_SECONDS)).transpose()?,
                place,
                ("change_number", former_number),
            ));
            let entry = kept(&published, now, DELETED_FOR_SECONDS)?;
            writes.push(Write::create(Key::FeedEntry(feed, change_number), entry));
            if former.is_some() {
                before.retain(|touched| *touched != former_number);
                let entry = Key::FeedEntry(feed, former_number);
                writes.push(Write::delete(entry, Condition::Whatever));
            }
            if appears && let Some(turn) = turns_at.and_then(|at| thing.turn(at)) {
                writes.push(Write::ensure(turn));
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
