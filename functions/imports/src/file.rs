//! A list, or an archive, as the body of a request.

use std::io::Read;

use axum::{
    body::to_bytes,
    extract::{FromRequest, Request},
};
use flate2::read::MultiGzDecoder;
use http::{HeaderMap, header};
use hub_http::Problem;

/// As much as API Gateway hands to a function, with room for what encoding it adds.
const SENT_AT_MOST: usize = 4 * 1024 * 1024;

/// So that nothing that is packed small fills the memory.
const UNPACKED_AT_MOST: usize = 64 * 1024 * 1024;

/// What was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Rows in CSV or with tabs.
    List,
    /// The archive of a hub.
    Archive,
}

/// A file, unpacked.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) kind: Kind,
    pub(crate) bytes: Vec<u8>,
}

impl<S: Send + Sync> FromRequest<S> for File {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let is_packed = is_packed(request.headers())?;
        let kind = kind(request.headers()).ok_or(Problem::UnsupportedMediaType)?;
        let sent = to_bytes(request.into_body(), SENT_AT_MOST).await;
        let sent = sent.map_err(|_| Problem::TooLarge)?;
        if !is_packed {
            return Ok(Self { kind, bytes: sent.into() });
        }
        let mut bytes = Vec::new();
        let unpacked = MultiGzDecoder::new(&sent[..]).take(UNPACKED_AT_MOST as u64 + 1);
        { unpacked }.read_to_end(&mut bytes).map_err(|_| Problem::UnsupportedMediaType)?;
        if bytes.len() > UNPACKED_AT_MOST {
            Err(Problem::TooLarge)
        } else {
            Ok(Self { kind, bytes })
        }
    }
}

fn kind(headers: &HeaderMap) -> Option<Kind> {
    let sent = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = sent.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    match kind.to_ascii_lowercase().as_str() {
        "text/csv" | "text/tab-separated-values" => Some(Kind::List),
        "application/json" => Some(Kind::Archive),
        _ => None,
    }
}

fn is_packed(headers: &HeaderMap) -> Result<bool, Problem> {
    let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
    match (codings.next().map(|coding| coding.as_bytes().trim_ascii()), codings.next()) {
        (None, _) => Ok(false),
        (Some(coding), None) if coding.eq_ignore_ascii_case(b"identity") => Ok(false),
        (Some(coding), None) if coding.eq_ignore_ascii_case(b"gzip") => Ok(true),
        _ => Err(Problem::UnsupportedMediaType),
    }
}
