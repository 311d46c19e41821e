use std::{
    fmt::Debug,
    net::{SocketAddr, ToSocketAddrs},
    sync::Arc,
};

use async_trait::async_trait;
use notify::{EgressPolicy, webhook::RetryAfter};
use reqwest::{
    dns::{Addrs, Name, Resolve, Resolving},
    header::RETRY_AFTER,
    redirect,
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};

use crate::ANSWER_WITHIN;

/// A webhook, ready to be posted.
#[derive(Debug, Clone)]
pub struct Request {
    /// Where to.
    pub url: String,
    /// Its signature and what belongs to it, and what caused it.
    pub headers: Vec<(&'static str, String)>,
    /// JSON.
    pub body: Vec<u8>,
}

/// What the receiver answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// When it wants to be asked again.
    pub retry_after: Option<RetryAfter>,
}

impl Answer {
    /// 2xx alone is success.
    pub fn is_success(self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// The address leads where the hub does not deliver.
    #[error("the address is not allowed")]
    Forbidden,
    /// No connection, or no answer in time.
    #[error("no answer")]
    NoAnswer(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Posts webhooks.
#[async_trait]
pub trait Delivery: Debug + Send + Sync {
    /// Posts one and waits for the answer.
    async fn send(&self, request: Request) -> Result<Answer, DeliveryError>;
}

/// Posts over HTTP, within reach. Redirects are not followed: they would lead out of it.
#[derive(Debug, Clone)]
pub struct HttpDelivery {
    http: reqwest::Client,
    egress: EgressPolicy,
}

impl HttpDelivery {
    /// A client that connects only to what `reach` allows.
    pub fn new(egress: EgressPolicy) -> Result<Self, reqwest::Error> {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let mut http = reqwest::Client::builder()
            .user_agent("hokatsu-webhooks/1")
            .redirect(redirect::Policy::none())
            .timeout(ANSWER_WITHIN)
            .no_proxy()
            .dns_resolver(Arc::new(Resolver(egress)));
        let provider = Arc::new(ring::default_provider());
        if let Ok(tls) =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()
        {
            http = http
                .tls_backend_preconfigured(tls.with_root_certificates(roots).with_no_client_auth());
        }
        Ok(Self { http: http.build()?, egress })
    }
}

/// Resolves names and leaves out addresses that are not within reach, so that a name cannot lead
/// into our network, not even one that changed since the endpoint was created.
struct Resolver(EgressPolicy);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let egress = self.0;
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = tokio::task::spawn_blocking(move || (host.as_str(), 0).to_socket_addrs());
            let allowed: Vec<SocketAddr> =
                found.await??.filter(|address| egress.allows_ip(address.ip())).collect();
            if allowed.is_empty() {
                return Err(DeliveryError::Forbidden.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[async_trait]
impl Delivery for HttpDelivery {
    async fn send(&self, request: Request) -> Result<Answer, DeliveryError> {
        // An address in digits is not resolved, so it is judged here.
        let url = url::Url::parse(&request.url).ok().filter(|url| self.egress.allows(url));
        let url = url.ok_or(DeliveryError::Forbidden)?;
        let mut post = self.http.post(url).header("content-type", "application/json");
        for (name, value) in request.headers {
            post = post.header(name, value);
        }
        let response = post.body(request.body).send().await;
        // The address is the vendor's secret as much as ours: it stays out of the error.
        let response =
            response.map_err(|error| DeliveryError::NoAnswer(error.without_url().into()))?;
        let retry_after =
            response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        Ok(Answer { status: response.status().as_u16(), retry_after })
    }
}
