//! What the rows of a list change of what the hub has.

use serde_json::Value;

use super::job::{ItemChange, RowChange};
use crate::{
    Facility, Timestamp, facility,
    item::Item,
    procedure::{self, Procedure},
    vacancy::{self, Vacancy},
};

/// A thing of which offices keep lists.
pub trait Listed: Clone + PartialEq + Sized + 'static {
    /// Its items.
    const ITEMS: &'static [Item<Self>];

    /// The hub's id; of what a facility has free, the facility's.
    fn id(&self) -> &str;

    /// What people call it.
    fn name(&self) -> String;

    /// When it last changed.
    fn updated_at(&mut self) -> &mut Timestamp;
}

impl Listed for Facility {
    const ITEMS: &'static [Item<Self>] = facility::ITEMS;

    fn id(&self) -> &str {
        self.facility_id.as_str()
    }

    fn name(&self) -> String {
        self.facility_name.clone()
    }

    fn updated_at(&mut self) -> &mut Timestamp {
        &mut self.updated_at
    }
}

impl Listed for Procedure {
    const ITEMS: &'static [Item<Self>] = procedure::ITEMS;

    fn id(&self) -> &str {
        self.procedure_id.as_str()
    }

    fn name(&self) -> String {
        format!("{}（{}年度）", self.procedure_name, self.fiscal_year)
    }

    fn updated_at(&mut self) -> &mut Timestamp {
        &mut self.updated_at
    }
}

impl Listed for Vacancy {
    const ITEMS: &'static [Item<Self>] = vacancy::ITEMS;

    fn id(&self) -> &str {
        self.facility_id.as_str()
    }

    fn name(&self) -> String {
        format!("{}（{}）", self.facility_name, self.base_month.ja())
    }

    fn updated_at(&mut self) -> &mut Timestamp {
        &mut self.updated_at
    }
}

/// What becomes of one thing of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned<T: 'static> {
    /// The line of its row.
    pub line: u64,
    /// As the hub has it; none where it is new.
    pub before: Option<T>,
    /// As the row makes it: the same as before where there is nothing to change.
    pub after: T,
    /// Items of a facility that the facility corrected and its municipality approved, and for which the list says
    /// something else. They stay as they are, and are proposed as a change; here with the values of the list.
    pub proposed: Vec<(&'static Item<T>, Value)>,
}

impl<T: Listed> Planned<T> {
    /// Whether it is new.
    pub fn is_new(&self) -> bool {
        self.before.is_none()
    }

    /// Whether anything is written.
    pub fn is_changed(&self) -> bool {
        self.before.as_ref() != Some(&self.after)
    }

    /// What changes, item by item. Of a new thing nothing is told but that it is new.
    pub fn told(&self) -> RowChange {
        let changed = self.before.iter().flat_map(|before| {
            T::ITEMS.iter().filter(|item| !(item.same)(before, &self.after)).map(|item| {
                ItemChange {
                    field: item.field.into(),
                    from: item.json(before),
                    to: item.json(&self.after),
                    proposed: false,
                }
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
            id: self.after.id().into(),
            name: self.after.name(),
            created: self.is_new(),
            diff: changed.chain(proposed).collect(),
        }
    }
}

/// Texts that differ in white space alone say the same: an export writes a line break as a space.
pub(super) fn says_the_same<T>(item: &Item<T>, before: &T, row: &T) -> bool {
    if (item.same)(before, row) {
        return true;
    }
    item.write(before).zip(item.write(row)).is_some_and(|(before, row)| same_words(&before, &row))
}

/// Whether two texts differ in white space at most.
pub(super) fn same_words(one: &str, other: &str) -> bool {
    one.split_whitespace().eq(other.split_whitespace())
}
