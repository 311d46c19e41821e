use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Request, State},
    middleware::{Next, from_fn},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use domain::{Timestamp, keys::Addresses};
use http::{StatusCode, header, uri::Authority};
use hub_http::Problem;
use jiff::Span;
use runtime::{Hub, Keys};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    adapters::Mailbox,
    credentials::Credentials,
    engine::Engine,
    fault::{self, Dependency, Faults},
    issuer::Issuer,
};

/// `/_local/…`: what somebody who tries the hub out may look at and turn.
#[derive(Clone)]
pub(crate) struct Control {
    pub(crate) hub: Hub,
    pub(crate) addresses: Keys<Addresses>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) mailbox: Mailbox,
    pub(crate) credentials: Credentials,
    pub(crate) issuer: Issuer,
    pub(crate) faults: Faults,
}

/// A mistake of the one who tries, or of this machine.
struct Wrong(StatusCode, String);

impl IntoResponse for Wrong {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}

impl<E: std::error::Error> From<E> for Wrong {
    fn from(error: E) -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

type Answer = Result<Json<Value>, Wrong>;

impl Control {
    pub(crate) fn routes(self) -> Router {
        Router::new()
            .route("/_local/credentials", get(credentials))
            .route("/_local/mail", get(mail))
            .route("/_local/bounce", post(bounce))
            .route("/_local/queues", get(queues))
            .route("/_local/clock", get(clock).post(move_clock))
            .route("/_local/drain", post(drain))
            .route("/_local/fault", post(set_fault))
            .route_layer(from_fn(by_a_loopback_name))
            .route("/", get(welcome))
            .with_state(self)
    }
}

/// A page of somebody else whose name leads to this machine (DNS rebinding) must not read what these doors show:
/// the browser says that name.
pub(crate) async fn by_a_loopback_name(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.and_then(|host| host.parse().ok());
    let named = [host.as_ref(), request.uri().authority()];
    let loopback = |name: &Authority| {
        ["127.0.0.1", "localhost", "[::1]"].iter().any(|own| name.host().eq_ignore_ascii_case(own))
    };
    if host.is_some() && named.into_iter().flatten().all(loopback) {
        return next.run(request).await;
    }
    Problem::Forbidden.answer(request.headers(), "_local")
}

/// Where to go from here, for somebody who opened the address in a browser.
async fn welcome() -> Html<&'static str> {
    Html(include_str!("welcome.html"))
}

async fn credentials(State(control): State<Control>) -> Answer {
    let clients = control.credentials.clients()?;
    let mut users = Vec::new();
    for user in control.credentials.users()? {
        users.push(json!({
            "role": user.role,
            "access_token": control.issuer.user_token(&user)?,
            "email": user.email,
            "facility_ids": user.facility_ids,
            "municipality": user.municipality,
        }));
    }
    Ok(Json(json!({"clients": clients, "users": users})))
}

async fn mail(State(control): State<Control>) -> Json<Value> {
    Json(json!({"items": control.mailbox.all()}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bounced {
    address: String,
}

/// Tells the hub what Amazon SES tells of a mail that no mailbox took.
async fn bounce(State(control): State<Control>, Json(bounced): Json<Bounced>) -> Answer {
    let event = json!({"detail": {"eventType": "Bounce", "bounce": {
        "bounceType": "Permanent",
        "bouncedRecipients": [{"emailAddress": bounced.address}],
        "feedbackId": "local",
    }}});
    mail_events::handle(&control.hub, &control.addresses, serde_json::from_value(event)?).await?;
    Ok(Json(json!({})))
}

async fn queues(State(control): State<Control>) -> Answer {
    let queues = &control.engine.queues;
    let (mails, dead_mails) = queues.mails.counts()?;
    let (routine, dead_routine) = queues.routine_mails.counts()?;
    let (pushes, dead_pushes) = queues.pushes.counts()?;
    let (parked, _) = queues.parked.counts()?;
    Ok(Json(json!({
        "mail": {"waiting": mails + routine, "dead": dead_mails + dead_routine},
        "push": {"waiting": pushes, "dead": dead_pushes},
        "changes": {"parked": parked},
    })))
}

async fn clock(State(control): State<Control>) -> Json<Value> {
    Json(json!({"now": control.engine.clock.now()}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
enum Move {
    Advance(String),
    Set(Timestamp),
}

async fn move_clock(State(control): State<Control>, Json(by): Json<Move>) -> Answer {
    let wrong = |why: &str| Wrong(StatusCode::BAD_REQUEST, why.into());
    let now = control.engine.clock.now();
    let to = match by {
        Move::Set(to) => to,
        Move::Advance(span) => {
            let span: Span = span.parse().map_err(|_| wrong("advance is a duration like PT25H"))?;
            let local = now.local().checked_add(span).map_err(|_| wrong("advance is too far"))?;
            Timestamp::from(local.timestamp())
        }
    };
    if to < now {
        return Err(wrong("the clock moves forward only"));
    }
    control.engine.move_to(to).await?;
    Ok(Json(json!({"now": control.engine.clock.now()})))
}

async fn drain(State(control): State<Control>) -> Answer {
    control.engine.drain().await?;
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetFault {
    dependency: Dependency,
    fail: String,
}

async fn set_fault(State(control): State<Control>, Json(set): Json<SetFault>) -> Answer {
    let rate = fault::probability(&set.fail).ok_or_else(|| {
        Wrong(StatusCode::BAD_REQUEST, "fail is a percentage like 5%, all or none".into())
    })?;
    control.faults.set(set.dependency, rate);
    Ok(Json(json!({})))
}
