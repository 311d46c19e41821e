//! What a nursery does to a reservation, on the hub's screen or in its ICT system: answers (RSV-02, RSV-03),
//! cancels (RSV-05), tells whether the family came, takes notes (RSV-09), and enters bookings that came by
//! telephone (RSV-06).

mod off_system;

use std::sync::Arc;

use axum::{Json, extract::State};
use deserr::Deserr;
use domain::{
    Reservation, ReservationNumber,
    applicant::StaffMemo,
    invalid::InputErrors,
    reservation::{Action, Actor, Comment, Memo, Outcome},
};
use hub_http::{
    Body, Path, Problem,
    caller::{FacilityStaff, IctSystem, Scope},
    settled,
    view::ConsoleReservationView,
};
use runtime::{Hub, Purpose, Seal};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

#[derive(Debug, Clone)]
struct Desk {
    hub: Hub,
    seal: Arc<dyn Seal>,
}

/// The routes of this function.
pub fn routes(hub: Hub, seal: Arc<dyn Seal>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(staff_approve))
        .routes(routes!(staff_decline))
        .routes(routes!(staff_cancel))
        .routes(routes!(staff_complete))
        .routes(routes!(staff_no_show))
        .routes(routes!(staff_memo))
        .routes(routes!(off_system::book))
        .routes(routes!(ict_approve))
        .routes(routes!(ict_decline))
        .with_state(Desk { hub, seal })
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
    State(desk): State<Desk>,
    staff: FacilityStaff,
    Path(number): Path<ReservationNumber>,
    Body(Review { comment }): Body<Review>,
) -> Answer {
    by_staff(&desk.hub, &staff, &number, Action::Approve { comment }).await
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
    State(desk): State<Desk>,
    staff: FacilityStaff,
    Path(number): Path<ReservationNumber>,
    Body(Review { comment }): Body<Review>,
) -> Answer {
    by_staff(&desk.hub, &staff, &number, Action::Decline { comment }).await
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
    State(desk): State<Desk>,
    staff: FacilityStaff,
    Path(number): Path<ReservationNumber>,
    Body(Review { comment }): Body<Review>,
) -> Answer {
    by_staff(&desk.hub, &staff, &number, Action::CancelByFacility { comment }).await
}

/// Notes that the family came; the hub takes it as so on the day after.
#[utoipa::path(
    post, path = "/v1/staff/reservations/{reservation_number}/complete", tag = "staff",
    params(("reservation_number" = ReservationNumber, Path, description = "The reservation")),
    responses(
        (status = 200, description = "It is completed", body = ConsoleReservationView),
        (status = 409, description = "`too-early` before the visit, or `state-conflict`",
            content_type = "application/problem+json"),
    ),
    security(("staff_token" = [])),
)]
async fn staff_complete(
    State(desk): State<Desk>,
    staff: FacilityStaff,
    Path(number): Path<ReservationNumber>,
) -> Answer {
    by_staff(&desk.hub, &staff, &number, Action::Complete).await
}

/// Notes that the family did not come.
#[utoipa::path(
    post, path = "/v1/staff/reservations/{reservation_number}/no-show", tag = "staff",
    params(("reservation_number" = ReservationNumber, Path, description = "The reservation")),
    responses(
        (status = 200, description = "It is noted", body = ConsoleReservationView),
        (status = 409, description = "`too-early` before the visit, or `state-conflict`",
            content_type = "application/problem+json"),
    ),
    security(("staff_token" = [])),
)]
async fn staff_no_show(
    State(desk): State<Desk>,
    staff: FacilityStaff,
    Path(number): Path<ReservationNumber>,
) -> Answer {
    by_staff(&desk.hub, &staff, &number, Action::NoShow).await
}

/// What the staff note about a reservation.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = InputErrors, deny_unknown_fields)]
struct PutMemo {
    /// It takes the place of the one before, which stays in the history.
    #[schema(value_type = String, max_length = 1000)]
    memo: StaffMemo,
}

/// Takes a note about a reservation, for the nursery's and the municipality's staff alone (RSV-09).
#[utoipa::path(
    put, path = "/v1/staff/reservations/{reservation_number}/memo", tag = "staff",
    params(("reservation_number" = ReservationNumber, Path, description = "The reservation")),
    request_body = PutMemo,
    responses((status = 200, description = "It is noted", body = ConsoleReservationView)),
    security(("staff_token" = [])),
)]
async fn staff_memo(
    State(desk): State<Desk>,
    staff: FacilityStaff,
    Path(number): Path<ReservationNumber>,
    Body(PutMemo { memo }): Body<PutMemo>,
) -> Answer {
    own(&desk.hub, &staff, &number).await?;
    let text = desk.seal.seal(Purpose::Memo(&number), memo.reveal().as_bytes()).await?;
    let memo = Memo { at: desk.hub.clock.now(), by: staff.actor(), text };
    let noted = |current: &Reservation| Ok(Outcome::Becomes(Box::new(current.noted(memo.clone()))));
    let changed = desk.hub.store.change(&number, noted).await?;
    Ok(Json(ConsoleReservationView::new(&settled(changed)?, &desk.hub)))
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
    State(desk): State<Desk>,
    system: IctSystem,
    Path(number): Path<ReservationNumber>,
    Body(Review { comment }): Body<Review>,
) -> Answer {
    by_system(&desk.hub, &system, &number, Action::Approve { comment }).await
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
    State(desk): State<Desk>,
    system: IctSystem,
    Path(number): Path<ReservationNumber>,
    Body(Review { comment }): Body<Review>,
) -> Answer {
    by_system(&desk.hub, &system, &number, Action::Decline { comment }).await
}

async fn by_staff(
    hub: &Hub,
    staff: &FacilityStaff,
    number: &ReservationNumber,
    action: Action,
) -> Answer {
    own(hub, staff, number).await?;
    act(hub, number, action, staff.actor()).await
}

/// Goes on only for a reservation of the staff's own nursery.
async fn own(hub: &Hub, staff: &FacilityStaff, number: &ReservationNumber) -> Result<(), Problem> {
    let found = hub.store.reservation(number, false).await?.ok_or(Problem::NotFound)?;
    staff.of(&found.facility_id)
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
