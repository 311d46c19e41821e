//! Requests that create, and their repetition.

use axum::{
    Json,
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use domain::{
    ReservationNumber, Timestamp,
    keys::{Families, IdKey, KeyRing},
    reservation::RequestFingerprint,
};
use http::{HeaderName, HeaderValue, StatusCode, header, request::Parts};
use runtime::Hub;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use store::{Earlier, Once};

use crate::Problem;

/// What a client calls one request, so that it may send it again: 1 to 255 printable characters of
/// ASCII.
#[derive(Debug, Clone)]
pub struct IdempotencyKey(String);

fn json(body: &impl Serialize) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(body).map_err(|_| Problem::Internal)
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

/// A request that creates something, made once however often it is sent. What it creates has an id that is derived from
/// caller and key, so a repeat meets what the first one made.
///
/// A repeat is told from another request by a keyed hash of the body. The client's own key, which is kept nowhere, goes
/// into it: nobody else can try out bodies until one fits.
#[derive(Debug)]
pub struct Creation<'a> {
    hub: &'a Hub,
    ids: &'a IdKey,
    key: &'a IdempotencyKey,
    caller: &'a str,
    /// By what a repeat is known.
    pub once: Once,
}

impl<'a> Creation<'a> {
    /// This request of a caller, on a route that names what it is about.
    pub fn new(
        hub: &'a Hub,
        ids: &'a IdKey,
        key: &'a IdempotencyKey,
        route: &str,
        caller: &'a str,
        body: &impl Serialize,
    ) -> Result<Self, Problem> {
        let of_caller = [b"key", route.as_bytes(), caller.as_bytes(), key.0.as_bytes()];
        let of_body: &[&[u8]] = &[b"body", key.0.as_bytes(), &json(body)?];
        let once = Once { key: ids.fingerprint(&of_caller), body: ids.fingerprint(of_body) };
        Ok(Self { hub, ids, key, caller, once })
    }

    /// The first answer, if this is a repeat.
    pub async fn repeated(&self) -> Result<Option<Response>, Problem> {
        self.hub.store.earlier(&self.once).await?.map(replay).transpose()
    }

    /// What ids of that which it creates are derived from: the same for a repeat, and for nothing else.
    pub fn fingerprint(&self) -> String {
        format!(
            "{:032x}{:032x}",
            u128::from_be_bytes(self.once.key),
            u128::from_be_bytes(self.once.body)
        )
    }

    /// The numbers that a reservation may get: each but the last may belong to somebody else.
    pub(crate) fn reservation_numbers(&self) -> impl Iterator<Item = ReservationNumber> {
        let number = |n| self.ids.reservation_number(self.caller, &self.key.0, n);
        (0..NUMBERS).map(number)
    }

    /// What ties a repeat to its reservation, which is kept with it: no other item is written.
    pub fn of_reservation(&self) -> RequestFingerprint {
        let Once { key, body } = self.once;
        RequestFingerprint { key, body, body_by_other_keys: Vec::new() }
    }

    /// The same where the body names a family: then it is hashed by the keys of those who take requests.
    pub fn of_family(
        &self,
        families: &KeyRing<Families>,
        body: &impl Serialize,
        now: Timestamp,
    ) -> Result<RequestFingerprint, Problem> {
        let of_body: &[&[u8]] = &[b"body", self.key.0.as_bytes(), &json(body)?];
        Ok(RequestFingerprint {
            key: self.once.key,
            body: families.fingerprint(now, of_body),
            body_by_other_keys: families.fingerprints(of_body),
        })
    }
}

/// How many numbers are derived for one request before giving up. That even the second belongs to
/// somebody else happens once in a hundred billion requests.
const NUMBERS: u8 = 4;

/// A first answer, as it is kept for repeats.
#[derive(Serialize, Deserialize)]
struct Kept {
    body: String,
    location: Option<String>,
}

fn kept(earlier: Earlier) -> Result<Kept, Problem> {
    let Earlier::Answer(kept) = earlier else { return Err(Problem::IdempotencyKeyReused) };
    serde_json::from_str(&kept).map_err(|_| Problem::Internal)
}

/// Gives the first answer again, as it was.
pub fn replay(earlier: Earlier) -> Result<Response, Problem> {
    let kept = kept(earlier)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (HeaderName::from_static(REPLAYED), HeaderValue::from_static("true")),
    ];
    let mut response = (StatusCode::CREATED, headers, kept.body).into_response();
    locate(&mut response, kept.location);
    Ok(response)
}

const REPLAYED: &str = "idempotency-replayed";

fn locate(response: &mut Response, location: Option<String>) {
    if let Some(location) = location.and_then(|path| HeaderValue::from_str(&path).ok()) {
        response.headers_mut().insert(header::LOCATION, location);
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

impl<T: Serialize> Created<T> {
    /// As it is kept for repeats.
    pub fn kept(&self) -> Result<String, serde_json::Error> {
        let kept =
            Kept { body: serde_json::to_string(&self.body)?, location: self.location.clone() };
        serde_json::to_string(&kept)
    }
}

impl<T: DeserializeOwned> Created<T> {
    /// The first answer, of which something is to be told anew.
    pub fn again(earlier: Earlier) -> Result<Self, Problem> {
        let Kept { body, location } = kept(earlier)?;
        let body = serde_json::from_str(&body).map_err(|_| Problem::Internal)?;
        Ok(Self { body, location, replayed: true })
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let mut response = (StatusCode::CREATED, Json(self.body)).into_response();
        locate(&mut response, self.location);
        if self.replayed {
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}
