//! Reading paths, queries and bodies: parsed once, at the edge, every error told at once.

use axum::extract::{FromRequest, FromRequestParts, Request, rejection::BytesRejection};
use deserr::Deserr;
use domain::{Invalid, MunicipalityCode, WebhookEndpointId, invalid::InputErrors};
use http::{StatusCode, header, request::Parts};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{Problem, browser::is_json, json};

/// A JSON body. Unknown and repeated fields are errors: a misspelt one must not be dropped in silence. Bodies come as they
/// are, not compressed.
#[derive(Debug, Clone)]
pub struct Body<T>(pub T);

impl<T, S> FromRequest<S> for Body<T>
where
    T: Deserr<InputErrors>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let headers = request.headers();
        let encoded = headers
            .get_all(header::CONTENT_ENCODING)
            .iter()
            .any(|coding| !coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity"));
        let is_json = is_json(headers);
        let bytes = axum::body::Bytes::from_request(request, state)
            .await
            .map_err(|rejection| refused_body(&rejection))?;
        if encoded || (!is_json && !bytes.is_empty()) {
            return Err(Problem::UnsupportedMediaType);
        }
        // A request that says nothing says the empty object.
        let json: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        let (value, repeated) =
            json::read(json).map_err(|_| Problem::input("", Invalid::Malformed))?;
        parsed(value, repeated).map(Self)
    }
}

/// What was sent, unless something is wrong with it: then all that is.
fn parsed<T: Deserr<InputErrors>>(sent: Value, repeated: InputErrors) -> Result<T, Problem> {
    match deserr::deserialize::<T, _, InputErrors>(sent) {
        Ok(parsed) if repeated.0.is_empty() => Ok(parsed),
        Ok(_) => Err(repeated.into()),
        Err(mut errors) => {
            errors.0.extend(repeated.0);
            Err(errors.into())
        }
    }
}

fn refused_body(rejection: &BytesRejection) -> Problem {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        Problem::TooLarge
    } else {
        Problem::input("", Invalid::Malformed)
    }
}

/// The value of a path. One that cannot be an id is the id of nothing.
#[derive(Debug, Clone)]
pub struct Path<T>(pub T);

/// What a handler may take from a path by itself: the name of something that is the same for all callers, or an id that
/// opens nothing without its owner's id.
#[diagnostic::on_unimplemented(
    message = "a handler does not take a `{Self}` from the path by itself",
    note = "`hub_http::access::For` reads what belongs to somebody, for whom it belongs to"
)]
pub trait PathValue: DeserializeOwned + Send {}

impl PathValue for MunicipalityCode {}
impl PathValue for String {}
impl PathValue for WebhookEndpointId {}

impl<T, S> FromRequestParts<S> for Path<T>
where
    T: PathValue,
    S: Send + Sync,
{
    type Rejection = Problem;
    #[expect(clippy::disallowed_types, reason = "what it wraps")]
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        axum::extract::Path::<T>::from_request_parts(parts, state)
            .await
            .map(|path| Self(path.0))
            .map_err(|_| Problem::NotFound)
    }
}

/// A day in a query, `YYYY-MM-DD`.
pub fn some_date(text: String) -> Result<Option<jiff::civil::Date>, Invalid> {
    domain::time::parse_date(&text).map(Some)
}

/// What a query may leave out.
pub fn given<T: TryFrom<String, Error = Invalid>>(text: String) -> Result<Option<T>, Invalid> {
    T::try_from(text).map(Some)
}

/// What a query may say.
pub trait QueryParams: Deserr<InputErrors> {
    /// The parameters that may be repeated.
    const LISTS: &'static [&'static str] = &[];
}

/// A query. Unknown and repeated parameters are errors, for the same reason as in bodies.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<T, S> FromRequestParts<S> for Query<T>
where
    T: QueryParams,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let pairs: Vec<(String, String)> =
            serde_urlencoded::from_str(parts.uri.query().unwrap_or_default())
                .map_err(|_| Problem::input("", Invalid::Malformed))?;
        let mut values = Map::new();
        let mut repeated = InputErrors::default();
        for (name, value) in pairs {
            if T::LISTS.contains(&name.as_str()) {
                let list = values.entry(name).or_insert_with(|| Value::Array(Vec::new()));
                if let Value::Array(list) = list {
                    list.push(value.into());
                }
            } else if values.contains_key(&name) {
                let again = InputErrors::one(format!("/{name}"), Invalid::Repeated);
                repeated.0.extend(again.0);
            } else {
                values.insert(name, value.into());
            }
        }
        parsed(Value::Object(values), repeated).map(Self)
    }
}
