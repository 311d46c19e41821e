//! Who stated the items of a facility, and who may not see them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Timestamp;

/// Where the value of an item comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A list that a municipality or an operator imported.
    Import,
    /// The facility, and its municipality approved it.
    Facility,
    /// The municipality corrected what the facility asked for, and approved that.
    Municipality,
}

/// Where some items come from, and when they were approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Provenance {
    /// Who stated them.
    pub source: Source,
    /// When their values last changed.
    pub updated_at: Timestamp,
    /// When somebody approved them: for an import, when it was made.
    pub approved_at: Timestamp,
    /// Which.
    #[schema(value_type = Vec<String>)]
    pub fields: BTreeSet<String>,
}

/// What is known of the items beside their values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ItemNotes {
    /// Where they come from.
    pub provenance: Vec<Provenance>,
    /// Items that the facility shows to nobody but staff (非公表), whatever their visibility.
    #[schema(value_type = Vec<String>)]
    pub withheld: BTreeSet<String>,
    /// What somebody wrote, where the hub keeps it in another writing; by field.
    pub as_written: BTreeMap<String, String>,
    /// Columns of an imported list that the hub has no item for, by heading. They may name persons: for staff alone.
    pub other_columns: BTreeMap<String, String>,
    /// When the facility last looked through all of it and said that it is right.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub confirmed_at: Option<Timestamp>,
}

impl ItemNotes {
    /// Who stated an item, and when.
    pub fn provenance_of(&self, field: &str) -> Option<&Provenance> {
        self.provenance.iter().find(|provenance| provenance.fields.contains(field))
    }

    /// Notes who stated these items now.
    pub fn state(&mut self, fields: BTreeSet<String>, source: Source, now: Timestamp) {
        if fields.is_empty() {
            return;
        }
        for provenance in &mut self.provenance {
            provenance.fields.retain(|field| !fields.contains(field));
        }
        self.provenance.retain(|provenance| !provenance.fields.is_empty());
        self.provenance.push(Provenance { source, updated_at: now, approved_at: now, fields });
    }
}
