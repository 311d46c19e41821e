//! `POST /v1/reservations/{reservation_number}/cancel`: a parent cancels through the search site (RSV-04).

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRef, State},
};
use deserr::Deserr;
use domain::{
    Invalid, Reservation, ReservationNumber, applicant::Message, invalid::InputErrors,
    reservation::Action, text,
};
use hub_http::{
    Body, Function, Problem,
    access::{Current, For},
    caller::{ReservationsWrite, SearchSite},
    open_comment, routes, settled,
    view::ReservationView,
};
use runtime::{Hub, Purpose, Seal};
use utoipa::ToSchema;

/// What the handlers work with.
#[derive(Debug, Clone)]
pub struct Cancellations {
    hub: Hub,
    seal: Arc<dyn Seal>,
}

impl FromRef<Cancellations> for Hub {
    fn from_ref(cancellations: &Cancellations) -> Self {
        cancellations.hub.clone()
    }
}

/// What this function serves, and what it needs for that.
pub const FUNCTION: Function<Cancellations, (Hub, Arc<dyn Seal>)> =
    Function::new(routes![cancel_reservation], |(hub, seal)| Cancellations { hub, seal });

/// Why a parent cancels.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = InputErrors, deny_unknown_fields)]
struct Cancel {
    /// In the parent's words; only the nursery's staff read them.
    #[deserr(default, try_from(Option<String>) = text::optional -> Invalid)]
    #[schema(value_type = Option<String>, max_length = 1000)]
    reason: Option<Message>,
}

/// Cancels a reservation that the site made. The place is free at once.
#[utoipa::path(
    post, path = "/v1/reservations/{reservation_number}/cancel", tag = "search site",
    params(("reservation_number" = ReservationNumber, Path, description = "The reservation")),
    request_body = Cancel,
    responses(
        (status = 200, description = "It is cancelled", body = ReservationView),
        (status = 409, description = "`too-late` or `state-conflict`",
            content_type = "application/problem+json"),
    ),
    security(("client_credentials" = ["reservations:write"])),
)]
async fn cancel_reservation(
    State(Cancellations { hub, seal }): State<Cancellations>,
    For { caller: site, found: Current(own), .. }: For<SearchSite<ReservationsWrite>, Current>,
    Body(cancel): Body<Cancel>,
) -> Result<Json<ReservationView>, Problem> {
    let settings = async { Ok(hub.store.settings(&own.facility_id).await?) };
    let reason = async {
        let Some(reason) = &cancel.reason else { return Ok(None) };
        let purpose = Purpose::CancelReason(&own.reservation_number);
        Ok::<_, Problem>(Some(seal.seal(purpose, reason.reveal().as_bytes()).await?))
    };
    let (settings, reason) = futures::try_join!(settings, reason)?;
    let action = Action::CancelByParent { reason, until: settings.cancel_closes(own.starts_at) };
    let (by, now) = (site.actor(), hub.clock.now());
    let rule = |current: &Reservation| current.after(&action, by.clone(), now);
    let changed = hub.store.change_read(own, rule).await?;
    let cancelled = settled(changed)?;
    let comment = open_comment(&*seal, &cancelled).await?;
    Ok(Json(ReservationView::new(&cancelled, comment)))
}
