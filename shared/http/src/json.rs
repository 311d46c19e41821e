//! JSON as a request sends it: a field that comes twice is an error, for nobody knows which of the two was meant.

use std::fmt;

use domain::{
    Invalid,
    invalid::{InputErrors, push_token},
};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Reads a body, and tells which of its fields come again.
pub(crate) fn read(bytes: &[u8]) -> Result<(Value, InputErrors), serde_json::Error> {
    let mut repeated = InputErrors::default();
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let location = Location { pointer: String::new(), repeated: &mut repeated };
    let value = location.deserialize(&mut json)?;
    json.end()?;
    Ok((value, repeated))
}

/// A value to be read, and where it stands.
struct Location<'a> {
    pointer: String,
    repeated: &'a mut InputErrors,
}

impl<'de> DeserializeSeed<'de> for Location<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Location<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut read = Vec::new();
        loop {
            let pointer = format!("{}/{}", self.pointer, read.len());
            let location = Location { pointer, repeated: &mut *self.repeated };
            match items.next_element_seed(location)? {
                Some(item) => read.push(item),
                None => return Ok(Value::Array(read)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut read = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            let mut pointer = self.pointer.clone();
            push_token(&mut pointer, &name);
            if read.contains_key(&name) {
                self.repeated.0.extend(InputErrors::one(pointer.as_str(), Invalid::Repeated).0);
            }
            let location = Location { pointer, repeated: &mut *self.repeated };
            read.insert(name, fields.next_value_seed(location)?);
        }
        Ok(Value::Object(read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_read_as_it_is_and_every_repeated_field_is_told() {
        let plain =
            r#"{"a": [1, -2, 2.5, true, null, "あ", {"b/c": {}}], "d": 18446744073709551615}"#;
        let (value, repeated) = read(plain.as_bytes()).unwrap();
        assert_eq!(value, serde_json::from_str::<Value>(plain).unwrap());
        assert!(repeated.0.is_empty());

        let twice = r#"{"a": 1, "a": 1, "b": [{"c/d": 1, "c/d": 2}]}"#;
        let (_, repeated) = read(twice.as_bytes()).unwrap();
        let pointers: Vec<_> = repeated.0.into_iter().map(|error| error.pointer).collect();
        assert_eq!(pointers, ["/a", "/b/0/c~1d"]);
        assert!(read(b"{} {}").is_err() && read(b"{").is_err());
    }
}
