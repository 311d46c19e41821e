//! A list, or an archive, as the body of a request.

use axum::{
    body::to_bytes,
    extract::{OptionalFromRequest, Request},
};
use domain::Invalid;
use http::{HeaderMap, header};
use hub_http::Problem;
use runtime::uploads;

/// As much as API Gateway hands to a function, with room for what encoding it adds.
const SENT_AT_MOST: usize = 4 * 1024 * 1024;

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

/// There is none in a request without a body, whatever its headers say of it.
impl<S: Send + Sync> OptionalFromRequest<S> for File {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Option<Self>, Problem> {
        let (parts, body) = request.into_parts();
        let sent = to_bytes(body, SENT_AT_MOST).await.map_err(|_| Problem::TooLarge)?;
        if sent.is_empty() {
            return Ok(None);
        }
        let kind = kind(&parts.headers).ok_or(Problem::UnsupportedMediaType)?;
        let bytes = match is_packed(&parts.headers)? {
            false => sent.into(),
            true => uploads::unpacked(&sent).map_err(|invalid| match invalid {
                Invalid::FileTooLarge(_) => Problem::TooLarge,
                _ => Problem::UnsupportedMediaType,
            })?,
        };
        Ok(Some(Self { kind, bytes }))
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
