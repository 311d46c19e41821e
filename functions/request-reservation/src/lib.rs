//! `POST /v1/reservations`: a search site asks for a visit (API-02, RSV-01); `POST /v1/portal/reservations`: a
//! parent does, with a mail address and no account (RSV-12).

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{
    Instant, Invalid, Reservation, ReservationNumber, Settings, Slot, reservation,
    reservation::{Actor, NewRequest, Origin, RequestMark, RequestVisit},
};
use hub_http::{
    Body, Created, IdempotencyKey, Problem, Reserving, approve_at_once, body_mark,
    caller::{Scope, SearchSite},
    view::ReservationView,
};
use runtime::{Hub, Purpose, Seal};
use utoipa_axum::{router::OpenApiRouter, routes};

#[derive(Debug, Clone)]
struct Requests {
    hub: Hub,
    seal: Arc<dyn Seal>,
}

/// The routes of this function.
pub fn routes(hub: Hub, seal: Arc<dyn Seal>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(request_reservation))
        .routes(routes!(request_on_portal))
        .with_state(Requests { hub, seal })
}

/// The largest value that can be sealed, in bytes.
const SEALED_AT_MOST: usize = 4096;

/// Asks for a visit: takes a place and records the request.
///
/// The nursery is told at once and answers; until then the reservation is `pending`. With
/// `waiting_list` a request for a full slot is `waiting`: when a place comes free, the parent is
/// offered it by mail.
#[utoipa::path(
    post, path = "/v1/reservations", tag = "search site",
    params(("Idempotency-Key" = String, Header, description = "What the caller calls this request; the same key gives the same answer")),
    request_body = RequestVisit,
    responses(
        (status = 201, description = "The place is held; the request waits for the nursery's answer",
            body = ReservationView,
            headers(("Location" = String, description = "The reservation"))),
        (status = 409, description = "`slot-full`, `slot-disabled`, `slot-past`, `too-late`, `too-early` or `booking-closed`",
            content_type = "application/problem+json"),
    ),
    security(("client_credentials" = ["reservations:write"])),
)]
async fn request_reservation(
    State(requests): State<Requests>,
    site: SearchSite,
    key: IdempotencyKey,
    Body(asked): Body<RequestVisit>,
) -> Result<Created<ReservationView>, Problem> {
    let client = site.with(Scope::ReservationsWrite)?;
    let by = Actor::Client(client.clone());
    requests.ask(Origin::SearchSite, by, client.as_str(), &key, &asked).await
}

/// Asks for a visit without an account. The place is held for 15 minutes; the request becomes `pending`
/// when the link is followed that is mailed to the applicant.
#[utoipa::path(
    post, path = "/v1/portal/reservations", tag = "public",
    params(("Idempotency-Key" = String, Header, description = "What the caller calls this request, for this mail address")),
    request_body = RequestVisit,
    responses(
        (status = 202, description = "The place is held until the mail address is confirmed",
            body = ReservationView),
        (status = 409, description = "`slot-full`, `slot-disabled`, `slot-past`, `too-late`, `too-early` or `booking-closed`",
            content_type = "application/problem+json"),
    ),
)]
async fn request_on_portal(
    State(requests): State<Requests>,
    key: IdempotencyKey,
    Body(asked): Body<RequestVisit>,
) -> Result<Response, Problem> {
    let scope = format!("portal {}", asked.applicant.email.reveal().to_ascii_lowercase());
    let created = requests.ask(Origin::Portal, Actor::Parent, &scope, &key, &asked).await?;
    // It has no address: only the link in the mail leads to it.
    let mut response = Created { location: None, ..created }.into_response();
    *response.status_mut() = http::StatusCode::ACCEPTED;
    Ok(response)
}

impl Requests {
    /// Makes a request, or finds the one that this repeats.
    async fn ask(
        &self,
        origin: Origin,
        by: Actor,
        scope: &str,
        key: &IdempotencyKey,
        asked: &RequestVisit,
    ) -> Result<Created<ReservationView>, Problem> {
        let (hub, now) = (&self.hub, self.hub.clock.now());
        reservation::consent_is_given(&asked.consent, now)?;
        let applicant = serde_json::to_vec(&asked.applicant()).map_err(|_| Problem::Internal)?;
        if applicant.len() > SEALED_AT_MOST {
            return Err(Problem::input("/message_to_facility", Invalid::TooLong(900)));
        }
        let mark = RequestMark {
            key: key.mark(&hub.secret, "reservations", scope),
            body: body_mark(&hub.secret, asked)?,
        };
        let (settings, slot, day) = self.slot_of(asked).await?;
        let families = asked.applicant.families(&hub.secret);
        let possible_duplicate = day.iter().any(|slot| slot.has_family(&families));

        let reserving = Reserving { hub, scope, key, mark: &mark, settings: &settings, slot, now };
        let request = |number: ReservationNumber| {
            let (by, families, mark) = (by.clone(), families.clone(), mark.clone());
            let applicant = &applicant;
            async move {
                let sealed = self.seal.seal(Purpose::Applicant(&number), applicant).await?;
                Ok(NewRequest {
                    reservation_number: number,
                    origin,
                    requested_by: by,
                    party_size: asked.party_size,
                    consent: Some(asked.consent.clone()),
                    applicant: Some(sealed),
                    families,
                    possible_duplicate,
                    memo: None,
                    mark,
                })
            }
        };
        let allowed = |slot: &Slot| slot.may_be_requested(&settings, asked.waiting_list, now);
        let (reservation, replayed) = reserving.reserve(allowed, request).await?;
        let answer = created(&reservation, replayed);
        if !replayed {
            approve_at_once(hub, reservation, &settings, now).await;
        }
        Ok(answer)
    }

    /// The settings of the nursery, the slot that is asked for, and all of its slots on that day.
    async fn slot_of(&self, asked: &RequestVisit) -> Result<(Settings, Slot, Vec<Slot>), Problem> {
        let store = &self.hub.store;
        let no_slot = || Problem::input("/slot_id", Invalid::NoSuch("slot"));
        let day = asked.slot_id.starts_at().ok_or_else(no_slot)?.date();
        let (from, until) =
            (Instant::midnight(day), Instant::midnight(day.tomorrow().map_err(|_| no_slot())?));
        let slots = store.slots(&asked.facility_id, from, until, SLOTS_OF_A_DAY, None);
        let facility = store.facility_and_settings(&asked.facility_id);
        let ((facility, settings), slots) = futures::try_join!(facility, slots)?;
        if facility.is_none() {
            return Err(Problem::input("/facility_id", Invalid::NoSuch("facility")));
        }
        let is_asked = |slot: &&Slot| slot.slot_id == asked.slot_id;
        let slot = slots.iter().find(is_asked).cloned().ok_or_else(no_slot)?;
        Ok((settings, slot, slots))
    }
}

/// No nursery has more slots on one day.
const SLOTS_OF_A_DAY: usize = 500;

fn created(reservation: &Reservation, replayed: bool) -> Created<ReservationView> {
    Created {
        // The nursery has said nothing yet.
        body: ReservationView::new(reservation, None),
        location: Some(format!("/v1/reservations/{}", reservation.reservation_number)),
        replayed,
    }
}
