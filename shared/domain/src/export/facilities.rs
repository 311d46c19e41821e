use std::collections::BTreeMap;

use super::{Column, Table, table};
use crate::{
    Facility,
    change_request::heading,
    facility::{ITEMS, Location},
    item::{Format, YesNo},
    sheet::heading_key,
};

const BOOKABLE: &str = "見学予約の受付";

/// Headings of columns that say what no list changes. An import passes over them.
pub const PASSED_OVER: [&str; 3] = ["施設ID", BOOKABLE, "非公表項目"];

/// A list of facilities as the hub reads it, with all that staff may see: every item, whether families book here (参加園),
/// which items are withheld, and the columns of imported lists that are no items.
pub fn facilities(facilities: &[Facility]) -> Table {
    let [id, bookable, withheld] = PASSED_OVER;
    let place =
        |of: &Facility, part: fn(Location) -> f64| of.location.map(|at| part(at).to_string());
    let mut columns = vec![
        Column::new(id, |of: &Facility| Some(of.facility_id.to_string())),
        Column::new("全国地方公共団体コード", |of: &Facility| {
            Some(of.municipality_code.to_string())
        }),
        Column::new("都道府県", |of: &Facility| Some(of.prefecture.clone())),
        Column::new("市区町村", |of: &Facility| Some(of.municipality.clone())),
    ];
    for item in ITEMS {
        if item.field == "location" {
            columns.push(Column::new("緯度", move |of: &Facility| place(of, |at| at.lat)));
            columns.push(Column::new("経度", move |of: &Facility| place(of, |at| at.lon)));
        } else {
            columns.push(item.into());
        }
    }
    columns.push(Column::new(bookable, |of: &Facility| Some(YesNo::write(&of.takes_requests()))));
    columns.push(Column::new(withheld, |of: &Facility| {
        let headings = of.notes.withheld.iter().filter_map(|field| heading(field));
        Some(headings.collect::<Vec<_>>().join(" "))
    }));
    let other_headings: BTreeMap<String, &String> = facilities
        .iter()
        .flat_map(|of| of.notes.other_columns.keys())
        .map(|heading| (heading_key(heading), heading))
        .collect();
    columns.extend(other_headings.into_iter().map(|(key, heading)| {
        Column::new(heading, move |of: &Facility| {
            let mut others = of.notes.other_columns.iter();
            others.find(|(heading, _)| heading_key(heading) == key).map(|(_, cell)| cell.clone())
        })
    }));
    table(columns, facilities)
}
