//! Problems: RFC 9457, one type for one meaning.

use axum::response::{IntoResponse, Response};
use domain::{
    Refusal, Reservation,
    change_request::{ChangeRefusal, ChangeStatus},
    invalid::InputErrors,
};
use http::{HeaderValue, StatusCode, header};
use problem_details::ProblemDetails;
use runtime::{SealError, UploadError, telemetry::ErrorChain};
use serde::Serialize;
use store::{ChangeOutcome, StoreError};

/// Why a request was not done.
///
/// A caller is told what to do about it, and nothing of our inside: causes go to the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Values are missing or wrong; each is named.
    InvalidRequest(InputErrors),
    /// The rules refuse; a type of its own for each [`Refusal`].
    Refused(Refusal),
    /// The change request is in a state that does not allow it, or somebody changed the same items since.
    ChangeConflict {
        /// Its state.
        current: ChangeStatus,
        /// The items.
        changed_since: InputErrors,
    },
    /// The archive of a hub was sent to one that has facilities already.
    HubNotEmpty,
    /// A client has as many webhook endpoints as one may have.
    TooManyEndpoints,
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
    /// The answer would be larger than one answer can be.
    AnswerTooLarge,
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
    /// A reader of a feed has read what is not there any more, and begins anew.
    FeedRestarted {
        /// At this address.
        next: String,
    },
    /// Too many requests.
    RateLimited {
        /// Whole seconds to wait.
        retry_after: u64,
    },
    /// Not now.
    Unavailable,
    /// Not by this version: a newer one wrote what is asked for, and an upgrade is under way.
    Upgrading,
    /// A mistake of ours.
    Internal,
}

/// A problem type: its name in the URL, its status, and what its page says.
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
    /// What to do about it, in English.
    pub advice_en: &'static str,
    /// What to do about it, in Japanese.
    pub advice_ja: &'static str,
}

macro_rules! kinds {
    ($($name:ident = $url:literal, $status:ident, $en:literal, $ja:literal, $advice_en:literal, $advice_ja:literal;)*) => {
        $(const $name: Kind = Kind {
            name: $url,
            status: StatusCode::$status,
            en: $en,
            ja: $ja,
            advice_en: $advice_en,
            advice_ja: $advice_ja,
        };)*
        /// Every problem type of the API.
        pub const KINDS: &[&Kind] = &[$(&$name),*];
    };
}

kinds! {
    INVALID_REQUEST = "invalid-request", BAD_REQUEST,
        "The request has missing or wrong values.", "リクエストの内容に誤りがあります。",
        "`errors` names each wrong value by its JSON pointer and says what is wrong with it. Correct them all and send the request again; a key that was refused may be used again.",
        "errorsに、誤りのある項目（JSONポインター）とその理由がすべて入っています。直して、もう一度送ってください。同じIdempotency-Keyを使えます。";
    UNAUTHORIZED = "unauthorized", UNAUTHORIZED,
        "An access token is needed.", "アクセストークンが必要です。",
        "Get an access token (client credentials, or sign in) and send it as Authorization: Bearer. One that you have may have run out. For the link in a mail: it is not whole, or its time is over; open the newest mail.",
        "アクセストークンを取得し、Authorization: Bearer で送ってください。期限が切れている場合は取り直してください。メールのリンクから開いた場合は、リンクが途中で切れているか、期限を過ぎています。一番新しいメールのリンクを開いてください。";
    FORBIDDEN = "forbidden", FORBIDDEN,
        "The caller may not do this.", "この操作は許可されていません。",
        "You are known, but your role or scope does not include this. Ask for the scope, or let somebody do it whose role has it. Repeating does not help.",
        "ログインまたは認証はできていますが、この操作の権限がありません。必要なスコープや役割を管理者に確認してください。送り直しても結果は変わりません。";
    NOT_FOUND = "not-found", NOT_FOUND,
        "There is nothing here.", "該当するものがありません。",
        "Check the address and the id. What you may not see is answered in the same way, so check also with whose token you ask.",
        "アドレスと番号を確かめてください。見る権限がないものも同じ答えになります。どのトークンで問い合わせているかも確かめてください。";
    METHOD_NOT_ALLOWED = "method-not-allowed", METHOD_NOT_ALLOWED,
        "This address does not take this method.", "このメソッドは使えません。",
        "The address exists with other methods; /openapi.json has them.",
        "このアドレスで使えるメソッドは /openapi.json にあります。";
    TOO_LARGE = "too-large", PAYLOAD_TOO_LARGE,
        "The body is too large.", "リクエストが大きすぎます。",
        "Send less: /openapi.json has the limit of each field.",
        "送る量を減らしてください。各項目の上限は /openapi.json にあります。";
    UNSUPPORTED_MEDIA_TYPE = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE,
        "The body must be application/json.", "application/json で送ってください。",
        "Send the body as JSON, not packed, with Content-Type: application/json.",
        "本文は圧縮せずJSONで、Content-Type: application/json を付けて送ってください。";
    IDEMPOTENCY_KEY_MISSING = "idempotency-key-missing", BAD_REQUEST,
        "An Idempotency-Key of 1 to 255 printable ASCII characters is needed.",
        "Idempotency-Key（印字可能なASCII 255文字以内）が必要です。",
        "Make up a new key for each thing that you want done, such as a UUID, and send the same one whenever you repeat the request.",
        "操作ごとに新しいキー（UUIDなど）を作り、Idempotency-Keyヘッダーで送ってください。同じ操作を送り直すときは同じキーを使います。";
    IDEMPOTENCY_KEY_REUSED = "idempotency-key-reused", UNPROCESSABLE_ENTITY,
        "This Idempotency-Key was used for another request.",
        "このIdempotency-Keyは別のリクエストで使われています。",
        "If it is another request, send it with a new key. If it is a repeat, send the body exactly as it was.",
        "別の操作であれば新しいキーで送ってください。送り直しであれば、最初と同じ内容で送ってください。";
    PRECONDITION_REQUIRED = "precondition-required", PRECONDITION_REQUIRED,
        "If-Match with the ETag that was read is needed.", "読み取ったETagをIf-Matchで送ってください。",
        "Read it first, and send the ETag of that answer as If-Match, so that nobody's change is overwritten.",
        "先に読み取り、その答えのETagをIf-Matchヘッダーで送ってください。ほかの人の変更を上書きしないためです。";
    PRECONDITION_FAILED = "precondition-failed", PRECONDITION_FAILED,
        "It was changed since it was read.", "読み取った後に変更されています。",
        "Read it again, make your change to what it is now, and send it with the new ETag.",
        "もう一度読み取り、今の内容に変更を加え、新しいETagを付けて送ってください。";
    FEED_RESTARTED = "feed-restarted", GONE,
        "The feed begins anew.", "フィードは最初から読み直す必要があります。",
        "The hub's table was restored, and what this number told is not there any more; or the number is none of this feed. Forget your copy and read the feed from its beginning, at `next`.",
        "ハブのデータを復元したため、この番号までの内容は失われました（または、このフィードの番号ではありません）。手元の写しを捨て、`next` のアドレスから読み直してください。";
    ANSWER_TOO_LARGE = "answer-too-large", BAD_REQUEST,
        "The answer is larger than one answer can be.", "結果が大きすぎて、一度に返せません。",
        "Accept gzip (Accept-Encoding: gzip), which makes it about a tenth. If it is still too large, ask for less: one municipality at a time, or of vacancies one month.",
        "Accept-Encoding: gzip を付けると、10分の1ほどの大きさになります。それでも大きすぎる場合は、区市町村を1つにするか、空き状況では月を指定してください。";
    RATE_LIMITED = "rate-limited", TOO_MANY_REQUESTS,
        "Too many requests; see Retry-After.", "リクエストが多すぎます。Retry-Afterの後に再送してください。",
        "Wait as many seconds as Retry-After says, then repeat. The headers RateLimit and RateLimit-Policy tell how much is left.",
        "Retry-Afterの秒数だけ待ってから送り直してください。残りの回数はRateLimitとRateLimit-Policyヘッダーでわかります。";
    UNAVAILABLE = "unavailable", SERVICE_UNAVAILABLE,
        "Not available now; repeat the same request.", "現在利用できません。同じリクエストを再送してください。",
        "Repeat the same request with the same Idempotency-Key after a moment. Nothing is done twice.",
        "少し待って、同じ内容を同じIdempotency-Keyで送り直してください。二重に処理されることはありません。";
    INTERNAL = "internal-error", INTERNAL_SERVER_ERROR,
        "The hub made a mistake.", "保活情報連携基盤で問題が発生しました。",
        "Repeat it later with the same Idempotency-Key. If it stays, tell the operator the request id, which is `instance`.",
        "時間をおいて同じIdempotency-Keyで送り直してください。続く場合は、instanceの番号を運用者にお知らせください。";
    SLOT_FULL = "slot-full", CONFLICT,
        "Every place of the slot is taken.", "予約枠は満員です。",
        "Choose another slot of the nursery, or send the request with \"waiting_list\": true to be told when a place comes free.",
        "ほかの予約枠を選んでください。空きを待つ場合は \"waiting_list\": true を付けて送ると、空いたときにお知らせします。";
    SLOT_DISABLED = "slot-disabled", CONFLICT,
        "The facility closed this slot.", "この予約枠は受付を停止しています。",
        "Choose another slot: read the list again.",
        "予約枠の一覧を読み直し、ほかの枠を選んでください。";
    SLOT_PAST = "slot-past", CONFLICT,
        "The slot has begun.", "この予約枠は終了しています。",
        "Choose a slot that is still to come.",
        "これから始まる予約枠を選んでください。";
    TOO_LATE = "too-late", CONFLICT,
        "The deadline is over.", "受付期限を過ぎています。",
        "Choose a later slot. To cancel after the deadline, telephone the nursery.",
        "もっと先の予約枠を選んでください。期限後の取り消しは、施設に電話でご連絡ください。";
    TOO_EARLY = "too-early", CONFLICT,
        "It is too early for this.", "まだ受け付けていません。",
        "Wait: the nursery's settings say how long before a visit it takes requests, and that somebody came can be noted once the visit has begun.",
        "受付の開始、または見学の開始までお待ちください。何日前から受け付けるかは施設が決めています。";
    BOOKING_CLOSED = "booking-closed", CONFLICT,
        "The facility takes no bookings here; see its external_booking_url.",
        "この施設はここでは予約を受け付けていません。施設のexternal_booking_urlをご覧ください。",
        "The nursery's external_booking_url or telephone number, both in its data, lead to it.",
        "施設情報のexternal_booking_urlまたは電話番号から申し込んでください。";
    CAPACITY_BELOW_TAKEN = "capacity-below-taken", CONFLICT,
        "More places are taken than that.", "すでに予約されている数より少なくできません。",
        "Cancel or decline reservations of the slot first, or leave the capacity at what is taken.",
        "先にその枠の予約を取り消すか見送りにするか、予約済みの数以上の定員にしてください。";
    TOO_MANY_REQUESTS_OF_FAMILY = "too-many-requests-of-family", CONFLICT,
        "The family has as many open requests at this facility as one may have. Cancel one first.",
        "この施設への見学予約の申請は、同時に3件までです。ほかの申請を取り消してからお申し込みください。",
        "Wait for the answer to an open request, or cancel one of them; then send this one again.",
        "申請中の見学の返事を待つか、どれかを取り消してから、もう一度お申し込みください。";
    TOO_MANY_ENDPOINTS = "too-many-endpoints", CONFLICT,
        "The client has as many webhook endpoints as one may have.", "Webhookの受信先は、1クライアントにつき20件までです。",
        "Delete an endpoint that is no longer used, then send this request again.",
        "使わなくなった受信先を削除してから、もう一度お送りください。";
    STATE_CONFLICT = "state-conflict", CONFLICT,
        "Its current state does not allow this.",
        "現在の状態ではこの操作はできません。",
        "`current_status` tells what it has become; somebody else was first. Read it again and decide anew. Where `errors` names items of a change request, they were changed since it was made: read them, and ask for them again or reject the request.",
        "current_statusが今の状態です。ほかの人が先に操作しました。読み直してから判断してください。施設情報変更依頼でerrorsに項目がある場合は、依頼の後にその項目が変更されています。今の内容を確かめて、その項目を入力し直すか却下してください。";
}

/// The language of what people read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Japanese.
    Ja,
    /// English.
    En,
}

impl Language {
    /// Japanese unless `Accept-Language` prefers English.
    pub fn of(headers: &http::HeaderMap) -> Self {
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
    current_status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
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
            Self::Refused(Refusal::StateConflict { .. })
            | Self::ChangeConflict { .. }
            | Self::HubNotEmpty => &STATE_CONFLICT,
            Self::TooManyEndpoints => &TOO_MANY_ENDPOINTS,
            Self::Unauthorized => &UNAUTHORIZED,
            Self::Forbidden => &FORBIDDEN,
            Self::NotFound => &NOT_FOUND,
            Self::MethodNotAllowed => &METHOD_NOT_ALLOWED,
            Self::TooLarge => &TOO_LARGE,
            Self::AnswerTooLarge => &ANSWER_TOO_LARGE,
            Self::UnsupportedMediaType => &UNSUPPORTED_MEDIA_TYPE,
            Self::IdempotencyKeyMissing => &IDEMPOTENCY_KEY_MISSING,
            Self::IdempotencyKeyReused => &IDEMPOTENCY_KEY_REUSED,
            Self::PreconditionRequired => &PRECONDITION_REQUIRED,
            Self::PreconditionFailed => &PRECONDITION_FAILED,
            Self::FeedRestarted { .. } => &FEED_RESTARTED,
            Self::RateLimited { .. } => &RATE_LIMITED,
            Self::Unavailable | Self::Upgrading => &UNAVAILABLE,
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
        let (mut errors, mut current_status, mut next) = (Vec::new(), None, None);
        let mut told = |InputErrors(wrong): &InputErrors| {
            errors.extend(wrong.iter().map(|error| WrongValue {
                pointer: error.pointer.clone(),
                detail: match language {
                    Language::Ja => error.invalid.ja(),
                    Language::En => error.invalid.en(),
                },
            }));
        };
        match self {
            Self::InvalidRequest(wrong) => told(wrong),
            Self::ChangeConflict { current, changed_since } => {
                told(changed_since);
                current_status = Some(current.as_str());
            }
            Self::HubNotEmpty => current_status = Some("not_empty"),
            Self::Refused(Refusal::StateConflict { current }) => {
                current_status = Some(current.as_str());
            }
            Self::FeedRestarted { next: begin } => next = Some(begin.clone()),
            _ => {}
        }
        let detail = if language == Language::Ja { kind.ja } else { kind.en };
        let uri = |text: String| http::Uri::try_from(text).unwrap_or_default();
        let details = ProblemDetails::from_status_code(kind.status)
            .with_type(uri(format!("/problems/{}", kind.name)))
            .with_title(kind.en)
            .with_detail(detail)
            .with_extensions(More { errors, current_status, next });
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
            Self::Upgrading => {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(60));
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

impl From<ChangeRefusal> for Problem {
    fn from(refusal: ChangeRefusal) -> Self {
        match refusal {
            ChangeRefusal::Invalid(errors) => Self::InvalidRequest(errors),
            ChangeRefusal::Conflict { current, changed_since } => {
                Self::ChangeConflict { current, changed_since }
            }
        }
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
            StoreError::Unavailable(_) | StoreError::Conflict => {
                tracing::warn!(error = %ErrorChain(&error), "the table is not available");
                Self::Unavailable
            }
            StoreError::UnknownForm(_) => {
                tracing::error!(error = %ErrorChain(&error), "an item has an unknown form");
                Self::Upgrading
            }
            StoreError::Rejected(_) => {
                tracing::error!(error = %ErrorChain(&error), "the table failed");
                Self::Internal
            }
        }
    }
}

impl From<UploadError> for Problem {
    fn from(error: UploadError) -> Self {
        tracing::error!(error = %ErrorChain(&error), "no address for an upload");
        Self::Unavailable
    }
}

impl From<SealError> for Problem {
    fn from(error: SealError) -> Self {
        tracing::error!(error = %ErrorChain(&error), "the seal failed");
        match error {
            SealError::Unavailable(_) => Self::Unavailable,
            SealError::UnknownForm(_) => Self::Internal,
        }
    }
}

/// The reservation as a change left it, or why it was not changed. Asking for what already is
/// succeeds.
pub fn settled(changed: ChangeOutcome) -> Result<Reservation, Problem> {
    match changed {
        ChangeOutcome::Done(reservation) | ChangeOutcome::Already(reservation) => Ok(*reservation),
        ChangeOutcome::Refused(refusal) => Err(refusal.into()),
        ChangeOutcome::NotFound => Err(Problem::NotFound),
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
