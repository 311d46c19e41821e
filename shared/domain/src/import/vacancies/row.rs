use crate::{FacilityId, MunicipalityCode, import::row::Row, vacancy::Vacancy};

/// A cell and the heading above it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cell {
    pub(super) column: String,
    pub(super) text: String,
}

/// What a row says, and of which facility it says so.
#[derive(Debug, Clone, PartialEq)]
pub struct VacancyRow {
    pub(super) row: Row<Vacancy>,
    pub(super) municipality: Option<MunicipalityCode>,
    pub(super) number: Option<Cell>,
    pub(super) name: Option<Cell>,
    pub(super) kind: Option<Cell>,
    pub(super) body: Option<Cell>,
}

impl VacancyRow {
    /// The physical line on which it starts.
    pub fn line(&self) -> u64 {
        self.row.line
    }

    /// The municipality that it names. A row that names none has a number.
    pub fn municipality(&self) -> Option<MunicipalityCode> {
        self.municipality
    }

    /// The number that it names.
    pub fn number(&self) -> Option<&str> {
        self.number.as_ref().map(|number| number.text.as_str())
    }

    /// The id that a facility of this number has, unless it came into the hub before it had the number.
    pub fn numbered_id(&self) -> Option<FacilityId> {
        // Municipality and name do not count beside a number.
        Some(FacilityId::derive(Some(self.number()?), &self.row.draft.municipality_code, ""))
    }
}
