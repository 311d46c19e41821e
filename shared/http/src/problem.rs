//! Problems: RFC 9457, one type for one meaning.

use axum::response::{IntoResponse, Response};
use domain::{Refusal, Reservation, Status, invalid::InputErrors};
use http::{HeaderValue, StatusCode, header};
use problem_details::ProblemDetails;
use runtime::{SealError, telemetry::Causes};
use serde::Serialize;
use store::{Changed, StoreError};

/// Why a request was not done.
///
/// A caller is told what to do about it, and nothing of our inside: causes go to the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Values are missing or wrong; each is named.
    InvalidRequest(InputErrors),
    /// The rules refuse; a type of its own for each [`Refusal`].
    Refused(Refusal),
    /// Nobody proved who calls.
    Unauthorized,
    /// Known, but not for this caller.
    Forbidden,
    /// Nothing here, or nothing that this caller may know of.
    NotFound,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// The body is larger than any request of this API.
    TooLarge,
    /// The body is not `application/json`.
    UnsupportedMediaType,
    /// A creating request without `Idempotency-Key`.
    IdempotencyKeyMissing,
    /// The same key came with another body.
    IdempotencyKeyReused,
    /// A change without `If-Match`.
    PreconditionRequired,
    /// `If-Match` names an older representation.
    PreconditionFailed,
    /// Too many requests.
    RateLimited {
        /// Whole seconds to wait.
        retry_after: u64,
    },
    /// Not now.
    Unavailable,
    /// A mistake of ours.
    Internal,
}

/// A problem type: its name in the URL, status, and titles.
#[derive(Debug)]
pub struct Kind {
    /// The last part of `type`.
    pub name: &'static str,
    /// The HTTP status.
    pub status: StatusCode,
    /// What happened, in English; also the `title`.
    pub en: &'static str,
    /// What happened, in Japanese.
    pub ja: &'static str,
}

macro_rules! kinds {
    ($($name:ident = $url:literal, $status:ident, $en:literal, $ja:literal;)*) => {
        $(const $name: Kind = Kind { name: $url, status: StatusCode::$status, en: $en, ja: $ja };)*
        /// Every problem type of the API.
        pub const KINDS: &[&Kind] = &[$(&$name),*];
    };
}

kinds! {
    INVALID_REQUEST = "invalid-request", BAD_REQUEST,
        "The request has missing or wrong values.", "リクエストの内容に誤りがあります。";
    UNAUTHORIZED = "unauthorized", UNAUTHORIZED,
        "An access token is needed.", "アクセストークンが必要です。";
    FORBIDDEN = "forbidden", FORBIDDEN,
        "The caller may not do this.", "この操作は許可されていません。";
    NOT_FOUND = "not-found", NOT_FOUND,
        "There is nothing here.", "該当するものがありません。";
    METHOD_NOT_ALLOWED = "method-not-allowed", METHOD_NOT_ALLOWED,
        "This address does not take this method.", "このメソッドは使えません。";
    TOO_LARGE = "too-large", PAYLOAD_TOO_LARGE,
        "The body is too large.", "リクエストが大きすぎます。";
    UNSUPPORTED_MEDIA_TYPE = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE,
        "The body must be application/json.", "application/json で送ってください。";
    IDEMPOTENCY_KEY_MISSING = "idempotency-key-missing", BAD_REQUEST,
        "An Idempotency-Key of 1 to 255 printable ASCII characters is needed.",
        "Idempotency-Key（印字可能なASCII 255文字以内）が必要です。";
    IDEMPOTENCY_KEY_REUSED = "idempotency-key-reused", UNPROCESSABLE_ENTITY,
        "This Idempotency-Key was used for another request.",
        "このIdempotency-Keyは別のリクエストで使われています。";
    PRECONDITION_REQUIRED = "precondition-required", PRECONDITION_REQUIRED,
        "If-Match with the ETag that was read is needed.", "読み取ったETagをIf-Matchで送ってください。";
    PRECONDITION_FAILED = "precondition-failed", PRECONDITION_FAILED,
        "It was changed since it was read.", "読み取った後に変更されています。";
    RATE_LIMITED = "rate-limited", TOO_MANY_REQUESTS,
        "Too many requests; see Retry-After.", "リクエストが多すぎます。Retry-Afterの後に再送してください。";
    UNAVAILABLE = "unavailable", SERVICE_UNAVAILABLE,
        "Not available now; repeat the same request.", "現在利用できません。同じリクエストを再送してください。";
    INTERNAL = "internal-error", INTERNAL_SERVER_ERROR,
        "The hub made a mistake.", "保活情報連携基盤で問題が発生しました。";
    SLOT_FULL = "slot-full", CONFLICT,
        "Every place of the slot is taken.", "予約枠は満員です。";
    SLOT_DISABLED = "slot-disabled", CONFLICT,
        "The facility closed this slot.", "この予約枠は受付を停止しています。";
    SLOT_PAST = "slot-past", CONFLICT,
        "The slot has begun.", "この予約枠は終了しています。";
    TOO_LATE = "too-late", CONFLICT,
        "The deadline is over.", "受付期限を過ぎています。";
    TOO_EARLY = "too-early", CONFLICT,
        "It is too early for this.", "まだ受け付けていません。";
    BOOKING_CLOSED = "booking-closed", CONFLICT,
        "The facility takes no bookings here; see its external_booking_url.",
        "この施設はここでは予約を受け付けていません。施設のexternal_booking_urlをご覧ください。";
    CAPACITY_BELOW_TAKEN = "capacity-below-taken", CONFLICT,
        "More places are taken than that.", "すでに予約されている数より少なくできません。";
    TOO_MANY_REQUESTS_OF_FAMILY = "too-many-requests-of-family", CONFLICT,
        "The family has as many open requests at this facility as one may have. Cancel one first.",
        "この施設への見学予約の申請は、同時に3件までです。ほかの申請を取り消してからお申し込みください。";
    STATE_CONFLICT = "state-conflict", CONFLICT,
        "The reservation is in a state that does not allow this.",
        "予約の現在の状態ではこの操作はできません。";
}

/// The language of `detail`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Ja,
    En,
}

impl Language {
    /// Japanese unless `Accept-Language` prefers English.
    pub(crate) fn of(headers: &http::HeaderMap) -> Self {
        let accepted = headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let weight = |language: &str| {
            accepted
                .split(',')
                .filter_map(|range| {
                    let mut parts = range.split(';');
                    let tag = parts.next()?.trim().to_ascii_lowercase();
                    let named = tag == language || tag.starts_with(&format!("{language}-"));
                    let quality =
                        parts.find_map(|part| part.trim().strip_prefix("q=")?.parse::<f32>().ok());
                    named.then_some(quality.unwrap_or(1.0))
                })
                .fold(0.0, f32::max)
        };
        if weight("en") > weight("ja") { Self::En } else { Self::Ja }
    }
}

/// What a problem says beside the fields of RFC 9457.
#[derive(Debug, Serialize)]
struct More {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<WrongValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    current_status: Option<Status>,
}

/// One wrong value.
#[derive(Debug, Serialize)]
struct WrongValue {
    pointer: String,
    detail: String,
}

impl Problem {
    /// A single wrong value, at a JSON pointer.
    pub fn input(pointer: &str, invalid: domain::Invalid) -> Self {
        Self::InvalidRequest(InputErrors::one(pointer, invalid))
    }

    fn kind(&self) -> &'static Kind {
        match self {
            Self::InvalidRequest(_) => &INVALID_REQUEST,
            Self::Refused(Refusal::SlotFull) => &SLOT_FULL,
            Self::Refused(Refusal::SlotDisabled) => &SLOT_DISABLED,
            Self::Refused(Refusal::SlotPast) => &SLOT_PAST,
            Self::Refused(Refusal::TooLate) => &TOO_LATE,
            Self::Refused(Refusal::TooEarly) => &TOO_EARLY,
            Self::Refused(Refusal::BookingClosed) => &BOOKING_CLOSED,
            Self::Refused(Refusal::CapacityBelowTaken) => &CAPACITY_BELOW_TAKEN,
            Self::Refused(Refusal::TooManyRequestsOfFamily) => &TOO_MANY_REQUESTS_OF_FAMILY,
            Self::Refused(Refusal::StateConflict { .. }) => &STATE_CONFLICT,
            Self::Unauthorized => &UNAUTHORIZED,
            Self::Forbidden => &FORBIDDEN,
            Self::NotFound => &NOT_FOUND,
            Self::MethodNotAllowed => &METHOD_NOT_ALLOWED,
            Self::TooLarge => &TOO_LARGE,
            Self::UnsupportedMediaType => &UNSUPPORTED_MEDIA_TYPE,
            Self::IdempotencyKeyMissing => &IDEMPOTENCY_KEY_MISSING,
            Self::IdempotencyKeyReused => &IDEMPOTENCY_KEY_REUSED,
            Self::PreconditionRequired => &PRECONDITION_REQUIRED,
            Self::PreconditionFailed => &PRECONDITION_FAILED,
            Self::RateLimited { .. } => &RATE_LIMITED,
            Self::Unavailable => &UNAVAILABLE,
            Self::Internal => &INTERNAL,
        }
    }

    /// The whole answer to a request with these headers and this id.
    pub fn answer(&self, headers: &http::HeaderMap, request_id: &str) -> Response {
        self.render(Language::of(headers), request_id)
    }

    /// The whole answer, in the language of the request and with its id.
    pub(crate) fn render(&self, language: Language, request_id: &str) -> Response {
        let kind = self.kind();
        let (mut errors, mut current_status) = (Vec::new(), None);
        match self {
            Self::InvalidRequest(InputErrors(wrong)) => {
                errors.extend(wrong.iter().map(|error| WrongValue {
                    pointer: error.pointer.clone(),
                    detail: match language {
                        Language::Ja => error.invalid.ja(),
                        Language::En => error.invalid.en(),
                    },
                }));
            }
            Self::Refused(Refusal::StateConflict { current }) => current_status = Some(*current),
            _ => {}
        }
        let detail = if language == Language::Ja { kind.ja } else { kind.en };
        let uri = |text: String| http::Uri::try_from(text).unwrap_or_default();
        let details = ProblemDetails::from_status_code(kind.status)
            .with_type(uri(format!("/problems/{}", kind.name)))
            .with_title(kind.en)
            .with_detail(detail)
            .with_extensions(More { errors, current_status });
        // `instance` is the request id, which is a relative reference but not one that parses.
        let mut body = serde_json::to_value(&details).unwrap_or_default();
        body["instance"] = request_id.into();
        let headers = [
            (header::CONTENT_TYPE, "application/problem+json"),
            (header::CACHE_CONTROL, "no-store"),
            (header::CONTENT_LANGUAGE, if language == Language::Ja { "ja" } else { "en" }),
        ];
        let mut response = (kind.status, headers, body.to_string()).into_response();
        match self {
            Self::RateLimited { retry_after } => {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*retry_after));
            }
            Self::Unavailable => {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(1));
            }
            Self::Unauthorized => {
                let scheme = HeaderValue::from_static("Bearer");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
            }
            _ => {}
        }
        response
    }
}

impl IntoResponse for Problem {
    /// Only notes the problem: [`finish`](crate::finish()) renders it, knowing the request's language.
    fn into_response(self) -> Response {
        let mut response = self.kind().status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<InputErrors> for Problem {
    fn from(errors: InputErrors) -> Self {
        Self::InvalidRequest(errors)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::Changed => {
                tracing::warn!(error = %Causes(&error), "the table is not available");
                Self::Unavailable
            }
            StoreError::Refused(_) | StoreError::UnknownForm(_) => {
                tracing::error!(error = %Causes(&error), "the table failed");
                Self::Internal
            }
        }
    }
}

impl From<SealError> for Problem {
    fn from(error: SealError) -> Self {
        tracing::error!(error = %Causes(&error), "the seal failed");
        match error {
            SealError::Unavailable(_) => Self::Unavailable,
            SealError::UnknownForm(_) => Self::Internal,
        }
    }
}

/// The reservation as a change left it, or why it was not changed. Asking for what already is
/// succeeds.
pub fn settled(changed: Changed) -> Result<Reservation, Problem> {
    match changed {
        Changed::Done(reservation) | Changed::Already(reservation) => Ok(*reservation),
        Changed::Refused(refusal) => Err(refusal.into()),
        Changed::NotFound => Err(Problem::NotFound),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_is_spoken_only_to_who_prefers_it() {
        let language = |accept: &str| {
            let mut headers = http::HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, accept.parse().unwrap());
            Language::of(&headers)
        };
        assert_eq!(Language::of(&http::HeaderMap::new()), Language::Ja);
        assert_eq!(language("en-GB,en;q=0.9"), Language::En);
        assert_eq!(language("ja,en;q=0.9"), Language::Ja);
        assert_eq!(language("de"), Language::Ja);
    }

    #[test]
    fn no_two_problem_types_share_a_name() {
        let mut names: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), KINDS.len());
    }
}
