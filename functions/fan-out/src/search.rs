//! The search index: each entry that a batch concerns is written once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use domain::{
    FacilityId, Timestamp,
    search::{Entry, VacancySummary},
    slot::SlotStatus,
};
use jiff::SignedDuration;
use runtime::telemetry::ErrorChain;
use store::{Key, Rebuild, SearchGaps, Store, StoreError, StreamChange};

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
            StreamChange::Vacancy(vacancy) => &vacancy.facility_id,
            _ => continue,
        };
        of_facility.entry(id.clone()).or_default().push(&change.of);
    }
    let ids: BTreeSet<_> = of_facility.keys().cloned().collect();
    let apply = |id: &FacilityId, entry: &mut Entry| {
        let changes = of_facility.get(id).into_iter().flatten();
        changes.fold(false, |changed, change| changed | put(entry, change, now))
    };
    store.change_search(&ids, Rebuild::Missing, now, apply).await?;
    let removed = changes.iter().filter_map(|change| match &change.of {
        StreamChange::Removed(Key::Facility(id)) => Some(id.clone()),
        _ => None,
    });
    Ok(store.change_search(&removed.collect(), Rebuild::All, now, |_, _| false).await?)
}

/// Brings an entry in step; tells whether it was another.
fn put(entry: &mut Entry, change: &StreamChange, now: Timestamp) -> bool {
    match change {
        StreamChange::Facility(facility) => entry.put_facility((**facility).clone()),
        StreamChange::Slot(slot) => {
            let free = slot.status(now) == SlotStatus::Open;
            entry.put_slot(slot.starts_at, free, now)
        }
        StreamChange::Vacancy(vacancy) => entry.put_vacancy(VacancySummary::from(&**vacancy)),
        _ => false,
    }
}

/// How many entries are made beside one batch.
const AT_ONCE: usize = 25;

/// How often somebody looks whether a relay of the version of the hub before told of changes meanwhile.
const LOOK_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// Makes the entries that a version of the hub before did not write, a few beside each batch, until all are there. Where
/// the process begins anew, so does this; an entry that is right is read and left. See decision 0016.
#[derive(Debug, Default)]
pub struct SearchBuild(Mutex<Progress>);

#[derive(Debug, Default)]
enum Progress {
    /// Nobody has looked.
    #[default]
    Unknown,
    Left(SearchGaps),
    /// There was nothing to do at this time.
    Complete(Timestamp),
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
        let gaps = match progress {
            Progress::Complete(at) if now.since(at) < LOOK_EVERY => {
                *self.progress() = Progress::Complete(at);
                return Ok(());
            }
            Progress::Left(gaps) => Some(gaps),
            Progress::Unknown | Progress::Complete(_) => store.search_gaps().await?,
        };
        let Some(mut gaps) = gaps else {
            *self.progress() = Progress::Complete(now);
            return Ok(());
        };
        let some = gaps.facilities.iter().take(AT_ONCE).cloned().collect();
        store.change_search(&some, Rebuild::All, now, |_, _| false).await?;
        gaps.facilities.retain(|id| !some.contains(id));
        if gaps.facilities.is_empty() {
            store.note_search_complete(gaps).await?;
            // The next look is for what an older relay told meanwhile.
            *self.progress() = Progress::Complete(now);
        } else {
            *self.progress() = Progress::Left(gaps);
        }
        Ok(())
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        // It is replaced whole, so a panic elsewhere leaves it right.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
