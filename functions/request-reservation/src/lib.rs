//! `POST /v1/reservations`: a search site asks for a visit (API-02, RSV-01).

use std::sync::Arc;

use axum::extract::State;
use domain::{
    Invalid, Reservation,
    reservation::{self, RequestMark, RequestVisit},
};
use hub_http::{
    Body, Created, IdempotencyKey, Problem, body_mark,
    caller::{Scope, SearchSite},
    view::ReservationView,
};
use runtime::{Hub, Purpose, Seal};
use store::Reserved;
use utoipa_axum::{router::OpenApiRouter, routes};

#[derive(Debug, Clone)]
struct Requests {
    hub: Hub,
    seal: Arc<dyn Seal>,
}

/// The routes of this function.
pub fn routes(hub: Hub, seal: Arc<dyn Seal>) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(request_reservation)).with_state(Requests { hub, seal })
}

/// How many numbers are derived for one request before giving up. That even the second belongs to
/// somebody else happens once in a hundred billion requests.
const NUMBERS: u8 = 4;

/// The largest value that can be sealed, in bytes.
const SEALED_AT_MOST: usize = 4096;

/// Asks for a visit: takes a place and records the request.
///
/// The nursery is told at once and answers; until then the reservation is `pending`.
#[utoipa::path(
    post, path = "/v1/reservations", tag = "search site",
    params(("Idempotency-Key" = String, Header, description = "What the caller calls this request; the same key gives the same answer")),
    request_body = RequestVisit,
    responses(
        (status = 201, description = "The place is held; the request waits for the nursery's answer",
            body = ReservationView,
            headers(("Location" = String, description = "The reservation"))),
        (status = 409, description = "`slot-full`, `slot-disabled`, `slot-past`, `too-late` or `too-early`",
            content_type = "application/problem+json"),
    ),
    security(("client_credentials" = ["reservations:write"])),
)]
async fn request_reservation(
    State(Requests { hub, seal }): State<Requests>,
    site: SearchSite,
    key: IdempotencyKey,
    Body(asked): Body<RequestVisit>,
) -> Result<Created<ReservationView>, Problem> {
    let client = site.with(Scope::ReservationsWrite)?;
    let now = hub.clock.now();
    reservation::consent_is_given(&asked.consent, now)?;
    let applicant = serde_json::to_vec(&asked.applicant()).map_err(|_| Problem::Internal)?;
    if applicant.len() > SEALED_AT_MOST {
        return Err(Problem::input("/message_to_facility", Invalid::TooLong(900)));
    }
    let mark = RequestMark {
        key: key.mark(&hub.secret, "reservations", client.as_str()),
        body: body_mark(&hub.secret, &asked)?,
    };
    let (facility, settings, slot) =
        hub.store.facility_for_request(&asked.facility_id, &asked.slot_id).await?;
    if facility.is_none() {
        return Err(Problem::input("/facility_id", Invalid::NoSuch("facility")));
    }
    let slot = slot.ok_or_else(|| Problem::input("/slot_id", Invalid::NoSuch("slot")))?;

    for attempt in 0..NUMBERS {
        let number = hub.secret.reservation_number(client.as_str(), key.as_str(), attempt);
        let reserved = match slot.may_be_requested(&settings, now) {
            Ok(()) => {
                let sealed = seal.seal(Purpose::Applicant(&number), &applicant).await?;
                let new =
                    reservation::request(number, &asked, &slot, client, sealed, mark.clone(), now);
                match hub.store.reserve(&new, &settings).await? {
                    Reserved::New => return Ok(created(&new, false)),
                    other => other,
                }
            }
            // What is refused now may have been granted before: a repeat gets the first answer.
            Err(refusal) => {
                let repeat = hub.store.find_repeat(&number, &mark).await?;
                repeat.unwrap_or(Reserved::Refused(refusal))
            }
        };
        match reserved {
            Reserved::Replayed(first) => return Ok(created(&first.as_requested(), true)),
            Reserved::OtherBody => return Err(Problem::IdempotencyKeyReused),
            Reserved::Refused(refusal) => return Err(refusal.into()),
            Reserved::New | Reserved::NumberTaken => {}
        }
    }
    Err(Problem::Unavailable)
}

fn created(reservation: &Reservation, replayed: bool) -> Created<ReservationView> {
    Created {
        body: reservation.into(),
        location: Some(format!("/v1/reservations/{}", reservation.reservation_number)),
        replayed,
    }
}
