use jiff::civil::Date;

use super::{Cell, Table, table};
use crate::procedure::{AgeResult, ITEMS, Procedure};

/// A list of procedures as the hub reads it.
pub fn procedures(procedures: &[Procedure]) -> Table {
    table(ITEMS, procedures)
}

/// How it went in an age class.
struct OfAge {
    procedure: Procedure,
    age_class: &'static str,
    result: AgeResult,
}

/// With the name and not the id of the procedure: the id is made of the municipality, the fiscal year and the name.
const LONG: [(&str, Cell<OfAge>); 9] = [
    ("municipality_code", |of| Some(of.procedure.municipality_code.to_string())),
    ("procedure_name", |of| Some(of.procedure.procedure_name.clone())),
    ("fiscal_year", |of| Some(of.procedure.fiscal_year.to_string())),
    ("result_year", |of| of.procedure.result_month.map(|month| month.year().to_string())),
    ("result_month", |of| of.procedure.result_month.map(|month| month.to_string())),
    ("age_class", |of| Some(of.age_class.into())),
    ("openings_count", |of| of.result.openings.map(|count| count.to_string())),
    ("applications_count", |of| of.result.applications.map(|count| count.to_string())),
    ("admissions_count", |of| of.result.admissions.map(|count| count.to_string())),
];

/// What is published today, for programs: a row for each procedure and age class of which something is stated.
pub fn procedures_long(procedures: &[Procedure], today: Date) -> Table {
    let published = procedures.iter().filter(|procedure| procedure.is_published(today));
    let rows: Vec<_> = published.flat_map(ages).collect();
    table(LONG, &rows)
}

fn ages(procedure: &Procedure) -> impl Iterator<Item = OfAge> {
    let of = &procedure.results;
    let ages = [
        ("age_0", of.age_0),
        ("age_1", of.age_1),
        ("age_2", of.age_2),
        ("age_3", of.age_3),
        ("age_4", of.age_4),
        ("age_5", of.age_5),
    ];
    let stated = ages.into_iter().filter(|(_, result)| *result != AgeResult::default());
    stated.map(|(age_class, result)| OfAge { procedure: procedure.clone(), age_class, result })
}
