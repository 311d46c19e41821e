use std::{net::SocketAddr, num::NonZeroU32, sync::Arc};

use authorize::after_scheme;
use axum::{
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::Response,
};
use data_encoding::HEXLOWER;
use governor::{
    Quota, RateLimiter, clock::DefaultClock, middleware::StateInformationMiddleware,
    state::keyed::DefaultKeyedStateStore,
};
use http::{HeaderValue, header};
use hub_http::Problem;
use lambda_http::{
    aws_lambda_events::apigw::{ApiGatewayRequestAuthorizer, ApiGatewayV2httpRequestContext},
    request::RequestContext,
};
use store::Store;

use crate::issuer::{Issuer, STAFF_CLIENT};

type Limiter =
    RateLimiter<String, DefaultKeyedStateStore<String>, DefaultClock, StateInformationMiddleware>;

/// What API Gateway does in front of the functions: an id for each request, who calls in the request
/// context (as the deployed authorizer says it), and limits for each client, and for each source without a token.
#[derive(Clone)]
pub(crate) struct Gateway {
    issuer: Issuer,
    store: Store,
    limiter: Arc<Limiter>,
    per_second: NonZeroU32,
}

impl Gateway {
    pub(crate) fn new(issuer: Issuer, store: Store, per_second: NonZeroU32) -> Self {
        let limiter = RateLimiter::keyed(Quota::per_second(per_second))
            .with_middleware::<StateInformationMiddleware>();
        Self { issuer, store, limiter: Arc::new(limiter), per_second }
    }
}

pub(crate) async fn enter(
    State(gateway): State<Gateway>,
    ConnectInfo(source): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = format!("req_{}", HEXLOWER.encode(&rand::random::<[u8; 12]>()));
    let refuse = |request: &Request, problem: Problem| problem.answer(request.headers(), &id);
    let header = request.headers().get(header::AUTHORIZATION);
    let token = header.map(|value| after_scheme(value.to_str().ok()?, "bearer"));
    let caller = match token.map(|token| gateway.issuer.verify(token?)) {
        Some(Some(claims)) => match authorize::caller(&gateway.store, STAFF_CLIENT, claims).await {
            Ok(caller) => Some(caller),
            Err(error) => return refuse(&request, error.into()),
        },
        Some(None) => Some(authorize::Caller::new()),
        None => None,
    };
    let source = source.ip().to_string();
    let limited = caller.as_ref().and_then(|caller| caller.get("sub")).unwrap_or(&source);
    let left = match gateway.limiter.check_key(limited) {
        Ok(snapshot) => snapshot.remaining_burst_capacity(),
        Err(_) => return refuse(&request, Problem::RateLimited { retry_after: 1 }),
    };

    let mut context = ApiGatewayV2httpRequestContext::default();
    context.request_id = Some(id.clone());
    context.http.source_ip = Some(source);
    context.authorizer = caller.map(|caller| {
        let mut authorizer = ApiGatewayRequestAuthorizer::default();
        let fields = caller.into_iter().map(|(name, value)| (name, value.into()));
        authorizer.fields = fields.collect();
        authorizer
    });
    request.extensions_mut().insert(RequestContext::ApiGatewayV2(context));

    let mut response = next.run(request).await;
    let headers = [
        ("apigw-requestid", id),
        ("ratelimit-policy", format!("\"default\";q={};w=1", gateway.per_second)),
        ("ratelimit", format!("\"default\";r={left};t=1")),
    ];
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
