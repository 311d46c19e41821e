//! A municipality sees what its nurseries ask for, corrects it, and decides (FAC-04, FAC-07). Operators do so for all.

use axum::{Json, extract::State};
use deserr::Deserr;
use domain::{
    ChangeRequest, ChangeRequestId, Invalid, MunicipalityCode,
    change_request::{ChangeAct, ChangeStatus, RejectReason, Wanted},
    invalid::InputErrors,
};
use hub_http::{
    Body, IfMatch, Limit, List, Problem, Query, QueryParams,
    access::{For, change_request},
    caller::Authority,
};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::{Desk, view::ChangeRequestView, wanted::WantedChanges};

/// How many change requests are approved by one call.
const AT_ONCE: i64 = 100;

/// Which change requests are listed.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = InputErrors, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReviewQuery {
    /// In this state.
    #[deserr(default)]
    status: Option<ChangeStatus>,
    /// Of this municipality; of all that the caller may see where it is not said.
    #[deserr(default)]
    municipality: Option<MunicipalityCode>,
    /// 1 to 100.
    #[deserr(default, try_from(String) = Limit::try_from -> Invalid)]
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    limit: Limit,
    /// `next_cursor` of the page before.
    #[deserr(default)]
    cursor: Option<String>,
}

impl QueryParams for ReviewQuery {}

/// The change requests of a municipality's nurseries: those that wait for a decision first, the oldest first.
#[utoipa::path(
    get, path = "/v1/staff/change-requests", tag = "staff",
    params(ReviewQuery),
    responses(
        (status = 200, description = "The change requests", body = List<ChangeRequestView>),
        (status = 404, description = "`not-found`: a municipality that the caller may not see"),
    ),
    security(("staff_token" = [])),
)]
pub(crate) async fn review_change_requests(
    State(Desk { hub, cursors, .. }): State<Desk>,
    caller: Authority,
    Query(query): Query<ReviewQuery>,
) -> Result<Json<List<ChangeRequestView>>, Problem> {
    let code = caller.municipality(query.municipality)?;
    let list = ("review", query.status, code, caller.subject());
    let after = cursors.open_some(&list, query.cursor).await?;
    let (limit, store) = (query.limit.get(), &hub.store);
    let (requests, next) =
        store.change_requests_by_status(query.status, code, limit, after).await?;
    let items = requests.iter().map(Into::into).collect();
    Ok(Json(List { items, next_cursor: cursors.seal_some(&list, next).await? }))
}

/// One change request, with what it changes field by field.
#[utoipa::path(
    get, path = "/v1/staff/change-requests/{change_request_id}", tag = "staff",
    params(("change_request_id" = ChangeRequestId, Path, description = "The change request")),
    responses((status = 200, description = "The change request", body = ChangeRequestView)),
    security(("staff_token" = [])),
)]
pub(crate) async fn get_change_request(
    For { found: request, .. }: For<Authority, ChangeRequest>,
) -> Json<ChangeRequestView> {
    Json((&request).into())
}

/// What a municipality corrects.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = InputErrors, deny_unknown_fields)]
pub(crate) struct CorrectChangeRequest {
    /// Other values for some fields, as the nursery asks for them.
    #[schema(value_type = WantedChanges)]
    changes: Wanted,
}

/// Corrects what a nursery asks for, before it is approved. A field that is named again is asked for over what the nursery
/// has now, so this also settles a conflict.
#[utoipa::path(
    patch, path = "/v1/staff/change-requests/{change_request_id}", tag = "staff",
    params(
        ("change_request_id" = ChangeRequestId, Path, description = "The change request"),
        ("If-Match" = Option<String>, Header, description = "The ETag that was read, if that matters"),
    ),
    request_body = CorrectChangeRequest,
    responses(
        (status = 200, description = "It is corrected", body = ChangeRequestView),
        (status = 409, description = "`state-conflict`", content_type = "application/problem+json"),
    ),
    security(("staff_token" = [])),
)]
pub(crate) async fn correct_change_request(
    State(desk): State<Desk>,
    For { caller, found: request, .. }: For<Authority, ChangeRequest>,
    read: Result<IfMatch, Problem>,
    Body(CorrectChangeRequest { changes }): Body<CorrectChangeRequest>,
) -> Result<Json<ChangeRequestView>, Problem> {
    match read {
        Err(Problem::PreconditionRequired) => {}
        read => read?.check(&ChangeRequestView::from(&request))?,
    }
    let request = desk.act(request, &ChangeAct::Correct(changes), &caller.actor()).await?;
    Ok(Json((&request).into()))
}

/// Approves a change request: the nursery is changed by it at once. It is refused only where somebody changed the same item
/// since; `errors` names it.
#[utoipa::path(
    post, path = "/v1/staff/change-requests/{change_request_id}/approve", tag = "staff",
    params(("change_request_id" = ChangeRequestId, Path, description = "The change request")),
    responses(
        (status = 200, description = "It is approved", body = ChangeRequestView),
        (status = 409, description = "`state-conflict`", content_type = "application/problem+json"),
    ),
    security(("staff_token" = [])),
)]
pub(crate) async fn approve_change_request(
    State(desk): State<Desk>,
    For { caller, found: request, .. }: For<Authority, ChangeRequest>,
) -> Result<Json<ChangeRequestView>, Problem> {
    let request = desk.act(request, &ChangeAct::Approve, &caller.actor()).await?;
    Ok(Json((&request).into()))
}

/// Why a change request is rejected.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = InputErrors, deny_unknown_fields)]
pub(crate) struct Rejection {
    /// The nursery reads it.
    reason: RejectReason,
}

/// Rejects a change request: the nursery stays as it is.
#[utoipa::path(
    post, path = "/v1/staff/change-requests/{change_request_id}/reject", tag = "staff",
    params(("change_request_id" = ChangeRequestId, Path, description = "The change request")),
    request_body = Rejection,
    responses(
        (status = 200, description = "It is rejected", body = ChangeRequestView),
        (status = 409, description = "`state-conflict`", content_type = "application/problem+json"),
    ),
    security(("staff_token" = [])),
)]
pub(crate) async fn reject_change_request(
    State(desk): State<Desk>,
    For { caller, found: request, .. }: For<Authority, ChangeRequest>,
    Body(Rejection { reason }): Body<Rejection>,
) -> Result<Json<ChangeRequestView>, Problem> {
    let request = desk.act(request, &ChangeAct::Reject(reason), &caller.actor()).await?;
    Ok(Json((&request).into()))
}

/// Change requests to approve.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = InputErrors, deny_unknown_fields)]
pub(crate) struct Approvals {
    /// Their ids: 1 to 100.
    #[schema(min_items = 1, max_items = 100)]
    ids: Vec<ChangeRequestId>,
}

/// What came of each approval, in the order of the ids.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApprovalsView {
    items: Vec<ApprovalView>,
}

/// What came of one approval.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApprovalView {
    /// The change request.
    change_request_id: ChangeRequestId,
    /// What came of it.
    outcome: ApprovalOutcome,
    /// Its state; `null` where there is none that the caller may see.
    status: Option<ChangeStatus>,
    /// The fields that somebody changed since it was asked for.
    changed_since: Vec<String>,
}

/// What came of an approval.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ApprovalOutcome {
    /// It is approved, or was already.
    Approved,
    /// `state-conflict`: it is in another state, or the same items were changed since.
    StateConflict,
    /// `not-found`: there is none that the caller may see.
    NotFound,
    /// `unavailable`: send the same again.
    Unavailable,
}

/// Approves several change requests, each by itself: what cannot be approved keeps none of the others from it.
#[utoipa::path(
    post, path = "/v1/staff/change-requests/approve", tag = "staff",
    request_body = Approvals,
    responses((status = 200, description = "What came of each", body = ApprovalsView)),
    security(("staff_token" = [])),
)]
pub(crate) async fn approve_change_requests(
    State(desk): State<Desk>,
    caller: Authority,
    Body(Approvals { ids }): Body<Approvals>,
) -> Result<Json<ApprovalsView>, Problem> {
    if !(1..=AT_ONCE).contains(&(ids.len() as i64)) {
        return Err(Problem::input("/ids", Invalid::OutOfRange(1, AT_ONCE)));
    }
    let mut items = Vec::with_capacity(ids.len());
    for id in ids {
        items.push(desk.approve_one(&caller, id).await?);
    }
    Ok(Json(ApprovalsView { items }))
}

impl Desk {
    async fn approve_one(
        &self,
        caller: &Authority,
        id: ChangeRequestId,
    ) -> Result<ApprovalView, Problem> {
        let approved = async {
            let request = change_request(&self.hub, caller, &id).await?;
            self.act(request, &ChangeAct::Approve, &caller.actor()).await
        };
        let (outcome, status, changed_since) = match approved.await {
            Ok(request) => (ApprovalOutcome::Approved, Some(request.status), Vec::new()),
            Err(Problem::ChangeConflict { current, changed_since }) => {
                let fields = changed_since.0.into_iter();
                let fields = fields.map(|error| error.pointer.replace("/changes/", ""));
                (ApprovalOutcome::StateConflict, Some(current), fields.collect())
            }
            Err(Problem::NotFound) => (ApprovalOutcome::NotFound, None, Vec::new()),
            Err(Problem::Unavailable | Problem::Upgrading) => {
                (ApprovalOutcome::Unavailable, None, Vec::new())
            }
            Err(problem) => return Err(problem),
        };
        Ok(ApprovalView { change_request_id: id, outcome, status, changed_since })
    }
}
