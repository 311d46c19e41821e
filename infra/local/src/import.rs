use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use domain::{
    Facility, Timestamp,
    import::{Findings, RowError, facilities},
};
use run_import::ListImport;
use store::{Store, StoreError};

/// A list of facilities without errors.
#[derive(Debug)]
pub struct List {
    name: String,
    rows: usize,
    bytes: Vec<u8>,
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
    #[error(
        "nothing of {name} is imported, for it has wrong values: correct them{}",
        lines(errors)
    )]
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
        match facilities::read(list, None) {
            Ok((rows, _)) => Ok(Self { name, rows: rows.len(), bytes: list.to_owned() }),
            Err(Findings { errors, .. }) => Err(ImportError::Rows { name, errors }),
        }
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} facilities of {}", self.rows, self.name)
    }
}

/// Imports a list of facilities as the deployed importer does: new ones are added, known ones get what the list states,
/// and what is the same stays untouched.
pub async fn import(store: &Store, list: List, now: Timestamp) -> Result<(), ImportError> {
    let mut planned = match ListImport::<Facility>::plan(store, &list.bytes, None, now).await {
        Ok(planned) => planned,
        Err(run_import::ImportError::Rows(Findings { errors, .. })) => {
            return Err(ImportError::Rows { name: list.name, errors });
        }
        Err(run_import::ImportError::Store(error)) => return Err(error.into()),
    };
    while planned.write_some(store, &list.name, now).await?.is_some() {}
    Ok(())
}
