//! `GET /openapi.json` and `GET /problems/{name}`: what the API says of itself (REQ-08), `GET /v1/codes`: what its codes
//! mean, and `GET /staff`: where nursery and municipal staff sign in.
//!
//! Nobody needs a token for them and they are the largest answers of the hub, so whatever stands between may
//! keep them, and the document is sent packed.

mod codes;

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::State,
    response::{Html, IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, header};
use hub_http::{Function, KINDS, Language, Path, Problem, routes, takes_gzip};
use runtime::{Environment, Start, StartError, variable};

/// The document as it is checked in, without its line breaks. A test keeps it equal to what the handlers say.
const DOCUMENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/openapi.json"));
const PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/openapi.json.gz"));

/// The style of the pages and nothing else.
const POLICY: (HeaderName, &str) = (
    header::CONTENT_SECURITY_POLICY,
    concat!(
        "default-src 'none'; style-src 'sha256-",
        env!("STYLE_HASH"),
        "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
);

/// A new version shows an hour later at the latest.
const KEPT: (HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=3600");

/// A script of any site may read it.
const OPEN: (HeaderName, &str) = (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");

/// The page of the user pool where staff sign in; the local hub has none.
#[derive(Debug, Clone)]
pub struct SignIn(pub Option<Arc<str>>);

impl Start<Environment> for SignIn {
    async fn start(_: &Environment) -> Result<Self, StartError> {
        Ok(Self(Some(variable("STAFF_SIGN_IN_URL")?.into())))
    }
}

/// What this function serves, and what it needs for that.
pub const FUNCTION: Function<SignIn, SignIn> =
    Function::new(routes![openapi, problem, codes::list_codes, staff], |sign_in| sign_in);

/// This document.
#[utoipa::path(
    get, path = "/openapi.json", tag = "public",
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json")),
)]
async fn openapi(headers: HeaderMap) -> Response {
    let common =
        [(header::CONTENT_TYPE, "application/json"), (header::VARY, "accept-encoding"), KEPT];
    // Two representations, so two tags.
    if takes_gzip(&headers) {
        let tag = concat!("\"", env!("DOCUMENT_MARK"), "-gzip\"");
        let own = [(header::CONTENT_ENCODING, "gzip"), (header::ETAG, tag)];
        (common, own, PACKED).into_response()
    } else {
        let own = [(header::ETAG, concat!("\"", env!("DOCUMENT_MARK"), "\""))];
        (common, own, DOCUMENT).into_response()
    }
}

/// A page on a problem type.
#[derive(Template)]
#[template(path = "problem.html")]
struct Page {
    lang: &'static str,
    style: &'static str,
    name: &'static str,
    status: u16,
    what: &'static str,
    advice: &'static str,
    /// What happened, in the other language.
    other: &'static str,
}

/// What a problem type means, and what to do about it: in Japanese or English by `Accept-Language`.
#[utoipa::path(
    get, path = "/problems/{name}", tag = "public",
    params(("name" = String, Path, description = "The last part of a problem's `type`")),
    responses((status = 200, description = "A page for people", content_type = "text/html")),
)]
async fn problem(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let kind = KINDS.iter().find(|kind| kind.name == name).ok_or(Problem::NotFound)?;
    let (lang, what, advice, other) = match Language::of(&headers) {
        Language::Ja => ("ja", kind.ja, kind.advice_ja, kind.en),
        Language::En => ("en", kind.en, kind.advice_en, kind.ja),
    };
    let (style, status) = (include_str!("style.css"), kind.status.as_u16());
    let page = Page { lang, style, name: kind.name, status, what, advice, other };
    let page = page.render().map_err(|_| Problem::Internal)?;
    let headers =
        [(header::CONTENT_LANGUAGE, lang), (header::VARY, "accept-language"), POLICY, KEPT];
    Ok((headers, Html(page)).into_response())
}

/// The page that the invitation of staff leads to, and the sign-in back.
#[derive(Template)]
#[template(path = "staff.html")]
struct StaffPage {
    style: &'static str,
    sign_in: Option<Arc<str>>,
}

/// Where nursery and municipal staff sign in.
#[utoipa::path(
    get, path = "/staff", tag = "staff",
    responses((status = 200, description = "A page for staff", content_type = "text/html")),
)]
async fn staff(State(SignIn(sign_in)): State<SignIn>) -> Result<Response, Problem> {
    let page = StaffPage { style: include_str!("style.css"), sign_in };
    let page = page.render().map_err(|_| Problem::Internal)?;
    // The sign-in sends the browser here with a code in the address: it goes nowhere from here.
    let headers =
        [POLICY, (header::CACHE_CONTROL, "no-store"), (header::REFERRER_POLICY, "no-referrer")];
    Ok((headers, Html(page)).into_response())
}
