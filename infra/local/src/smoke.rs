//! Whether a deployed hub works, as its callers see it: through the API alone, on any address. It changes nothing,
//! unless it is asked to make a reservation and to cancel it.

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use domain::{ClientId, FacilityId, applicant::Email};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api::{Answer, Api, ApiError, visit_request};

/// What is tried.
#[derive(Debug, Clone)]
pub struct Smoke {
    /// The address of the hub, such as `https://hub.city.example`.
    pub url: String,
    /// A vendor, whose own reading is tried too.
    pub vendor: Option<Credentials>,
    /// Whether the vendor makes a reservation and cancels it.
    pub reserve: Option<Reserve>,
}

/// The credentials of a vendor.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Where tokens are issued.
    pub token_url: String,
    /// The client's id.
    pub client_id: ClientId,
    /// The client's secret.
    pub client_secret: String,
}

/// The reservation that is made and cancelled.
#[derive(Debug, Clone)]
pub struct Reserve {
    /// At this nursery, which is mailed.
    pub facility: FacilityId,
    /// For this address, which is mailed too.
    pub email: Email,
}

/// Why nothing could be tried.
#[derive(Debug, thiserror::Error)]
pub enum SmokeError {
    /// No client can be made.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// Nothing can be printed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Some checks failed; each was printed.
    #[error("{failed} of {all} checks failed")]
    Failed {
        /// How many.
        failed: usize,
        /// Of how many.
        all: usize,
    },
}

/// What was found, or what is wrong.
type Found = Result<String, String>;

/// Tries everything and prints a line for each check.
pub async fn run(smoke: &Smoke, out: &mut impl Write) -> Result<(), SmokeError> {
    let api = Api::anywhere(smoke.url.trim_end_matches('/'))?;
    let mut results = vec![
        ("the document", document(&api).await),
        ("headers of an answer", security_headers(&api, &smoke.url).await),
        ("finding a nursery", facilities(&api).await),
        ("asking again for what one has", not_modified(&api).await),
        ("the feed of slots", feed(&api).await),
        ("what is not there", unknown_route(&api).await),
        ("a page on a problem", problem_page(&api).await),
        ("reservations without a token", without_token(&api).await),
        ("reservations with a forged token", with_forged_token(&api).await),
        ("a request for a visit without values", broken_request(&api).await),
        ("a parent's link that is none", forged_link(&api).await),
    ];
    if let Some(vendor) = &smoke.vendor {
        let entered = enter(&api, vendor).await;
        let (api, entered) = match entered {
            Ok((api, said)) => (Some(api), Ok(said)),
            Err(error) => (None, Err(error)),
        };
        results.push(("a token for the vendor", entered));
        if let Some(api) = api {
            results.push(("the vendor's own", own(&api).await));
            if let Some(reserve) = &smoke.reserve {
                results.push(("a reservation, made and cancelled", visit(&api, reserve).await));
            }
        }
    }
    let width = results.iter().map(|(what, _)| what.len()).max().unwrap_or_default();
    for (what, found) in &results {
        match found {
            Ok(found) => writeln!(out, "ok    {what:width$}  {found}")?,
            Err(wrong) => writeln!(out, "FAIL  {what:width$}  {wrong}")?,
        }
    }
    let (failed, all) = (results.iter().filter(|(_, found)| found.is_err()).count(), results.len());
    if failed > 0 {
        return Err(SmokeError::Failed { failed, all });
    }
    Ok(writeln!(out, "All {all} checks came out as they should.")?)
}

/// An answer with this status, or what came instead.
async fn read(api: &Api, path: &str, status: StatusCode) -> Result<Answer, String> {
    let answer = api.get(path).await.map_err(|error| error.to_string())?;
    expect(&format!("GET {path}"), status, answer)
}

fn expect(request: &str, status: StatusCode, answer: Answer) -> Result<Answer, String> {
    if answer.status == status {
        return Ok(answer);
    }
    let problem = answer.body["type"].as_str().unwrap_or("without a problem type");
    Err(format!("{request} answers {} ({problem}), not {}", answer.status, status.as_u16()))
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn must(true_of: bool, wrong: impl Into<String>) -> Result<(), String> {
    if true_of { Ok(()) } else { Err(wrong.into()) }
}

async fn document(api: &Api) -> Found {
    let document = read(api, "/openapi.json", StatusCode::OK).await?.body;
    let version = document["openapi"].as_str().unwrap_or_default();
    must(version.starts_with("3.1."), "it is no OpenAPI 3.1")?;
    let paths = document["paths"].as_object().filter(|paths| !paths.is_empty());
    let paths = paths.ok_or("it has no paths")?;
    let mut operations = paths.values().flat_map(|item| item.as_object().into_iter().flatten());
    must(operations.all(|(_, one)| one["responses"].is_object()), "an operation has no responses")?;
    let mut references = BTreeSet::new();
    collect_references(&document, &mut references);
    let lost = references.into_iter().find(|name| document.pointer(&name[1..]).is_none());
    must(lost.is_none(), format!("{} leads nowhere", lost.unwrap_or_default()))?;
    Ok(format!("OpenAPI {version}, {} paths", paths.len()))
}

/// Each `$ref` within a document, such as `#/components/schemas/Slot`.
fn collect_references<'a>(value: &'a Value, into: &mut BTreeSet<&'a str>) {
    if let Some(name) = value["$ref"].as_str().filter(|name| name.starts_with("#/")) {
        into.insert(name);
    }
    match value {
        Value::Object(fields) => fields.values().for_each(|field| collect_references(field, into)),
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, into)),
        _ => {}
    }
}

async fn security_headers(api: &Api, url: &str) -> Found {
    let answer = read(api, "/v1/facilities?limit=1", StatusCode::OK).await?;
    must(header(&answer, "x-content-type-options") == "nosniff", "no nosniff")?;
    let strict = header(&answer, "strict-transport-security");
    must(strict.contains("max-age="), "no Strict-Transport-Security")?;
    let transport = if url.starts_with("https://") { "over TLS" } else { "NOT over TLS" };
    Ok(format!("nosniff, {strict}, {transport}"))
}

async fn facilities(api: &Api) -> Found {
    let page = read(api, "/v1/facilities?limit=1", StatusCode::OK).await?.body;
    let items = page["items"].as_array().ok_or("the list has no items")?;
    let Some(facility) = items.first() else { return Ok("none yet".into()) };
    let id = facility["facility_id"].as_str().ok_or("it has no facility_id")?;
    let one = read(api, &format!("/v1/facilities/{id}"), StatusCode::OK).await?.body;
    must(one["facility_id"] == id, "another one came")?;
    let slots = read(api, &format!("/v1/facilities/{id}/slots"), StatusCode::OK).await?.body;
    let slots = slots["items"].as_array().ok_or("its slots have no items")?;
    Ok(format!("{id} and {} of its slots", slots.len()))
}

async fn not_modified(api: &Api) -> Found {
    let path = "/openapi.json";
    let first = read(api, path, StatusCode::OK).await?;
    let tag = header(&first, "etag");
    must(!tag.is_empty(), "no ETag")?;
    let again = api.send(Method::GET, path, None, &[("if-none-match", tag)]).await;
    expect("with its ETag", StatusCode::NOT_MODIFIED, again.map_err(|error| error.to_string())?)?;
    Ok("304".into())
}

async fn feed(api: &Api) -> Found {
    let page = read(api, "/v1/feeds/slots?limit=1", StatusCode::OK).await?.body;
    must(page["next"].is_string(), "the page has no next")?;
    let items = page["items"].as_array().ok_or("the page has no items")?;
    Ok(if items.is_empty() { "empty".into() } else { "a page, and where the next one is".into() })
}

async fn unknown_route(api: &Api) -> Found {
    let answer = read(api, "/v1/no-such-route", StatusCode::NOT_FOUND).await?;
    must(header(&answer, "content-type") == "application/problem+json", "no problem+json")?;
    must(answer.body["type"] == "/problems/not-found", "no type")?;
    must(answer.body["instance"].is_string(), "no instance")?;
    Ok("404, a problem".into())
}

async fn problem_page(api: &Api) -> Found {
    let answer = read(api, "/problems/not-found", StatusCode::OK).await?;
    must(header(&answer, "content-type").starts_with("text/html"), "no HTML")?;
    Ok("a page".into())
}

async fn without_token(api: &Api) -> Found {
    read(api, "/v1/reservations", StatusCode::UNAUTHORIZED).await?;
    Ok("401".into())
}

async fn with_forged_token(api: &Api) -> Found {
    let answer = api.with_token("e30.e30.AAAA").get("/v1/reservations").await;
    let status = answer.map_err(|error| error.to_string())?.status;
    let refused = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    must(refused, format!("it is answered {status}"))?;
    Ok(status.as_u16().to_string())
}

async fn broken_request(api: &Api) -> Found {
    let answer = api.create("/v1/portal/reservations", "smoke", json!({})).await;
    let answer = answer.map_err(|error| error.to_string())?;
    let answer = expect("POST /v1/portal/reservations", StatusCode::BAD_REQUEST, answer)?;
    let errors = answer.body["errors"].as_array().map_or(0, Vec::len);
    must(errors > 1, "it does not name what is missing")?;
    Ok(format!("400, {errors} values are named"))
}

async fn forged_link(api: &Api) -> Found {
    let answer = api.post("/v1/visits/session", json!({"token": "none"})).await;
    let answer = answer.map_err(|error| error.to_string())?;
    expect("POST /v1/visits/session", StatusCode::UNAUTHORIZED, answer)?;
    Ok("401".into())
}

async fn enter(api: &Api, vendor: &Credentials) -> Result<(Api, String), String> {
    let Credentials { token_url, client_id, client_secret } = vendor;
    let entered = api.with_credentials(token_url, client_id.as_str(), client_secret).await;
    let entered = entered.map_err(|error| error.to_string())?;
    Ok((entered, format!("for {client_id}")))
}

/// What every vendor has, and what a search site has.
async fn own(api: &Api) -> Found {
    let endpoints = read(api, "/v1/webhook-endpoints", StatusCode::OK).await?.body;
    let endpoints = endpoints["items"].as_array().map_or(0, Vec::len);
    let mine = api.get("/v1/reservations?limit=1").await.map_err(|error| error.to_string())?;
    if mine.status == StatusCode::FORBIDDEN {
        return Ok(format!("{endpoints} webhook endpoints; it is an ICT system"));
    }
    let mine = expect("GET /v1/reservations", StatusCode::OK, mine)?.body;
    must(mine["items"].is_array(), "the list of reservations has no items")?;
    Ok(format!("{endpoints} webhook endpoints, and its reservations"))
}

async fn visit(api: &Api, reserve: &Reserve) -> Found {
    let facility = reserve.facility.as_str();
    let slot = api.open_slot(facility).await.map_err(|error| error.to_string())?;
    let slot = slot["slot_id"].as_str().ok_or("the nursery has no open slot")?;
    let mut body = visit_request(facility, slot);
    body["applicant"]["email"] = json!(reserve.email.reveal());
    body["message_to_facility"] = json!("動作確認です。すぐに取り消します。");
    let key = format!("smoke-{}", rand::random::<u64>());
    let made = api.create("/v1/reservations", &key, body).await;
    let made = made.map_err(|error| error.to_string())?;
    let made = expect("POST /v1/reservations", StatusCode::CREATED, made)?.body;
    let number = made["reservation_number"].as_str().ok_or("it has no number")?;
    let path = format!("/v1/reservations/{number}/cancel");
    let cancelled = api.post(&path, json!({})).await.map_err(|error| error.to_string())?;
    let cancelled = expect(&format!("POST {path}"), StatusCode::OK, cancelled)?.body;
    must(cancelled["status"] == "cancelled_by_parent", format!("{number} is not cancelled"))?;
    Ok(number.to_owned())
}
