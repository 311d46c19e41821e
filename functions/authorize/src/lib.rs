//! Who calls. API Gateway asks for each token and keeps the answer for five minutes, so what an operator changes in the
//! registry of vendors is so within five minutes, without a deployment.
//!
//! Every token is let through: who it proves goes along with the request, and the function behind answers 401 or 403 in
//! the hub's own words. The gateway's own refusal would be no problem document.

mod tokens;

use std::{collections::BTreeMap, sync::Arc};

use aws_lambda_events::apigw::{
    ApiGatewayV2CustomAuthorizerSimpleResponse as Response,
    ApiGatewayV2CustomAuthorizerV2Request as Request,
};
use domain::vendor::VendorStatus;
use runtime::{Environment, Hub, Start, StartError, telemetry::Outcome, variable};
use store::{Store, StoreError};

pub use self::tokens::{Claims, KeyError, PoolKeys, TokenKeys, Tokens};

/// What the functions read of a caller (`hub_http::caller`): nothing for a token that is none of ours, `sub` alone for
/// somebody who may do nothing.
pub type Caller = BTreeMap<String, String>;

/// What authorizing needs.
#[derive(Debug)]
pub struct Authorizer {
    /// The table: it has the registry of vendors.
    pub store: Store,
    /// The client of the staff's own pages: people sign in through no other.
    pub staff_client: String,
    /// Verifies tokens.
    pub tokens: Tokens,
}

/// Why nobody knows who calls. API Gateway answers 500, and asks again for the next request.
#[derive(Debug, thiserror::Error)]
pub enum AuthorizeError {
    /// The registry.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keys that tokens are verified by.
    #[error(transparent)]
    Keys(#[from] KeyError),
}

impl Start<Environment> for Authorizer {
    async fn start(environment: &Environment) -> Result<Self, StartError> {
        let tokens = Tokens::new(variable("ISSUER")?, Arc::new(PoolKeys::start()?));
        let staff_client = variable("STAFF_CLIENT")?;
        Ok(Self { store: Hub::start(environment).await?.store, staff_client, tokens })
    }
}

impl Authorizer {
    /// Answers API Gateway.
    pub async fn handle(&self, request: Request) -> Result<Response<Caller>, AuthorizeError> {
        let header = request.identity_source.unwrap_or_default();
        let token = header.first().and_then(|header| after_scheme(header, "bearer"));
        let claims = match token {
            Some(token) => self.tokens.verify(token).await?,
            None => None,
        };
        let caller = match claims {
            Some(claims) => caller(&self.store, &self.staff_client, claims).await?,
            None => Caller::new(),
        };
        let known = |name| caller.get(name).map(String::as_str);
        let kind = known("role").or(known("kind"));
        let outcome = if kind.is_some() { Outcome::Done } else { Outcome::Refused };
        tracing::info!(client_id = known("client_id"), kind, outcome = outcome.as_str(), "token");
        let mut response = Response::default();
        response.is_authorized = true;
        response.context = caller;
        Ok(response)
    }
}

/// What an `Authorization` says after its scheme, whose case does not matter (RFC 9110, 11.1).
pub fn after_scheme<'a>(header: &'a str, scheme: &str) -> Option<&'a str> {
    let (said, rest) = header.split_once(' ')?;
    said.eq_ignore_ascii_case(scheme).then(|| rest.trim())
}

/// Who a verified token is for: staff who signed in on the staff's own pages, or a vendor that the registry has as
/// active. Which kind of vendor it is, the registry says; its scopes say only what it may do of that.
pub async fn caller(
    store: &Store,
    staff_client: &str,
    claims: Claims,
) -> Result<Caller, StoreError> {
    let mut caller = Caller::from([("sub".into(), claims.sub)]);
    let known = |value: Option<String>| value.filter(|value| !value.is_empty());
    if claims.client_id == staff_client {
        for (name, value) in [
            ("role", claims.role),
            ("facility_id", claims.facility_id),
            ("municipality", claims.municipality),
        ] {
            caller.extend(known(value).map(|value| (name.into(), value)));
        }
        return Ok(caller);
    }
    let vendor = match claims.client_id.parse() {
        Ok(id) if known(claims.role).is_none() => store.vendor(&id).await?,
        _ => None,
    };
    if let Some(vendor) = vendor.filter(|vendor| vendor.status == VendorStatus::Active) {
        caller.insert("client_id".into(), vendor.client_id.to_string());
        caller.insert("kind".into(), vendor.kind.as_str().into());
        caller.insert("scope".into(), claims.scope.unwrap_or_default());
    }
    Ok(caller)
}
