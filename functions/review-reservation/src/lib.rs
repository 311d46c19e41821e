//! `POST …/approve`, `…/decline` and `…/cancel`: a nursery answers a request, on the hub's screen or in its
//! ICT system (RSV-02, RSV-03, RSV-05, ICT-08).

use axum::{Json, extract::State};
use deserr::Deserr;
use domain::{
    ReservationNumber,
    invalid::InputErrors,
    reservation::{Action, Actor, Comment},
};
use hub_http::{
    Body, Path, Problem,
    caller::{FacilityStaff, IctSystem, Scope},
    settled,
    view::ConsoleReservationView,
};
use runtime::Hub;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this function.
pub fn routes(hub: Hub) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(staff_approve))
        .routes(routes!(staff_decline))
        .routes(routes!(staff_cancel))
        .routes(routes!(ict_approve))
        .routes(routes!(ict_decline))
        .with_state(hub)
}

/// What the nursery says with its answer.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = InputErrors, deny_unknown_fields)]
struct Review {
    /// A word to the parent, which the mail carries (RSV-03).
    #[deserr(default)]
    comment: Option<Comment>,
}

type Answer = Result<Json<ConsoleReservationView>, Problem>;

/// Approves a request: the family is expected.
#[utoipa::path(
    post, path = "/v1/staff/reservations/{reservation_number}/approve", tag = "staff",
    params(("reservation_number" = ReservationNumber, Path, description = "The reservation")),
    request_body = Review,
    responses(
        (status = 200, description = "It is approved", body = ConsoleReservationView),
        (status = 409, description = "`state-conflict`", content_type = "application/problem+json"),
    ),
    security(("staff_token" = [])),
)]
async fn staff_approve(
    State(hub): State<Hub>,
    staff: FacilityStaff,
    Path(number): Path<ReservationNumber>,
    Body(Review { comment }): Body<Review>,
) -> Answer {
    by_staff(&hub, &staff, &number, Action::Approve { comment }).await
}

/// Declines a request: the place is free at once.
#[utoipa::path(
    post, path = "/v1/staff/reservations/{reservation_number}/decline", tag = "staff",
    params(("reservation_number" = ReservationNumber, Path, description = "The reservation")),
    request_body = Review,
    responses(
        (status = 200, description = "It is declined", body = ConsoleReservationView),
        (status = 409, description = "`state-conflict`", content_type = "application/problem+json"),
    ),
    security(("staff_token" = [])),
)]
async fn staff_decline(
    State(hub): State<Hub>,
    staff: FacilityStaff,
    Path(number): Path<ReservationNumber>,
    Body(Review { comment }): Body<Review>,
) -> Answer {
    by_staff(&hub, &staff, &number, Action::Decline { comment }).await
}

/// Cancels a reservation for the nursery's reasons: the place is free at once.
#[utoipa::path(
    post, path = "/v1/staff/reservations/{reservation_number}/cancel", tag = "staff",
    params(("reservation_number" = ReservationNumber, Path, description = "The reservation")),
    request_body = Review,
    responses(
        (status = 200, description = "It is cancelled", body = ConsoleReservationView),
        (status = 409, description = "`state-conflict`", content_type = "application/problem+json"),
    ),
    security(("staff_token" = [])),
)]
async fn staff_cancel(
    State(hub): State<Hub>,
    staff: FacilityStaff,
    Path(number): Path<ReservationNumber>,
    Body(Review { comment }): Body<Review>,
) -> Answer {
    by_staff(&hub, &staff, &number, Action::CancelByFacility { comment }).await
}

/// Approves a request of a linked nursery.
#[utoipa::path(
    post, path = "/v1/ict/reservations/{reservation_number}/approve", tag = "ict",
    params(("reservation_number" = ReservationNumber, Path, description = "The reservation")),
    request_body = Review,
    responses(
        (status = 200, description = "It is approved", body = ConsoleReservationView),
        (status = 409, description = "`state-conflict`", content_type = "application/problem+json"),
    ),
    security(("client_credentials" = ["ict:write"])),
)]
async fn ict_approve(
    State(hub): State<Hub>,
    system: IctSystem,
    Path(number): Path<ReservationNumber>,
    Body(Review { comment }): Body<Review>,
) -> Answer {
    by_system(&hub, &system, &number, Action::Approve { comment }).await
}

/// Declines a request of a linked nursery.
#[utoipa::path(
    post, path = "/v1/ict/reservations/{reservation_number}/decline", tag = "ict",
    params(("reservation_number" = ReservationNumber, Path, description = "The reservation")),
    request_body = Review,
    responses(
        (status = 200, description = "It is declined", body = ConsoleReservationView),
        (status = 409, description = "`state-conflict`", content_type = "application/problem+json"),
    ),
    security(("client_credentials" = ["ict:write"])),
)]
async fn ict_decline(
    State(hub): State<Hub>,
    system: IctSystem,
    Path(number): Path<ReservationNumber>,
    Body(Review { comment }): Body<Review>,
) -> Answer {
    by_system(&hub, &system, &number, Action::Decline { comment }).await
}

async fn by_staff(
    hub: &Hub,
    staff: &FacilityStaff,
    number: &ReservationNumber,
    action: Action,
) -> Answer {
    let found = hub.store.reservation(number, false).await?.ok_or(Problem::NotFound)?;
    staff.of(&found.facility_id)?;
    act(hub, number, action, staff.actor()).await
}

async fn by_system(
    hub: &Hub,
    system: &IctSystem,
    number: &ReservationNumber,
    action: Action,
) -> Answer {
    let client = system.with(Scope::IctWrite)?;
    let found = hub.store.reservation(number, false).await?.ok_or(Problem::NotFound)?;
    if !hub.store.is_linked(client, &found.facility_id).await? {
        return Err(Problem::NotFound);
    }
    act(hub, number, action, Actor::Client(client.clone())).await
}

async fn act(hub: &Hub, number: &ReservationNumber, action: Action, by: Actor) -> Answer {
    let now = hub.clock.now();
    let changed =
        hub.store.change(number, |current| current.after(&action, by.clone(), now)).await?;
    Ok(Json(ConsoleReservationView::new(&settled(changed)?, hub)))
}
