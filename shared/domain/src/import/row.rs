//! One row of a list, by the table of items.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use unicode_normalization::UnicodeNormalization;

use crate::{
    Invalid,
    item::Item,
    sheet::{Column, Record, RowError, RowWarning, Sheet, is_formula, one_line},
    text,
};

/// What one row states of a thing.
#[derive(Debug, Clone, PartialEq)]
pub struct Row<T: 'static> {
    /// The physical line on which it starts.
    pub line: u64,
    /// The thing, with what the row states and nothing else.
    pub draft: T,
    /// The items that it states; where a row is the whole statement, those of all columns.
    pub stated: Vec<&'static Item<T>>,
    /// What it says where the hub keeps another writing, by field.
    pub as_written: BTreeMap<String, String>,
    /// What it says in columns that are no item, by heading.
    pub other_columns: BTreeMap<String, String>,
}

/// What is wrong with a list, and what was taken otherwise than it is written.
#[derive(Debug, Default)]
pub struct Findings {
    /// How many records the list has.
    pub rows: usize,
    /// Each keeps the whole list from being imported.
    pub errors: Vec<RowError>,
    /// These keep it from nothing.
    pub warnings: Vec<RowWarning>,
}

impl Findings {
    pub(super) fn error(&mut self, line: u64, column: &str, value: &str, invalid: &Invalid) {
        self.errors.push(RowError::new(line, column, value, invalid));
    }

    pub(super) fn warning(
        &mut self,
        line: u64,
        column: &str,
        value: &str,
        taken_as: &str,
        detail: &str,
    ) {
        let (column, value) = (column.into(), value.into());
        let (taken_as, detail) = (taken_as.into(), detail.into());
        self.warnings.push(RowWarning { line, column, value, taken_as, detail });
    }
}

/// Which columns of a sheet say which items.
pub(super) struct Columns<T: 'static> {
    items: Vec<(Column, &'static Item<T>)>,
    others: Vec<Column>,
}

impl<T> Columns<T> {
    /// By the headings of the items; `special` columns are read by the importer itself. Of two columns for one item the
    /// second is told.
    pub(super) fn of(
        sheet: &Sheet<'_>,
        headings: impl Iterator<Item = (impl AsRef<str>, &'static Item<T>)>,
        special: &[Column],
        findings: &mut Findings,
    ) -> Self {
        let mut found: Vec<(Column, &'static Item<T>)> = Vec::new();
        let mut twice = BTreeSet::new();
        for (heading, item) in headings {
            let column = sheet.column(heading.as_ref());
            let Some(column) = column.filter(|column| !special.contains(column)) else { continue };
            match found.iter().find(|(_, known)| *known == item) {
                None => found.push((column, item)),
                Some((known, _)) if *known == column => {}
                Some(_) => drop(twice.insert(column)),
            }
        }
        for column in &twice {
            findings.error(sheet.line(), sheet.heading(*column), "", &Invalid::Repeated);
        }
        let known = |column: &Column| {
            special.contains(column) || found.iter().any(|(known, _)| known == column)
        };
        let others = sheet.columns().filter(|column| !known(column)).collect();
        Self { items: found, others }
    }

    /// Which columns they are.
    pub(super) fn columns(&self) -> impl Iterator<Item = Column> {
        self.items.iter().map(|(column, _)| *column)
    }

    /// Warns of the columns that are no item, of a list that has no place to keep them.
    pub(super) fn warn_of_others(&self, sheet: &Sheet<'_>, findings: &mut Findings) {
        for column in &self.others {
            let why = "取り込む項目にない列です。この列は取り込みません。";
            findings.warning(sheet.line(), sheet.heading(*column), "", "", why);
        }
    }

    /// Tells which of these items a record leaves empty.
    pub(super) fn require(
        &self,
        sheet: &Sheet<'_>,
        record: &Record<'_>,
        fields: &[&str],
        findings: &mut Findings,
    ) {
        for (column, _) in self.items.iter().filter(|(_, item)| fields.contains(&item.field)) {
            if cell(sheet, record, *column, false, findings).is_none() {
                findings.error(record.line, sheet.heading(*column), "", &Invalid::Missing);
            }
        }
    }

    /// Tells which of these items a list has no column for.
    pub(super) fn require_columns(
        &self,
        sheet: &Sheet<'_>,
        fields: &[&str],
        all: &[Item<T>],
        findings: &mut Findings,
    ) {
        let has = |field: &str| self.items.iter().any(|(_, item)| item.field == field);
        for item in all.iter().filter(|item| fields.contains(&item.field) && !has(item.field)) {
            findings.error(sheet.line(), item.heading, "", &Invalid::Missing);
        }
    }

    /// The same as [`Self::read`] where a row is the whole statement: an empty cell says that nothing is stated, and a
    /// column that the list does not have says nothing.
    pub(super) fn read_whole(
        &self,
        sheet: &Sheet<'_>,
        record: &Record<'_>,
        draft: T,
        findings: &mut Findings,
    ) -> Row<T> {
        let stated = self.items.iter().map(|(_, item)| *item).collect();
        Row { stated, ..self.read(sheet, record, draft, findings) }
    }

    /// Reads a record into a thing of which nothing is stated yet.
    pub(super) fn read(
        &self,
        sheet: &Sheet<'_>,
        record: &Record<'_>,
        mut draft: T,
        findings: &mut Findings,
    ) -> Row<T> {
        let (mut stated, mut as_written) = (Vec::new(), BTreeMap::new());
        for &(column, item) in &self.items {
            let heading = sheet.heading(column);
            let Some(cell) = cell(sheet, record, column, item.one_line, findings) else { continue };
            match item.read(&mut draft, &cell) {
                Ok(()) => {
                    stated.push(item);
                    let kept = item.write(&draft).unwrap_or_default();
                    if item.rewrites && text::identity(&kept) != text::identity(&cell) {
                        as_written.insert(item.field.to_owned(), cell.into_owned());
                    }
                }
                Err(invalid) => findings.error(record.line, heading, &cell, &invalid),
            }
        }
        let other = |column: &Column| {
            let cell = said(record, *column);
            (!cell.is_empty()).then(|| (sheet.heading(*column).to_owned(), cell.nfc().collect()))
        };
        let other_columns = self.others.iter().filter_map(other).collect();
        Row { line: record.line, draft, stated, as_written, other_columns }
    }
}

/// What a record says. The apostrophe that an export puts before what a spreadsheet would take for a formula is no part of it.
fn said<'a>(record: &'a Record<'_>, column: Column) -> &'a str {
    let cell = record.cell(column).trim();
    cell.strip_prefix('\'').filter(|rest| is_formula(rest)).unwrap_or(cell)
}

/// What a cell states: nothing where it is empty, or has a dash for that. What must be on one line is put on one, and told.
pub(super) fn cell<'a>(
    sheet: &Sheet<'_>,
    record: &'a Record<'_>,
    column: Column,
    on_one_line: bool,
    findings: &mut Findings,
) -> Option<Cow<'a, str>> {
    let sent = said(record, column);
    if sent.chars().all(|c| matches!(c, '-' | 'ー' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '－'))
    {
        return None;
    }
    if !on_one_line {
        return Some(sent.into());
    }
    let (line, was_broken) = one_line(sent);
    if was_broken {
        let why = "改行やタブを空白にしました。";
        findings.warning(record.line, sheet.heading(column), sent, &line, why);
        return Some(line.into());
    }
    Some(sent.into())
}
