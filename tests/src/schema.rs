//! Whether a value is what a schema of the OpenAPI document says: as much of JSON Schema as the document uses. A keyword
//! that is not known here fails, so that none is passed over. Stricter than the standard in one thing: no object has a
//! field that its schema does not name.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// What a schema says of a value at a place: what is wrong with it, and the fields of it that are named.
#[derive(Default)]
struct Verdict<'a> {
    wrong: Vec<String>,
    named: BTreeSet<&'a str>,
}

/// What is wrong with a value, by the places in it.
pub fn errors(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    whole(document, schema, value, "").wrong
}

/// The verdict on a value of which this schema says all that there is to say.
fn whole<'a>(document: &'a Value, schema: &'a Value, value: &'a Value, at: &str) -> Verdict<'a> {
    let mut verdict = part(document, schema, value, at);
    let says_which = ["type", "$ref", "allOf", "oneOf", "anyOf", "enum", "const", "properties"];
    if says_which.iter().all(|keyword| schema.get(keyword).is_none()) {
        // It may be anything.
        return verdict;
    }
    let fields = value.as_object().into_iter().flat_map(Map::keys);
    let unnamed = fields.filter(|name| !verdict.named.contains(name.as_str()));
    let unnamed: Vec<_> = unnamed.map(|name| format!("{at}/{name} is not in the schema")).collect();
    verdict.wrong.extend(unnamed);
    verdict
}

/// The verdict of one schema, of which others may say more.
fn part<'a>(document: &'a Value, schema: &'a Value, value: &'a Value, at: &str) -> Verdict<'a> {
    let mut verdict = Verdict::default();
    for (keyword, said) in schema.as_object().into_iter().flatten() {
        let told = said.as_array().map(Vec::as_slice).unwrap_or_default();
        let number = |said: &Value| said.as_f64().unwrap_or(f64::NAN);
        let length = || value.as_str().map(|text| text.chars().count() as f64);
        let holds = match keyword.as_str() {
            "description" | "examples" | "default" | "title" => true,
            "$ref" => {
                let place = said.as_str().unwrap_or_default().trim_start_matches('#');
                let to = document.pointer(place).unwrap_or_else(|| panic!("no schema at {place}"));
                verdict.take(part(document, to, value, at));
                true
            }
            "allOf" => {
                told.iter().for_each(|one| verdict.take(part(document, one, value, at)));
                true
            }
            "oneOf" | "anyOf" => {
                let fits = told.iter().map(|one| part(document, one, value, at));
                let mut fits: Vec<_> = fits.filter(|one| one.wrong.is_empty()).collect();
                let one = fits.len() == 1 || (keyword == "anyOf" && !fits.is_empty());
                fits.drain(..).for_each(|fit| verdict.take(fit));
                one
            }
            "type" => {
                let kinds = if told.is_empty() { std::slice::from_ref(said) } else { told };
                kinds.iter().filter_map(Value::as_str).any(|kind| is_of(kind, value))
            }
            "enum" => told.contains(value),
            "const" => said == value,
            "minimum" => value.as_f64().is_none_or(|n| n >= number(said)),
            "maximum" => value.as_f64().is_none_or(|n| n <= number(said)),
            "minLength" => length().is_none_or(|length| length >= number(said)),
            "maxLength" => length().is_none_or(|length| length <= number(said)),
            "minItems" => value.as_array().is_none_or(|items| items.len() as f64 >= number(said)),
            "maxItems" => value.as_array().is_none_or(|items| items.len() as f64 <= number(said)),
            "uniqueItems" => {
                let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
                said == false || items.iter().enumerate().all(|(n, one)| !items[..n].contains(one))
            }
            "format" => value.as_str().is_none_or(|text| has_form(said.as_str(), text)),
            "required" => value.as_object().is_none_or(|fields| {
                told.iter().filter_map(Value::as_str).all(|name| fields.contains_key(name))
            }),
            "items" => {
                for (nth, item) in value.as_array().into_iter().flatten().enumerate() {
                    verdict.wrong.extend(whole(document, said, item, &format!("{at}/{nth}")).wrong);
                }
                true
            }
            "properties" => {
                for (name, schema) in said.as_object().into_iter().flatten() {
                    verdict.named.insert(name);
                    let field = value
                        .get(name)
                        .map(|v| whole(document, schema, v, &format!("{at}/{name}")));
                    verdict.wrong.extend(field.into_iter().flat_map(|field| field.wrong));
                }
                true
            }
            // The names of a map are texts of any kind.
            "propertyNames" => said["type"] == "string",
            "additionalProperties" => {
                for (name, field) in value.as_object().into_iter().flatten() {
                    verdict.named.insert(name);
                    let field = whole(document, said, field, &format!("{at}/{name}"));
                    verdict.wrong.extend(field.wrong);
                }
                true
            }
            other => panic!("the test knows no {other:?} of a schema: {schema:#}"),
        };
        if !holds {
            verdict.wrong.push(format!("{at:?} breaks {keyword} {said}"));
        }
    }
    verdict
}

impl<'a> Verdict<'a> {
    fn take(&mut self, other: Verdict<'a>) {
        self.wrong.extend(other.wrong);
        self.named.extend(other.named);
    }
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the test knows no type {other:?}"),
    }
}

fn has_form(form: Option<&str>, text: &str) -> bool {
    match form {
        Some("date-time") => text.parse::<jiff::Timestamp>().is_ok(),
        Some("date") => text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok(),
        Some("email") => text.parse::<domain::applicant::Email>().is_ok(),
        Some("uri") => text.parse::<http::Uri>().is_ok_and(|uri| uri.scheme().is_some()),
        other => panic!("the test knows no form {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_what_its_schema_says_and_nothing_more() {
        let document = json!({"schemas": {
            "Thing": {"type": "object", "required": ["id"], "properties": {
                "id": {"type": "string", "maxLength": 2},
                "at": {"oneOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
                "kinds": {"type": "array", "uniqueItems": true, "items": {"enum": ["a", "b"]}},
                "any": {"description": "whatever it is"},
            }},
            "More": {"allOf": [{"$ref": "#/schemas/Thing"}, {"type": "object", "properties": {"n": {"type": "integer", "maximum": 3}}}]},
        }});
        let wrong = |name: &str, value: Value| {
            errors(&document, &json!({"$ref": format!("#/schemas/{name}")}), &value)
        };
        let fits = [
            ("Thing", json!({"id": "あい"})),
            ("Thing", json!({"id": "x", "at": null, "kinds": ["a"]})),
            ("Thing", json!({"id": "x", "any": {"of": 1}})),
            ("More", json!({"id": "x", "at": "2026-12-01", "n": 3})),
        ];
        for (name, value) in fits {
            assert_eq!(wrong(name, value), [""; 0]);
        }
        let breaks = [
            ("Thing", json!({})),
            ("Thing", json!([])),
            ("Thing", json!({"id": "abc"})),
            ("Thing", json!({"id": 1})),
            ("Thing", json!({"id": "x", "at": "today"})),
            ("Thing", json!({"id": "x", "kinds": ["c"]})),
            ("Thing", json!({"id": "x", "kinds": ["a", "a"]})),
            ("Thing", json!({"id": "x", "n": 1})),
            ("More", json!({"id": "x", "n": 4})),
            ("More", json!({"id": "x", "n": 1.5})),
            ("More", json!({"id": "x", "other": null})),
        ];
        for (name, value) in breaks {
            assert_eq!(wrong(name, value.clone()).len(), 1, "{name} {value}");
        }
    }
}
