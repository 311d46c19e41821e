//! Everything that municipalities have in a hub and that is no family's, as one document: for moving to another hub, and
//! for keeping (IMP-05).
//!
//! It loses nothing: ids, times, provenance and history are in it, and the same hub content is always the same bytes. What
//! it does not have: slots, reservations and all that belongs to families, vendors and their links to facilities, accounts
//! of staff, and the addresses of municipalities.

mod check;
mod fields;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::fields::{ChangeRequestFields, FacilityFields, ProcedureFields, VacancyFields};
use crate::{
    ChangeRequest, Facility, MunicipalityCode, Settings, procedure::Procedure, vacancy::Vacancy,
};

/// By which a document is known as an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[allow(missing_docs, reason = "the name says it")]
pub enum ArchiveFormat {
    #[serde(rename = "hokatsu-archive")]
    Hokatsu,
}

/// The version of the form that this version of the hub writes. It reads no other.
pub const VERSION: u32 = 1;

/// Everything that municipalities have in a hub and that is no family's. Slots and reservations are not in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Archive {
    /// What it is.
    pub format: ArchiveFormat,
    /// The version of its form: 1.
    pub version: u32,
    /// By municipality and id.
    pub facilities: Vec<ArchivedFacility>,
    /// By municipality, fiscal year and id.
    #[schema(value_type = Vec<ProcedureFields>)]
    pub procedures: Vec<ArchivedProcedure>,
    /// Of all months: by municipality, month and facility.
    #[schema(value_type = Vec<VacancyFields>)]
    pub vacancies: Vec<ArchivedVacancy>,
    /// In every state, with their history: by number.
    #[schema(value_type = Vec<ChangeRequestFields>)]
    pub change_requests: Vec<ArchivedChangeRequest>,
}

/// A facility with its settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ArchivedFacility {
    /// What is known of it, with all notes of its items.
    #[serde(with = "FacilityFields")]
    #[schema(value_type = FacilityFields)]
    pub facility: Facility,
    /// What its staff decide about visits; `null` if they never saved any settings.
    pub settings: Option<Settings>,
}

macro_rules! archived {
    ($($(#[$doc:meta])* $name:ident($of:ty, $fields:literal);)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(#[serde(with = $fields)] pub $of);
    )*};
}

archived! {
    /// A procedure.
    ArchivedProcedure(Procedure, "ProcedureFields");
    /// What a facility has free in a month.
    ArchivedVacancy(Vacancy, "VacancyFields");
    /// A change request.
    ArchivedChangeRequest(ChangeRequest, "ChangeRequestFields");
}

impl Archive {
    /// Of these, in the order of an archive.
    pub fn new(
        mut facilities: Vec<(Facility, Option<Settings>)>,
        mut procedures: Vec<Procedure>,
        mut vacancies: Vec<Vacancy>,
        mut change_requests: Vec<ChangeRequest>,
    ) -> Self {
        facilities.sort_by_key(|(of, _)| (of.municipality_code, of.facility_id.clone()));
        procedures
            .sort_by_key(|of| (of.municipality_code, of.fiscal_year, of.procedure_id.clone()));
        vacancies.sort_by_key(|of| (of.municipality_code, of.base_month, of.facility_id.clone()));
        change_requests.sort_by_key(|of| of.change_request_number.clone());
        let with_settings = |(facility, settings)| ArchivedFacility { facility, settings };
        Self {
            format: ArchiveFormat::Hokatsu,
            version: VERSION,
            facilities: facilities.into_iter().map(with_settings).collect(),
            procedures: procedures.into_iter().map(ArchivedProcedure).collect(),
            vacancies: vacancies.into_iter().map(ArchivedVacancy).collect(),
            change_requests: change_requests.into_iter().map(ArchivedChangeRequest).collect(),
        }
    }

    /// How many things are in it.
    pub fn len(&self) -> usize {
        let Self { facilities, procedures, vacancies, change_requests, .. } = self;
        facilities.len() + procedures.len() + vacancies.len() + change_requests.len()
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whose they are.
    pub fn municipalities(&self) -> BTreeSet<MunicipalityCode> {
        let facilities = self.facilities.iter().map(|of| of.facility.municipality_code);
        let procedures = self.procedures.iter().map(|of| of.0.municipality_code);
        let vacancies = self.vacancies.iter().map(|of| of.0.municipality_code);
        let requests = self.change_requests.iter().map(|of| of.0.municipality_code);
        facilities.chain(procedures).chain(vacancies).chain(requests).collect()
    }
}
