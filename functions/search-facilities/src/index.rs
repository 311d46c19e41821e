use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use domain::{
    MunicipalityCode,
    search::{self, Entry, Filter},
};
use runtime::{Environment, Start, StartError, telemetry::ErrorChain};
use store::{ShardVersion, Store, StoreError};

/// The entries of all municipalities, held in memory and renewed from the table where their
/// version there is another.
#[derive(Debug)]
pub struct Index {
    check_every: Duration,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    checked: Option<Instant>,
    shards: BTreeMap<MunicipalityCode, (ShardVersion, Vec<Arc<Entry>>)>,
}

impl Start<Environment> for Index {
    async fn start(_: &Environment) -> Result<Self, StartError> {
        Ok(Self::new(Duration::from_secs(2)))
    }
}

impl Index {
    /// An empty index that asks for new versions at most this often.
    pub fn new(check_every: Duration) -> Self {
        Self { check_every, held: Mutex::default() }
    }

    /// What fulfils the filter, in kana order.
    pub async fn find(
        &self,
        store: &Store,
        filter: &Filter,
    ) -> Result<Vec<Arc<Entry>>, StoreError> {
        self.renew(store).await?;
        let held = self.held();
        let mut found: Vec<_> = held
            .shards
            .values()
            .flat_map(|(_, entries)| entries)
            .filter(|entry| filter.matches(entry))
            .cloned()
            .collect();
        found.sort_by(|a, b| search::sort_key(a).cmp(&search::sort_key(b)));
        Ok(found)
    }

    /// A table that cannot be reached leaves the index as it is: parents find what they found
    /// before (OPS-02). Only an index that never held anything fails.
    async fn renew(&self, store: &Store) -> Result<(), StoreError> {
        let asked = Instant::now();
        let versions: BTreeMap<_, _> = {
            let held = self.held();
            if held.checked.is_some_and(|checked| asked - checked < self.check_every) {
                return Ok(());
            }
            held.shards.iter().map(|(code, (version, _))| (*code, *version)).collect()
        };
        let renewed = async {
            let current = store.search_versions().await?;
            let changed = current.into_iter().filter(|(code, v)| versions.get(code) != Some(v));
            store.search_shards(changed.map(|(code, _)| code)).await
        };
        match renewed.await {
            Ok(shards) => {
                let mut held = self.held();
                held.checked = Some(asked);
                for (code, version, shard) in shards {
                    let entries = shard.entries.into_iter().map(Arc::new).collect();
                    held.shards.insert(code, (version, entries));
                }
                Ok(())
            }
            Err(error) if self.held().checked.is_some() => {
                tracing::warn!(error = %ErrorChain(&error), "searching what is held");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // What is held is replaced whole, so a panic elsewhere leaves it right.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
