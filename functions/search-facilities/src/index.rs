use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use domain::{
    MunicipalityCode, Timestamp,
    search::{Entry, Index},
};
use runtime::{Environment, Start, StartError, telemetry::ErrorChain};
use store::{
    SearchVersions, ShardVersion, Store, StoreError,
    keys::{SearchBucket, SearchGroup},
};

/// The entries of all facilities, held in memory and renewed from the table where their version there is another.
#[derive(Debug)]
pub struct HeldIndex {
    check_every: Duration,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    checked: Option<Instant>,
    versions: SearchVersions,
    buckets: BTreeMap<SearchBucket, Vec<Arc<Entry>>>,
    /// As the version of the hub before keeps them, until there is an entry of every facility.
    old: BTreeMap<MunicipalityCode, (ShardVersion, Vec<Arc<Entry>>)>,
    index: Arc<Index>,
}

/// What the table has that is not held.
struct Renewed {
    versions: SearchVersions,
    changed: BTreeSet<SearchBucket>,
    entries: Vec<Entry>,
    old: Vec<(MunicipalityCode, ShardVersion, Vec<Entry>)>,
}

/// From so many changed buckets of a group on, the group is read at once.
const WHOLE_GROUP: usize = 8;

impl Start<Environment> for HeldIndex {
    async fn start(_: &Environment) -> Result<Self, StartError> {
        Ok(Self::new(Duration::from_secs(2)))
    }
}

impl HeldIndex {
    /// An empty index that asks for new versions at most this often.
    pub fn new(check_every: Duration) -> Self {
        Self { check_every, held: Mutex::default() }
    }

    /// The index as it is now, or was a moment ago.
    ///
    /// A table that cannot be reached leaves the index as it is: parents find what they found
    /// before (OPS-02). Only an index that never held anything fails.
    pub async fn get(&self, store: &Store, now: Timestamp) -> Result<Arc<Index>, StoreError> {
        let asked = Instant::now();
        let (held, old) = {
            let held = self.held();
            if held.checked.is_some_and(|checked| asked - checked < self.check_every) {
                return Ok(held.index.clone());
            }
            let old = held.old.iter().map(|(code, (version, _))| (*code, *version));
            (held.versions.clone(), old.collect())
        };
        match renewed(store, &held, &old).await {
            Ok(renewed) => {
                let mut held = self.held();
                held.checked = Some(asked);
                held.take(renewed, now);
                Ok(held.index.clone())
            }
            Err(error) if self.held().checked.is_some() => {
                tracing::warn!(error = %ErrorChain(&error), "searching what is held");
                Ok(self.held().index.clone())
            }
            Err(error) => Err(error),
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // What is held is replaced whole, so a panic elsewhere leaves it right.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn renewed(
    store: &Store,
    held: &SearchVersions,
    held_old: &BTreeMap<MunicipalityCode, ShardVersion>,
) -> Result<Renewed, StoreError> {
    let versions = store.search_versions().await?;
    let changed =
        versions.buckets.iter().filter(|(bucket, now)| held.buckets.get(bucket) != Some(now));
    let changed: BTreeSet<_> = changed.map(|(bucket, _)| *bucket).collect();
    let mut of_group = BTreeMap::<SearchGroup, Vec<SearchBucket>>::new();
    for bucket in &changed {
        of_group.entry(bucket.0).or_default().push(*bucket);
    }
    let (whole, parts): (Vec<_>, Vec<_>) =
        of_group.into_iter().partition(|(_, buckets)| buckets.len() >= WHOLE_GROUP);
    let whole: BTreeSet<_> = whole.into_iter().map(|(group, _)| group).collect();
    let groups = store.search_groups(whole.iter().copied());
    let buckets = store.search_buckets(parts.into_iter().flat_map(|(_, buckets)| buckets));
    let old = async {
        if versions.complete {
            return Ok(Vec::new());
        }
        let current = store.old_search_versions().await?;
        let changed = current.into_iter().filter(|(code, now)| held_old.get(code) != Some(now));
        store.old_search_entries(changed.map(|(code, _)| code)).await
    };
    let (mut entries, more, old) = futures::try_join!(groups, buckets, old)?;
    entries.extend(more);
    // Of a group that was read at once, every bucket was.
    let all = entries.iter().filter_map(Entry::facility_id).map(|id| SearchBucket::of(&id));
    let of_whole = all.filter(|bucket| whole.contains(&bucket.0));
    let changed = changed.iter().copied().chain(of_whole).collect();
    Ok(Renewed { versions, changed, entries, old })
}

impl Held {
    fn take(&mut self, renewed: Renewed, now: Timestamp) {
        let Renewed { versions, changed, entries, old } = renewed;
        let outdated = versions.complete && !self.old.is_empty();
        if versions.complete {
            self.old.clear();
        }
        self.versions = versions;
        if changed.is_empty() && old.is_empty() && !outdated {
            return;
        }
        for bucket in changed {
            self.buckets.insert(bucket, Vec::new());
        }
        for entry in entries {
            if let Some(id) = entry.facility_id() {
                self.buckets.entry(SearchBucket::of(&id)).or_default().push(Arc::new(entry));
            }
        }
        for (code, version, entries) in old {
            self.old.insert(code, (version, entries.into_iter().map(Arc::new).collect()));
        }
        let known: HashSet<_> = match self.old.is_empty() {
            true => HashSet::new(),
            false => {
                self.buckets.values().flatten().filter_map(|entry| entry.facility_id()).collect()
            }
        };
        let of_before = self.old.values().flat_map(|(_, entries)| entries);
        let missing = of_before.filter(|e| e.facility_id().is_none_or(|id| !known.contains(&id)));
        let entries = self.buckets.values().flatten().chain(missing).cloned();
        self.index = Arc::new(Index::new(entries, now));
    }
}
