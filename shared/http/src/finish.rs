//! What is done around every handler.

use std::time::Instant;

use axum::{
    Router,
    extract::{DefaultBodyLimit, MatchedPath, Request},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, Method, header};
use runtime::telemetry::{self, Outcome, ms};

use crate::{Problem, caller::gateway_context, cdn, etag, problem::Language};

/// The largest body of a JSON request, in bytes.
const BODY_LIMIT: usize = 64 * 1024;

/// Turns the routes of a function into what is served: unknown addresses and methods are problems,
/// every representation has an ETag, every problem its text, and every request its log line.
pub fn finish(routes: Router) -> Router {
    routes
        .fallback(async || Problem::NotFound)
        .method_not_allowed_fallback(async || Problem::MethodNotAllowed)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(from_fn(around))
}

/// What a request writes, and every line it logs, bears its id.
async fn around(request: Request, next: Next) -> Response {
    let id = request_id(&request);
    telemetry::follow(id.parse().ok(), answer(id, request, next)).await
}

async fn answer(id: String, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let language = Language::of(request.headers());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let if_none_match = etag::if_none_match(&request);
    let is_personal = is_personal(&request);

    let response = if cdn::is_way_in(request.headers()) {
        next.run(request).await
    } else {
        Problem::Forbidden.into_response()
    };
    let response = match response.extensions().get::<Problem>() {
        Some(problem) => {
            let mut rendered = problem.render(language, &id);
            for name in response.headers().keys() {
                if !rendered.headers().contains_key(name) {
                    for value in response.headers().get_all(name) {
                        rendered.headers_mut().append(name, value.clone());
                    }
                }
            }
            rendered.headers_mut().remove(http::header::CONTENT_LENGTH);
            rendered
        }
        None => match etag::tag(response, &method, if_none_match).await {
            Ok(response) => response,
            Err(problem) => problem.render(language, &id).into_response(),
        },
    };
    let response = guarded(response, is_personal);
    let status = response.status();
    let outcome = match status.as_u16() {
        ..400 => Outcome::Done,
        400..500 => Outcome::Refused,
        500.. => Outcome::Failed,
    };
    tracing::info!(
        %method,
        route,
        status = status.as_u16(),
        outcome = outcome.as_str(),
        duration_ms = ms(started.elapsed()),
        "request"
    );
    response
}

/// Whether the answer may be meant for its caller alone: who proves to be somebody, or does something.
fn is_personal(request: &Request) -> bool {
    let token = gateway_context(request.extensions()).and_then(|it| it.authorizer.as_ref());
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    token.is_some() || request.headers().contains_key(header::COOKIE) || !reads
}

/// With what every browser must know, and kept by nobody if it is meant for one caller alone.
fn guarded(mut response: Response, is_personal: bool) -> Response {
    let headers = response.headers_mut();
    let year = HeaderValue::from_static("max-age=31536000");
    headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if is_personal {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// API Gateway's id of the request, by which a caller and the log mean the same one.
fn request_id(request: &Request) -> String {
    gateway_context(request.extensions())
        .and_then(|context| context.request_id.clone())
        .unwrap_or_else(|| "unknown".into())
}
