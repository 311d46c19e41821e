//! `GET /openapi.json` and `GET /problems/{name}`: what the API says of itself (REQ-08).

use std::sync::LazyLock;

use axum::{
    extract::Path,
    response::{Html, IntoResponse, Response},
};
use http::header;
use hub_http::{KINDS, Problem, etag_of};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The document, as it is checked in. A test keeps it equal to what the handlers say.
const DOCUMENT: &str = include_str!("../../../docs/openapi.json");

/// The routes of this function.
pub fn routes() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(openapi)).routes(routes!(problem))
}

/// This document.
#[utoipa::path(
    get, path = "/openapi.json", tag = "public",
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json")),
)]
async fn openapi() -> Result<Response, Problem> {
    static ETAG: LazyLock<Result<String, Problem>> = LazyLock::new(|| etag_of(&DOCUMENT));
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::ETAG, ETAG.as_ref().map_err(Clone::clone)?.as_str()),
    ];
    Ok((headers, DOCUMENT).into_response())
}

/// What a problem type means.
#[utoipa::path(
    get, path = "/problems/{name}", tag = "public",
    params(("name" = String, Path, description = "The last part of a problem's `type`")),
    responses((status = 200, description = "A page for people", content_type = "text/html")),
)]
async fn problem(Path(name): Path<String>) -> Result<Html<String>, Problem> {
    let kind = KINDS.iter().find(|kind| kind.name == name).ok_or(Problem::NotFound)?;
    Ok(Html(format!(
        "<!doctype html><html lang=\"ja\"><meta charset=\"utf-8\"><title>{name}</title>\
         <h1>{name}</h1><p>HTTP {status}</p><p>{ja}</p><p lang=\"en\">{en}</p></html>",
        name = kind.name,
        status = kind.status.as_u16(),
        ja = kind.ja,
        en = kind.en,
    )))
}
