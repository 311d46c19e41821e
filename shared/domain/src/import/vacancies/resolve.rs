//! Which facility each row means.

use std::collections::{BTreeMap, BTreeSet};

use super::row::{Cell, VacancyRow};
use crate::{
    Facility, FacilityId, Invalid, MunicipalityCode, Timestamp,
    calendar::Month,
    facility::{EstablishmentBody, FacilityType},
    import::{
        directory::Directory,
        planned::Planned,
        row::{Findings, Row},
        whole::{self, Named},
    },
    item::Format,
    text,
    vacancy::Vacancy,
};

/// The facilities of the hub that rows may mean, by municipality.
pub type Facilities = BTreeMap<MunicipalityCode, Vec<Facility>>;

/// Of which facility and month each row is. One that fits no facility, more than one, or one of a municipality that the
/// caller does not work for is told; so is a row that says something else of a facility's month than an earlier one.
pub fn resolve(
    rows: &[VacancyRow],
    facilities: &Facilities,
    only: Option<MunicipalityCode>,
    findings: &mut Findings,
) -> Vec<Row<Vacancy>> {
    let directories: BTreeMap<_, _> =
        facilities.iter().map(|(code, facilities)| (*code, Directory::of(facilities))).collect();
    let everywhere: Vec<_> = directories.values().collect();
    let mut resolved = Vec::with_capacity(rows.len());
    for row in rows {
        let places = match row.municipality {
            Some(code) => directories.get(&code).into_iter().collect(),
            None => everywhere.clone(),
        };
        let Some(named) = row.number.as_ref().or(row.name.as_ref()) else { continue };
        match row.facility(&places, &everywhere) {
            Err(invalid) => findings.error(row.line(), &named.column, &named.text, &invalid),
            Ok(facility) if only.is_some_and(|only| only != facility.municipality_code) => {
                let other = &Invalid::OfAnotherMunicipality;
                findings.error(row.line(), &named.column, &named.text, other);
            }
            Ok(facility) => {
                row.compare(facility, findings);
                let named = Named { column: named.column.clone(), value: named.text.clone() };
                resolved.push((named, row.of(facility)));
            }
        }
    }
    whole::once_each(resolved, key, findings)
}

impl VacancyRow {
    /// The one facility that it means, of those of the municipality that it names.
    fn facility<'a>(
        &self,
        places: &[&Directory<'a>],
        everywhere: &[&Directory<'a>],
    ) -> Result<&'a Facility, Invalid> {
        let number = self.number();
        // Without a municipality the number alone counts, whatever the name.
        let name = self.municipality.and(self.name.as_ref()).map_or("", |name| &name.text);
        let in_one = |place: &&Directory<'a>| place.find(number, name).transpose();
        let found: Vec<_> = places.iter().filter_map(in_one).collect::<Result<_, _>>()?;
        let is_elsewhere = || everywhere.iter().any(|place| place.has_number(number));
        match found[..] {
            [only] => Ok(only),
            [] if is_elsewhere() => Err(Invalid::OfAnotherMunicipality),
            [] => Err(Invalid::NoSuch("facility")),
            _ => Err(Invalid::Ambiguous(found.len())),
        }
    }

    /// Warns of what the facility itself says otherwise.
    fn compare(&self, facility: &Facility, findings: &mut Findings) {
        let mut told = |cell: &Option<Cell>, is_so: &dyn Fn(&str) -> bool, so: &str| {
            if let Some(Cell { column, text }) = cell.as_ref().filter(|cell| !is_so(&cell.text)) {
                let why = "施設の情報と違います。空き状況には施設の情報を表示します。";
                findings.warning(self.row.line, column, text, so, why);
            }
        };
        let Facility { facility_name, facility_type, establishment_body, .. } = facility;
        let same_name = |text: &str| text::identity(text) == text::identity(facility_name);
        told(&self.name, &same_name, facility_name);
        if let Some(kind) = facility_type {
            told(&self.kind, &|text| FacilityType::read(text) == Ok(*kind), kind.label());
        }
        if let Some(body) = establishment_body {
            told(&self.body, &|text| EstablishmentBody::read(text) == Ok(*body), body.label());
        }
    }

    /// What it says, as a row of this facility: with what the facility is called today.
    fn of(&self, facility: &Facility) -> Row<Vacancy> {
        let Row { draft, .. } = &self.row;
        let of = Vacancy::new(facility, draft.base_month, draft.updated_at);
        let draft = Vacancy {
            places: draft.places.clone(),
            vacancy_note: draft.vacancy_note.clone(),
            published_on: draft.published_on,
            ..of
        };
        Row { draft, ..self.row.clone() }
    }
}

/// Each municipality and month of which the rows say something.
pub fn months(rows: &[Row<Vacancy>]) -> BTreeSet<(MunicipalityCode, Month)> {
    rows.iter().map(|row| (row.draft.municipality_code, row.draft.base_month)).collect()
}

/// What the rows change of the vacancies that the hub has of their months.
pub fn plan(rows: &[Row<Vacancy>], known: &[Vacancy], now: Timestamp) -> Vec<Planned<Vacancy>> {
    whole::plan(rows, known, key, now)
}

fn key(of: &Vacancy) -> (FacilityId, Month) {
    (of.facility_id.clone(), of.base_month)
}
