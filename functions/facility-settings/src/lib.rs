//! `/v1/staff/facilities/{facility_id}/settings`: a nursery decides about its visits, and whom the hub
//! writes to (NTF-02). An address that it adds is asked by a link first, else staff could have the hub write to
//! anybody.

use std::sync::LazyLock;

use axum::{
    Json,
    extract::{FromRef, State},
    response::{IntoResponse, Response},
};
use deserr::Deserr;
use domain::{
    Facility, FacilityId, Settings, invalid::InputErrors, keys::Notices, notice_token::NoticeToken,
};
use http::StatusCode;
use hub_http::{
    Body, Function, IfMatch, Page, Problem, access::For, caller::FacilityStaff, routes,
};
use runtime::{Hub, Keys};
use store::StoreError;
use utoipa::ToSchema;

/// What the handlers work with.
#[derive(Debug, Clone)]
pub struct Desk {
    hub: Hub,
    notices: Keys<Notices>,
}

impl FromRef<Desk> for Hub {
    fn from_ref(desk: &Desk) -> Self {
        desk.hub.clone()
    }
}

/// What this function serves, and what it needs for that.
pub const FUNCTION: Function<Desk, (Hub, Keys<Notices>)> = Function::new(
    routes![notice_page, confirm_address, get_settings, put_settings],
    |(hub, notices)| Desk { hub, notices },
);

/// The page that the link in the mail to a new notice address leads to.
#[utoipa::path(
    get, path = "/notice", tag = "staff",
    responses((status = 200, description = "A page for the nursery", content_type = "text/html")),
)]
async fn notice_page() -> Response {
    static PAGE: LazyLock<Page> = LazyLock::new(|| Page::new(include_str!("notice.html")));
    (&*PAGE).into_response()
}

/// What the page found in the link.
#[derive(Deserr, ToSchema)]
#[deserr(error = InputErrors, deny_unknown_fields)]
struct NoticeLink {
    /// The fragment of the link.
    token: String,
}

/// Confirms a new notice address, by the link in its mail. Following it again changes nothing.
#[utoipa::path(
    post, path = "/v1/notice-addresses/confirm", tag = "staff",
    request_body = NoticeLink,
    responses(
        (status = 204, description = "The address gets the nursery's mails"),
        (status = 401, description = "The link is none of ours, its time is over, or the nursery has taken the address out",
            content_type = "application/problem+json"),
    ),
)]
async fn confirm_address(
    State(Desk { hub, notices }): State<Desk>,
    Body(NoticeLink { token }): Body<NoticeLink>,
) -> Result<StatusCode, Problem> {
    let token: NoticeToken = token.parse().map_err(|_| Problem::Unauthorized)?;
    let (keys, now) = (notices.ring_with(token.key).await, hub.clock.now());
    // Anybody may knock: what is not ours is refused before the table is asked.
    if !keys.proves_notice(&token, now) {
        return Err(Problem::Unauthorized);
    }
    let is_meant = |address: &_| keys.is_meant(&token, address);
    let confirmed =
        hub.store.confirm_notice_address(&token.subject.facility, is_meant, now).await?;
    if confirmed { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::Unauthorized) }
}

/// The settings of a nursery; the defaults if it never saved any.
#[utoipa::path(
    get, path = "/v1/staff/facilities/{facility_id}/settings", tag = "staff",
    params(("facility_id" = FacilityId, Path, description = "The nursery")),
    responses((status = 200, description = "Its settings", body = Settings)),
    security(("staff_token" = [])),
)]
async fn get_settings(
    State(hub): State<Hub>,
    For { found: id, .. }: For<FacilityStaff, FacilityId>,
) -> Result<Json<Settings>, Problem> {
    Ok(Json(hub.store.settings(&id).await?))
}

/// Saves the settings of a nursery as a whole. They hold for requests made from now on.
#[utoipa::path(
    put, path = "/v1/staff/facilities/{facility_id}/settings", tag = "staff",
    params(
        ("facility_id" = FacilityId, Path, description = "The nursery"),
        ("If-Match" = String, Header, description = "The ETag of the settings that were read"),
    ),
    request_body = Settings,
    responses(
        (status = 200, description = "They are saved. Each new notice address is mailed a link", body = Settings),
        (status = 429, description = "`rate-limited`: new notice addresses were mailed as many links as a day allows",
            content_type = "application/problem+json"),
    ),
    security(("staff_token" = [])),
)]
async fn put_settings(
    State(hub): State<Hub>,
    For { found: facility, .. }: For<FacilityStaff, Facility>,
    read: IfMatch,
    Body(new): Body<Settings>,
) -> Result<Json<Settings>, Problem> {
    let id = &facility.facility_id;
    let saved = hub.store.settings_to_change(id).await?;
    read.check(&saved.settings)?;
    let now = hub.clock.now();
    let mut new = saved.with(new.in_place_of(&saved.settings));
    let mails = new.settings.new_addresses(&saved.settings).count();
    if mails > 0 {
        let links = saved.notice_links.and(mails, now.date());
        let retry_after = now.rest_of_day().as_secs().unsigned_abs();
        new.notice_links = links.ok_or(Problem::RateLimited { retry_after })?;
    }
    match hub.store.save_settings(id, &saved, new.clone(), now).await {
        Ok(()) => Ok(Json(new.settings)),
        Err(StoreError::Conflict) => Err(Problem::PreconditionFailed),
        Err(error) => Err(error.into()),
    }
}
