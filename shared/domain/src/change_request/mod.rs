//! What a facility, or an import, asks to change of a facility's data, and what its municipality decided (施設情報変更依頼,
//! FAC-03 to FAC-08).
//!
//! Nobody but staff sees anything of it before it is approved. An approval is refused only where the same item was changed
//! by somebody else since.

mod changes;
mod status;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use changes::{Changes, FieldChange, WITHHELD, Wanted, heading};
pub use status::ChangeStatus;

use crate::{
    ChangeRequestId, ChangeRequestNumber, Facility, FacilityId, MunicipalityCode, Timestamp,
    facility::Source, invalid::InputErrors, reservation::Actor,
};

crate::text::words!(
    /// Why a municipality rejected a change request.
    RejectReason, 500
);

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeOrigin {
    /// The facility.
    Facility,
    /// An import, which says something else than what a municipality approved before.
    Import,
}

/// What somebody did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeAction {
    /// Began the request.
    Created,
    /// The facility changed what it asks for.
    Edited,
    /// The facility gave it to the municipality.
    Submitted,
    /// The facility took it back.
    Withdrawn,
    /// The municipality changed what is asked for (FAC-07).
    Corrected,
    /// The municipality approved it.
    Approved,
    /// The municipality rejected it.
    Rejected,
}

/// One line of a change request's history (FAC-06).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeStep {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: Actor,
    /// What.
    pub action: ChangeAction,
    /// The fields that it was about.
    pub fields: BTreeSet<String>,
}

/// A change request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRequest {
    /// The hub's id.
    pub change_request_id: ChangeRequestId,
    /// What people call it.
    pub change_request_number: ChangeRequestNumber,
    /// Of which facility.
    pub facility_id: FacilityId,
    /// Whose decision it is.
    pub municipality_code: MunicipalityCode,
    /// Who asks.
    pub origin: ChangeOrigin,
    /// Its state.
    pub status: ChangeStatus,
    /// What is asked for.
    pub changes: Changes,
    /// The fields whose value is the municipality's.
    pub corrected: BTreeSet<String>,
    /// Why it was rejected.
    pub reason: Option<RejectReason>,
    /// Who did what, oldest first; never empty.
    pub history: Vec<ChangeStep>,
    /// Counts the changes, from 1.
    pub version: u32,
}

/// What somebody does to a change request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeAct {
    /// The facility changes what it asks for, submits it, or both.
    Edit {
        /// Other values.
        changes: Option<Wanted>,
        /// Whether it goes to the municipality then.
        submit: bool,
    },
    /// The facility takes it back.
    Withdraw,
    /// The municipality changes what is asked for.
    Correct(Wanted),
    /// The municipality approves.
    Approve,
    /// The municipality rejects.
    Reject(RejectReason),
}

/// What comes of it.
#[derive(Debug, Clone, PartialEq)]
pub enum ChangeOutcome {
    /// It is so already.
    Already,
    /// The request becomes this, and with an approval the facility that.
    Becomes(Box<ChangeRequest>, Option<Box<Facility>>),
}

/// Why something is not done to a change request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeRefusal {
    /// Values are wrong.
    #[error("values of the change are wrong")]
    Invalid(InputErrors),
    /// The request is in a state that does not allow it, or somebody changed these items since it was made.
    #[error("the change request is {}", .current.as_str())]
    Conflict {
        /// Its state.
        current: ChangeStatus,
        /// Items that were changed since.
        changed_since: InputErrors,
    },
}

impl From<InputErrors> for ChangeRefusal {
    fn from(errors: InputErrors) -> Self {
        Self::Invalid(errors)
    }
}

use ChangeStatus::{Approved, Draft, Rejected, Submitted, Withdrawn};

impl ChangeRequest {
    /// A new request, which the municipality has to decide if it is submitted.
    pub fn new(
        (change_request_id, change_request_number): (ChangeRequestId, ChangeRequestNumber),
        facility: &Facility,
        origin: ChangeOrigin,
        changes: Changes,
        submit: bool,
        (by, now): (Actor, Timestamp),
    ) -> Self {
        let request = Self {
            change_request_id,
            change_request_number,
            facility_id: facility.facility_id.clone(),
            municipality_code: facility.municipality_code,
            origin,
            status: Draft,
            corrected: BTreeSet::new(),
            reason: None,
            history: Vec::new(),
            version: 1,
            changes,
        };
        let fields = request.changes.fields();
        let mut request = request.noted(ChangeAction::Created, fields, &by, now);
        if submit {
            request.status = Submitted;
            request = request.noted(ChangeAction::Submitted, BTreeSet::new(), &by, now);
        }
        request
    }

    /// When it was begun.
    pub fn created_at(&self) -> Option<Timestamp> {
        self.history.first().map(|step| step.at)
    }

    /// When something was last done to it.
    pub fn updated_at(&self) -> Option<Timestamp> {
        self.history.last().map(|step| step.at)
    }

    /// What somebody did last of this kind.
    pub fn last(&self, action: ChangeAction) -> Option<&ChangeStep> {
        self.history.iter().rev().find(|step| step.action == action)
    }

    /// What comes of it if somebody does this now, while the facility is this. Who may do it at all is the caller's to
    /// know.
    pub fn after(
        &self,
        act: &ChangeAct,
        facility: &Facility,
        by: &Actor,
        now: Timestamp,
    ) -> Result<ChangeOutcome, ChangeRefusal> {
        match (act, self.status) {
            (ChangeAct::Edit { changes: None, submit: false }, _)
            | (ChangeAct::Edit { changes: None, submit: true }, Submitted)
            | (ChangeAct::Withdraw, Withdrawn)
            | (ChangeAct::Approve, Approved)
            | (ChangeAct::Reject(_), Rejected) => Ok(ChangeOutcome::Already),
            (ChangeAct::Edit { changes, submit }, Draft) => {
                self.edited(changes.as_ref(), *submit, facility, by, now)
            }
            (ChangeAct::Withdraw, Draft | Submitted) if self.origin == ChangeOrigin::Facility => {
                Ok(self.becomes(Withdrawn, ChangeAction::Withdrawn, by, now))
            }
            (ChangeAct::Correct(wanted), Submitted) => self.corrected(wanted, facility, by, now),
            (ChangeAct::Approve, Submitted) => self.approved(facility, by, now),
            (ChangeAct::Reject(reason), Submitted) => {
                let rejected = Self { reason: Some(reason.clone()), ..self.clone() };
                Ok(rejected.becomes(Rejected, ChangeAction::Rejected, by, now))
            }
            _ => Err(self.conflict(InputErrors::default())),
        }
    }

    fn edited(
        &self,
        wanted: Option<&Wanted>,
        submit: bool,
        facility: &Facility,
        by: &Actor,
        now: Timestamp,
    ) -> Result<ChangeOutcome, ChangeRefusal> {
        let mut next = self.clone();
        if let Some(wanted) = wanted {
            next.changes = self.changes.with(wanted, facility)?;
        }
        if next.changes != self.changes {
            let fields = wanted.into_iter().flat_map(|wanted| wanted.keys().cloned()).collect();
            next = next.noted(ChangeAction::Edited, fields, by, now);
        } else if !submit {
            return Ok(ChangeOutcome::Already);
        }
        if submit {
            return Ok(next.becomes(Submitted, ChangeAction::Submitted, by, now));
        }
        Ok(next.done(None))
    }

    fn corrected(
        &self,
        wanted: &Wanted,
        facility: &Facility,
        by: &Actor,
        now: Timestamp,
    ) -> Result<ChangeOutcome, ChangeRefusal> {
        let changes = self.changes.with(wanted, facility)?;
        if changes == self.changes {
            return Ok(ChangeOutcome::Already);
        }
        let mut corrected = changes.fields_other_than(&self.changes);
        corrected.extend(self.corrected.intersection(&changes.fields()).cloned());
        let fields = wanted.keys().cloned().collect();
        let next = Self { changes, corrected, ..self.clone() };
        Ok(next.noted(ChangeAction::Corrected, fields, by, now).done(None))
    }

    fn approved(
        &self,
        facility: &Facility,
        by: &Actor,
        now: Timestamp,
    ) -> Result<ChangeOutcome, ChangeRefusal> {
        let mut after =
            self.changes.applied_to(facility).map_err(|changed| self.conflict(changed))?;
        let asked_by = match self.origin {
            ChangeOrigin::Facility => Source::Facility,
            ChangeOrigin::Import => Source::Import,
        };
        let mut asked = self.changes.fields();
        asked.remove(WITHHELD);
        let corrected: BTreeSet<_> = asked.intersection(&self.corrected).cloned().collect();
        asked.retain(|field| !corrected.contains(field));
        after.notes.state(asked, asked_by, now);
        after.notes.state(corrected, Source::Municipality, now);
        // Two approvals in one millisecond must not look like one to who reads between them.
        after.updated_at = now.max(facility.updated_at + SignedDuration::from_millis(1));
        let mut next = self.clone();
        next.status = Approved;
        let next = next.noted(ChangeAction::Approved, self.changes.fields(), by, now);
        Ok(next.done(Some(after)))
    }

    fn becomes(
        &self,
        status: ChangeStatus,
        action: ChangeAction,
        by: &Actor,
        now: Timestamp,
    ) -> ChangeOutcome {
        let next = Self { status, ..self.clone() };
        next.noted(action, BTreeSet::new(), by, now).done(None)
    }

    fn noted(
        mut self,
        action: ChangeAction,
        fields: BTreeSet<String>,
        by: &Actor,
        at: Timestamp,
    ) -> Self {
        self.history.push(ChangeStep { at, by: by.clone(), action, fields });
        self
    }

    fn done(self, facility: Option<Facility>) -> ChangeOutcome {
        let next = Self { version: self.version + 1, ..self };
        ChangeOutcome::Becomes(Box::new(next), facility.map(Box::new))
    }

    fn conflict(&self, changed_since: InputErrors) -> ChangeRefusal {
        ChangeRefusal::Conflict { current: self.status, changed_since }
    }
}
