//! `/v1/visits`: a parent sees, confirms and cancels a visit, by the link in a mail (RSV-04, RSV-12).
//!
//! The link carries its token in the fragment, which no server, proxy or mail scanner sees; the page that it
//! leads to posts it and gets a cookie for half an hour. Each act names the reservation that it means, so that two
//! mails in two tabs never act on each other's.

mod session;

use std::sync::{Arc, LazyLock};

use axum::{
    Json,
    extract::{FromRef, State},
    response::{IntoResponse, Response},
};
use deserr::Deserr;
use domain::{
    Invalid, Reservation, ReservationNumber,
    applicant::Message,
    invalid::InputErrors,
    keys::Links,
    reservation::{Action, Actor},
    text,
    visit_token::TokenKind,
};
use futures::TryFutureExt;
use http::{HeaderMap, StatusCode, header};
use hub_http::{
    Body, Function, Page, Problem, access::For, approve_at_once, open_comment, routes, settled,
    view::VisitView,
};
use runtime::{Hub, Keys, Purpose, Seal};
use session::{Parent, Session, opened, proved};
use utoipa::ToSchema;

/// What the handlers work with.
#[derive(Debug, Clone)]
pub struct Visits {
    hub: Hub,
    seal: Arc<dyn Seal>,
    links: Keys<Links>,
}

impl FromRef<Visits> for Hub {
    fn from_ref(visits: &Visits) -> Self {
        visits.hub.clone()
    }
}

/// What this function serves, and what it needs for that.
pub const FUNCTION: Function<Visits, (Hub, Arc<dyn Seal>, Keys<Links>)> = Function::new(
    routes![visit_page, open_session, get_visit, confirm_visit, cancel_visit],
    |(hub, seal, links)| Visits { hub, seal, links },
);

/// The page that the link in a mail leads to.
#[utoipa::path(
    get, path = "/visit", tag = "parent",
    responses((status = 200, description = "A page for the parent", content_type = "text/html")),
)]
async fn visit_page() -> Response {
    static PAGE: LazyLock<Page> = LazyLock::new(|| Page::new(include_str!("visit.html")));
    (&*PAGE).into_response()
}

/// What the page found in the link.
#[derive(Deserr, ToSchema)]
#[deserr(error = InputErrors, deny_unknown_fields)]
struct Link {
    /// The fragment of the link.
    token: String,
}

/// Opens the reservation that the link in a mail is for, for 30 minutes. A session names up to ten of them, so
/// that two mails may be open in two tabs.
#[utoipa::path(
    post, path = "/v1/visits/session", tag = "parent",
    request_body = Link,
    responses(
        (status = 204, description = "The session is open for 30 minutes",
            headers(("Set-Cookie" = String, description = "The session"))),
        (status = 401, description = "The link is none of ours, or its time is over",
            content_type = "application/problem+json"),
    ),
)]
async fn open_session(
    State(visits): State<Visits>,
    headers: HeaderMap,
    Body(Link { token }): Body<Link>,
) -> Result<Response, Problem> {
    let (links, now) = (&visits.links, visits.hub.clock.now());
    let number = proved(links, TokenKind::Link, &token, now).await.ok_or(Problem::Unauthorized)?;
    opened(&visits.hub, &number).await?;
    let session = Session::of(&headers, links).await.with(number, links).await;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, session.cookie()?)]).into_response())
}

type Visit = Result<Json<VisitView>, Problem>;

/// A reservation that the session names.
#[utoipa::path(
    get, path = "/v1/visits/{reservation_number}", tag = "parent",
    params(("reservation_number" = ReservationNumber, Path, description = "The reservation")),
    responses((status = 200, description = "The reservation", body = VisitView)),
    security(("visit_session" = [])),
)]
async fn get_visit(
    State(visits): State<Visits>,
    For { found: reservation, .. }: For<Parent, Reservation>,
) -> Visit {
    visits.view(&reservation).await
}

/// Confirms the mail address of a request that was made on the portal, or takes the place that came free:
/// the request goes to the nursery, or onto the waiting list.
#[utoipa::path(
    post, path = "/v1/visits/{reservation_number}/confirm", tag = "parent",
    params(("reservation_number" = ReservationNumber, Path, description = "The reservation")),
    responses(
        (status = 200, description = "It is with the nursery, or waits for a place", body = VisitView),
        (status = 409, description = "`state-conflict`: it is over; `too-many-requests-of-family`; `too-late`, or `slot-full` and `slot-disabled`: nobody can wait there any more",
            content_type = "application/problem+json"),
    ),
    security(("visit_session" = [])),
)]
async fn confirm_visit(
    State(visits): State<Visits>,
    For { found: reservation, .. }: For<Parent, Reservation>,
) -> Visit {
    let (hub, now) = (&visits.hub, visits.hub.clock.now());
    let settings = hub.store.settings(&reservation.facility_id).await?;
    let confirmed = settled(hub.store.confirm(reservation, &settings, now).await?)?;
    let confirmed = approve_at_once(hub, confirmed, &settings, now).await;
    visits.view(&confirmed).await
}

/// Why a parent cancels.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = InputErrors, deny_unknown_fields)]
struct CancelVisit {
    /// In the parent's words; only the nursery's staff read them.
    #[deserr(default, try_from(Option<String>) = text::optional -> Invalid)]
    #[schema(value_type = Option<String>, max_length = 1000)]
    reason: Option<Message>,
}

/// Cancels the reservation. The place is free at once.
#[utoipa::path(
    post, path = "/v1/visits/{reservation_number}/cancel", tag = "parent",
    params(("reservation_number" = ReservationNumber, Path, description = "The reservation")),
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
    For { found: reservation, .. }: For<Parent, Reservation>,
    Body(cancel): Body<CancelVisit>,
) -> Visit {
    let (hub, now) = (&visits.hub, visits.hub.clock.now());
    let settings = async { Ok(hub.store.settings(&reservation.facility_id).await?) };
    let reason = async {
        let Some(reason) = &cancel.reason else { return Ok(None) };
        let purpose = Purpose::CancelReason(&reservation.reservation_number);
        Ok::<_, Problem>(Some(visits.seal.seal(purpose, reason.reveal().as_bytes()).await?))
    };
    let (settings, reason) = futures::try_join!(settings, reason)?;
    let until = settings.cancel_closes(reservation.starts_at);
    let action = Action::CancelByParent { reason, until };
    let rule = |current: &Reservation| current.after(&action, Actor::Parent, now);
    let changed = hub.store.change_read(reservation, rule).await?;
    visits.view(&settled(changed)?).await
}

impl Visits {
    async fn view(&self, reservation: &Reservation) -> Visit {
        let facility =
            self.hub.store.facility_and_settings(&reservation.facility_id).map_err(Problem::from);
        let comment = open_comment(&*self.seal, reservation);
        let ((facility, settings), comment) = futures::try_join!(facility, comment)?;
        let facility = facility.ok_or(Problem::NotFound)?;
        Ok(Json(VisitView::new(reservation, comment, &facility, &settings)))
    }
}
