//! The data items that the hub keeps of nurseries, a line each: what an item is called in JSON and in lists, how its values
//! are written, who may see it, and what a nursery is told to enter.
//!
//! Imports, exports, validation, the comparison of a change with what is there, and the OpenAPI document follow from
//! the table of a thing, such as [`crate::facility::ITEMS`]. To add an item is to add its line there.

mod calendar;
mod clock;
mod code;
mod format;
mod number;
mod table;
mod text;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

pub use clock::{Closes, LocalTime, OpenDay, OpenDays, Opens};
pub(crate) use code::{code_list, label_identity};
pub use format::Format;
pub use number::{Count, FewCount, Minutes, Staff, Yen};
pub(crate) use table::{item, json, table};
pub(crate) use text::plain;
pub use text::{
    CorporateNumber, Line, MunicipalityNumber, OfficeNumber, Phone, PostalCode, WebPage, WebPages,
    Words, YesNo,
};

use crate::Invalid;

/// Who may see an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Anybody.
    Public,
    /// Search sites, ICT systems and staff.
    Vendor,
    /// Staff alone.
    Staff,
}

/// One data item of a thing such as a facility.
#[derive(Debug)]
pub struct Item<T: 'static> {
    /// Its name in JSON, and in the hub's own words.
    pub field: &'static str,
    /// Its heading in the hub's lists.
    pub heading: &'static str,
    /// Its headings in lists of others.
    pub other_headings: &'static [&'static str],
    /// Who may see it where the facility does not say otherwise.
    pub visibility: Visibility,
    /// What to enter (記入要領), with an example.
    pub guide: &'static str,
    /// The codes that JSON has for its values, each with its label; none where they are no codes.
    pub codes: &'static [(&'static str, &'static str)],
    /// Whether its cells are on one line.
    pub one_line: bool,
    /// Whether people write it in ways that the hub does not keep, so that what they wrote is kept beside it.
    pub rewrites: bool,
    pub(crate) read: fn(&mut T, &str) -> Result<(), Invalid>,
    pub(crate) write: fn(&T) -> Option<String>,
    pub(crate) json: fn(&T) -> Value,
    /// Whether it says the same of both.
    pub(crate) same: fn(&T, &T) -> bool,
    /// Takes the value of one over into the other.
    pub(crate) copy: fn(&T, &mut T),
    /// Takes the value away, unless there must be one.
    pub(crate) clear: fn(&mut T),
    pub(crate) set: fn(&mut T, Value) -> Result<(), Invalid>,
}

impl<T> PartialEq for Item<T> {
    fn eq(&self, other: &Self) -> bool {
        self.field == other.field
    }
}

impl<T> Item<T> {
    /// Takes the value of a cell, which is not empty.
    pub fn read(&self, of: &mut T, cell: &str) -> Result<(), Invalid> {
        (self.read)(of, cell)
    }

    /// As a cell has it; `None` where it is not stated.
    pub fn write(&self, of: &T) -> Option<String> {
        (self.write)(of)
    }

    /// As JSON carries it; `null` where it is not stated.
    pub fn json(&self, of: &T) -> Value {
        (self.json)(of)
    }

    /// Takes a value of JSON; `null` says that it is not stated.
    pub fn set(&self, of: &mut T, value: Value) -> Result<(), Invalid> {
        (self.set)(of, value)
    }

    /// Whether something is stated.
    pub fn is_stated(&self, of: &T) -> bool {
        !self.json(of).is_null()
    }

    /// Every heading under which the item is found.
    pub fn headings(&self) -> impl Iterator<Item = &'static str> {
        [self.heading].into_iter().chain(self.other_headings.iter().copied())
    }
}
