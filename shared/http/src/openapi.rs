//! The OpenAPI document: written by the handlers, completed by what holds for all of them.

use http::StatusCode;
use serde_json::{Value, json};
use utoipa::{
    OpenApi, ToSchema,
    openapi::{
        OpenApi as Document, RefOr, ResponseBuilder,
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
    /// Every wrong value of the request; only with `invalid-request`.
    errors: Option<Vec<WrongValue>>,
    /// The state that was met; only with `state-conflict`.
    current_status: Option<domain::Status>,
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
    }
    let mut value = serde_json::to_value(&document).unwrap_or_default();
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
    for status in statuses {
        let response = ResponseBuilder::new()
            .description(problems_of(status))
            .content(
                "application/problem+json",
                utoipa::openapi::ContentBuilder::new()
                    .schema(Some(utoipa::openapi::Ref::from_schema_name("Problem")))
                    .build(),
            )
            .build();
        let status = status.to_string();
        operation.responses.responses.entry(status).or_insert(RefOr::T(response));
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
            "type": "apiKey", "in": "cookie", "name": "visit",
            "description": "For a parent: the session that `POST /v1/visits/session` opens.",
        },
        "staff_token": {
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "For people: the token of an OIDC sign-in, with their role.",
        }
    })
}
