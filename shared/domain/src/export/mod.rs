//! Tables of what a municipality has in the hub, as files (IMP-02, IMP-03, IMP-05, IMP-06).
//!
//! They keep the state's rules for machine-readable data (機械可読性ルール, 2026-03-31): a cell has one line and no spaces for
//! its looks, a number has no unit, a heading is there once, a row leaves nothing to the row above it. The tables for
//! programs, [`vacancies_long`] and [`procedures_long`], have a row for each observation, names in ASCII, and codes that
//! [`codes`] tells.

mod change_requests;
mod codes;
mod facilities;
mod open_data;
mod procedures;
mod vacancies;

pub use self::{
    change_requests::change_requests,
    codes::{Code, codes},
    facilities::{PASSED_OVER, facilities},
    open_data::open_data,
    procedures::{procedures, procedures_long},
    vacancies::{vacancies, vacancies_long},
};
use crate::item::Item;

/// Rows of cells; the first are the headings.
pub type Table = Vec<Vec<String>>;

/// What a column of a table of `T` says of each; nothing where it is not stated.
type Cell<T> = fn(&T) -> Option<String>;

/// A column: its heading, and what it says.
struct Column<'a, T> {
    heading: &'a str,
    cell: Box<dyn Fn(&T) -> Option<String> + 'a>,
}

impl<'a, T> Column<'a, T> {
    fn new(heading: &'a str, cell: impl Fn(&T) -> Option<String> + 'a) -> Self {
        Self { heading, cell: Box::new(cell) }
    }
}

impl<T: 'static> From<(&'static str, Cell<T>)> for Column<'_, T> {
    fn from((heading, cell): (&'static str, Cell<T>)) -> Self {
        Self { heading, cell: Box::new(cell) }
    }
}

/// As an import reads it.
impl<T: 'static> From<&'static Item<T>> for Column<'_, T> {
    fn from(item: &'static Item<T>) -> Self {
        Self { heading: item.heading, cell: Box::new(|of| item.write(of)) }
    }
}

fn table<'a, T: 'a>(
    columns: impl IntoIterator<Item = impl Into<Column<'a, T>>>,
    rows: &[T],
) -> Table {
    let columns: Vec<Column<'_, T>> = columns.into_iter().map(Into::into).collect();
    let headings = columns.iter().map(|column| column.heading.to_owned()).collect();
    let cell = |column: &Column<'_, T>, of: &T| one_line(&(column.cell)(of).unwrap_or_default());
    let rows = rows.iter().map(|of| columns.iter().map(|column| cell(column, of)).collect());
    [headings].into_iter().chain(rows).collect()
}

/// On one line, with single spaces. An import takes a text that differs in white space alone for the same.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
