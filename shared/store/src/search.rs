//! The search index in the table: an entry for each facility, and versions by which a search sees what changed.
//!
//! An entry follows its facility, its slots and its vacancies, each in an attribute of its own. Two letters of the id
//! say in which of a thousand buckets it is: a search that sees a new version of a bucket reads that bucket again.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    Facility, FacilityId, MunicipalityCode, Timestamp,
    search::{Entry, FreeSlots, VacancySummary},
    slot::SlotStatus,
};
use futures::{StreamExt, TryStreamExt, future::BoxFuture, stream};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::{
    Store, StoreError,
    condition::Condition,
    facility,
    item::{Item, from_item, number, to_item},
    keys::{Key, SearchBucket, SearchGroup, span::Span},
    query::Query,
    search_old::ShardVersion,
    slot,
    write::Write,
};

#[derive(Serialize, Deserialize)]
struct EntryItem {
    version: u32,
    facility: ByteBuf,
    free: ByteBuf,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vacancy: Option<ByteBuf>,
}

impl EntryItem {
    fn new(entry: &Entry, version: u32) -> Self {
        Self {
            version,
            facility: ByteBuf::from(entry.facility_bytes()),
            free: ByteBuf::from(entry.free_bytes()),
            vacancy: entry.vacancy_bytes().map(ByteBuf::from),
        }
    }

    fn entry(self) -> Result<Entry, StoreError> {
        let (facility, free) = (self.facility.into_vec(), self.free.into_vec());
        let entry = Entry::of_stored(facility, free, self.vacancy.map(ByteBuf::into_vec));
        entry.ok_or_else(|| StoreError::UnknownForm("a search entry".into()))
    }
}

fn entry(item: Item) -> Result<Entry, StoreError> {
    from_item::<EntryItem>(item)?.entry()
}

/// What a search sees of the entries before it reads any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchVersions {
    /// Counts the changes of each bucket.
    pub buckets: BTreeMap<SearchBucket, u64>,
    /// Whether every facility has an entry, so that those of the version before are needed no more.
    pub complete: bool,
}

/// That every facility has an entry, as of these versions of the entries of the version of the hub before.
#[derive(Serialize, Deserialize)]
struct CompleteItem {
    old: BTreeMap<MunicipalityCode, ShardVersion>,
}

/// The facilities whose entries are to be made from the table.
#[derive(Debug)]
pub struct SearchGaps {
    /// Which.
    pub facilities: BTreeSet<FacilityId>,
    old: BTreeMap<MunicipalityCode, ShardVersion>,
}

/// What is read again when a facility is looked at in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rebuild {
    /// The entry of a facility that has none.
    Missing,
    /// Every entry.
    All,
}

/// How often entries are computed anew when another run of the relay changes them.
const TRIES: usize = 10;

/// DynamoDB takes 100 writes in a transaction; a try that meets another one is cheaper if it is small.
const WRITTEN_AT_ONCE: usize = 25;

/// How many queries run side by side.
const SIDE_BY_SIDE: usize = 16;

/// What an entry is made of.
struct Searched {
    facility: Facility,
    free: FreeSlots,
    vacancy: Option<VacancySummary>,
}

/// How far ahead free slots are found.
const AHEAD: SignedDuration = SignedDuration::from_hours(366 * 24);

impl Store {
    /// The versions of all entries.
    pub async fn search_versions(&self) -> Result<SearchVersions, StoreError> {
        let mut versions = SearchVersions::default();
        for item in self.list(&Query::of(Span::search_versions()), None, Ok).await? {
            match Key::of(&item) {
                Some(Key::SearchComplete()) => versions.complete = true,
                Some(Key::SearchGroupVersions(group)) => {
                    let version = |(name, value): (&String, &AttributeValue)| {
                        let mut letters = name.chars();
                        let (letter, None) = (letters.next()?, letters.next()) else { return None };
                        Some((SearchBucket(group, letter), value.as_n().ok()?.parse().ok()?))
                    };
                    versions.buckets.extend(item.iter().filter_map(version));
                }
                _ => {}
            }
        }
        Ok(versions)
    }

    /// The entries of whole groups, by bucket. Consistent, as those of buckets: an entry that was read before it
    /// changed would be held under the version after.
    pub async fn search_groups(
        &self,
        groups: impl IntoIterator<Item = SearchGroup>,
    ) -> Result<Vec<Entry>, StoreError> {
        self.search_spans(groups.into_iter().map(Span::search_group)).await
    }

    /// The entries of some buckets.
    pub async fn search_buckets(
        &self,
        buckets: impl IntoIterator<Item = SearchBucket>,
    ) -> Result<Vec<Entry>, StoreError> {
        self.search_spans(buckets.into_iter().map(Span::search_bucket)).await
    }

    async fn search_spans(
        &self,
        spans: impl Iterator<Item = Span>,
    ) -> Result<Vec<Entry>, StoreError> {
        let reads: Vec<_> = spans.map(|span| self.search_span(span)).collect();
        let read: Vec<Vec<_>> =
            stream::iter(reads).buffer_unordered(SIDE_BY_SIDE).try_collect().await?;
        Ok(read.into_iter().flatten().collect())
    }

    fn search_span(&self, span: Span) -> BoxFuture<'_, Result<Vec<Entry>, StoreError>> {
        let query = Query::of(span).consistent();
        Box::pin(async move { self.list(&query, None, entry).await })
    }

    /// Changes the entries of facilities, compare-and-set on their versions. `change` tells whether it changed
    /// anything; it is run again on newer entries if another run was faster. An entry that is missing, or all of them,
    /// are made from the table first; a facility that is not there has none.
    pub async fn change_search(
        &self,
        facilities: &BTreeSet<FacilityId>,
        rebuild: Rebuild,
        now: Timestamp,
        mut change: impl FnMut(&FacilityId, &mut Entry) -> bool + Send,
    ) -> Result<(), StoreError> {
        let mut of_group = BTreeMap::<SearchGroup, Vec<FacilityId>>::new();
        for id in facilities {
            of_group.entry(SearchBucket::of(id).0).or_default().push(id.clone());
        }
        for (group, ids) in of_group {
            for ids in ids.chunks(WRITTEN_AT_ONCE) {
                self.change_search_group(group, ids, rebuild, now, &mut change).await?;
            }
        }
        Ok(())
    }

    async fn change_search_group(
        &self,
        group: SearchGroup,
        ids: &[FacilityId],
        rebuild: Rebuild,
        now: Timestamp,
        change: &mut (impl FnMut(&FacilityId, &mut Entry) -> bool + Send),
    ) -> Result<(), StoreError> {
        for _ in 0..TRIES {
            let keys = ids.iter().map(|id| Key::SearchEntry(group, id.clone()));
            let read = self.get_items(keys, true).await?;
            let named = |item: Item| Some((item.get("sk")?.as_s().ok()?.clone(), item));
            let mut read: HashMap<String, Item> = read.into_iter().filter_map(named).collect();
            let (mut writes, mut buckets) = (Vec::new(), BTreeSet::new());
            for id in ids {
                let key = Key::SearchEntry(group, id.clone());
                let item = read.remove(&key.text().1);
                let Some(write) = self.entry_write(id, key, item, rebuild, now, change).await?
                else {
                    continue;
                };
                writes.push(write);
                buckets.insert(SearchBucket::of(id));
            }
            if writes.is_empty() {
                return Ok(());
            }
            let versions = Write::update(Key::SearchGroupVersions(group), Condition::Whatever);
            writes.push(buckets.into_iter().fold(versions, |versions, SearchBucket(_, letter)| {
                versions.add(letter.to_string(), number(1))
            }));
            if self.transact(writes).await?.is_done() {
                return Ok(());
            }
        }
        Err(StoreError::Unavailable("the search entries change too fast".into()))
    }

    /// The write of one entry, if it changes.
    async fn entry_write(
        &self,
        id: &FacilityId,
        key: Key,
        item: Option<Item>,
        rebuild: Rebuild,
        now: Timestamp,
        change: &mut (impl FnMut(&FacilityId, &mut Entry) -> bool + Send),
    ) -> Result<Option<Write>, StoreError> {
        let before: Option<EntryItem> = item.map(from_item).transpose()?;
        let Some(before) = before else {
            let Some(Searched { facility, free, vacancy }) = self.searched(id, now).await? else {
                return Ok(None);
            };
            let mut entry = Entry::new(facility);
            entry.put_free(free);
            if let Some(vacancy) = vacancy {
                entry.put_vacancy(vacancy);
            }
            change(id, &mut entry);
            return Ok(Some(Write::create(key, to_item(&EntryItem::new(&entry, 1))?)));
        };
        let (version, read) = (before.version, to_item(&before)?);
        let unchanged = Condition::Is("version".into(), number(version));
        let mut entry = before.entry()?;
        let mut changed = false;
        if rebuild == Rebuild::All {
            let Some(Searched { facility, free, vacancy }) = self.searched(id, now).await? else {
                return Ok(Some(Write::delete(key, unchanged)));
            };
            changed = entry.put_facility(facility)
                | entry.put_free(free)
                | vacancy.is_some_and(|vacancy| entry.put_vacancy(vacancy));
        }
        changed |= change(id, &mut entry);
        let next = to_item(&EntryItem::new(&entry, version + 1))?;
        Ok(changed.then(|| Write::change(key, &read, &next, unchanged)))
    }

    /// What an entry is made of. Consistent: what is newer is still to come through the stream.
    async fn searched(
        &self,
        id: &FacilityId,
        now: Timestamp,
    ) -> Result<Option<Searched>, StoreError> {
        let facility = self.get_item(Key::Facility(id.clone()), true);
        let query = Query::of(Span::slots(id, (now, now + AHEAD), None)).consistent();
        let slots = self.list(&query, None, slot::from_table);
        let vacancy = self.latest_vacancy(id);
        let (facility, slots, vacancy) = futures::try_join!(facility, slots, vacancy)?;
        let Some(facility) = facility.map(facility::from_table).transpose()? else {
            return Ok(None);
        };
        let free = slots.into_iter().filter(|slot| slot.status(now) == SlotStatus::Open);
        let free = free.map(|slot| slot.starts_at).collect();
        let vacancy = vacancy.as_ref().map(VacancySummary::from);
        Ok(Some(Searched { facility, free, vacancy }))
    }

    /// What has no entry, or one from before a version of the hub before told of a change; none if there is nothing.
    pub async fn search_gaps(&self) -> Result<Option<SearchGaps>, StoreError> {
        let complete = self.get_item(Key::SearchComplete(), true);
        let (complete, old) = futures::try_join!(complete, self.old_search_versions())?;
        let complete: Option<CompleteItem> = complete.map(from_item).transpose()?;
        let known = complete.as_ref().map(|complete| &complete.old);
        if known == Some(&old) {
            return Ok(None);
        }
        let is_known =
            |code: &MunicipalityCode| known.is_some_and(|known| known.get(code) == old.get(code));
        let outdated = old.keys().copied().filter(|code| !is_known(code));
        let (listed, shards) = futures::try_join!(
            self.facilities_by_municipality(),
            self.old_search_entries(outdated),
        )?;
        // A table may be so old that it has no list of the facilities of a municipality.
        let searched = shards.iter().flat_map(|(_, _, entries)| entries);
        let searched = searched.filter_map(Entry::facility_id);
        let listed = listed.into_iter().filter(|(code, _)| !is_known(code));
        let facilities = listed.flat_map(|(_, ids)| ids).chain(searched);
        Ok(Some(SearchGaps { facilities: facilities.collect(), old }))
    }

    /// Notes that these gaps are closed.
    pub async fn note_search_complete(&self, gaps: SearchGaps) -> Result<(), StoreError> {
        let item = to_item(&CompleteItem { old: gaps.old })?;
        let write = Write::replace(Key::SearchComplete(), item, Condition::Whatever);
        self.write(write).await.map(drop)
    }
}
