//! What staff see of change requests.

use std::collections::BTreeSet;

use domain::{
    ChangeRequest, ChangeRequestId, ChangeRequestNumber, FacilityId, MunicipalityCode, Timestamp,
    change_request::{
        ChangeAction, ChangeOrigin, ChangeStatus, ChangeStep, Changes, RejectReason, heading,
    },
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// What one field was when the change was asked for, and what it is to be.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Difference {
    /// The field.
    #[schema(examples("weekday_closes_at"))]
    field: String,
    /// Its heading in the hub's lists.
    #[schema(examples("開所日_平日閉所時間"))]
    heading: Option<&'static str>,
    /// What it was; `null` where it was not stated.
    from: Value,
    /// What it is to be; `null` where it is not to be stated.
    to: Value,
}

fn differences(changes: &Changes) -> Vec<Difference> {
    let difference = |(field, change): (&str, &domain::change_request::FieldChange)| Difference {
        field: field.to_owned(),
        heading: heading(field),
        from: change.from.clone(),
        to: change.to.clone(),
    };
    changes.iter().map(difference).collect()
}

/// What somebody did to a change request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StepView {
    /// When.
    at: Timestamp,
    /// Who: `staff:<subject>`.
    #[schema(examples("staff:00000000-0000-4000-8000-000000000002"))]
    by: String,
    /// What.
    action: ChangeAction,
    /// The fields that it was about.
    fields: BTreeSet<String>,
}

/// A change request, as staff see it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChangeRequestView {
    /// The hub's id.
    change_request_id: ChangeRequestId,
    /// What people call it.
    change_request_number: ChangeRequestNumber,
    /// The nursery.
    facility_id: FacilityId,
    /// Whose decision it is.
    municipality_code: MunicipalityCode,
    /// Who asks.
    origin: ChangeOrigin,
    /// Its state.
    status: ChangeStatus,
    /// What is asked for, field by field.
    diff: Vec<Difference>,
    /// The fields whose value is the municipality's (FAC-07).
    corrected: BTreeSet<String>,
    /// Why it was rejected.
    reason: Option<RejectReason>,
    /// When it was begun.
    created_at: Option<Timestamp>,
    /// When something was last done to it.
    updated_at: Option<Timestamp>,
    /// Who did what, oldest first (FAC-06).
    history: Vec<StepView>,
}

impl From<&ChangeRequest> for ChangeRequestView {
    fn from(request: &ChangeRequest) -> Self {
        let step = |step: &ChangeStep| StepView {
            at: step.at,
            by: step.by.to_string(),
            action: step.action,
            fields: step.fields.clone(),
        };
        Self {
            change_request_id: request.change_request_id.clone(),
            change_request_number: request.change_request_number.clone(),
            facility_id: request.facility_id.clone(),
            municipality_code: request.municipality_code,
            origin: request.origin,
            status: request.status,
            diff: differences(&request.changes),
            corrected: request.corrected.clone(),
            reason: request.reason.clone(),
            created_at: request.created_at(),
            updated_at: request.updated_at(),
            history: request.history.iter().map(step).collect(),
        }
    }
}

/// What an approved change request changed of a nursery.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FacilityChangeView {
    /// When.
    at: Option<Timestamp>,
    /// Who approved it.
    by: Option<String>,
    /// Who asked for it.
    asked_by: Option<String>,
    /// On whose behalf.
    origin: ChangeOrigin,
    /// The request.
    change_request_id: ChangeRequestId,
    /// Its number.
    change_request_number: ChangeRequestNumber,
    /// Which items it changed.
    diff: Vec<Difference>,
    /// Those whose value is the municipality's.
    corrected: BTreeSet<String>,
}

impl From<&ChangeRequest> for FacilityChangeView {
    fn from(request: &ChangeRequest) -> Self {
        let by = |action| request.last(action).map(|step| step.by.to_string());
        Self {
            at: request.last(ChangeAction::Approved).map(|step| step.at),
            by: by(ChangeAction::Approved),
            asked_by: by(ChangeAction::Submitted),
            origin: request.origin,
            change_request_id: request.change_request_id.clone(),
            change_request_number: request.change_request_number.clone(),
            diff: differences(&request.changes),
            corrected: request.corrected.clone(),
        }
    }
}
