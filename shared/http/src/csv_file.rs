//! Tables as files for spreadsheets.

use axum::response::{IntoResponse, Response};
use domain::sheet::is_formula;
use http::{HeaderName, header};
use runtime::telemetry::ErrorChain;

use crate::Problem;

/// The cells of a row.
pub type Row = Vec<String>;

/// A table as a file of this name; its first row are the headings.
pub fn csv_file(name: &str, table: &[Row]) -> Result<Response, Problem> {
    Ok(as_file(name, csv_bytes(table)?))
}

/// A table in CSV; its first row are the headings.
pub fn csv_bytes(table: &[Row]) -> Result<Vec<u8>, Problem> {
    written(table).map_err(|error| {
        tracing::error!(error = %ErrorChain(&error), "a table cannot be written");
        Problem::Internal
    })
}

/// A file in CSV that is written already.
pub fn as_file(name: &str, file: Vec<u8>) -> Response {
    // `lambda_http` decodes text, which takes the byte order mark away and leaves the length as it
    // was; what names an encoding, even none, it hands on byte for byte.
    let as_it_is = [(header::CONTENT_ENCODING, "identity")];
    (file_headers(name), as_it_is, file).into_response()
}

/// The headers of a file in CSV with this name.
pub fn file_headers(name: &str) -> [(HeaderName, String); 2] {
    [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ]
}

/// The file: UTF-8 with the byte order mark by which Excel knows it.
fn written(table: &[Row]) -> Result<Vec<u8>, csv::Error> {
    let mut file = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer("\u{feff}".as_bytes().to_vec());
    for row in table {
        file.write_record(row.iter().map(|cell| harmless(cell)))?;
    }
    file.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}

/// A cell on one line that no spreadsheet takes for a formula.
fn harmless(cell: &str) -> String {
    let line = cell.replace("\r\n", " ").replace(['\r', '\n'], " ");
    if is_formula(&line) { format!("'{line}") } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_or_has_a_break_and_excel_knows_the_encoding() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let table = [
            row(["施設名", "件数"]),
            row(["=HYPERLINK(\"https://example.jp\")", "-1"]),
            row(["+81", "@x"]),
            row(["さくら,保育園", "1\r\n2\n3"]),
        ];
        let file = String::from_utf8(written(&table).unwrap()).unwrap();
        let expected = "\u{feff}施設名,件数\r\n\
            \"'=HYPERLINK(\"\"https://example.jp\"\")\",'-1\r\n\
            '+81,'@x\r\n\
            \"さくら,保育園\",1 2 3\r\n";
        assert_eq!(file, expected);
    }
}
