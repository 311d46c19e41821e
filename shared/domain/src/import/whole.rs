//! Lists of which a row is the whole statement: of what it is about, an empty cell says that nothing is stated. Columns
//! that a list does not have leave what is there.

use std::{collections::HashMap, hash::Hash};

use super::{
    planned::{Listed, Planned, says_the_same},
    row::{Findings, Row},
};
use crate::{Invalid, Timestamp};

/// What names a row to people, where two rows say different things of one.
pub(super) struct Named {
    /// The heading of the column.
    pub(super) column: String,
    /// What it says there.
    pub(super) value: String,
}

/// Rows that are the same count once. A row that says something else of what an earlier row is about is told.
pub(super) fn once_each<T: Listed, K: Hash + Eq>(
    rows: Vec<(Named, Row<T>)>,
    key: impl Fn(&T) -> K,
    findings: &mut Findings,
) -> Vec<Row<T>> {
    let mut at = HashMap::new();
    let mut kept: Vec<Row<T>> = Vec::with_capacity(rows.len());
    for (Named { column, value }, row) in rows {
        match at.get(&key(&row.draft)).map(|at: &usize| &kept[*at]) {
            None => {
                at.insert(key(&row.draft), kept.len());
                kept.push(row);
            }
            Some(first) if first.draft == row.draft && first.stated == row.stated => {}
            Some(first) => {
                findings.error(row.line, &column, &value, &Invalid::SameAsLine(first.line));
            }
        }
    }
    kept
}

/// What the rows change of what the hub has.
pub(super) fn plan<T: Listed, K: Hash + Eq>(
    rows: &[Row<T>],
    known: &[T],
    key: impl Fn(&T) -> K,
    now: Timestamp,
) -> Vec<Planned<T>> {
    let known: HashMap<K, &T> = known.iter().map(|known| (key(known), known)).collect();
    let planned = |row: &Row<T>| {
        let before = known.get(&key(&row.draft)).copied();
        Planned {
            line: row.line,
            before: before.cloned(),
            after: merged(row, before, now),
            proposed: Vec::new(),
        }
    };
    rows.iter().map(planned).collect()
}

fn merged<T: Listed>(row: &Row<T>, before: Option<&T>, now: Timestamp) -> T {
    let mut after = row.draft.clone();
    let Some(before) = before else {
        *after.updated_at() = now;
        return after;
    };
    for item in T::ITEMS {
        if !row.stated.contains(&item) || says_the_same(item, before, &row.draft) {
            (item.copy)(before, &mut after);
        }
    }
    let mut before = before.clone();
    *after.updated_at() = *before.updated_at();
    if after != before {
        *after.updated_at() = now;
    }
    after
}
