//! The bad rows of a file, given back to be corrected.

use std::{borrow::Cow, collections::BTreeMap};

use super::{RowError, Sheet, is_returned};

/// The headings of the columns that [`errors_csv`] puts before the others: the line, and what is wrong. [`Sheet`] does not
/// read them, so the corrected file can be sent as it is.
pub const RETURNED: [&str; 2] = ["行", "誤り"];

/// The bad rows of a file as they were sent, each with its line and its errors before it: UTF-8 with a byte order mark and
/// CRLF, which Excel opens. An error of the headings or of the file has a row of its own, which a reader skips.
///
/// A cell that begins with `=`, `+`, `-` or `@` is not escaped: it goes back to who sent it, and is read again.
pub fn errors_csv(bytes: &[u8], errors: &[RowError]) -> String {
    let mut by_line = BTreeMap::<u64, Vec<String>>::new();
    for error in errors {
        by_line.entry(error.line).or_default().push(told(error));
    }
    let sheet = Sheet::open(bytes).ok();
    let headings = sheet.iter().flat_map(|sheet| &sheet.headings).map(String::as_str);
    // What an earlier answer added is left out.
    let is_kept = |index: usize| {
        let heading = sheet.as_ref().and_then(|sheet| sheet.headings.get(index));
        !heading.is_some_and(|heading| is_returned(heading))
    };
    let mut csv = String::from('\u{feff}');
    push_row(
        &mut csv,
        RETURNED.into_iter().chain(headings.filter(|heading| !is_returned(heading))),
    );
    let mut push = |line: u64, errors: Vec<String>, cells: &[Cow<'_, str>]| {
        let added = [line.to_string(), errors.join(" ")];
        let sent = cells.iter().enumerate().filter(|(index, _)| is_kept(*index));
        let added = added.iter().map(String::as_str);
        push_row(&mut csv, added.chain(sent.map(|(_, cell)| cell.as_ref())));
    };
    for raw in sheet.iter().flat_map(Sheet::cut) {
        let before: Vec<_> = by_line.range(..raw.line).map(|(line, _)| *line).collect();
        for line in before {
            push(line, by_line.remove(&line).unwrap_or_default(), &[]);
        }
        if let Some(errors) = by_line.remove(&raw.line) {
            push(raw.line, errors, &raw.cells);
        }
    }
    for (line, errors) in by_line {
        push(line, errors, &[]);
    }
    csv
}

/// As in 郵便番号「1」: 形式が正しくありません.
fn told(RowError { column, value, detail, .. }: &RowError) -> String {
    match (column.as_str(), value.as_str()) {
        ("", "") => detail.clone(),
        (column, "") => format!("{column}: {detail}"),
        (column, value) => format!("{column}「{value}」: {detail}"),
    }
}

fn push_row<'a>(csv: &mut String, cells: impl Iterator<Item = &'a str>) {
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            csv.push(',');
        }
        if cell.contains([',', '"', '\r', '\n']) {
            csv.extend(["\"", &cell.replace('"', "\"\""), "\""]);
        } else {
            csv.push_str(cell);
        }
    }
    csv.push_str("\r\n");
}
