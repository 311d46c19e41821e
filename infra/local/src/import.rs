use std::collections::BTreeMap;

use domain::{
    Instant,
    import::{FacilityRow, RowError, facility_rows},
};
use store::{Store, StoreError};

/// Why a list was not imported: nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Values of the list are wrong.
    #[error("the list has {} wrong values, the first: {}", .0.len(), first(.0))]
    Rows(Vec<RowError>),
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn first(errors: &[RowError]) -> String {
    errors.first().map_or_else(String::new, |error| {
        let RowError { line, column, value, detail } = error;
        format!("line {line}, {column} {value:?}: {detail}")
    })
}

/// Imports a list of facilities: new ones are added, known ones get what the list states, and what
/// is the same stays untouched.
pub(crate) async fn import(store: &Store, list: &[u8], now: Instant) -> Result<(), ImportError> {
    let rows = facility_rows(list).map_err(ImportError::Rows)?;
    let mut by_municipality = BTreeMap::<_, Vec<FacilityRow>>::new();
    for row in rows {
        by_municipality.entry(row.municipality_code()).or_default().push(row);
    }
    let shards = store.search_shards(by_municipality.keys().copied()).await?;
    let mut changed = Vec::new();
    for (code, rows) in by_municipality {
        let entries = shards.iter().filter(|(shard, ..)| *shard == code);
        let known: Vec<_> = entries
            .flat_map(|(_, _, shard)| shard.entries.iter().map(|entry| entry.facility.clone()))
            .collect();
        for row in rows {
            let before = row.find(&known).cloned();
            let after = row.into_facility(before.as_ref(), now);
            if before.as_ref().is_none_or(|before| !before.says_the_same_as(&after)) {
                changed.push((before, after));
            }
        }
    }
    Ok(store.put_facilities(&changed).await?)
}
