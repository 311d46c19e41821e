use super::{Cell, Table, table};
use crate::{
    calendar::FiscalYear,
    item::json,
    vacancy::{ITEMS, Places, Vacancy},
};

/// A list of vacancies as the hub reads it.
pub fn vacancies(vacancies: &[Vacancy]) -> Table {
    table(ITEMS, vacancies)
}

/// What is free of an age class.
struct OfAge {
    vacancy: Vacancy,
    age_class: &'static str,
    places: Places,
}

/// By the years, which are numbers, checkers of tables tell the rows from the headings.
const LONG: [(&str, Cell<OfAge>); 8] = [
    ("municipality_code", |of| Some(of.vacancy.municipality_code.to_string())),
    ("facility_id", |of| Some(of.vacancy.facility_id.to_string())),
    ("fiscal_year", |of| FiscalYear::of(of.vacancy.base_month).map(|year| year.to_string())),
    ("base_year", |of| Some(of.vacancy.base_month.year().to_string())),
    ("base_month", |of| Some(of.vacancy.base_month.to_string())),
    ("age_class", |of| Some(of.age_class.into())),
    ("vacancy_count", |of| of.places.count.map(|count| count.to_string())),
    ("vacancy_mark", |of| json(&of.places.mark?).as_str().map(str::to_owned)),
];

/// What is free, for programs: a row for each facility, month and age class of which something is stated. No cell names a
/// facility but by its id, so nothing that it withholds is in it.
pub fn vacancies_long(vacancies: &[Vacancy]) -> Table {
    let rows: Vec<_> = vacancies.iter().flat_map(ages).collect();
    table(LONG, &rows)
}

fn ages(vacancy: &Vacancy) -> impl Iterator<Item = OfAge> {
    let of = &vacancy.places;
    let ages = [
        ("age_0", of.age_0),
        ("age_1", of.age_1),
        ("age_2", of.age_2),
        ("age_3", of.age_3),
        ("age_4", of.age_4),
        ("age_5", of.age_5),
        ("age_0_2", of.age_0_2),
    ];
    let stated = ages.into_iter().filter_map(|(age_class, places)| Some((age_class, places?)));
    stated.map(|(age_class, places)| OfAge { vacancy: vacancy.clone(), age_class, places })
}
