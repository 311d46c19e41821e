//! Strong ETags: a hash of the representation that is sent.

use axum::{
    body::Bytes,
    extract::{FromRequestParts, Request},
    response::{IntoResponse, Response},
};
use data_encoding::BASE64URL_NOPAD;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};
use http_body_util::BodyExt;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::Problem;

/// The ETag of a representation, quotes included.
pub fn etag_of(representation: &impl Serialize) -> Result<String, Problem> {
    serde_json::to_vec(representation).map(|json| of_bytes(&json)).map_err(|_| Problem::Internal)
}

/// The ETag of a representation that begins with that of a part of it, so that a change of the part can be based on the part
/// alone, see [`is_based_on`].
pub fn etag_with(part: &impl Serialize, whole: &impl Serialize) -> Result<String, Problem> {
    Ok(format!("\"{}.{}\"", bare(&etag_of(part)?), bare(&etag_of(whole)?)))
}

/// Whether this ETag, with quotes or without, is of a representation in which the part was as it is.
pub fn is_based_on(etag: &str, part: &impl Serialize) -> Result<bool, Problem> {
    Ok(bare(etag).split('.').next() == Some(bare(&etag_of(part)?)))
}

fn bare(etag: &str) -> &str {
    etag.trim().trim_matches('"')
}

fn of_bytes(bytes: &[u8]) -> String {
    format!("\"{}\"", BASE64URL_NOPAD.encode(&Sha256::digest(bytes)[..18]))
}

/// The tags of `If-None-Match`, if it was sent.
pub(crate) fn if_none_match(request: &Request) -> Option<String> {
    listed(request.headers(), header::IF_NONE_MATCH)
}

/// The values of a header that is a list: its lines are one list (RFC 9110, 5.3). None if there is no line.
fn listed(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let lines: Vec<_> =
        headers.get_all(name).iter().filter_map(|line| line.to_str().ok()).collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

/// Gives a successful answer with a body its ETag; 304 to a reader who has it already.
pub(crate) async fn tag(
    response: Response,
    method: &Method,
    if_none_match: Option<String>,
) -> Result<Response, Problem> {
    let tagged = matches!(response.status(), StatusCode::OK | StatusCode::CREATED);
    if !tagged {
        return Ok(response);
    }
    let (mut parts, body) = response.into_parts();
    let body: Bytes = body.collect().await.map_err(|_| Problem::Internal)?.to_bytes();
    // What never changes brings its own, hashed once.
    let own = parts.headers.get(header::ETAG).and_then(|etag| etag.to_str().ok());
    let etag = own.map_or_else(|| of_bytes(&body), str::to_owned);
    let value = HeaderValue::from_str(&etag).map_err(|_| Problem::Internal)?;
    parts.headers.insert(header::ETAG, value);
    let known = if_none_match.is_some_and(|tags| {
        let same = |tag: &str| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag;
        tags.split(',').map(str::trim).any(same)
    });
    if known && (method == Method::GET || method == Method::HEAD) {
        for name in [header::CONTENT_LENGTH, header::CONTENT_TYPE, header::CONTENT_ENCODING] {
            parts.headers.remove(name);
        }
        return Ok((StatusCode::NOT_MODIFIED, parts.headers).into_response());
    }
    Ok(Response::from_parts(parts, body.into()))
}

/// The representation that a change is based on.
#[derive(Debug, Clone)]
pub struct IfMatch(String);

impl IfMatch {
    /// Whether the change is based on this representation.
    pub fn check(&self, current: &impl Serialize) -> Result<(), Problem> {
        let etag = etag_of(current)?;
        let same = self.0.split(',').map(str::trim).any(|tag| tag == "*" || tag == etag);
        if same { Ok(()) } else { Err(Problem::PreconditionFailed) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        if !parts.headers.contains_key(header::IF_MATCH) {
            return Err(Problem::PreconditionRequired);
        }
        listed(&parts.headers, header::IF_MATCH).map(Self).ok_or(Problem::PreconditionFailed)
    }
}
