//! A change request as it stands in the table.

use std::collections::BTreeSet;

use domain::{
    ChangeRequest, ChangeRequestId, ChangeRequestNumber, FacilityId, MunicipalityCode, Timestamp,
    change_request::{ChangeAction, ChangeOrigin, ChangeStatus, ChangeStep, Changes, RejectReason},
    reservation::Actor,
};
use serde::{Deserialize, Serialize};

use crate::{
    StoreError,
    item::{Item, epoch_ms, from_item, to_item},
};

#[derive(Serialize, Deserialize)]
struct ChangeRequestItem {
    change_request_id: ChangeRequestId,
    change_request_number: ChangeRequestNumber,
    facility_id: FacilityId,
    municipality_code: MunicipalityCode,
    origin: ChangeOrigin,
    status: ChangeStatus,
    /// As JSON: a number comes back as it was, and a value may be null.
    changes: String,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    corrected: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<RejectReason>,
    history: Vec<StepItem>,
    version: u32,
}

#[derive(Serialize, Deserialize)]
struct StepItem {
    #[serde(with = "epoch_ms")]
    at: Timestamp,
    by: Actor,
    action: ChangeAction,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    fields: BTreeSet<String>,
}

pub(super) fn unknown(error: serde_json::Error) -> StoreError {
    StoreError::UnknownForm(error.into())
}

pub(super) fn item(request: &ChangeRequest) -> Result<Item, StoreError> {
    let step = |step: &ChangeStep| {
        let ChangeStep { at, by, action, fields } = step.clone();
        StepItem { at, by, action, fields }
    };
    to_item(&ChangeRequestItem {
        change_request_id: request.change_request_id.clone(),
        change_request_number: request.change_request_number.clone(),
        facility_id: request.facility_id.clone(),
        municipality_code: request.municipality_code,
        origin: request.origin,
        status: request.status,
        changes: serde_json::to_string(&request.changes).map_err(unknown)?,
        corrected: request.corrected.clone(),
        reason: request.reason.clone(),
        history: request.history.iter().map(step).collect(),
        version: request.version,
    })
}

pub(super) fn from_table(item: Item) -> Result<ChangeRequest, StoreError> {
    let item: ChangeRequestItem = from_item(item)?;
    let step = |StepItem { at, by, action, fields }| ChangeStep { at, by, action, fields };
    Ok(ChangeRequest {
        change_request_id: item.change_request_id,
        change_request_number: item.change_request_number,
        facility_id: item.facility_id,
        municipality_code: item.municipality_code,
        origin: item.origin,
        status: item.status,
        changes: serde_json::from_str::<Changes>(&item.changes).map_err(unknown)?,
        corrected: item.corrected,
        reason: item.reason,
        history: item.history.into_iter().map(step).collect(),
        version: item.version,
    })
}
