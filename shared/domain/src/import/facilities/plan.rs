//! What the rows of a list change of the facilities that the hub has.

use std::collections::{BTreeSet, HashSet};

use crate::{
    Facility, Invalid, Timestamp,
    facility::{ITEMS, Source},
    import::{
        directory::Directory,
        planned::{Planned, same_words, says_the_same},
        row::{Findings, Row},
    },
    sheet::heading_key,
};

/// What the rows of one municipality change of the facilities that the hub has there. A row that fits more than one of
/// them is told.
pub fn plan(
    rows: &[Row<Facility>],
    known: &[Facility],
    now: Timestamp,
    findings: &mut Findings,
) -> Vec<Planned<Facility>> {
    let directory = Directory::of(known);
    let mut taken = HashSet::new();
    let mut planned = Vec::with_capacity(rows.len());
    for row in rows {
        let name = &row.draft.facility_name;
        match directory.find(row.draft.office_number.as_deref(), name) {
            Err(ambiguous) => findings.error(row.line, "施設の名称", name, &ambiguous),
            Ok(Some(known)) if !taken.insert(&known.facility_id) => {
                findings.error(row.line, "施設の名称", name, &Invalid::Repeated);
            }
            Ok(known) => planned.push(merge(row, known, now)),
        }
    }
    planned
}

/// A row over what is known: what it states takes the place of what was imported before, and of nothing that a
/// municipality approved since.
fn merge(row: &Row<Facility>, known: Option<&Facility>, now: Timestamp) -> Planned<Facility> {
    let new = known.is_none();
    let mut after = known.cloned().unwrap_or_else(|| {
        let mut blank = row.draft.clone();
        ITEMS.iter().for_each(|item| (item.clear)(&mut blank));
        blank
    });
    let (mut changed, mut proposed) = (BTreeSet::new(), Vec::new());
    for item in &row.stated {
        if !new && says_the_same(item, &after, &row.draft) {
            continue;
        }
        let approved = after.notes.provenance_of(item.field).is_some_and(|provenance| {
            matches!(provenance.source, Source::Facility | Source::Municipality)
        });
        if approved {
            proposed.push((*item, item.json(&row.draft)));
            continue;
        }
        (item.copy)(&row.draft, &mut after);
        changed.insert(item.field.to_owned());
        match row.as_written.get(item.field) {
            Some(text) => after.notes.as_written.insert(item.field.to_owned(), text.clone()),
            None => after.notes.as_written.remove(item.field),
        };
    }
    for (heading, cell) in &row.other_columns {
        let key = heading_key(heading);
        let mut known = after.notes.other_columns.iter();
        let known = known.find(|(heading, _)| heading_key(heading) == key);
        if !known.is_some_and(|(_, known)| same_words(known, cell)) {
            let heading = known.map_or(heading, |(heading, _)| heading).clone();
            after.notes.other_columns.insert(heading, cell.clone());
        }
    }
    after.derive_items();
    after.notes.state(changed, Source::Import, now);
    if known != Some(&after) {
        after.updated_at = now;
    }
    Planned { line: row.line, before: known.cloned(), after, proposed }
}
