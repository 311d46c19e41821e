//! Large answers, packed for who takes them so.

use std::io::Write;

use axum::response::{IntoResponse, Response};
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::Problem;

/// As many bytes as the body of an answer has at most: what a request may have, so that what is exported can be imported. A
/// function hands 6,291,556 to API Gateway, and what has an encoding goes in base 64, which takes four bytes for three.
pub const ANSWER_AT_MOST: usize = 4 * 1024 * 1024;

/// Whether a reader takes gzip (RFC 9110, 12.5.3): its own weight counts before that of `*`.
pub fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter();
    let codings: Vec<&str> =
        values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).collect();
    let weight = |name: &str| {
        codings.iter().find_map(|coding| {
            let mut parts = coding.split(';').map(str::trim);
            let named = parts.next()?.eq_ignore_ascii_case(name);
            let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok());
            named.then_some(weight.unwrap_or(1.0))
        })
    };
    weight("gzip").or(weight("*")).is_some_and(|weight| weight > 0.0)
}

/// A body with its own headers, packed if the reader takes gzip. One that is too large is a problem, and no answer that is
/// cut off.
pub fn packed<const HEADERS: usize>(
    asked: &HeaderMap,
    own: [(HeaderName, String); HEADERS],
    mut body: Vec<u8>,
) -> Result<Response, Problem> {
    let coding = if takes_gzip(asked) { "gzip" } else { "identity" };
    if coding == "gzip" {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&body).map_err(|_| Problem::Internal)?;
        body = encoder.finish().map_err(|_| Problem::Internal)?;
    }
    if body.len() > ANSWER_AT_MOST {
        return Err(Problem::AnswerTooLarge);
    }
    let mut response = (own, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    Ok(response)
}
