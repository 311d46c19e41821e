//! Reading paths, queries and bodies: parsed once, at the edge, every error told at once.

use axum::extract::{FromRequest, FromRequestParts, Request, rejection::BytesRejection};
use deserr::Deserr;
use domain::{Invalid, invalid::InputErrors};
use http::{StatusCode, request::Parts};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{Problem, browser::is_json};

/// A JSON body. Unknown fields are errors: a misspelt one must not be dropped in silence.
#[derive(Debug, Clone)]
pub struct Body<T>(pub T);

impl<T, S> FromRequest<S> for Body<T>
where
    T: Deserr<InputErrors>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let is_json = is_json(request.headers());
        let bytes = axum::body::Bytes::from_request(request, state)
            .await
            .map_err(|rejection| refused_body(&rejection))?;
        if !is_json && !bytes.is_empty() {
            return Err(Problem::UnsupportedMediaType);
        }
        // A request that says nothing says the empty object.
        let json: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        let value: Value =
            serde_json::from_slice(json).map_err(|_| Problem::input("", Invalid::Malformed))?;
        Ok(Self(deserr::deserialize::<T, _, InputErrors>(value)?))
    }
}

fn refused_body(rejection: &BytesRejection) -> Problem {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        Problem::TooLarge
    } else {
        Problem::input("", Invalid::Malformed)
    }
}

/// The values of the path. One that cannot be an id is the id of nothing.
#[derive(Debug, Clone)]
pub struct Path<T>(pub T);

impl<T, S> FromRequestParts<S> for Path<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = Problem;
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
                let again = InputErrors::one(format!("/{name}"), Invalid::Format("once"));
                repeated.0.extend(again.0);
            } else {
                values.insert(name, value.into());
            }
        }
        match deserr::deserialize::<T, _, InputErrors>(Value::Object(values)) {
            Ok(query) if repeated.0.is_empty() => Ok(Self(query)),
            Ok(_) => Err(repeated.into()),
            Err(mut errors) => {
                errors.0.extend(repeated.0);
                Err(errors.into())
            }
        }
    }
}
