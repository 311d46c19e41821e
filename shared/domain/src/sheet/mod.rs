//! A file that people keep as rows under headings, whatever the columns mean: what each importer reads first.
//!
//! Lines are counted as an editor shows them, so that people find what they are told about. Where a cell is wrong, all
//! wrong cells are told, not the first alone.

mod cut;
mod file;
mod returned;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, collections::HashMap};

pub use returned::{RETURNED, errors_csv};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Invalid, text};
use cut::Cut;

/// What is wrong with one value of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RowError {
    /// The physical line on which the record starts, the heading being line 1.
    pub line: u64,
    /// The heading of the column; empty where the row itself, or the file, is wrong.
    pub column: String,
    /// What the list says.
    pub value: String,
    /// What is wrong with it, in Japanese.
    pub detail: String,
}

impl RowError {
    /// The error of a value.
    pub fn new(line: u64, column: &str, value: &str, invalid: &Invalid) -> Self {
        Self { line, column: column.into(), value: shown(value), detail: invalid.ja() }
    }
}

/// A value of a list that was taken otherwise than it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RowWarning {
    /// The physical line on which the record starts, the heading being line 1.
    pub line: u64,
    /// The heading of the column.
    pub column: String,
    /// What the list says.
    pub value: String,
    /// What it was taken as.
    pub taken_as: String,
    /// Why, in Japanese.
    pub detail: String,
}

/// As much of a value as tells people which one it is.
fn shown(value: &str) -> String {
    const LONGEST: usize = 200;
    match value.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.into(),
    }
}

/// A file whose headings are read. Its records are read as they are asked for.
#[derive(Debug)]
pub struct Sheet<'a> {
    text: Cow<'a, str>,
    separator: u8,
    /// The physical line of the headings.
    line: u64,
    headings: Vec<String>,
    by_key: HashMap<String, Column>,
    /// As many cells as a record has at least.
    width: usize,
}

/// A column of a sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Column(usize);

/// A record of a sheet: as many cells as there are headings, none with a control character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<'a> {
    /// The physical line on which it starts.
    pub line: u64,
    cells: Vec<Cow<'a, str>>,
}

impl<'a> Sheet<'a> {
    /// Reads the encoding, the separator and the headings of a file: UTF-8 or UTF-16 with or without a byte order mark, or
    /// CP932; commas or tabs; any line ends.
    pub fn open(bytes: &'a [u8]) -> Result<Self, Vec<RowError>> {
        let wrong_file = |invalid| vec![RowError::new(1, "", "", &invalid)];
        let text = file::text(bytes).map_err(wrong_file)?;
        let first = |separator| Cut::new(&text, separator).next();
        let (by_comma, by_tab) = (first(b','), first(b'\t'));
        let count = |record: &Option<cut::Raw<'_>>| record.as_ref().map_or(0, |r| r.cells.len());
        let (separator, record) =
            if count(&by_tab) > count(&by_comma) { (b'\t', by_tab) } else { (b',', by_comma) };
        let record = record.ok_or_else(|| wrong_file(Invalid::NoHeadings))?;
        if record.quote_is_open {
            return Err(vec![RowError::new(record.line, "", "", &Invalid::OpenQuote)]);
        }
        let line = record.line;
        let headings: Vec<String> =
            record.cells.iter().map(|heading| one_line(heading).0).collect();

        let (mut by_key, mut errors) = (HashMap::new(), vec![]);
        for (index, heading) in headings.iter().enumerate().filter(|(_, h)| is_column(h)) {
            if by_key.insert(heading_key(heading), Column(index)).is_some() {
                errors.push(RowError::new(line, heading, "", &Invalid::Repeated));
            }
        }
        if by_key.is_empty() {
            return Err(wrong_file(Invalid::NoHeadings));
        }
        let width =
            headings.iter().rposition(|heading| !heading.is_empty()).map_or(0, |last| last + 1);
        let sheet = Self { text, separator, line, headings, by_key, width };
        if errors.is_empty() { Ok(sheet) } else { Err(errors) }
    }

    /// The physical line of the headings, on which a missing column is told.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The column with this heading, in whatever width and with whatever separators it is written.
    pub fn column(&self, heading: &str) -> Option<Column> {
        self.by_key.get(&heading_key(heading)).copied()
    }

    /// The heading of a column, as the file has it.
    pub fn heading(&self, column: Column) -> &str {
        self.headings.get(column.0).map_or("", String::as_str)
    }

    /// All columns in their order, but those without a heading and those that [`errors_csv`] adds.
    pub fn columns(&self) -> impl Iterator<Item = Column> {
        let columns = self.headings.iter().enumerate().filter(|(_, heading)| is_column(heading));
        columns.map(|(index, _)| Column(index))
    }

    /// The records that say anything, or what is wrong with each. They borrow from the sheet and are read one by one.
    pub fn records(&self) -> impl Iterator<Item = Result<Record<'_>, Vec<RowError>>> {
        self.cut()
            .filter(|raw| raw.quote_is_open || !self.is_blank(raw))
            .map(|raw| self.record(raw))
    }

    /// What stands below the headings.
    fn cut(&self) -> impl Iterator<Item = cut::Raw<'_>> {
        Cut::new(&self.text, self.separator).skip(1)
    }

    fn is_blank(&self, raw: &cut::Raw<'_>) -> bool {
        let says = |(index, cell): (usize, &Cow<'_, str>)| {
            let returned = self.headings.get(index).is_some_and(|heading| is_returned(heading));
            !returned && !cell.trim().is_empty()
        };
        !raw.cells.iter().enumerate().any(says)
    }

    fn record<'s>(&'s self, raw: cut::Raw<'s>) -> Result<Record<'s>, Vec<RowError>> {
        let cut::Raw { line, mut cells, quote_is_open } = raw;
        let error =
            |column: &str, value: &str, invalid| RowError::new(line, column, value, &invalid);
        if quote_is_open {
            return Err(vec![error("", "", Invalid::OpenQuote)]);
        }
        let filled =
            cells.iter().rposition(|cell| !cell.trim().is_empty()).map_or(0, |last| last + 1);
        if cells.len() < self.width || filled > self.width {
            let cells = if filled > self.width { filled } else { cells.len() };
            return Err(vec![error("", "", Invalid::CellCount { headings: self.width, cells })]);
        }
        cells.truncate(self.width);
        let wrong = cells.iter().zip(&self.headings).filter_map(|(cell, heading)| {
            if heading.is_empty() && !cell.trim().is_empty() {
                Some(error("", cell, Invalid::NoHeading))
            } else if cell.chars().any(is_refused) {
                Some(error(heading, cell, Invalid::ControlCharacter))
            } else {
                None
            }
        });
        let errors: Vec<_> = wrong.collect();
        if errors.is_empty() { Ok(Record { line, cells }) } else { Err(errors) }
    }
}

impl Record<'_> {
    /// What the record says in a column, as it is written there: with line breaks, and with spaces around it.
    pub fn cell(&self, column: Column) -> &str {
        self.cells.get(column.0).map_or("", |cell| cell)
    }
}

/// Whether a spreadsheet would take a cell for a formula, or would if the apostrophes before it were gone.
pub fn is_formula(cell: &str) -> bool {
    cell.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t'])
}

/// Headings are compared without width, spaces, parentheses and the separators that offices vary.
pub(crate) fn heading_key(heading: &str) -> String {
    let varied = |c: &char| matches!(c, '_' | '・' | '(' | ')');
    text::identity(heading).chars().filter(|c| !varied(c)).collect()
}

fn is_column(heading: &str) -> bool {
    !heading.is_empty() && !is_returned(heading)
}

fn is_returned(heading: &str) -> bool {
    RETURNED.contains(&heading)
}

/// NUL and what else no one can see and no one typed. Breaks and tabs are the importer's business.
fn is_refused(c: char) -> bool {
    c.is_control() && c != '\t' && !text::breaks(c)
}

/// A cell put on one line, and whether it was on more: breaks and tabs inside it become one space, those at its ends go.
///
/// ```
/// use domain::sheet::one_line;
/// assert_eq!(one_line("板橋2-21-1\r\nひかりビル"), ("板橋2-21-1 ひかりビル".into(), true));
/// assert_eq!(one_line(" 板橋 2-21-1\n"), ("板橋 2-21-1".into(), false));
/// ```
pub fn one_line(cell: &str) -> (String, bool) {
    let parts: Vec<_> = cell
        .split(|c| c == '\t' || text::breaks(c))
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect();
    (parts.join(" "), parts.len() > 1)
}
