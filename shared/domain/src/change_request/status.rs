//! The states of a change request.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Invalid;

/// The state of a change request (FAC-04).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ChangeStatus {
    /// Waits for the municipality's decision (未承認).
    Submitted,
    /// The facility has not submitted it yet (未申請).
    Draft,
    /// The facility is changed by it (承認済み).
    Approved,
    /// The municipality said no (却下).
    Rejected,
    /// The facility took it back.
    Withdrawn,
}

use ChangeStatus::{Approved, Draft, Rejected, Submitted, Withdrawn};

impl ChangeStatus {
    /// Every state, in the order in which they are listed: what waits for somebody comes first.
    pub const ALL: [Self; 5] = [Submitted, Draft, Approved, Rejected, Withdrawn];

    /// What staff call it.
    pub fn label(self) -> &'static str {
        match self {
            Draft => "未申請",
            Submitted => "未承認",
            Approved => "承認済み",
            Rejected => "却下",
            Withdrawn => "取下げ",
        }
    }

    /// As JSON and the table have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Draft => "draft",
            Submitted => "submitted",
            Approved => "approved",
            Rejected => "rejected",
            Withdrawn => "withdrawn",
        }
    }
}

impl fmt::Display for ChangeStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ChangeStatus {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or(Invalid::NotListed)
    }
}

crate::invalid::deserr_from_text!(ChangeStatus);
