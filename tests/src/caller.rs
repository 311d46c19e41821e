//! Who calls, what API Gateway says of them, and what they are answered.

use domain::{ClientId, FacilityId};
use http::{HeaderMap, StatusCode};
use lambda_http::{
    aws_lambda_events::apigw::{ApiGatewayRequestAuthorizer, ApiGatewayV2httpRequestContext},
    request::RequestContext,
};
use serde_json::{Value, json};

/// Who calls.
#[derive(Debug, Clone)]
pub enum As {
    /// Nobody.
    Anyone,
    /// Nobody, from this address.
    From(String),
    /// A search site with all its scopes.
    Site(&'static str),
    /// An ICT system with all its scopes.
    Ict(&'static str),
    /// Staff of this facility.
    Staff(FacilityId),
    /// Staff of this municipality.
    Municipality(&'static str),
    /// An operator.
    Operator,
    /// Whoever the authorizer says this of.
    Token(Value),
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; `null` without one, a text where it is no JSON.
    pub body: Value,
}

impl Answer {
    /// The last part of the problem's type.
    pub fn problem(&self) -> &str {
        let kind = self.body["type"].as_str().unwrap_or_default();
        kind.trim_start_matches("/problems/")
    }

    /// For snapshots: status, the headers that callers rely on, and the body.
    pub fn shown(&self) -> String {
        let told = ["location", "etag", "idempotency-replayed", "retry-after", "content-type"];
        let headers: Vec<String> = told
            .iter()
            .filter_map(|name| {
                Some(format!("{name}: {}\n", self.headers.get(*name)?.to_str().ok()?))
            })
            .collect();
        format!("{}\n{}\n{:#}", self.status, headers.concat(), self.body)
    }
}

/// The first search site.
pub fn site() -> As {
    As::Site("site-1")
}

/// What API Gateway says about a request of this caller.
pub fn context(who: &As) -> RequestContext {
    const SITE: &str =
        "hub/reservations:write hub/reservations:read hub/events:read hub/webhooks:write";
    const ICT: &str = "hub/ict:read hub/ict:write hub/events:read hub/webhooks:write";
    let claims = match who {
        As::Anyone | As::From(_) => None,
        As::Site(id) => {
            Some(json!({"sub": id, "client_id": id, "kind": "search_site", "scope": SITE}))
        }
        As::Ict(id) => Some(json!({"sub": id, "client_id": id, "kind": "ict", "scope": ICT})),
        As::Staff(id) => Some(json!({"sub": "staff-1", "role": "facility", "facility_id": id})),
        As::Municipality(code) => {
            Some(json!({"sub": "city-1", "role": "municipality", "municipality": code}))
        }
        As::Operator => Some(json!({"sub": "operator-1", "role": "operator"})),
        As::Token(claims) => Some(claims.clone()),
    };
    let mut context = ApiGatewayV2httpRequestContext::default();
    context.request_id = Some("request-1".into());
    context.http.source_ip = Some(match who {
        As::From(ip) => ip.clone(),
        _ => "192.0.2.1".into(),
    });
    context.authorizer = claims.map(|claims| {
        let mut authorizer = ApiGatewayRequestAuthorizer::default();
        authorizer.fields = serde_json::from_value(claims).unwrap();
        authorizer
    });
    RequestContext::ApiGatewayV2(context)
}

/// A client's id.
pub fn client(id: &str) -> ClientId {
    id.parse().unwrap()
}
