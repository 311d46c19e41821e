//! `/v1/webhook-endpoints`: a vendor says where it wants to be told of events (FN-11, ICT-09, ICT-10).

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRef, State},
    response::{IntoResponse, Response},
};
use domain::{
    Invalid, Timestamp, WebhookEndpointId,
    keys::IdKey,
    vendor::{
        Breaker, CreateWebhookEndpoint, Description, EndpointStatus, EventFilter, WebhookEndpoint,
    },
};
use hub_http::{
    Body, Created, Creation, Function, IdempotencyKey, List, Path, Problem,
    access::For,
    caller::{Vendor, WebhooksWrite},
    replay, routes,
};
use notify::{EgressPolicy, webhook};
use runtime::{Hub, Purpose, Seal};
use serde::Serialize;
use store::{EndpointCreated, keys::Kind};
use utoipa::ToSchema;

/// What the handlers work with.
#[derive(Debug, Clone)]
pub struct Endpoints {
    hub: Hub,
    seal: Arc<dyn Seal>,
    ids: IdKey,
    egress: EgressPolicy,
}

impl FromRef<Endpoints> for Hub {
    fn from_ref(endpoints: &Endpoints) -> Self {
        endpoints.hub.clone()
    }
}

/// What this function serves, and what it needs for that.
pub const FUNCTION: Function<Endpoints, (Hub, Arc<dyn Seal>, IdKey, EgressPolicy)> = Function::new(
    routes![
        create_webhook_endpoint,
        list_webhook_endpoints,
        get_webhook_endpoint,
        delete_webhook_endpoint
    ],
    |(hub, seal, ids, egress)| Endpoints { hub, seal, ids, egress },
)
.first_reading(Kind::Client);

/// A receiver of webhooks, as its owner sees it.
#[derive(Debug, Serialize, ToSchema)]
struct EndpointView {
    /// Its id.
    id: WebhookEndpointId,
    /// What deliveries are signed with; shown in the answer that creates it, and `null` ever after.
    #[schema(examples("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))]
    secret: Option<String>,
    /// Where events are posted.
    #[schema(format = "uri")]
    url: String,
    /// Which events; empty for all that concern the vendor.
    event_types: Vec<EventFilter>,
    /// The owner's note.
    description: Option<Description>,
    /// Whether it is sent to.
    status: EndpointStatus,
    /// When it was created.
    created_at: Timestamp,
}

impl EndpointView {
    fn new(endpoint: WebhookEndpoint, secret: Option<String>) -> Self {
        Self {
            id: endpoint.id,
            secret,
            url: endpoint.url,
            event_types: endpoint.event_types,
            description: endpoint.description,
            status: endpoint.status,
            created_at: endpoint.created_at,
        }
    }
}

/// Creates a receiver. Its secret is in this answer only: whoever repeats the request gets `null` in its place, and
/// removes the receiver if nobody has the secret.
#[utoipa::path(
    post, path = "/v1/webhook-endpoints", tag = "vendor",
    params(("Idempotency-Key" = String, Header, description = "What the caller calls this request")),
    request_body = CreateWebhookEndpoint,
    responses(
        (status = 201, description = "It is sent to from now on", body = EndpointView),
        (status = 409, description = "`too-many-endpoints`: a client has 20 at most", content_type = "application/problem+json"),
    ),
    security(("client_credentials" = ["webhooks:write"])),
)]
async fn create_webhook_endpoint(
    State(Endpoints { hub, seal, ids, egress }): State<Endpoints>,
    vendor: Vendor<WebhooksWrite>,
    key: IdempotencyKey,
    Body(asked): Body<CreateWebhookEndpoint>,
) -> Result<Response, Problem> {
    let client = &vendor.id;
    let url = url::Url::parse(&asked.url).ok().filter(|url| egress.allows(url));
    let url = url.ok_or_else(|| Problem::input("/url", Invalid::Format(egress.expected())))?;
    let creation = Creation::new(&hub, &ids, &key, "webhook-endpoints", client.as_str(), &asked)?;
    if let Some(first) = creation.repeated().await? {
        return Ok(first);
    }
    let now = hub.clock.now();
    // A key may come again once its answer is no longer kept; its endpoint may still be there.
    let id = ids.webhook_endpoint_id(client, &format!("{} {now}", creation.fingerprint()));
    let secret = webhook::encode_secret(&rand::random());
    let endpoint = WebhookEndpoint {
        id: id.clone(),
        client_id: client.clone(),
        kind: vendor.kind,
        url: url.into(),
        event_types: asked.event_types,
        description: asked.description,
        status: EndpointStatus::Enabled,
        secret: seal.seal(Purpose::WebhookSecret(&id), secret.as_bytes()).await?,
        created_at: now,
        breaker: Breaker::default(),
    };
    let answer = |secret| Created {
        body: EndpointView::new(endpoint.clone(), secret),
        location: Some(format!("/v1/webhook-endpoints/{id}")),
        replayed: false,
    };
    // The secret is shown once: not even a repeat of this request gets it.
    let kept = answer(None).kept().map_err(|_| Problem::Internal)?;
    match hub.store.create_endpoint(&endpoint, &creation.once, kept).await? {
        EndpointCreated::New => Ok(answer(Some(secret)).into_response()),
        EndpointCreated::Earlier(earlier) => replay(earlier),
        EndpointCreated::TooMany => Err(Problem::TooManyEndpoints),
    }
}

/// The vendor's receivers.
#[utoipa::path(
    get, path = "/v1/webhook-endpoints", tag = "vendor",
    responses((status = 200, description = "All of them", body = List<EndpointView>)),
    security(("client_credentials" = ["webhooks:write"])),
)]
async fn list_webhook_endpoints(
    State(Endpoints { hub, .. }): State<Endpoints>,
    vendor: Vendor<WebhooksWrite>,
) -> Result<Json<List<EndpointView>>, Problem> {
    let endpoints = hub.store.endpoints(&vendor.id).await?;
    let items = endpoints.into_iter().map(|endpoint| EndpointView::new(endpoint, None)).collect();
    Ok(Json(List { items, next_cursor: None }))
}

/// One receiver.
#[utoipa::path(
    get, path = "/v1/webhook-endpoints/{id}", tag = "vendor",
    params(("id" = WebhookEndpointId, Path, description = "The receiver")),
    responses((status = 200, description = "The receiver", body = EndpointView)),
    security(("client_credentials" = ["webhooks:write"])),
)]
async fn get_webhook_endpoint(
    For { found: endpoint, .. }: For<Vendor<WebhooksWrite>, WebhookEndpoint>,
) -> Result<Json<EndpointView>, Problem> {
    Ok(Json(EndpointView::new(endpoint, None)))
}

/// Removes a receiver. What was not delivered to it yet never is.
#[utoipa::path(
    delete, path = "/v1/webhook-endpoints/{id}", tag = "vendor",
    params(("id" = WebhookEndpointId, Path, description = "The receiver")),
    responses((status = 204, description = "It is gone")),
    security(("client_credentials" = ["webhooks:write"])),
)]
async fn delete_webhook_endpoint(
    State(Endpoints { hub, .. }): State<Endpoints>,
    vendor: Vendor<WebhooksWrite>,
    Path(id): Path<WebhookEndpointId>,
) -> Result<axum::http::StatusCode, Problem> {
    if hub.store.delete_endpoint(&vendor.id, &id).await? {
        Ok(axum::http::StatusCode::NO_CONTENT)
    } else {
        Err(Problem::NotFound)
    }
}
