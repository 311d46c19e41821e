//! The search index: each municipality's entries are written once for a batch.

use std::collections::BTreeMap;

use domain::{MunicipalityCode, Timestamp, search::Shard, slot::SlotStatus};
use store::{Store, StreamChange};

use crate::{RelayError, change::Change};

pub(crate) async fn follow(
    store: &Store,
    changes: &[Change],
    now: Timestamp,
) -> Result<(), RelayError> {
    let mut of_municipality = BTreeMap::<MunicipalityCode, Vec<&StreamChange>>::new();
    for change in changes {
        let code = match &change.of {
            StreamChange::Facility(facility) => facility.municipality_code,
            StreamChange::Slot(slot) => slot.municipality_code,
            _ => continue,
        };
        of_municipality.entry(code).or_default().push(&change.of);
    }
    for (code, changes) in of_municipality {
        let apply = |shard: &mut Shard| {
            changes.iter().fold(false, |changed, change| changed | put(shard, change, now))
        };
        store.change_shard(code, apply).await?;
    }
    Ok(())
}

/// Brings an entry in step; tells whether it was another.
fn put(shard: &mut Shard, change: &StreamChange, now: Timestamp) -> bool {
    match change {
        StreamChange::Facility(facility) => shard.put((**facility).clone()),
        StreamChange::Slot(slot) => {
            let free = slot.status(now) == SlotStatus::Open;
            shard.put_slot(&slot.facility_id, slot.starts_at, free, now)
        }
        _ => false,
    }
}
