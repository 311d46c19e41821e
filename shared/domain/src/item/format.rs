use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use utoipa::PartialSchema;

use crate::Invalid;

/// How the values of an item are written: in the cell of a list, and in JSON.
pub trait Format {
    /// What a value is once it is read.
    type Value: Clone + PartialEq + Serialize + DeserializeOwned + PartialSchema;

    /// What JSON calls its type.
    const TYPE: &'static str = "string";

    /// Whether a cell has one line.
    const ONE_LINE: bool = true;

    /// Whether people write it in ways that are worth keeping beside what the hub takes from them.
    const REWRITES: bool = false;

    /// The codes that JSON has for its values, each with its label; none where they are no codes.
    const CODES: &'static [(&'static str, &'static str)] = &[];

    /// Whether what stands in a cell, though it is not empty, says that the value is not stated.
    fn is_unstated(_cell: &str) -> bool {
        false
    }

    /// Reads what people write, in any usual writing.
    fn read(cell: &str) -> Result<Self::Value, Invalid>;

    /// The one writing that the hub has of it.
    fn write(value: &Self::Value) -> String;

    /// Reads a value of JSON: its own form, or a text as in a cell.
    fn from_json(value: Value) -> Result<Self::Value, Invalid> {
        match value {
            Value::String(text) => Self::read(&text),
            other => {
                let value = serde_json::from_value(other);
                let value = value.map_err(|_| Invalid::WrongType(Self::TYPE))?;
                // What JSON says is held to the same limits as a cell.
                Self::read(&Self::write(&value))
            }
        }
    }
}
