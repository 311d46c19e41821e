//! An import as its caller watches it.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{RowError, RowWarning};
use crate::{Invalid, MunicipalityCode, Timestamp, id::ImportId};

/// What is imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Dataset {
    /// Facilities.
    Facilities,
    /// How families of a municipality apply (手続き情報).
    Procedures,
    /// What facilities have free in a month (月次空き枠情報).
    Vacancies,
    /// All that another hub had, from its archive.
    All,
}

impl std::str::FromStr for Dataset {
    type Err = Invalid;
    fn from_str(name: &str) -> Result<Self, Invalid> {
        match name {
            "facilities" => Ok(Self::Facilities),
            "procedures" => Ok(Self::Procedures),
            "vacancies" => Ok(Self::Vacancies),
            "all" => Ok(Self::All),
            _ => Err(Invalid::Format("facilities、procedures、vacancies、all")),
        }
    }
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportStatus {
    /// Its file has not come to the address that was given for it.
    Expecting,
    /// Its file did not come in time.
    Expired,
    /// It is read, or written.
    Running,
    /// All of it is written; of a dry run, all of it could be.
    Succeeded,
    /// Something is wrong with it, and nothing is written.
    Failed,
}

/// What becomes of the rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Counts {
    /// Rows of the file.
    pub rows: usize,
    /// Rows that are done.
    pub rows_done: usize,
    /// Things that are new.
    pub created: usize,
    /// Things that get other values.
    pub updated: usize,
    /// Things that stay as they are.
    pub unchanged: usize,
    /// Things of which something was approved since, so that the list's values are proposed to the municipality.
    pub proposed: usize,
}

/// An import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// Its id.
    pub import_id: ImportId,
    /// Of what.
    pub dataset: Dataset,
    /// Whether it is compared alone, and nothing written.
    pub dry_run: bool,
    /// The municipality that its caller works for; an operator works for all.
    pub municipality: Option<MunicipalityCode>,
    /// Who sent it: the subject of the token.
    pub requested_by: String,
    /// When.
    pub created_at: Timestamp,
    /// How far it is.
    pub status: ImportStatus,
    /// What becomes of its rows.
    pub counts: Counts,
}

/// For how long the file of an import may come.
const EXPECTED_FOR: SignedDuration = SignedDuration::from_hours(6);

impl Import {
    /// Until when its file may come, where it did not come with the request.
    pub fn expected_until(&self) -> Timestamp {
        self.created_at + EXPECTED_FOR
    }

    /// How far it is at this time.
    pub fn status_at(&self, now: Timestamp) -> ImportStatus {
        match self.status {
            ImportStatus::Expecting if now >= self.expected_until() => ImportStatus::Expired,
            status => status,
        }
    }
}

/// What a row changes of one thing, item by item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RowChange {
    /// The line of the row.
    pub line: u64,
    /// The hub's id of what it changes: of a facility, a procedure, or the facility of a vacancy.
    #[schema(examples("fac_2qfmx1dpf5jd"))]
    pub id: String,
    /// Its name, with the fiscal year of a procedure and the month of a vacancy.
    #[schema(examples("かないくぼ保育園"))]
    pub name: String,
    /// Whether it is new.
    pub created: bool,
    /// What it changes; of a new one, nothing is told here.
    pub diff: Vec<ItemChange>,
}

/// What becomes of one item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ItemChange {
    /// The item.
    pub field: String,
    /// Its value before.
    #[schema(value_type = Option<Value>)]
    pub from: serde_json::Value,
    /// Its value after.
    #[schema(value_type = Option<Value>)]
    pub to: serde_json::Value,
    /// Whether it is proposed alone: the municipality approved what stands there.
    pub proposed: bool,
}

/// What was found in a file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ImportReport {
    /// What is wrong.
    pub errors: Vec<RowError>,
    /// What was taken otherwise than it is written.
    pub warnings: Vec<RowWarning>,
    /// What changes, as far as it is told.
    pub changes: Vec<RowChange>,
}
