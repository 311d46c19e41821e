//! Reads an import, says what is wrong with it, and writes it (IMP-01, IMP-04).
//!
//! Everything is read and compared before anything is written. From the first write on, what is left is written too,
//! however often the run is cut off: what is written already is found unchanged.

mod facilities;

pub use facilities::FacilityImport;

use domain::import::Findings;
use store::StoreError;

/// Why a list was not imported: nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Values of the list are wrong.
    #[error("the list has wrong values")]
    Rows(Findings),
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
}
