use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs, io,
    path::{Path, PathBuf},
};

use domain::{
    Facility, MunicipalityCode, Timestamp,
    import::{FacilityRow, RowError, facility_rows},
};
use store::{Store, StoreError};

/// A list of facilities without errors.
#[derive(Debug)]
pub struct List {
    name: String,
    rows: Vec<FacilityRow>,
}

/// Why a list was not imported: nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// There is no such file, or it is not ours to read.
    #[error("the list {} cannot be read: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Values of the list are wrong.
    #[error("nothing is imported, for {name} has wrong values: correct them{}", lines(errors))]
    Rows {
        /// Which list.
        name: String,
        /// All of them.
        errors: Vec<RowError>,
    },
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Each error on a line of its own.
fn lines(errors: &[RowError]) -> String {
    let line = |error: &RowError| {
        let RowError { line, column, value, detail } = error;
        format!("\n  line {line}, {column} {value:?}: {detail}")
    };
    errors.iter().map(line).collect()
}

impl List {
    /// Reads a file.
    pub(crate) fn open(path: &Path) -> Result<Self, ImportError> {
        let list =
            fs::read(path).map_err(|source| ImportError::File { path: path.into(), source })?;
        Self::read(&path.display().to_string(), &list)
    }

    /// Reads a list, which errors call by this name.
    pub fn read(name: &str, list: &[u8]) -> Result<Self, ImportError> {
        let name = name.to_owned();
        match facility_rows(list) {
            Ok(rows) => Ok(Self { name, rows }),
            Err(errors) => Err(ImportError::Rows { name, errors }),
        }
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} facilities of {}", self.rows.len(), self.name)
    }
}

/// Imports a list of facilities: new ones are added, known ones get what the list states, and what
/// is the same stays untouched.
pub async fn import(store: &Store, list: List, now: Timestamp) -> Result<(), ImportError> {
    let mut by_municipality = BTreeMap::<_, Vec<FacilityRow>>::new();
    for row in list.rows {
        by_municipality.entry(row.municipality_code()).or_default().push(row);
    }
    let mut changed = Vec::new();
    for (code, rows) in by_municipality {
        let known = known(store, code, &rows).await?;
        for row in rows {
            let before = row.find(&known).cloned();
            let after = row.into_facility(before.as_ref(), now);
            if before.as_ref().is_none_or(|before| !before.has_same_content_as(&after)) {
                changed.push((before, after));
            }
        }
    }
    Ok(store.put_facilities(&changed).await?)
}

/// The facilities that the hub has in a municipality. In a table of a version that listed none, those of the rows are
/// found by the ids that every version gives them, and listed from now on.
async fn known(
    store: &Store,
    code: MunicipalityCode,
    rows: &[FacilityRow],
) -> Result<Vec<Facility>, StoreError> {
    let listed = BTreeSet::from_iter(store.facilities_of(code).await?);
    let unlisted: BTreeSet<_> = rows.iter().flat_map(FacilityRow::possible_ids).collect();
    let unlisted: Vec<_> = unlisted.difference(&listed).cloned().collect();
    let mut found = store.facilities(&unlisted, true).await?;
    found.retain(|facility| facility.municipality_code == code);
    store.list_facilities(&found).await?;
    found.extend(store.facilities(&Vec::from_iter(listed), true).await?);
    Ok(found)
}
