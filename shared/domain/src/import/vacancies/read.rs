//! What the rows of a list state.

use super::row::{Cell, VacancyRow};
use crate::{
    FacilityId, Invalid, MunicipalityCode, Timestamp,
    calendar::Month,
    import::{
        locality::Localities,
        row::{Columns, Findings, cell},
    },
    item::{Format, Item, OfficeNumber},
    municipality,
    sheet::{Column, Record, Sheet},
    vacancy::{ITEMS, PlacesByAge, Vacancy},
};

/// What each row states of its facility's month.
const REQUIRED: [&str; 1] = ["base_month"];

/// Where a list says whose row it is.
struct Naming {
    locality: Localities,
    number: Option<Column>,
    name: Option<Column>,
    /// What is compared with the facility, and changes nothing.
    kind: Option<Column>,
    body: Option<Column>,
}

impl Naming {
    fn of(sheet: &Sheet<'_>, only: Option<MunicipalityCode>) -> Self {
        let column = |field: &str| {
            let item = ITEMS.iter().find(|item| item.field == field);
            item.into_iter().flat_map(Item::headings).find_map(|heading| sheet.column(heading))
        };
        Self {
            locality: Localities::of(sheet, only),
            number: column("office_number"),
            name: column("facility_name"),
            kind: column("facility_type"),
            body: column("establishment_body"),
        }
    }

    fn columns(&self) -> Vec<Column> {
        let Self { locality, number, name, kind, body } = self;
        let own = [number, name, kind, body].into_iter().flatten().copied();
        locality.columns().chain(own).collect()
    }

    /// Tells what is missing from a list that cannot name any facility.
    fn require(&self, sheet: &Sheet<'_>, findings: &mut Findings) {
        let mut missing = |heading| findings.error(sheet.line(), heading, "", &Invalid::Missing);
        match (self.number, self.name) {
            (Some(_), _) => {}
            (None, None) => missing("事業所番号"),
            (None, Some(_)) if self.locality.columns().next().is_none() => missing("区市町村"),
            (None, Some(_)) => {}
        }
    }
}

/// Reads a list of vacancies. Every row is good, or each wrong value is told; nothing in between. Of a caller who works
/// for one municipality alone, every row that names another is an error.
pub fn read(
    bytes: &[u8],
    only: Option<MunicipalityCode>,
) -> Result<(Vec<VacancyRow>, Findings), Findings> {
    let mut findings = Findings::default();
    let sheet = match Sheet::open(bytes) {
        Ok(sheet) => sheet,
        Err(errors) => return Err(Findings { errors, ..findings }),
    };
    let naming = Naming::of(&sheet, only);
    naming.require(&sheet, &mut findings);
    let headings = ITEMS.iter().flat_map(|item| item.headings().map(move |text| (text, item)));
    let columns = Columns::of(&sheet, headings, &naming.columns(), &mut findings);
    columns.require_columns(&sheet, &REQUIRED, ITEMS, &mut findings);
    columns.warn_of_others(&sheet, &mut findings);
    if !findings.errors.is_empty() {
        return Err(findings);
    }
    let mut rows = Vec::new();
    for record in sheet.records() {
        findings.rows += 1;
        match record {
            Ok(record) => {
                let errors_before = findings.errors.len();
                let row = row(&sheet, &naming, &columns, &record, &mut findings);
                rows.extend((findings.errors.len() == errors_before).then_some(row));
            }
            Err(errors) => findings.errors.extend(errors),
        }
    }
    if findings.errors.is_empty() { Ok((rows, findings)) } else { Err(findings) }
}

fn row(
    sheet: &Sheet<'_>,
    naming: &Naming,
    columns: &Columns<Vacancy>,
    record: &Record<'_>,
    findings: &mut Findings,
) -> VacancyRow {
    let mut stated = |column: Option<Column>| {
        let column = column?;
        let text = cell(sheet, record, column, true, findings)?.into_owned();
        Some(Cell { column: sheet.heading(column).to_owned(), text })
    };
    let Naming { locality, number, name, kind, body } = naming;
    let [mut number, name, kind, body] = [*number, *name, *kind, *body].map(&mut stated);
    if let Some(Cell { column, text }) = &mut number {
        match OfficeNumber::read(text) {
            Ok(read) => *text = read,
            Err(invalid) => findings.error(record.line, column, text, &invalid),
        }
    }
    let municipality = if locality.are_stated(record) {
        locality.read(sheet, record, findings).map(|locality| locality.municipality.code)
    } else {
        None
    };
    if number.is_none() {
        // Then its name and its municipality say which it is.
        let headings = [(naming.name, "施設の名称"), (locality.name(), "区市町村")];
        let missing = [name.is_none(), !locality.are_stated(record)];
        for ((column, heading), _) in headings.iter().zip(missing).filter(|(_, missing)| *missing) {
            let heading = column.map_or(*heading, |column| sheet.heading(column));
            findings.error(record.line, heading, "", &Invalid::Missing);
        }
    }
    columns.require(sheet, record, &REQUIRED, findings);
    let row = columns.read_whole(sheet, record, blank(), findings);
    VacancyRow { row, municipality, number, name, kind, body }
}

/// A vacancy of which nothing is stated, the facility neither.
fn blank() -> Vacancy {
    let nowhere = municipality::known()[0].code;
    Vacancy {
        facility_id: FacilityId::derive(None, &nowhere, ""),
        office_number: None,
        facility_name: String::new(),
        facility_type: None,
        establishment_body: None,
        municipality_code: nowhere,
        prefecture: String::new(),
        municipality: String::new(),
        base_month: Month::FIRST,
        places: PlacesByAge::default(),
        vacancy_note: None,
        published_on: None,
        updated_at: Timestamp::EPOCH,
    }
}
