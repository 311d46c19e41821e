//! The OpenAPI document is what the hub speaks. That every answer fits it, `World` checks with each.

use std::collections::BTreeSet;

use domain::{
    Status,
    event::EventType,
    facility::{EstablishmentBody, FacilityType},
    invalid::InputErrors,
    reservation::Origin,
    settings::AutoApprovalMode,
    slot::{DayOfWeek, SkipReason, SlotStatus},
    vendor::EndpointStatus,
};
use http::Method;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tests::{As, World, site};

fn reads<T: DeserializeOwned>(spoken: &Value) -> bool {
    serde_json::from_value::<T>(spoken.clone()).is_ok()
}

fn takes_day(spoken: &Value) -> bool {
    deserr::deserialize::<DayOfWeek, _, InputErrors>(spoken.clone()).is_ok()
}

#[test]
fn every_value_of_an_enum_is_spoken() {
    type Reads = fn(&Value) -> bool;
    let read_back: &[(&str, Reads)] = &[
        ("AutoApprovalMode", reads::<AutoApprovalMode>),
        ("DayOfWeek", takes_day),
        ("EndpointStatus", reads::<EndpointStatus>),
        ("EstablishmentBody", reads::<EstablishmentBody>),
        ("EventType", reads::<EventType>),
        ("FacilityType", reads::<FacilityType>),
        ("Origin", reads::<Origin>),
        ("SkipReason", reads::<SkipReason>),
        ("SlotStatus", reads::<SlotStatus>),
        ("Status", reads::<Status>),
    ];
    let document = local::document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for (name, schema) in schemas {
        for value in schema["enum"].as_array().into_iter().flatten() {
            let text = value.as_str().unwrap();
            assert_eq!(text, text.to_lowercase(), "{name} has the name of a variant");
        }
    }
    for (name, reads) in read_back {
        let values = schemas[*name]["enum"].as_array().unwrap();
        let unread: Vec<_> = values.iter().filter(|value| !reads(value)).collect();
        assert!(unread.is_empty(), "{name}: {unread:?}");
    }
}

fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    document["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
        let operations = item.as_object().unwrap().iter();
        operations.map(|(method, operation)| (method.as_str(), path.as_str(), operation))
    })
}

#[test]
fn every_refusal_has_the_form_of_a_problem() {
    let document = local::document();
    let problem =
        json!({"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}});
    let mut refusals = 0;
    for (method, path, operation) in operations(&document) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            if status.starts_with(['4', '5']) {
                assert_eq!(response["content"], problem, "{method} {path} {status}");
                refusals += 1;
            }
        }
    }
    assert!(refusals > 200, "{refusals}");
}

#[test]
fn no_default_is_more_than_a_plain_value() {
    fn walk(part: &Value, at: &str) {
        if let Some(fields) = part.as_object() {
            let default = fields.get("default").filter(|_| !at.ends_with("/properties"));
            let plain = default.is_none_or(|value| !value.is_object() && !value.is_array());
            assert!(
                plain && (default.is_none() || !fields.contains_key("$ref")),
                "{at}: {default:?}"
            );
            fields.iter().for_each(|(name, value)| walk(value, &format!("{at}/{name}")));
        }
        part.as_array().into_iter().flatten().for_each(|item| walk(item, at));
    }
    walk(&local::document(), "");
}

/// The least that has a form: required objects stand in it, empty as far as they may be. Notes what is missing then.
fn least(
    schema: &Value,
    document: &Value,
    at: &str,
    missing: &mut BTreeSet<String>,
) -> Option<Value> {
    if let Some(to) = schema["$ref"].as_str() {
        let name = to.rsplit('/').next().unwrap();
        return least(&document["components"]["schemas"][name], document, at, missing);
    }
    if schema["type"] == "array" {
        return Some(json!([least(&schema["items"], document, &format!("{at}/0"), missing)?]));
    }
    let properties = schema["properties"].as_object()?;
    let mut made = Map::new();
    for name in schema["required"].as_array().into_iter().flatten() {
        let name = name.as_str().unwrap();
        let at = format!("{at}/{name}");
        match least(&properties[name], document, &at, missing) {
            Some(value) => drop(made.insert(name.into(), value)),
            None => drop(missing.insert(at)),
        }
    }
    Some(made.into())
}

#[tokio::test]
async fn a_request_is_refused_without_what_is_required_and_without_nothing_else() {
    let world = World::new().await;
    let slot = world.slot("2026-12-10T10:00:00+09:00", 5).await;
    let number = world.requested(&slot, "k1").await;
    let change = world.change_asked(json!({"features": "園庭"}), true, "k1").await;
    let document = local::document();
    let mut tried = 0;
    for (method, path, operation) in operations(&document) {
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        let mut required = BTreeSet::new();
        let Some(body) = least(schema, &document, "", &mut required) else { continue };
        let security = operation["security"].to_string();
        // An archive is judged when it is imported, as a list is.
        let is_judged_later = operation["operationId"] == "request_import";
        if required.is_empty() || is_judged_later || security.contains("visit_session") {
            continue;
        }
        let caller = match security.as_str() {
            by if by.contains("ict:") => As::Ict("ict-1"),
            by if by.contains("client_credentials") => site(),
            by if by.contains("staff_token") => match path.starts_with("/v1/staff/change-requests")
            {
                true => As::Municipality("131199"),
                false => world.staff(),
            },
            _ => As::Anyone,
        };
        let path = path
            .replace("{change_request_id}", &change)
            .replace("{facility_id}", world.facility.facility_id.as_str())
            .replace("{reservation_number}", number.as_str())
            .replace("{slot_id}", slot.slot_id.as_str());
        let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
        let headers = [("idempotency-key", "k"), ("if-match", "*"), ("accept-language", "en")];
        let answer = world.call(&caller, method.clone(), &path, Some(body), &headers).await;
        assert_eq!(answer.status, 400, "{method} {path}: {}", answer.shown());
        let errors = answer.body["errors"].as_array().unwrap().iter();
        let told: BTreeSet<String> = errors
            .filter(|error| error["detail"] == "is required")
            .map(|error| error["pointer"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(told, required, "{method} {path}");
        tried += 1;
    }
    assert!(tried >= 7, "{tried}");
}
