//! What the rows of a list change of the facilities that the hub has.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::Value;

use super::{
    ItemChange, RowChange,
    row::{Findings, Row},
};
use crate::{
    Facility, Invalid, Timestamp,
    facility::{ITEMS, Source},
    item::Item,
    sheet::heading_key,
    text,
};

/// What becomes of one row.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The line of the row.
    pub line: u64,
    /// The facility as the hub has it; none where it is new.
    pub before: Option<Facility>,
    /// As the row makes it: the same as before where there is nothing to change.
    pub after: Facility,
    /// Items that the facility corrected and its municipality approved, and for which the list says something else. They
    /// stay as they are, and are proposed as a change; here with the values of the list.
    pub proposed: Vec<(&'static Item<Facility>, Value)>,
}

impl Planned {
    /// Whether the facility is new.
    pub fn is_new(&self) -> bool {
        self.before.is_none()
    }

    /// Whether anything is written.
    pub fn is_changed(&self) -> bool {
        self.before.as_ref() != Some(&self.after)
    }

    /// What it changes, item by item. Of a new facility nothing is told but that it is new.
    pub fn told(&self) -> RowChange {
        let changed = self.before.iter().flat_map(|before| {
            ITEMS.iter().filter(|item| !(item.same)(before, &self.after)).map(|item| ItemChange {
                field: item.field.into(),
                from: item.json(before),
                to: item.json(&self.after),
                proposed: false,
            })
        });
        let proposed = self.proposed.iter().map(|(item, to)| ItemChange {
            field: item.field.into(),
            from: item.json(&self.after),
            to: to.clone(),
            proposed: true,
        });
        RowChange {
            line: self.line,
            facility_id: self.after.facility_id.clone(),
            facility_name: self.after.facility_name.clone(),
            created: self.is_new(),
            diff: changed.chain(proposed).collect(),
        }
    }
}

/// What the rows of one municipality change of the facilities that the hub has there. A row that fits more than one of
/// them is told.
pub fn plan(
    rows: &[Row<Facility>],
    known: &[Facility],
    now: Timestamp,
    findings: &mut Findings,
) -> Vec<Planned> {
    let by_number: HashMap<&str, &Facility> =
        known.iter().filter_map(|f| Some((f.office_number.as_deref()?, f))).collect();
    let mut by_name = HashMap::<String, Vec<&Facility>>::new();
    for facility in known {
        by_name.entry(text::identity(&facility.facility_name)).or_default().push(facility);
    }
    let mut taken = HashSet::new();
    let mut planned = Vec::with_capacity(rows.len());
    for row in rows {
        let number = row.draft.office_number.as_deref();
        let same_name = by_name.get(&text::identity(&row.draft.facility_name));
        let mut candidates = same_name.into_iter().flatten().copied();
        let found = match number.and_then(|number| by_number.get(number).copied()) {
            Some(numbered) => Ok(Some(numbered)),
            None => {
                let fits = |f: &&Facility| number.is_none() || f.office_number.is_none();
                let fitting: Vec<_> = candidates.by_ref().filter(fits).collect();
                match fitting[..] {
                    [] => Ok(None),
                    [only] => Ok(Some(only)),
                    _ => Err(Invalid::Ambiguous(fitting.len())),
                }
            }
        };
        let name = &row.draft.facility_name;
        match found {
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
fn merge(row: &Row<Facility>, known: Option<&Facility>, now: Timestamp) -> Planned {
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
        if !known.is_some_and(|(_, known)| words(known).eq(words(cell))) {
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

/// Texts that differ in white space alone say the same: an export writes a line break as a space.
fn says_the_same(item: &Item<Facility>, before: &Facility, row: &Facility) -> bool {
    if (item.same)(before, row) {
        return true;
    }
    match (item.write(before), item.write(row)) {
        (Some(before), Some(row)) => words(&before).eq(words(&row)),
        _ => false,
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace()
}
