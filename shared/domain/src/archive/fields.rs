//! The things of an archive, field by field. Serde sees to it that they have the fields of the domain's.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    ChangeRequest, ChangeRequestId, ChangeRequestNumber, Facility, FacilityId, MunicipalityCode,
    ProcedureId, Timestamp,
    calendar::{Day, FiscalYear, Month},
    change_request::{
        ChangeAction, ChangeOrigin, ChangeStatus, ChangeStep, Changes, FieldChange, RejectReason,
    },
    facility::{ChildCapacity, Details, EstablishmentBody, FacilityType, ItemNotes, Location},
    procedure::{Procedure, ResultsByAge},
    reservation::Actor,
    settings::{BookingUrl, MessageToParents},
    vacancy::{PlacesByAge, Vacancy},
};

/// All that is known of a facility.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(remote = "Facility")]
#[schema(as = FacilityOfArchive)]
pub struct FacilityFields {
    facility_id: FacilityId,
    office_number: Option<String>,
    facility_name: String,
    facility_name_kana: Option<String>,
    facility_type: Option<FacilityType>,
    establishment_body: Option<EstablishmentBody>,
    municipality_code: MunicipalityCode,
    municipality: String,
    prefecture: String,
    postal_code: Option<String>,
    street_address: Option<String>,
    phone: Option<String>,
    location: Option<Location>,
    capacity: ChildCapacity,
    bookable: bool,
    message_to_parents: Option<MessageToParents>,
    external_booking_url: Option<BookingUrl>,
    booking_closes_hours_before: u16,
    details: Details,
    notes: ItemNotes,
    updated_at: Timestamp,
}

/// A procedure.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(remote = "Procedure")]
#[schema(as = ProcedureOfArchive)]
pub struct ProcedureFields {
    procedure_id: ProcedureId,
    municipality_code: MunicipalityCode,
    prefecture: String,
    municipality: String,
    fiscal_year: FiscalYear,
    procedure_name: String,
    publish_from: Day,
    publish_to: Option<Day>,
    site_label: Option<String>,
    site_url: Option<String>,
    file_label: Option<String>,
    file_url: Option<String>,
    result_month: Option<Month>,
    results: ResultsByAge,
    result_note: Option<String>,
    application_url: Option<String>,
    updated_at: Timestamp,
}

/// What a facility has free in a month.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(remote = "Vacancy")]
#[schema(as = VacancyOfArchive)]
pub struct VacancyFields {
    facility_id: FacilityId,
    office_number: Option<String>,
    facility_name: String,
    facility_type: Option<FacilityType>,
    establishment_body: Option<EstablishmentBody>,
    municipality_code: MunicipalityCode,
    prefecture: String,
    municipality: String,
    base_month: Month,
    places: PlacesByAge,
    vacancy_note: Option<String>,
    published_on: Option<Day>,
    updated_at: Timestamp,
}

/// A change request, with its history.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(remote = "ChangeRequest")]
#[schema(as = ChangeRequestOfArchive)]
pub struct ChangeRequestFields {
    change_request_id: ChangeRequestId,
    change_request_number: ChangeRequestNumber,
    facility_id: FacilityId,
    municipality_code: MunicipalityCode,
    origin: ChangeOrigin,
    status: ChangeStatus,
    #[schema(value_type = std::collections::BTreeMap<String, FieldChange>)]
    changes: Changes,
    #[schema(value_type = Vec<String>)]
    corrected: BTreeSet<String>,
    reason: Option<RejectReason>,
    #[serde(with = "history")]
    #[schema(value_type = Vec<StepFields>)]
    history: Vec<ChangeStep>,
    version: u32,
}

/// What somebody did to a change request.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = StepOfArchive)]
struct StepFields {
    at: Timestamp,
    /// `hub`, or `staff` with the subject of the token.
    #[schema(value_type = Value)]
    by: Actor,
    action: ChangeAction,
    #[schema(value_type = Vec<String>)]
    fields: BTreeSet<String>,
}

impl From<&ChangeStep> for StepFields {
    fn from(ChangeStep { at, by, action, fields }: &ChangeStep) -> Self {
        Self { at: *at, by: by.clone(), action: *action, fields: fields.clone() }
    }
}

impl From<StepFields> for ChangeStep {
    fn from(StepFields { at, by, action, fields }: StepFields) -> Self {
        Self { at, by, action, fields }
    }
}

mod history {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{ChangeStep, StepFields};

    pub(super) fn serialize<S: Serializer>(steps: &[ChangeStep], to: S) -> Result<S::Ok, S::Error> {
        steps.iter().map(StepFields::from).collect::<Vec<_>>().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<ChangeStep>, D::Error> {
        let steps = Vec::<StepFields>::deserialize(from)?;
        Ok(steps.into_iter().map(ChangeStep::from).collect())
    }
}
