//! The search index: each entry that a batch concerns is written once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use domain::{FacilityId, Timestamp, search::Entry, slot::SlotStatus};
use runtime::telemetry::ErrorChain;
use store::{Rebuild, Store, StoreError, StreamChange};

use crate::{RelayError, change::Change};

pub(crate) async fn follow(
    store: &Store,
    changes: &[Change],
    now: Timestamp,
) -> Result<(), RelayError> {
    let mut of_facility = BTreeMap::<FacilityId, Vec<&StreamChange>>::new();
    for change in changes {
        let id = match &change.of {
            StreamChange::Facility(facility) => &facility.facility_id,
            StreamChange::Slot(slot) => &slot.facility_id,
            _ => continue,
        };
        of_facility.entry(id.clone()).or_default().push(&change.of);
    }
    let ids: BTreeSet<_> = of_facility.keys().cloned().collect();
    let apply = |id: &FacilityId, entry: &mut Entry| {
        let changes = of_facility.get(id).into_iter().flatten();
        changes.fold(false, |changed, change| changed | put(entry, change, now))
    };
    Ok(store.change_search(&ids, Rebuild::Missing, now, apply).await?)
}

/// Brings an entry in step; tells whether it was another.
fn put(entry: &mut Entry, change: &StreamChange, now: Timestamp) -> bool {
    match change {
        StreamChange::Facility(facility) => entry.put_facility((**facility).clone()),
        StreamChange::Slot(slot) => {
            let free = slot.status(now) == SlotStatus::Open;
            entry.put_slot(slot.starts_at, free, now)
        }
        _ => false,
    }
}

/// How many entries are made beside one batch.
const AT_ONCE: usize = 25;

/// Makes the entries that are not there because a version of the hub before wrote none: a few beside each batch, until
/// all are there. It begins anew where the process does; an entry that is right is read and left.
#[derive(Debug, Default)]
pub struct SearchBuild(Mutex<Progress>);

#[derive(Debug, Default)]
enum Progress {
    /// Nobody has looked yet.
    #[default]
    Unknown,
    /// These are left, as of so many changes of the entries before.
    Left {
        facilities: Vec<FacilityId>,
        old_changes: u64,
    },
    Complete,
}

impl SearchBuild {
    /// Makes some entries. That it fails is no fault of the batch: it goes on with the next one.
    pub(crate) async fn go_on(&self, store: &Store, now: Timestamp) {
        if let Err(error) = self.make_some(store, now).await {
            tracing::warn!(error = %ErrorChain(&error), "search entries are made later");
        }
    }

    async fn make_some(&self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        // Whatever fails, somebody has to look again.
        let progress = std::mem::take(&mut *self.progress());
        let (facilities, old_changes) = match progress {
            Progress::Complete => {
                *self.progress() = Progress::Complete;
                return Ok(());
            }
            Progress::Left { facilities, old_changes } => (facilities, old_changes),
            Progress::Unknown => match store.search_is_incomplete().await? {
                None => {
                    *self.progress() = Progress::Complete;
                    return Ok(());
                }
                Some(old_changes) => {
                    let all = store.facilities_by_municipality().await?;
                    (all.into_values().flatten().collect(), old_changes)
                }
            },
        };
        let (some, left) = facilities.split_at(facilities.len().min(AT_ONCE));
        let some = some.iter().cloned().collect();
        store.change_search(&some, Rebuild::All, now, |_, _| false).await?;
        if left.is_empty() {
            store.note_search_complete(old_changes).await?;
            *self.progress() = Progress::Complete;
        } else {
            *self.progress() = Progress::Left { facilities: left.to_vec(), old_changes };
        }
        Ok(())
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        // It is replaced whole, so a panic elsewhere leaves it right.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
