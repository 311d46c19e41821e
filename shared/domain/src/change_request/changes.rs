//! What is asked to be changed of a facility, field by field.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    Facility, Invalid,
    facility::{ITEMS, named},
    invalid::{InputErrors, push_token},
    item::Item,
};

/// Names the items that a facility shows to nobody but staff (非公表, FAC-18). It is changed like an item.
pub const WITHHELD: &str = "withheld";

/// Values as somebody wants them, by field.
pub type Wanted = BTreeMap<String, Value>;

/// What one field was when the change was asked for, and what it is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[allow(missing_docs, reason = "the names say it")]
pub struct FieldChange {
    pub from: Value,
    pub to: Value,
}

/// What is asked to be changed, by field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Changes(BTreeMap<String, FieldChange>);

/// Something that can be changed under a name.
enum Field {
    Item(&'static Item<Facility>),
    Withheld,
}

impl Field {
    fn named(name: &str) -> Option<Self> {
        if name == WITHHELD { Some(Self::Withheld) } else { named(name).map(Self::Item) }
    }

    fn json(&self, of: &Facility) -> Value {
        match self {
            Self::Item(item) => item.json(of),
            Self::Withheld => of.notes.withheld.iter().cloned().collect(),
        }
    }

    fn set(&self, of: &mut Facility, value: Value) -> Result<(), Invalid> {
        match self {
            Self::Item(item) => item.set(of, value),
            Self::Withheld => {
                let names: Option<BTreeSet<String>> =
                    serde_json::from_value(value).map_err(|_| Invalid::WrongType("array"))?;
                let names = names.unwrap_or_default();
                if !names.iter().all(|name| may_be_withheld(name, of)) {
                    return Err(Invalid::NotListed);
                }
                of.notes.withheld = names;
                Ok(())
            }
        }
    }
}

/// Whatever need not be stated may be withheld.
fn may_be_withheld(name: &str, of: &Facility) -> bool {
    named(name).is_some_and(|item| item.set(&mut of.clone(), Value::Null) != Err(Invalid::Missing))
}

/// The heading of a field in the hub's lists.
pub fn heading(field: &str) -> Option<&'static str> {
    if field == WITHHELD { Some("非公表項目") } else { named(field).map(|item| item.heading) }
}

/// Where a field stands in a request.
fn pointer(field: &str) -> String {
    let mut pointer = "/changes".to_owned();
    push_token(&mut pointer, field);
    pointer
}

impl Changes {
    /// What is wanted otherwise than it is. Everything that is wrong is told at once.
    pub fn of(wanted: &Wanted, facility: &Facility) -> Result<Self, InputErrors> {
        Self::default().with(wanted, facility)
    }

    /// The same with other values for some fields. What is wanted as it is now is asked for no longer.
    pub fn with(&self, wanted: &Wanted, facility: &Facility) -> Result<Self, InputErrors> {
        let (mut changes, mut wrong) = (self.0.clone(), InputErrors::default());
        for (name, value) in wanted {
            match changed(name, value, facility) {
                Err(invalid) => wrong.0.extend(InputErrors::one(pointer(name), invalid).0),
                Ok(FieldChange { from, to }) if from == to => drop(changes.remove(name)),
                Ok(change) => drop(changes.insert(name.clone(), change)),
            }
        }
        match (wrong.0.is_empty(), changes.is_empty()) {
            (false, _) => Err(wrong),
            (true, true) => Err(InputErrors::one("/changes", Invalid::ChangesNothing)),
            (true, false) => Ok(Self(changes)),
        }
    }

    /// Each field with its change: items in the order of the hub's lists.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &FieldChange)> {
        let names = ITEMS.iter().map(|item| item.field).chain([WITHHELD]);
        let known = names.filter_map(|name| Some((name, self.0.get(name)?)));
        // What only a newer version knows comes last.
        let unknown = self.0.iter().filter(|(name, _)| Field::named(name).is_none());
        known.chain(unknown.map(|(name, change)| (name.as_str(), change)))
    }

    /// The names of the fields.
    pub fn fields(&self) -> BTreeSet<String> {
        self.0.keys().cloned().collect()
    }

    /// The fields that are to have another value than by these others.
    pub fn fields_other_than(&self, others: &Self) -> BTreeSet<String> {
        let other = |(name, change): &(&String, &FieldChange)| {
            others.0.get(*name).is_none_or(|before| before.to != change.to)
        };
        self.0.iter().filter(other).map(|(name, _)| name.clone()).collect()
    }

    /// The facility with these values; or what of it somebody changed since they were asked for.
    pub(super) fn applied_to(&self, facility: &Facility) -> Result<Facility, InputErrors> {
        let (mut after, mut wrong) = (facility.clone(), InputErrors::default());
        for (name, change) in &self.0 {
            let set = match Field::named(name) {
                Some(field) if field.json(facility) == change.from => {
                    field.set(&mut after, change.to.clone())
                }
                Some(_) => Err(Invalid::ChangedSince),
                None => Err(Invalid::UnknownField),
            };
            if let Err(invalid) = set {
                wrong.0.extend(InputErrors::one(pointer(name), invalid).0);
            }
            after.notes.as_written.remove(name);
        }
        after.derive_items();
        if wrong.0.is_empty() { Ok(after) } else { Err(wrong) }
    }
}

/// What a field is now, and what it would be.
fn changed(name: &str, value: &Value, facility: &Facility) -> Result<FieldChange, Invalid> {
    let field = Field::named(name).ok_or(Invalid::UnknownField)?;
    let mut after = facility.clone();
    field.set(&mut after, value.clone())?;
    Ok(FieldChange { from: field.json(facility), to: field.json(&after) })
}
