//! Lists that offices keep, read row by row and compared with what the hub has (IMP-01).
//!
//! Reading and comparing are apart: `read` of a dataset knows the file alone and tells everything that is wrong in it; its
//! `plan` says what the rows change of what is there. Neither writes anything.

mod directory;
pub mod facilities;
mod job;
mod locality;
mod planned;
pub mod procedures;
mod row;
pub mod vacancies;
mod whole;

pub use directory::Directory;
pub use job::{Counts, Dataset, Import, ImportReport, ImportStatus, ItemChange, RowChange};
pub use planned::{Listed, Planned};
pub use row::{Findings, Row};

pub use crate::sheet::{RowError, RowWarning};
