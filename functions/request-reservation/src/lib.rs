//! `POST /v1/reservations`: a search site asks for a visit (API-02, RSV-01); `POST /v1/portal/reservations`: a
//! parent does, with a mail address and no account (RSV-12).

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{
    ClientId, Invalid, Reservation, Settings, Slot, Timestamp,
    family::OpenRequests,
    keys::{Families, IdKey, KeyRing},
    reservation,
    reservation::{Actor, Granted, NewRequest, Origin, RequestVisit},
};
use hub_http::{
    Body, Created, Creation, Function, IdempotencyKey, Made, Problem, Reserving, Source,
    approve_at_once,
    caller::{ReservationsWrite, SearchSite},
    routes, under_a_number,
    view::{PortalRequestView, ReservationView},
};
use runtime::{Hub, Keys, Purpose, Seal};
use store::{Judged, StoreError};

/// What the handlers work with.
#[derive(Debug, Clone)]
pub struct Requests {
    hub: Hub,
    seal: Arc<dyn Seal>,
    ids: IdKey,
    families: Keys<Families>,
}

/// What this function serves, and what it needs for that.
pub const FUNCTION: Function<Requests, (Hub, Arc<dyn Seal>, IdKey, Keys<Families>)> =
    Function::new(routes![request_reservation, request_on_portal], |(hub, seal, ids, families)| {
        Requests { hub, seal, ids, families }
    });

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
        (status = 409, description = "`slot-full`, `slot-disabled`, `slot-past`, `too-late`, `too-early`, `booking-closed` or `too-many-requests-of-family`",
            content_type = "application/problem+json"),
    ),
    security(("client_credentials" = ["reservations:write"])),
)]
async fn request_reservation(
    State(requests): State<Requests>,
    site: SearchSite<ReservationsWrite>,
    key: IdempotencyKey,
    Body(asked): Body<RequestVisit>,
) -> Result<Created<ReservationView>, Problem> {
    let from = Requester::Site(site.id.clone());
    let (reservation, replayed) = requests.ask(from, site.id.as_str(), &key, &asked).await?;
    Ok(Created {
        location: Some(format!("/v1/reservations/{}", reservation.reservation_number)),
        // The nursery has said nothing yet.
        body: ReservationView::new(&reservation, None),
        replayed,
    })
}

/// Asks for a visit without an account. The place is held for 15 minutes; the request becomes `pending`, or with
/// `waiting_list` for a full slot `waiting`, when the link is followed that is mailed to the applicant.
#[utoipa::path(
    post, path = "/v1/portal/reservations", tag = "public",
    params(("Idempotency-Key" = String, Header, description = "What the caller calls this request, for this mail address")),
    request_body = RequestVisit,
    responses(
        (status = 202, description = "The place is held until the mail address is confirmed",
            body = PortalRequestView),
        (status = 409, description = "`slot-full`, `slot-disabled`, `slot-past`, `too-late`, `too-early` or `booking-closed`",
            content_type = "application/problem+json"),
        (status = 429, description = "`rate-limited`: too much was asked for from there, or for this address",
            content_type = "application/problem+json"),
    ),
)]
async fn request_on_portal(
    State(requests): State<Requests>,
    source: Source,
    key: IdempotencyKey,
    Body(asked): Body<RequestVisit>,
) -> Result<Response, Problem> {
    let address = asked.applicant.email.reveal().to_ascii_lowercase();
    let scope = format!("portal {address}");
    let from = Requester::Portal { source, address };
    let (reservation, replayed) = requests.ask(from, &scope, &key, &asked).await?;
    // It has no address: only the link in the mail leads to it.
    let body = PortalRequestView::from(&reservation);
    let mut response = Created { body, location: None, replayed }.into_response();
    *response.status_mut() = http::StatusCode::ACCEPTED;
    Ok(response)
}

/// Who asks.
enum Requester {
    Site(ClientId),
    Portal { source: Source, address: String },
}

impl Requester {
    fn site(&self) -> Option<&ClientId> {
        match self {
            Self::Site(site) => Some(site),
            Self::Portal { .. } => None,
        }
    }
}

impl Requests {
    /// Makes a request, or finds the one that this repeats, and tells which.
    async fn ask(
        &self,
        from: Requester,
        scope: &str,
        key: &IdempotencyKey,
        asked: &RequestVisit,
    ) -> Result<(Reservation, bool), Problem> {
        let (hub, now) = (&self.hub, self.hub.clock.now());
        reservation::consent_is_given(&asked.consent, now)?;
        let applicant = serde_json::to_vec(&asked.applicant()).map_err(|_| Problem::Internal)?;
        if applicant.len() > SEALED_AT_MOST {
            return Err(Problem::input("/message_to_facility", Invalid::TooLong(900)));
        }
        let creation = Creation::new(hub, &self.ids, key, "reservations", scope, asked)?;
        let keys = self.families.ring().await;
        let fingerprint = creation.of_family(&keys, asked, now)?;
        let families = keys.family(&asked.applicant, now);

        let (site, day) = (from.site(), asked.slot_id.starts_at().unwrap_or(now).date());
        let (origin, by) = match site {
            Some(site) => (Origin::SearchSite, Actor::Client(site.clone())),
            None => (Origin::Portal, Actor::Parent),
        };
        let (applicant, fingerprint, families) = (&applicant, &fingerprint, &families);
        let (keys, from, by) = (&*keys, &from, &by);
        let made = under_a_number(&creation, |number| async move {
            let sealed =
                async { Ok(self.seal.seal(Purpose::Applicant(&number), applicant).await?) };
            let judged = async { Ok(self.judged_by(from, asked, keys, now).await?) };
            let (applicant, (settings, slot), judged) =
                futures::try_join!(sealed, self.slot_of(asked), judged)?;
            let settings = &settings;
            let request = NewRequest {
                reservation_number: number,
                origin,
                requested_by: by.clone(),
                party_size: asked.party_size,
                consent: Some(asked.consent.clone()),
                applicant: Some(applicant),
                families: families.clone(),
                memo: None,
                fingerprint: fingerprint.clone(),
            };
            let allowed = |slot: &Slot, open: &OpenRequests| {
                let status = slot.may_be_requested(settings, asked.waiting_list, now)?;
                // On the portal it is judged when the link is followed: before that anybody may have typed it.
                if site.is_some() {
                    open.may_ask(site, now)?;
                }
                Ok(Granted { status, possible_duplicate: open.duplicate(day, site) })
            };
            let reserving = Reserving { hub, settings, slot, judged, now };
            let made = reserving.reserve(request, allowed).await?;
            if let Some(Made::New(new)) = &made {
                approve_at_once(hub, new.clone(), settings, now).await;
            }
            Ok(made)
        });
        Ok(made.await?.into_parts())
    }

    /// What the request is judged by, beside its slot. Sources and addresses are known by keyed hashes alone.
    async fn judged_by(
        &self,
        from: &Requester,
        asked: &RequestVisit,
        keys: &KeyRing<Families>,
        now: Timestamp,
    ) -> Result<Judged, StoreError> {
        let store = &self.hub.store;
        match from {
            Requester::Site(_) => {
                let fingerprints = keys.every_fingerprint_of(&asked.applicant);
                let family = store.family(&asked.facility_id, &fingerprints).await?;
                Ok(Judged { family, attempts: None })
            }
            Requester::Portal { source, address } => {
                let fingerprint = |kind: &[u8], value: &str| {
                    keys.fingerprint(now, &[b"portal", kind, value.as_bytes()])
                };
                let source = store.attempts(fingerprint(b"source", source.as_str()));
                let address = store.attempts(fingerprint(b"address", address));
                let attempts = Some(futures::try_join!(source, address)?);
                Ok(Judged { attempts, ..Judged::default() })
            }
        }
    }

    /// The settings of the nursery, and the slot that is asked for.
    async fn slot_of(&self, asked: &RequestVisit) -> Result<(Settings, Slot), Problem> {
        let store = &self.hub.store;
        let slot = store.slot(&asked.facility_id, &asked.slot_id, false);
        let facility = store.facility_and_settings(&asked.facility_id);
        let ((facility, settings), slot) = futures::try_join!(facility, slot)?;
        if facility.is_none() {
            return Err(Problem::input("/facility_id", Invalid::NoSuch("facility")));
        }
        let slot = slot.ok_or_else(|| Problem::input("/slot_id", Invalid::NoSuch("slot")))?;
        Ok((settings, slot))
    }
}
