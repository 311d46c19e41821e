//! Requests that create, and their repetition.

use axum::{
    Json,
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use domain::Secret;
use http::{HeaderName, HeaderValue, StatusCode, header, request::Parts};
use serde::Serialize;

use crate::Problem;

/// What a client calls one request, so that it may send it again: 1 to 255 printable characters of
/// ASCII.
#[derive(Debug, Clone)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// As the client wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A keyed hash of caller and key, for an endpoint.
    pub fn mark(&self, secret: &Secret, endpoint: &str, caller: &str) -> [u8; 16] {
        half(secret.derive(&[b"key", endpoint.as_bytes(), caller.as_bytes(), self.0.as_bytes()]))
    }
}

/// A keyed hash of what was asked for, to tell a repeat from another request.
pub fn body_mark(secret: &Secret, body: &impl Serialize) -> Result<[u8; 16], Problem> {
    let json = serde_json::to_vec(body).map_err(|_| Problem::Internal)?;
    Ok(half(secret.derive(&[b"body", &json])))
}

fn half(digest: [u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    half
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let value = parts.headers.get("idempotency-key").ok_or(Problem::IdempotencyKeyMissing)?;
        let key = value.to_str().map_err(|_| Problem::IdempotencyKeyMissing)?.trim();
        let valid =
            (1..=255).contains(&key.len()) && key.bytes().all(|b| (b' '..=b'~').contains(&b));
        if valid { Ok(Self(key.to_owned())) } else { Err(Problem::IdempotencyKeyMissing) }
    }
}

/// The answer to a request that created something: 201, where it is, and whether this repeats an
/// earlier answer.
#[derive(Debug)]
pub struct Created<T> {
    /// What was created.
    pub body: T,
    /// Its path; none for what has no address of its own.
    pub location: Option<String>,
    /// Whether an earlier request created it.
    pub replayed: bool,
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let mut response = (StatusCode::CREATED, Json(self.body)).into_response();
        let headers = response.headers_mut();
        if let Some(location) = self.location.and_then(|path| HeaderValue::from_str(&path).ok()) {
            headers.insert(header::LOCATION, location);
        }
        if self.replayed {
            let name = HeaderName::from_static("idempotency-replayed");
            headers.insert(name, HeaderValue::from_static("true"));
        }
        response
    }
}
