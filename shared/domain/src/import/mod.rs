//! Lists that offices keep, read row by row and compared with what the hub has (IMP-01).
//!
//! Reading and comparing are apart: [`facilities::read`] knows the file alone and tells everything that is wrong in it;
//! [`plan`] says what the rows change of what is there. Neither writes anything.

pub mod facilities;
mod job;
pub mod plan;
mod row;
#[cfg(test)]
mod tests;

pub use job::{Counts, Dataset, Import, ImportReport, ImportStatus, ItemChange, RowChange};
pub use row::{Findings, Row};

pub use crate::sheet::{RowError, RowWarning};
