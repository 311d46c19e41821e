//! What the rows of a list state.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
};

use crate::{
    Facility, FacilityId, Invalid, MunicipalityCode, Settings, Timestamp,
    export::PASSED_OVER,
    facility::{self, ChildCapacity, ITEMS, Location},
    import::{
        locality::Localities,
        row::{Columns, Findings, Row, cell},
    },
    item::{Item, plain},
    municipality,
    sheet::{Column, Record, Sheet},
    text,
};

/// Where a facility is, and how a list heads it.
struct Place {
    locality: Localities,
    latitude: Option<Column>,
    longitude: Option<Column>,
    /// 町字 and 番地以下, where a list divides the address.
    divided_address: [Option<Column>; 2],
    /// The same undivided, with prefecture and municipality.
    whole_address: Option<Column>,
    /// What an export has beside the items.
    passed_over: Vec<Column>,
}

impl Place {
    fn of(sheet: &Sheet<'_>, only: Option<MunicipalityCode>) -> Self {
        Self {
            locality: Localities::of(sheet, only),
            latitude: sheet.column("緯度"),
            longitude: sheet.column("経度"),
            divided_address: ["所在地_町字", "所在地_番地以下"].map(|name| sheet.column(name)),
            whole_address: ["所在地_連結表記", "所在地_連結標記"]
                .into_iter()
                .find_map(|name| sheet.column(name)),
            passed_over: PASSED_OVER.iter().filter_map(|name| sheet.column(name)).collect(),
        }
    }

    fn columns(&self) -> Vec<Column> {
        let Self { locality, latitude, longitude, divided_address, whole_address, passed_over } =
            self;
        let others = [latitude, longitude, whole_address].into_iter().chain(divided_address);
        let others = others.flatten().chain(passed_over).copied();
        locality.columns().chain(others).collect()
    }
}

/// Reads a list of facilities. Every row is good, or each wrong value is told; nothing in between.
///
/// Of a caller who works for one municipality alone, every row of another is an error.
pub fn read(
    bytes: &[u8],
    only: Option<MunicipalityCode>,
) -> Result<(Vec<Row<Facility>>, Findings), Findings> {
    let mut findings = Findings::default();
    let sheet = match Sheet::open(bytes) {
        Ok(sheet) => sheet,
        Err(errors) => return Err(Findings { errors, ..findings }),
    };
    let place = Place::of(&sheet, only);
    let headings = ITEMS.iter().flat_map(|item| item.headings().map(move |text| (text, item)));
    let columns = Columns::of(&sheet, headings, &place.columns(), &mut findings);
    if sheet.column("施設の名称").or(sheet.column("名称")).is_none() {
        findings.error(sheet.line(), "施設の名称", "", &Invalid::Missing);
    }
    place.locality.require(&sheet, &mut findings);
    if !findings.errors.is_empty() {
        return Err(findings);
    }
    let mut rows = Vec::new();
    for record in sheet.records() {
        findings.rows += 1;
        match record {
            Ok(record) => {
                let errors_before = findings.errors.len();
                let row = row(&sheet, &place, &columns, &record, &mut findings);
                rows.extend(row.filter(|_| findings.errors.len() == errors_before));
            }
            Err(errors) => findings.errors.extend(errors),
        }
    }
    let rows = once_each(&sheet, rows, &mut findings);
    if findings.errors.is_empty() { Ok((rows, findings)) } else { Err(findings) }
}

fn row(
    sheet: &Sheet<'_>,
    place: &Place,
    columns: &Columns<Facility>,
    record: &Record<'_>,
    findings: &mut Findings,
) -> Option<Row<Facility>> {
    let locality = place.locality.read(sheet, record, findings);
    let mut row = columns.read(sheet, record, blank(), findings);
    if row.draft.facility_name.is_empty()
        && findings.errors.last().is_none_or(|error| error.line != record.line)
    {
        findings.error(record.line, "施設の名称", "", &Invalid::Missing);
    }
    let location = location(sheet, place, record, findings);
    let locality = locality?;
    if let Some(location) = location {
        row.draft.location = Some(location);
        row.stated.extend(facility::named("location"));
    }
    let [town, number] = place.divided_address.map(|column| {
        column.and_then(|column| cell(sheet, record, column, true, findings)).unwrap_or_default()
    });
    if row.draft.street_address.is_none() {
        let mut whole = || cell(sheet, record, place.whole_address?, true, findings);
        row.draft.street_address = match town.is_empty() {
            true => whole().map(Cow::into_owned),
            false => Some(format!("{town}{number}")),
        };
        let stated = row.draft.street_address.as_ref().and(facility::named("street_address"));
        row.stated.extend(stated);
    }
    let municipality = locality.municipality;
    if let Some(address) = &mut row.draft.street_address {
        // 住所 has the whole address; a ward is in no other item.
        let whole = [municipality.prefecture, municipality.name];
        for name in whole {
            *address = address.strip_prefix(name).unwrap_or(address).trim_start().to_owned();
        }
        if let Some(ward) = locality.ward.filter(|ward| !address.starts_with(ward)) {
            address.insert_str(0, ward);
        }
    }
    row.draft.municipality_code = municipality.code;
    row.draft.prefecture = municipality.prefecture.into();
    row.draft.municipality = municipality.name.into();
    row.draft.derive_items();
    row.draft.facility_id = FacilityId::derive(
        row.draft.office_number.as_deref(),
        &municipality.code,
        &row.draft.facility_name,
    );
    Some(row)
}

fn location(
    sheet: &Sheet<'_>,
    place: &Place,
    record: &Record<'_>,
    findings: &mut Findings,
) -> Option<Location> {
    let mut degrees = |column: Option<Column>| {
        let column = column?;
        let cell = cell(sheet, record, column, true, findings)?;
        let degrees = plain(&cell).parse::<f64>();
        if degrees.is_err() {
            let form = Invalid::Format("35.7512345");
            findings.error(record.line, sheet.heading(column), &cell, &form);
        }
        Some((column, degrees.ok()))
    };
    match (degrees(place.latitude), degrees(place.longitude)) {
        (Some((latitude, Some(lat))), Some((_, Some(lon)))) => match Location::in_japan(lat, lon) {
            Ok(location) => Some(location),
            Err(outside) => {
                let heading = sheet.heading(latitude);
                findings.error(record.line, heading, &format!("{lat},{lon}"), &outside);
                None
            }
        },
        (Some(_), None) => {
            findings.error(record.line, "経度", "", &Invalid::Missing);
            None
        }
        (None, Some(_)) => {
            findings.error(record.line, "緯度", "", &Invalid::Missing);
            None
        }
        _ => None,
    }
}

/// Rows that are the same count once. One number with two different rows, and one name without numbers to tell two
/// facilities apart, are told at the second row.
fn once_each(
    sheet: &Sheet<'_>,
    rows: Vec<Row<Facility>>,
    findings: &mut Findings,
) -> Vec<Row<Facility>> {
    let heading = |item: Option<&'static Item<Facility>>| {
        let item = item.into_iter().flat_map(Item::headings);
        let column = item.filter_map(|heading| sheet.column(heading)).next();
        column.map_or("", |column| sheet.heading(column))
    };
    let number = heading(facility::named("office_number"));
    let name = heading(facility::named("facility_name"));
    let mut by_number = HashMap::<String, usize>::new();
    let mut by_name = HashMap::<(MunicipalityCode, String), Vec<usize>>::new();
    let mut kept: Vec<Row<Facility>> = Vec::with_capacity(rows.len());
    for row in rows {
        let key = (row.draft.municipality_code, text::identity(&row.draft.facility_name));
        let same_name = by_name.entry(key).or_default();
        let same_number = row.draft.office_number.as_ref().and_then(|n| by_number.get(n)).copied();
        let says_the_same = |at: &usize| {
            let other = &kept[*at];
            other.draft == row.draft && other.other_columns == row.other_columns
        };
        if same_number.iter().chain(same_name.iter()).any(says_the_same) {
            continue;
        }
        if let Some(at) = same_number {
            let value = row.draft.office_number.as_deref().unwrap_or_default();
            findings.error(row.line, number, value, &Invalid::SameAsLine(kept[at].line));
            continue;
        }
        // Two numbers are two facilities, whatever their names.
        let numbered = |at: &&usize| kept[**at].draft.office_number.is_some();
        let unclear = match row.draft.office_number {
            Some(_) => same_name.iter().find(|at| !numbered(at)),
            None => same_name.first(),
        };
        if let Some(at) = unclear {
            let value = &row.draft.facility_name;
            findings.error(row.line, name, value, &Invalid::SameAsLine(kept[*at].line));
            continue;
        }
        same_name.push(kept.len());
        if let Some(number) = row.draft.office_number.clone() {
            by_number.insert(number, kept.len());
        }
        kept.push(row);
    }
    kept
}

/// The ids that a facility of this row can have been given: by its office number, or by its name while it had none.
pub fn possible_ids(draft: &Facility) -> BTreeSet<FacilityId> {
    let numbers = [draft.office_number.as_deref(), None];
    let id = |number| FacilityId::derive(number, &draft.municipality_code, &draft.facility_name);
    numbers.map(id).into()
}

/// A facility of which nothing is stated. Where it is comes from the row.
fn blank() -> Facility {
    let nowhere = municipality::known()[0].code;
    Facility {
        facility_id: FacilityId::derive(None, &nowhere, ""),
        office_number: None,
        facility_name: String::new(),
        facility_name_kana: None,
        facility_type: None,
        establishment_body: None,
        municipality_code: nowhere,
        municipality: String::new(),
        prefecture: String::new(),
        postal_code: None,
        street_address: None,
        phone: None,
        location: None,
        capacity: ChildCapacity::default(),
        bookable: false,
        message_to_parents: None,
        external_booking_url: None,
        booking_closes_hours_before: Settings::default().booking_closes_hours_before,
        details: Default::default(),
        notes: Default::default(),
        updated_at: Timestamp::EPOCH,
    }
}
