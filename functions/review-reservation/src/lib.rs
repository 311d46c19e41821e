//! What a nursery does to a reservation, on the hub's screen or in its ICT system: answers (RSV-02, RSV-03),
//! cancels (RSV-05), tells whether the family came, takes notes (RSV-09), and enters bookings that came by
//! telephone (RSV-06).

mod off_system;

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRef, State},
};
use deserr::Deserr;
use domain::{
    Invalid, Reservation, ReservationNumber, Sealed,
    applicant::StaffMemo,
    invalid::InputErrors,
    keys::IdKey,
    reservation::{Action, Actor, Comment, Memo, Outcome},
    text,
};
use hub_http::{
    Body, Function, Problem,
    access::{Current, For},
    caller::{FacilityStaff, IctSystem, IctWrite},
    open_comment, routes, seal_comment, settled,
    view::ConsoleReservationView,
};
use runtime::{Hub, Purpose, Seal};
use store::ChangeOutcome;
use utoipa::ToSchema;

/// What the handlers work with.
#[derive(Debug, Clone)]
pub struct Desk {
    hub: Hub,
    seal: Arc<dyn Seal>,
    ids: IdKey,
}

impl FromRef<Desk> for Hub {
    fn from_ref(desk: &Desk) -> Self {
        desk.hub.clone()
    }
}

/// What this function serves, and what it needs for that.
pub const FUNCTION: Function<Desk, (Hub, Arc<dyn Seal>, IdKey)> = Function::new(
    routes![
        staff_approve,
        staff_decline,
        staff_cancel,
        staff_complete,
        staff_no_show,
        staff_memo,
        off_system::book,
        ict_approve,
        ict_decline
    ],
    |(hub, seal, ids)| Desk { hub, seal, ids },
);

/// What the nursery says with its answer.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = InputErrors, deny_unknown_fields)]
struct Review {
    /// A word to the parent, which the mail carries (RSV-03).
    #[deserr(default, try_from(Option<String>) = text::optional -> Invalid)]
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
    For { caller: staff, found, .. }: For<FacilityStaff, Current>,
    Body(Review { comment }): Body<Review>,
) -> Answer {
    desk.act(found, staff.actor(), comment, |comment| Action::Approve { comment }).await
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
    For { caller: staff, found, .. }: For<FacilityStaff, Current>,
    Body(Review { comment }): Body<Review>,
) -> Answer {
    desk.act(found, staff.actor(), comment, |comment| Action::Decline { comment }).await
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
    For { caller: staff, found, .. }: For<FacilityStaff, Current>,
    Body(Review { comment }): Body<Review>,
) -> Answer {
    desk.act(found, staff.actor(), comment, |comment| Action::CancelByFacility { comment }).await
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
    For { caller: staff, found, .. }: For<FacilityStaff, Current>,
) -> Answer {
    desk.act(found, staff.actor(), None, |_| Action::Complete).await
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
    For { caller: staff, found, .. }: For<FacilityStaff, Current>,
) -> Answer {
    desk.act(found, staff.actor(), None, |_| Action::NoShow).await
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
    For { caller: staff, found, .. }: For<FacilityStaff, Current>,
    Body(PutMemo { memo }): Body<PutMemo>,
) -> Answer {
    let purpose = Purpose::Memo(&found.0.reservation_number);
    let text = desk.seal.seal(purpose, memo.reveal().as_bytes()).await?;
    let memo = Memo { at: desk.hub.clock.now(), by: staff.actor(), text };
    let noted = |current: &Reservation| Ok(Outcome::Becomes(Box::new(current.noted(memo.clone()))));
    let noted = settled(desk.hub.store.change_read(found.0, noted).await?)?;
    let comment = open_comment(&*desk.seal, &noted).await?;
    Ok(desk.answer(&noted, comment))
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
    For { caller: system, found, .. }: For<IctSystem<IctWrite>, Current>,
    Body(Review { comment }): Body<Review>,
) -> Answer {
    desk.act(found, system.actor(), comment, |comment| Action::Approve { comment }).await
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
    For { caller: system, found, .. }: For<IctSystem<IctWrite>, Current>,
    Body(Review { comment }): Body<Review>,
) -> Answer {
    desk.act(found, system.actor(), comment, |comment| Action::Decline { comment }).await
}

/// What somebody does, with a word of theirs.
type Decision = fn(Option<Sealed>) -> Action;

impl Desk {
    async fn act(
        &self,
        Current(found): Current,
        by: Actor,
        comment: Option<Comment>,
        decision: Decision,
    ) -> Answer {
        let (number, now) = (&found.reservation_number, self.hub.clock.now());
        let action = decision(seal_comment(&*self.seal, number, comment.as_ref()).await?);
        let rule = |current: &Reservation| current.after(&action, by.clone(), now);
        let changed = self.hub.store.change_read(found, rule).await?;
        let is_new = matches!(changed, ChangeOutcome::Done(_));
        let reservation = settled(changed)?;
        let comment = match comment {
            // It is what was just sealed.
            Some(comment) if is_new => Some(comment.as_str().to_owned()),
            _ => open_comment(&*self.seal, &reservation).await?,
        };
        Ok(self.answer(&reservation, comment))
    }

    fn answer(
        &self,
        reservation: &Reservation,
        comment: Option<String>,
    ) -> Json<ConsoleReservationView> {
        Json(ConsoleReservationView::new(reservation, comment, &self.hub))
    }
}
