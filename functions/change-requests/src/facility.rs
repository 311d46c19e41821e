//! A nursery asks for changes of its data, and sees what became of them.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use deserr::Deserr;
use domain::{
    ChangeRequest, ChangeRequestId, FacilityId, Invalid,
    change_request::{ChangeAct, ChangeOrigin, ChangeStatus, Changes, Wanted},
    invalid::InputErrors,
};
use hub_http::{
    Body, Created, Creation, IdempotencyKey, IfMatch, List, PageQuery, Problem, Query,
    access::{For, public_facility},
    caller::FacilityStaff,
    is_based_on, replay,
};
use serde::Serialize;
use store::{ChangeCreated, StoreError};
use utoipa::ToSchema;

use crate::{
    Desk, TRIES,
    view::{ChangeRequestView, FacilityChangeView},
    wanted::WantedChanges,
};

/// What a nursery asks its municipality to change.
#[derive(Debug, Serialize, Deserr, ToSchema)]
#[deserr(error = InputErrors, deny_unknown_fields)]
pub(crate) struct AskForChange {
    /// The ETag of the nursery as anybody sees it, `GET /v1/facilities/{facility_id}`. What changes there with its slots and by
    /// month does not make it stale.
    base_etag: String,
    /// The new values by field, in JSON or written as in a list; `null` for what is no longer stated. `withheld` lists the
    /// items that nobody but staff sees.
    #[schema(value_type = WantedChanges)]
    changes: Wanted,
    /// Whether it goes to the municipality at once; else it is a draft.
    #[deserr(default)]
    #[schema(default = false, required = false)]
    submit: bool,
}

/// Asks for a change of a nursery's data. Nothing of it shows anywhere before the municipality approved it.
#[utoipa::path(
    post, path = "/v1/staff/facilities/{facility_id}/change-requests", tag = "staff",
    params(
        ("facility_id" = FacilityId, Path, description = "The nursery"),
        ("Idempotency-Key" = String, Header, description = "What the caller calls this request"),
    ),
    request_body = AskForChange,
    responses(
        (status = 201, description = "It is kept, and submitted if that was asked for", body = ChangeRequestView),
        (status = 412, description = "`precondition-failed`: the nursery was changed since it was read",
            content_type = "application/problem+json"),
    ),
    security(("staff_token" = [])),
)]
pub(crate) async fn create_change_request(
    State(Desk { hub, ids, .. }): State<Desk>,
    For { caller: staff, found: id, .. }: For<FacilityStaff, FacilityId>,
    key: IdempotencyKey,
    Body(ask): Body<AskForChange>,
) -> Result<Response, Problem> {
    let route = format!("change requests of {id}");
    let creation = Creation::new(&hub, &ids, &key, &route, &staff.subject, &ask)?;
    if let Some(first) = creation.repeated().await? {
        return Ok(first);
    }
    let (facility, shown) = public_facility(&hub, &id).await?;
    if !is_based_on(&ask.base_etag, &shown.facility)? {
        return Err(Problem::PreconditionFailed);
    }
    let changes = Changes::of(&ask.changes, &facility)?;
    let (now, request_id) = (hub.clock.now(), ids.change_request_id(&creation.fingerprint()));
    let make = |number| {
        let (ids, by) = ((request_id.clone(), number), (staff.actor(), now));
        let origin = ChangeOrigin::Facility;
        ChangeRequest::new(ids, &facility, origin, changes.clone(), ask.submit, by)
    };
    let answer = |request: &ChangeRequest| created(request, false).kept();
    let once = Some((&creation.once, &answer as _));
    Ok(match hub.store.create_change_request(make, once, now).await? {
        ChangeCreated::New(request) => created(&request, false).into_response(),
        ChangeCreated::Exists(request) => created(&request, true).into_response(),
        ChangeCreated::Earlier(earlier) => replay(earlier)?,
    })
}

fn created(request: &ChangeRequest, replayed: bool) -> Created<ChangeRequestView> {
    let (facility, id) = (&request.facility_id, &request.change_request_id);
    let location = Some(format!("/v1/staff/facilities/{facility}/change-requests/{id}"));
    Created { body: request.into(), location, replayed }
}

/// What a nursery confirms.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = InputErrors, deny_unknown_fields)]
pub(crate) struct ConfirmInformation {
    /// The ETag of the nursery as anybody sees it, `GET /v1/facilities/{facility_id}`: what was looked through.
    base_etag: String,
}

/// Says that a nursery was looked through and all that is told of it is right. Whose information is older than a year is
/// reminded until it is confirmed or changed.
#[utoipa::path(
    post, path = "/v1/staff/facilities/{facility_id}/confirm", tag = "staff",
    params(("facility_id" = FacilityId, Path, description = "The nursery")),
    request_body = ConfirmInformation,
    responses(
        (status = 204, description = "It is noted"),
        (status = 412, description = "`precondition-failed`: the nursery was changed since it was read",
            content_type = "application/problem+json"),
    ),
    security(("staff_token" = [])),
)]
pub(crate) async fn confirm_information(
    State(Desk { hub, .. }): State<Desk>,
    For { found: id, .. }: For<FacilityStaff, FacilityId>,
    Body(confirm): Body<ConfirmInformation>,
) -> Result<StatusCode, Problem> {
    for _ in 0..TRIES {
        let (facility, shown) = public_facility(&hub, &id).await?;
        if !is_based_on(&confirm.base_etag, &shown.facility)? {
            return Err(Problem::PreconditionFailed);
        }
        let mut confirmed = facility.clone();
        confirmed.notes.confirmed_at = Some(hub.clock.now());
        match hub.store.put_facilities(&[(Some(facility), confirmed)]).await {
            // Somebody changed it meanwhile: perhaps what anybody sees, perhaps not.
            Err(StoreError::Conflict) => {}
            written => return Ok(written.map(|()| StatusCode::NO_CONTENT)?),
        }
    }
    Err(Problem::Unavailable)
}

/// The change requests of a nursery, newest first.
#[utoipa::path(
    get, path = "/v1/staff/facilities/{facility_id}/change-requests", tag = "staff",
    params(("facility_id" = FacilityId, Path, description = "The nursery"), PageQuery),
    responses((status = 200, description = "Its change requests", body = List<ChangeRequestView>)),
    security(("staff_token" = [])),
)]
pub(crate) async fn list_change_requests(
    State(Desk { hub, cursors, .. }): State<Desk>,
    For { caller: staff, found: id, .. }: For<FacilityStaff, FacilityId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<List<ChangeRequestView>>, Problem> {
    let list = ("change requests", &id, &staff.subject);
    let after = cursors.open_some(&list, page.cursor).await?;
    let (requests, next) = hub.store.change_requests_of(&id, page.limit.get(), after).await?;
    let items = requests.iter().map(Into::into).collect();
    Ok(Json(List { items, next_cursor: cursors.seal_some(&list, next).await? }))
}

/// One change request of a nursery.
#[utoipa::path(
    get, path = "/v1/staff/facilities/{facility_id}/change-requests/{change_request_id}", tag = "staff",
    params(
        ("facility_id" = FacilityId, Path, description = "The nursery"),
        ("change_request_id" = ChangeRequestId, Path, description = "The change request"),
    ),
    responses((status = 200, description = "The change request", body = ChangeRequestView)),
    security(("staff_token" = [])),
)]
pub(crate) async fn get_own_change_request(
    For { found: request, .. }: For<FacilityStaff, ChangeRequest>,
) -> Json<ChangeRequestView> {
    Json((&request).into())
}

/// What a nursery does to its change request.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = InputErrors, deny_unknown_fields)]
pub(crate) struct EditChangeRequest {
    /// Other values for some fields of a draft. What is asked for as it is now is asked for no longer.
    #[deserr(default)]
    #[schema(value_type = Option<WantedChanges>)]
    changes: Option<Wanted>,
    /// Gives a draft to the municipality.
    #[deserr(default)]
    #[schema(default = false, required = false)]
    submit: bool,
    /// Takes it back before the municipality decided.
    #[deserr(default)]
    #[schema(default = false, required = false)]
    withdraw: bool,
}

impl EditChangeRequest {
    fn act(self) -> Result<ChangeAct, Problem> {
        let Self { changes, submit, withdraw } = self;
        match (&changes, submit, withdraw) {
            (_, _, false) => Ok(ChangeAct::Edit { changes, submit }),
            (None, false, true) => Ok(ChangeAct::Withdraw),
            (_, true, true) => Err(Problem::input("/withdraw", Invalid::NotTogether("submit"))),
            _ => Err(Problem::input("/withdraw", Invalid::NotTogether("changes"))),
        }
    }
}

/// Changes a draft, submits it, or takes a change request back.
#[utoipa::path(
    patch, path = "/v1/staff/facilities/{facility_id}/change-requests/{change_request_id}", tag = "staff",
    params(
        ("facility_id" = FacilityId, Path, description = "The nursery"),
        ("change_request_id" = ChangeRequestId, Path, description = "The change request"),
        ("If-Match" = Option<String>, Header, description = "The ETag that was read; needed for a draft"),
    ),
    request_body = EditChangeRequest,
    responses(
        (status = 200, description = "It is done", body = ChangeRequestView),
        (status = 409, description = "`state-conflict`", content_type = "application/problem+json"),
    ),
    security(("staff_token" = [])),
)]
pub(crate) async fn edit_change_request(
    State(desk): State<Desk>,
    For { caller: staff, found: request, .. }: For<FacilityStaff, ChangeRequest>,
    read: Result<IfMatch, Problem>,
    Body(edit): Body<EditChangeRequest>,
) -> Result<Json<ChangeRequestView>, Problem> {
    if request.status == ChangeStatus::Draft {
        read?.check(&ChangeRequestView::from(&request))?;
    }
    let request = desk.act(request, &edit.act()?, &staff.actor()).await?;
    Ok(Json((&request).into()))
}

/// What was changed of a nursery's data by change requests: who, when, and from what to what; the newest first (FAC-13).
#[utoipa::path(
    get, path = "/v1/staff/facilities/{facility_id}/history", tag = "staff",
    params(("facility_id" = FacilityId, Path, description = "The nursery"), PageQuery),
    responses((status = 200, description = "Its changes", body = List<FacilityChangeView>)),
    security(("staff_token" = [])),
)]
pub(crate) async fn facility_history(
    State(Desk { hub, cursors, .. }): State<Desk>,
    For { caller: staff, found: id, .. }: For<FacilityStaff, FacilityId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<List<FacilityChangeView>>, Problem> {
    let list = ("history", &id, &staff.subject);
    let after = cursors.open_some(&list, page.cursor).await?;
    let (requests, next) = hub.store.changes_of(&id, page.limit.get(), after).await?;
    let items = requests.iter().map(Into::into).collect();
    Ok(Json(List { items, next_cursor: cursors.seal_some(&list, next).await? }))
}
