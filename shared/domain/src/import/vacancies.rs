//! Lists of what facilities have free in a month. A row names its facility by number, or by municipality and name, so it
//! is known to be about something only when the facilities of the hub are beside it.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    directory::Directory,
    locality::Localities,
    planned::Planned,
    row::{Columns, Findings, Row, cell},
    whole::{self, Named},
};
use crate::{
    Facility, FacilityId, Invalid, MunicipalityCode, Timestamp,
    calendar::Month,
    facility::{EstablishmentBody, FacilityType},
    item::{Format, Item, OfficeNumber},
    sheet::{Column, Record, Sheet},
    text,
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

/// A cell and the heading above it.
#[derive(Debug, Clone, PartialEq)]
struct Cell {
    column: String,
    text: String,
}

/// What a row says, and of which facility it says so.
#[derive(Debug, Clone, PartialEq)]
pub struct VacancyRow {
    row: Row<Vacancy>,
    municipality: Option<MunicipalityCode>,
    number: Option<Cell>,
    name: Option<Cell>,
    kind: Option<Cell>,
    body: Option<Cell>,
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

/// A vacancy of which nothing is stated, the facility neither.
fn blank() -> Vacancy {
    let nowhere = crate::municipality::known()[0].code;
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
