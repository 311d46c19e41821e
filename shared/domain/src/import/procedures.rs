//! Lists of procedures: a row for each fiscal year, or one for two years.

use super::{
    locality::Localities,
    planned::Planned,
    row::{Columns, Findings, Row},
    whole::{self, Named},
};
use crate::{
    Invalid, MunicipalityCode, ProcedureId, Timestamp,
    calendar::{Day, FiscalYear},
    item::Item,
    municipality::{self, Locality},
    procedure::{self, Column, ITEMS, OfYear, Procedure, ResultsByAge},
    sheet::{Record, Sheet},
};

/// What names a procedure: a list has these columns, and no row leaves them empty.
const KEY: [&str; 2] = ["fiscal_year", "procedure_name"];

/// What a procedure has. A list that has no column for it says nothing of it.
const REQUIRED: [&str; 3] = ["fiscal_year", "procedure_name", "publish_from"];

/// What a row of two years says of both.
const OF_BOTH_YEARS: [&str; 3] = ["publish_from", "publish_to", "application_url"];

/// The columns of a list, by the year that they are about.
struct Years {
    this: Columns<Procedure>,
    next: Columns<Procedure>,
}

impl Years {
    fn of(sheet: &Sheet<'_>, locality: &Localities, findings: &mut Findings) -> Self {
        let of_year = |of| {
            let columns = procedure::columns().filter(move |column| column.of == of);
            columns.map(|Column { heading, item, .. }| (heading, item))
        };
        let mut special: Vec<_> = locality.columns().collect();
        let next = Columns::of(sheet, of_year(OfYear::Next), &special, findings);
        special.extend(next.columns());
        let this = Columns::of(sheet, of_year(OfYear::Row), &special, findings);
        this.require_columns(sheet, &KEY, ITEMS, findings);
        this.warn_of_others(sheet, findings);
        Self { this, next }
    }
}

/// Reads a list of procedures. Every row is good, or each wrong value is told; nothing in between. Of a caller who works
/// for one municipality alone, every row of another is an error.
pub fn read(
    bytes: &[u8],
    only: Option<MunicipalityCode>,
) -> Result<(Vec<Row<Procedure>>, Findings), Findings> {
    let mut findings = Findings::default();
    let sheet = match Sheet::open(bytes) {
        Ok(sheet) => sheet,
        Err(errors) => return Err(Findings { errors, ..findings }),
    };
    let locality = Localities::of(&sheet, only);
    locality.require(&sheet, &mut findings);
    let years = Years::of(&sheet, &locality, &mut findings);
    if !findings.errors.is_empty() {
        return Err(findings);
    }
    let mut rows = Vec::new();
    for record in sheet.records() {
        findings.rows += 1;
        match record {
            Ok(record) => {
                let errors_before = findings.errors.len();
                let locality = locality.read(&sheet, &record, &mut findings);
                let of_row = of_row(&sheet, &years, &record, locality, &mut findings);
                rows.extend(of_row.into_iter().filter(|_| findings.errors.len() == errors_before));
            }
            Err(errors) => findings.errors.extend(errors),
        }
    }
    let named = |row: Row<Procedure>| {
        let value = row.draft.procedure_name.clone();
        (Named { column: heading("procedure_name").into(), value }, row)
    };
    let rows = rows.into_iter().map(named).collect();
    let rows = whole::once_each(rows, |of| of.procedure_id.clone(), &mut findings);
    if findings.errors.is_empty() { Ok((rows, findings)) } else { Err(findings) }
}

/// The procedures of a row: that of its year, and that of the next where the row says something of it.
fn of_row(
    sheet: &Sheet<'_>,
    years: &Years,
    record: &Record<'_>,
    locality: Option<Locality>,
    findings: &mut Findings,
) -> Vec<Row<Procedure>> {
    let Years { this, next } = years;
    this.require(sheet, record, &REQUIRED, findings);
    let mut row = this.read_whole(sheet, record, blank(), findings);
    let Some(Locality { municipality, .. }) = locality else { return Vec::new() };
    let draft = &mut row.draft;
    draft.municipality_code = municipality.code;
    draft.prefecture = municipality.prefecture.into();
    draft.municipality = municipality.name.into();
    draft.procedure_id =
        ProcedureId::derive(municipality.code, draft.fiscal_year, &draft.procedure_name);
    if ends_before_it_starts(draft) {
        refuse_end(row.line, draft, findings);
    }

    let Some(following) = row.draft.next_year() else {
        if next.columns().any(|column| !record.cell(column).trim().is_empty()) {
            let year = row.draft.fiscal_year.to_string();
            let known = Invalid::OutOfRange(2020, 2099);
            findings.error(row.line, heading("fiscal_year"), &year, &known);
        }
        return vec![row];
    };
    let mut of_next = next.read_whole(sheet, record, following.clone(), findings);
    if of_next.draft == following {
        return vec![row];
    }
    let of_both = row.stated.iter().filter(|item| OF_BOTH_YEARS.contains(&item.field));
    of_next.stated.extend(of_both);
    vec![row, of_next]
}

/// What the rows change of the procedures that the hub has in their municipalities. A period that ends before it starts
/// is told, and a new procedure of which nobody says when it is published.
pub fn plan(
    rows: &[Row<Procedure>],
    known: &[Procedure],
    now: Timestamp,
    findings: &mut Findings,
) -> Vec<Planned<Procedure>> {
    let planned = whole::plan(rows, known, |of| of.procedure_id.clone(), now);
    for (row, planned) in rows.iter().zip(&planned) {
        let says_when = row.stated.iter().any(|item| item.field == "publish_from");
        if planned.before.is_none() && !says_when {
            findings.error(row.line, heading("publish_from"), "", &Invalid::Missing);
        } else if ends_before_it_starts(&planned.after) {
            refuse_end(row.line, &planned.after, findings);
        }
    }
    planned
}

fn ends_before_it_starts(procedure: &Procedure) -> bool {
    procedure.publish_to.is_some_and(|last| last < procedure.publish_from)
}

fn refuse_end(line: u64, procedure: &Procedure, findings: &mut Findings) {
    let last = procedure.publish_to.as_ref().map(Day::to_string).unwrap_or_default();
    findings.error(line, heading("publish_to"), &last, &Invalid::EndsBeforeStart);
}

fn heading(field: &str) -> &'static str {
    ITEMS.iter().find(|item| item.field == field).map_or("", |item: &Item<_>| item.heading)
}

/// A procedure of which nothing is stated. Where it is comes from the row.
fn blank() -> Procedure {
    let nowhere = municipality::known()[0].code;
    Procedure {
        procedure_id: ProcedureId::derive(nowhere, FiscalYear::FIRST, ""),
        municipality_code: nowhere,
        prefecture: String::new(),
        municipality: String::new(),
        fiscal_year: FiscalYear::FIRST,
        procedure_name: String::new(),
        publish_from: Day::FIRST,
        publish_to: None,
        site_label: None,
        site_url: None,
        file_label: None,
        file_url: None,
        result_month: None,
        results: ResultsByAge::default(),
        result_note: None,
        application_url: None,
        updated_at: Timestamp::EPOCH,
    }
}
