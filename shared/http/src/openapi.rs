//! The OpenAPI document: written by the handlers, completed by what holds for all of them.

use std::collections::BTreeSet;

use http::StatusCode;
use serde_json::{Value, json};
use utoipa::{
    OpenApi, ToSchema,
    openapi::{
        ContentBuilder, OpenApi as Document, Ref, RefOr, ResponseBuilder,
        path::{Operation, ParameterIn},
    },
};

use crate::KINDS;

/// A problem (RFC 9457).
#[derive(ToSchema)]
#[allow(dead_code, reason = "only its schema is used")]
struct Problem {
    /// `/problems/<name>`: a page that explains it.
    #[schema(examples("/problems/slot-full"))]
    r#type: String,
    /// The same for every problem of this type.
    title: String,
    /// The HTTP status.
    #[schema(examples(409))]
    status: u16,
    /// What happened, in Japanese or English by `Accept-Language`.
    detail: String,
    /// The id of the request, for asking about it.
    instance: String,
    /// Every wrong value of the request, with `invalid-request`; with `state-conflict` the items of a change request that
    /// somebody changed since it was made.
    #[schema(nullable = false)]
    errors: Option<Vec<WrongValue>>,
    /// The state that was met, of a reservation or a change request; only with `state-conflict`.
    #[schema(nullable = false, examples("declined"))]
    current_status: Option<String>,
    /// Where to begin anew; only with `feed-restarted`.
    #[schema(nullable = false, format = "uri")]
    next: Option<String>,
}

/// One wrong value.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only its schema is used")]
struct WrongValue {
    /// Where: a JSON pointer into the body, or `/` and the name of the query parameter.
    #[schema(examples("/party_size"))]
    pointer: String,
    /// What is wrong with it.
    detail: String,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "hokatsu",
        description = "The hub for finding a nursery: facilities, visit requests, and who must know of them.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    servers((url = "/", description = "Where this document is served")),
    tags(
        (name = "public", description = "For anyone, without a token"),
        (name = "search site", description = "For private search sites, by client credentials"),
        (name = "ict", description = "For nursery ICT systems, by client credentials"),
        (name = "vendor", description = "For both kinds of vendor systems"),
        (name = "staff", description = "For people who sign in"),
    ),
    components(schemas(Problem, WrongValue, domain::event::Event)),
)]
struct Base;

/// The document without any path, to which the functions add theirs.
pub fn base() -> Document {
    Base::openapi()
}

/// Completes a document: every operation's possible problems, and how callers prove themselves.
pub fn complete(document: Document) -> Value {
    let mut document = document;
    for item in document.paths.paths.values_mut() {
        let operations =
            [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        operations.into_iter().flatten().for_each(add_problems);
        item.get.iter_mut().for_each(add_not_modified);
    }
    let mut value = serde_json::to_value(&document).unwrap_or_default();
    drop_compound_defaults(&mut value["components"]["schemas"]);
    require_what_is_always_there(&mut value);
    leave_out_bodies(&mut value);
    value["components"]["securitySchemes"] = security_schemes();
    value["webhooks"] = json!({"event": {"post": {
        "operationId": "event",
        "summary": "What a webhook endpoint gets, signed after the Standard Webhooks specification",
        "description": "At least once, the same `webhook-id` on every attempt; answer 2xx within 15 seconds.",
        "security": [],
        "parameters": [{
            "name": "X-Correlation-Id", "in": "header", "required": false, "schema": {"type": "string"},
            "description": "What caused the event: for a request to the hub, the `apigw-requestid` \
                that its answer had. Quote it when you ask about a webhook.",
        }],
        "requestBody": {"required": true, "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/Event"}}
        }},
        "responses": {
            "2XX": {"description": "Received"},
            "410": {"description": "Gone: nothing is sent any more"},
        },
    }}});
    value
}

/// A default that is an object, or that stands beside a reference, stops generators of clients. What it says is said
/// by the defaults within.
fn drop_compound_defaults(schemas: &mut Value) {
    for schema in schemas.as_object_mut().into_iter().flat_map(|schemas| schemas.values_mut()) {
        let properties = schema["properties"].as_object_mut();
        for property in properties.into_iter().flat_map(|properties| properties.values_mut()) {
            let plain = property
                .get("default")
                .is_some_and(|value| !value.is_object() && !value.is_array());
            let Some(property) = property.as_object_mut() else { continue };
            if !plain || property.contains_key("$ref") {
                property.remove("default");
            }
        }
    }
}

/// In an answer, a value that may be `null` is always there: clients need not ask for both. What is left out instead
/// is not nullable.
fn require_what_is_always_there(document: &mut Value) {
    let (mut sent, mut answered) = (BTreeSet::new(), BTreeSet::new());
    for operation in operations(document) {
        references(&operation["requestBody"], document, &mut sent);
        references(&operation["responses"], document, &mut answered);
    }
    for name in answered.difference(&sent) {
        let Some(schema) = document["components"]["schemas"].get_mut(name) else { continue };
        require_nullable(schema);
    }
}

/// A body that may be missing is left out: it is not `null`, as its type in Rust makes it.
fn leave_out_bodies(document: &mut Value) {
    let paths = document["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut());
    let operations = paths.filter_map(Value::as_object_mut).flat_map(|item| item.values_mut());
    let bodies = operations.filter_map(|operation| operation.get_mut("requestBody"));
    for body in bodies.filter(|body| body["required"] != true) {
        let content = body["content"].as_object_mut();
        for media in content.into_iter().flat_map(|content| content.values_mut()) {
            let schema = &mut media["schema"];
            if let Some(kind) = schema["type"].get(0).cloned() {
                schema["type"] = kind;
            } else if let Some(choice) = schema["oneOf"].get(0).cloned() {
                *schema = choice;
            }
        }
    }
}

fn operations(document: &Value) -> impl Iterator<Item = &Value> {
    let paths = document["paths"].as_object().into_iter().flat_map(|paths| paths.values());
    paths.filter_map(Value::as_object).flat_map(|item| item.values())
}

/// The names of all schemas that a part of the document leads to.
fn references(part: &Value, document: &Value, found: &mut BTreeSet<String>) {
    match part {
        Value::Array(items) => items.iter().for_each(|item| references(item, document, found)),
        Value::Object(fields) => {
            let name =
                fields.get("$ref").and_then(Value::as_str).and_then(|at| at.rsplit('/').next());
            if let Some(name) = name
                && found.insert(name.to_owned())
            {
                references(&document["components"]["schemas"][name], document, found);
            }
            fields.values().for_each(|field| references(field, document, found));
        }
        _ => {}
    }
}

fn require_nullable(schema: &mut Value) {
    let parts = ["allOf", "oneOf"].map(|kind| schema.get(kind).and_then(Value::as_array).is_some());
    for (kind, is_there) in ["allOf", "oneOf"].into_iter().zip(parts) {
        if is_there {
            schema[kind].as_array_mut().into_iter().flatten().for_each(require_nullable);
        }
    }
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    let null = json!("null");
    let nullable = |property: &Value| {
        let types = property["type"].as_array().is_some_and(|types| types.contains(&null));
        let choices = property["oneOf"].as_array().into_iter().flatten();
        types || choices.into_iter().any(|choice| choice["type"] == null)
    };
    let required: Vec<Value> = schema["required"].as_array().cloned().unwrap_or_default();
    let is_required = |name: &String| required.iter().any(|known| known == name.as_str());
    let all: Vec<Value> = properties
        .iter()
        .filter(|(name, property)| is_required(name) || nullable(property))
        .map(|(name, _)| name.as_str().into())
        .collect();
    if !all.is_empty() {
        schema["required"] = all.into();
    }
}

fn add_problems(operation: &mut Operation) {
    let parameters: Vec<_> = operation
        .parameters
        .iter()
        .flatten()
        .filter_map(|parameter| match parameter {
            RefOr::T(parameter) => Some(parameter),
            RefOr::Ref(_) => None,
        })
        .collect();
    let has = |name: &str| parameters.iter().any(|parameter| parameter.name == name);
    let by_path = parameters.iter().any(|p| matches!(p.parameter_in, ParameterIn::Path));
    let mut statuses = vec![400, 429, 500, 503];
    // What names no caller is for anyone, and says so.
    if !operation.security.get_or_insert_default().is_empty() {
        statuses.extend([401, 403]);
    }
    if by_path {
        statuses.push(404);
    }
    if has("Idempotency-Key") {
        statuses.push(422);
    }
    if has("If-Match") {
        statuses.extend([412, 428]);
    }
    if operation.request_body.is_some() {
        statuses.extend([413, 415]);
    }
    let responses = &mut operation.responses.responses;
    for status in statuses {
        let response = ResponseBuilder::new().description(problems_of(status)).build();
        responses.entry(status.to_string()).or_insert(RefOr::T(response));
    }
    for (status, response) in responses.iter_mut() {
        // Whoever refuses, and why: it is said in the same form.
        if let RefOr::T(response) = response
            && status.starts_with(['4', '5'])
        {
            let problem = Ref::from_schema_name("Problem");
            let content = ContentBuilder::new().schema(Some(problem)).build();
            response.content =
                [("application/problem+json".to_owned(), RefOr::T(content))].into_iter().collect();
        }
    }
}

/// A reader that has the representation already is told so.
fn add_not_modified(operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    if responses.contains_key("200") {
        let response = ResponseBuilder::new()
            .description("As it was: `If-None-Match` has the ETag of the representation")
            .build();
        responses.entry("304".into()).or_insert(RefOr::T(response));
    }
}

fn problems_of(status: u16) -> String {
    let names: Vec<_> = KINDS
        .iter()
        .filter(|kind| StatusCode::from_u16(status).is_ok_and(|status| kind.status == status))
        .map(|kind| format!("`{}`", kind.name))
        .collect();
    names.join(" or ")
}

fn security_schemes() -> Value {
    json!({
        "client_credentials": {
            "type": "oauth2",
            "description": "For vendor systems. Deployed tokens carry scopes with the prefix `hub/`.",
            "flows": {"clientCredentials": {
                "tokenUrl": "/oauth2/token",
                "scopes": {
                    "reservations:write": "Ask for visits and cancel them",
                    "reservations:read": "Read one's own reservations",
                    "events:read": "Read events",
                    "webhooks:write": "Manage webhook endpoints",
                    "ict:read": "Read the reservations of linked facilities",
                    "ict:write": "Answer them",
                }
            }}
        },
        "visit_session": {
            "type": "apiKey", "in": "cookie", "name": "__Host-visit",
            "description": "For a parent: the session that `POST /v1/visits/session` opens.",
        },
        "staff_token": {
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "For people: the token of an OIDC sign-in, with their role.",
        }
    })
}
