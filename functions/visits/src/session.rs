//! A parent's session: which reservations the links that were followed have opened, each for half an hour.

use axum::extract::FromRequestParts;
use domain::{
    Reservation, ReservationNumber, Timestamp,
    keys::Links,
    visit_token::{SESSION, TokenKind, VisitToken},
};
use http::{HeaderMap, HeaderValue, header, request::Parts};
use hub_http::{
    Problem,
    access::{PathIds, Reads},
    acts_on_our_page,
};
use runtime::{Hub, Keys, machine_time};

use crate::Visits;

/// How many reservations a session names.
const RESERVATIONS: usize = 10;

/// Sent to this host alone, over TLS alone: the prefix makes browsers see to it.
const COOKIE: &str = "__Host-visit";

/// Stands between the tokens of a cookie, and in none of them.
const BETWEEN: char = '~';

/// The reservations that a session names, each with its token, in the order in which they were opened.
pub(crate) struct Session(Vec<(ReservationNumber, String)>);

impl Session {
    /// Of a request's cookie; what has ended is left out.
    pub(crate) async fn of(headers: &HeaderMap, links: &Keys<Links>) -> Self {
        // A session follows the machine's clock: it is the browser's affair.
        let now = machine_time();
        let cookies = headers.get_all(header::COOKIE).into_iter();
        let mut pairs = cookies.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(';'));
        let tokens = pairs.find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='));
        let mut open = Vec::new();
        for token in tokens.into_iter().flat_map(|tokens| tokens.split(BETWEEN)).take(RESERVATIONS)
        {
            if let Some(number) = proved(links, TokenKind::Session, token, now).await {
                open.push((number, token.to_owned()));
            }
        }
        Self(open)
    }

    /// With one more reservation; past the number that it names, the one that was opened first goes.
    pub(crate) async fn with(mut self, number: ReservationNumber, links: &Keys<Links>) -> Self {
        let keys = links.ring().await;
        let token = keys.token(TokenKind::Session, &number, machine_time());
        self.0.retain(|(other, _)| *other != number);
        self.0.push((number, token.to_string()));
        let too_many = self.0.len().saturating_sub(RESERVATIONS);
        self.0.drain(..too_many);
        self
    }

    /// As the browser keeps it.
    pub(crate) fn cookie(&self) -> Result<HeaderValue, Problem> {
        let tokens: Vec<&str> = self.0.iter().map(|(_, token)| token.as_str()).collect();
        let cookie = format!(
            "{COOKIE}={}; Path=/; Max-Age={}; HttpOnly; Secure; SameSite=Strict",
            tokens.join(&BETWEEN.to_string()),
            SESSION.as_secs()
        );
        HeaderValue::from_str(&cookie).map_err(|_| Problem::Internal)
    }
}

/// The reservation that a token is for, if it is ours and holds at this time.
pub(crate) async fn proved(
    links: &Keys<Links>,
    kind: TokenKind,
    token: &str,
    now: Timestamp,
) -> Option<ReservationNumber> {
    let token: VisitToken = token.parse().ok()?;
    let keys = links.ring_with(token.key).await;
    keys.proves(kind, &token, now).then_some(token.subject)
}

/// A parent with a session, on the hub's own page.
pub(crate) struct Parent(Session);

impl FromRequestParts<Visits> for Parent {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, visits: &Visits) -> Result<Self, Problem> {
        let session = Session::of(&parts.headers, &visits.links).await;
        if session.0.is_empty() {
            return Err(Problem::Unauthorized);
        }
        acts_on_our_page(parts, &visits.hub.base_url)?;
        Ok(Self(session))
    }
}

/// A reservation that the session names.
impl Reads<Reservation> for Parent {
    async fn read(&self, hub: &Hub, path: &PathIds) -> Result<Reservation, Problem> {
        let (Self(Session(open)), number) = (self, path.reservation()?);
        let is_named = open.iter().any(|(named, _)| *named == number);
        if is_named { opened(hub, &number).await } else { Err(Problem::NotFound) }
    }
}

/// The reservation that a link or a session opens, until the link's own end, which a session may reach beyond.
pub(crate) async fn opened(hub: &Hub, number: &ReservationNumber) -> Result<Reservation, Problem> {
    let found = hub.store.reservation(number, true).await?.ok_or(Problem::NotFound)?;
    let is_over = found.link_ends_at() <= hub.clock.now();
    if is_over { Err(Problem::Unauthorized) } else { Ok(found) }
}
