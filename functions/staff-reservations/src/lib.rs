//! `GET /v1/staff/reservations/{reservation_number}` and `GET /v1/staff/facilities/{facility_id}/reservations`:
//! people read reservations, with applicants where they may (SEC-06, SEC-07, REP-04).

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRef, State},
};
use domain::{Facility, FacilityId, Reservation, ReservationNumber};
use futures::future::try_join_all;
use hub_http::{
    CursorSeal, Function, List, Problem, Query,
    access::For,
    caller::Staff,
    routes,
    view::{StaffReservationView, Unsealed},
    visits::{VisitQuery, visits},
};
use runtime::{Hub, Purpose, Seal};

/// What the handlers work with.
#[derive(Debug, Clone)]
pub struct Desk {
    hub: Hub,
    seal: Arc<dyn Seal>,
    cursors: CursorSeal,
}

/// What this function serves, and what it needs for that.
pub const FUNCTION: Function<Desk, (Hub, Arc<dyn Seal>, CursorSeal)> = Function::new(
    routes![staff_get_reservation, staff_list_reservations],
    |(hub, seal, cursors)| Desk { hub, seal, cursors },
);

impl FromRef<Desk> for Hub {
    fn from_ref(desk: &Desk) -> Self {
        desk.hub.clone()
    }
}

/// One reservation. Operators see it without the applicant and without what anybody wrote.
#[utoipa::path(
    get, path = "/v1/staff/reservations/{reservation_number}", tag = "staff",
    params(("reservation_number" = ReservationNumber, Path, description = "The reservation")),
    responses((status = 200, description = "The reservation", body = StaffReservationView)),
    security(("staff_token" = [])),
)]
async fn staff_get_reservation(
    State(desk): State<Desk>,
    For { caller: staff, found: reservation, .. }: For<Staff, Reservation>,
) -> Result<Json<StaffReservationView>, Problem> {
    desk.view(&reservation, &staff).await.map(Json)
}

/// The reservations of a nursery, by time of visit.
#[utoipa::path(
    get, path = "/v1/staff/facilities/{facility_id}/reservations", tag = "staff",
    params(("facility_id" = FacilityId, Path, description = "The nursery"), VisitQuery),
    responses((status = 200, description = "Its reservations", body = List<StaffReservationView>)),
    security(("staff_token" = [])),
)]
async fn staff_list_reservations(
    State(desk): State<Desk>,
    For { caller: staff, found: facility, .. }: For<Staff, Facility>,
    Query(query): Query<VisitQuery>,
) -> Result<Json<List<StaffReservationView>>, Problem> {
    let (reservations, next_cursor) =
        visits(&desk.hub, &desk.cursors, &facility.facility_id, query).await?;
    let views = reservations.iter().map(|reservation| desk.view(reservation, &staff));
    Ok(Json(List { items: try_join_all(views).await?, next_cursor }))
}

impl Desk {
    async fn view(
        &self,
        reservation: &Reservation,
        staff: &Staff,
    ) -> Result<StaffReservationView, Problem> {
        let number = &reservation.reservation_number;
        let (subject, role) = match staff {
            Staff::Facility(staff) => (&staff.subject, "facility"),
            Staff::Municipality(staff) => (&staff.subject, "municipality"),
            Staff::Operator(_) => {
                return Ok(StaffReservationView::new(reservation, Unsealed::default(), &self.hub));
            }
        };
        tracing::info!(reservation_number = %number, subject, role, "an applicant is read");
        let mut unsealed = Unsealed::default();
        if let Some(sealed) = &reservation.applicant {
            unsealed.applicant = Some(self.seal.open_applicant(number, sealed).await?);
        }
        if let Some(sealed) = &reservation.cancel_reason {
            let purpose = Purpose::CancelReason(number);
            unsealed.cancel_reason = Some(self.seal.open_text(purpose, sealed).await?);
        }
        let comments = reservation.history.iter().map(async |change| match &change.comment {
            Some(sealed) => self.seal.open_text(Purpose::Comment(number), sealed).await.map(Some),
            None => Ok(None),
        });
        let memos = reservation.memos.iter();
        let memos = memos.map(|memo| self.seal.open_text(Purpose::Memo(number), &memo.text));
        (unsealed.comments, unsealed.memos) =
            futures::try_join!(try_join_all(comments), try_join_all(memos))?;
        Ok(StaffReservationView::new(reservation, unsealed, &self.hub))
    }
}
