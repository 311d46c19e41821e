//! `/v1/staff/facilities/{facility_id}/change-requests` and `/v1/staff/change-requests`: a nursery asks for a change of
//! its data, and its municipality decides (FAC-03 to FAC-08). Nobody but staff sees anything of it before.

mod facility;
mod review;
mod view;
mod wanted;

use axum::extract::FromRef;
use domain::{
    ChangeRequest, change_request::ChangeAct, change_request::ChangeStatus, keys::IdKey,
    reservation::Actor,
};
use hub_http::{CursorSeal, Function, Problem, routes};
use runtime::Hub;
use store::ChangeMade;

/// What the handlers work with.
#[derive(Debug, Clone)]
pub struct Desk {
    hub: Hub,
    ids: IdKey,
    cursors: CursorSeal,
}

impl FromRef<Desk> for Hub {
    fn from_ref(desk: &Desk) -> Self {
        desk.hub.clone()
    }
}

/// What this function serves, and what it needs for that.
pub const FUNCTION: Function<Desk, (Hub, IdKey, CursorSeal)> = Function::new(
    routes![
        facility::create_change_request,
        facility::confirm_information,
        facility::list_change_requests,
        facility::get_own_change_request,
        facility::edit_change_request,
        facility::facility_history,
        review::review_change_requests,
        review::get_change_request,
        review::correct_change_request,
        review::approve_change_request,
        review::reject_change_request,
        review::approve_change_requests
    ],
    |(hub, ids, cursors)| Desk { hub, ids, cursors },
);

/// How often something is done anew to a request that somebody else changed meanwhile.
const TRIES: usize = 5;

impl Desk {
    /// Does something to a change request that was read for somebody who may. A draft changes only as it was read.
    async fn act(
        &self,
        mut request: ChangeRequest,
        act: &ChangeAct,
        by: &Actor,
    ) -> Result<ChangeRequest, Problem> {
        let now = self.hub.clock.now();
        for _ in 0..TRIES {
            match self.hub.store.act_on_change_request(&request, act, by, now).await? {
                ChangeMade::Done(done) => return Ok(*done),
                ChangeMade::Refused(refusal) => return Err(refusal.into()),
                ChangeMade::Stale(_) if request.status == ChangeStatus::Draft => {
                    return Err(Problem::PreconditionFailed);
                }
                ChangeMade::Stale(newer) => request = *newer,
            }
        }
        Err(Problem::Unavailable)
    }
}
