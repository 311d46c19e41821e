//! `/v1/visits`: a parent sees, confirms and cancels a visit, by the link in a mail (RSV-04, RSV-12).
//!
//! The link carries its token in the fragment, which no server, proxy or mail scanner sees; the page that it
//! leads to posts it and gets a cookie for half an hour.

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRequestParts, State},
    response::{Html, IntoResponse, Response},
};
use deserr::Deserr;
use domain::{
    Instant, Reservation, ReservationNumber,
    applicant::Message,
    id::VisitToken,
    invalid::InputErrors,
    reservation::{Action, Actor},
};
use http::{HeaderValue, StatusCode, header, request::Parts};
use hub_http::{Body, Problem, approve_at_once, settled, view::VisitView};
use jiff::SignedDuration;
use runtime::{Hub, Purpose, Seal};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

#[derive(Debug, Clone)]
struct Visits {
    hub: Hub,
    seal: Arc<dyn Seal>,
}

/// The routes of this function.
pub fn routes(hub: Hub, seal: Arc<dyn Seal>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(visit_page))
        .routes(routes!(open_session))
        .routes(routes!(current_visit))
        .routes(routes!(confirm_visit))
        .routes(routes!(cancel_visit))
        .with_state(Visits { hub, seal })
}

/// The page that the link in a mail leads to.
#[utoipa::path(
    get, path = "/visit", tag = "parent",
    responses((status = 200, description = "A page for the parent", content_type = "text/html")),
)]
async fn visit_page() -> Response {
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; \
             style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    ];
    (headers, Html(include_str!("visit.html"))).into_response()
}

/// How long a session lasts, by the machine's clock: it is the browser's affair.
const SESSION: SignedDuration = SignedDuration::from_mins(30);

const COOKIE: &str = "visit";

/// What the page found in the link.
#[derive(Deserr, ToSchema)]
#[deserr(error = InputErrors, deny_unknown_fields)]
struct Session {
    /// The fragment of the link.
    token: String,
}

/// Opens a session for the one reservation that the link in a mail is for.
#[utoipa::path(
    post, path = "/v1/visits/session", tag = "parent",
    request_body = Session,
    responses(
        (status = 204, description = "The session is open for 30 minutes",
            headers(("Set-Cookie" = String, description = "The session"))),
        (status = 401, description = "The link is none of ours, or its time is over",
            content_type = "application/problem+json"),
    ),
)]
async fn open_session(
    State(visits): State<Visits>,
    Body(Session { token }): Body<Session>,
) -> Result<Response, Problem> {
    let (secret, now) = (&visits.hub.secret, visits.hub.clock.now());
    let number = secret.read_visit_token(VisitToken::Link, &token, now);
    let number = number.ok_or(Problem::Unauthorized)?;
    let until = Instant::of_machine() + SESSION;
    let session = secret.visit_token(VisitToken::Session, &number, until);
    let cookie = format!(
        "{COOKIE}={session}; Path=/v1/visits; Max-Age={}; HttpOnly; Secure; SameSite=Strict",
        SESSION.as_secs()
    );
    let cookie = HeaderValue::from_str(&cookie).map_err(|_| Problem::Internal)?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

/// A parent with a session.
struct Parent(ReservationNumber);

impl FromRequestParts<Visits> for Parent {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, visits: &Visits) -> Result<Self, Problem> {
        let cookies = parts.headers.get_all(header::COOKIE).into_iter();
        let mut pairs = cookies.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(';'));
        let session = pairs.find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='));
        let now = Instant::of_machine();
        session
            .and_then(|text| visits.hub.secret.read_visit_token(VisitToken::Session, text, now))
            .map(Self)
            .ok_or(Problem::Unauthorized)
    }
}

type Visit = Result<Json<VisitView>, Problem>;

/// The reservation of the session.
#[utoipa::path(
    get, path = "/v1/visits/current", tag = "parent",
    responses((status = 200, description = "The reservation", body = VisitView)),
    security(("visit_session" = [])),
)]
async fn current_visit(State(visits): State<Visits>, Parent(number): Parent) -> Visit {
    let reservation = visits.reservation(&number).await?;
    visits.view(&reservation).await
}

/// Confirms the mail address of a request that was made on the portal, or takes the place that came free:
/// the request goes to the nursery.
#[utoipa::path(
    post, path = "/v1/visits/current/confirm", tag = "parent",
    responses(
        (status = 200, description = "It is with the nursery", body = VisitView),
        (status = 409, description = "`state-conflict`: it is over",
            content_type = "application/problem+json"),
    ),
    security(("visit_session" = [])),
)]
async fn confirm_visit(State(visits): State<Visits>, Parent(number): Parent) -> Visit {
    let (hub, now) = (&visits.hub, visits.hub.clock.now());
    let reservation = visits.reservation(&number).await?;
    let settings = hub.store.settings(&reservation.facility_id).await?;
    let action = Action::Confirm { settings: settings.clone() };
    let changed = hub.store.change(&number, |current| current.after(&action, Actor::Parent, now));
    let confirmed = settled(changed.await?)?;
    let confirmed = approve_at_once(hub, confirmed, &settings, now).await;
    visits.view(&confirmed).await
}

/// Why a parent cancels.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = InputErrors, deny_unknown_fields)]
struct CancelVisit {
    /// In the parent's words; only the nursery's staff read them.
    #[deserr(default)]
    #[schema(value_type = Option<String>, max_length = 1000)]
    reason: Option<Message>,
}

/// Cancels the reservation. The place is free at once.
#[utoipa::path(
    post, path = "/v1/visits/current/cancel", tag = "parent",
    request_body = CancelVisit,
    responses(
        (status = 200, description = "It is cancelled", body = VisitView),
        (status = 409, description = "`too-late` or `state-conflict`",
            content_type = "application/problem+json"),
    ),
    security(("visit_session" = [])),
)]
async fn cancel_visit(
    State(visits): State<Visits>,
    Parent(number): Parent,
    Body(cancel): Body<CancelVisit>,
) -> Visit {
    let (hub, now) = (&visits.hub, visits.hub.clock.now());
    let reservation = visits.reservation(&number).await?;
    let settings = hub.store.settings(&reservation.facility_id).await?;
    let reason = match &cancel.reason {
        Some(reason) => {
            let purpose = Purpose::CancelReason(&number);
            Some(visits.seal.seal(purpose, reason.reveal().as_bytes()).await?)
        }
        None => None,
    };
    let until = settings.cancel_closes(reservation.starts_at);
    let action = Action::CancelByParent { reason, until };
    let changed = hub.store.change(&number, |current| current.after(&action, Actor::Parent, now));
    visits.view(&settled(changed.await?)?).await
}

impl Visits {
    async fn reservation(&self, number: &ReservationNumber) -> Result<Reservation, Problem> {
        self.hub.store.reservation(number, true).await?.ok_or(Problem::NotFound)
    }

    async fn view(&self, reservation: &Reservation) -> Visit {
        let (facility, settings) =
            self.hub.store.facility_and_settings(&reservation.facility_id).await?;
        let facility = facility.ok_or(Problem::NotFound)?;
        Ok(Json(VisitView::new(reservation, &facility, &settings)))
    }
}
