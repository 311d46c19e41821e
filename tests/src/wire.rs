//! The wire between a store and its table, for tests that tamper with it: production code stays as it is.

use std::{
    fmt::Debug,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_sdk_dynamodb::{Client, config::retry::RetryConfig};
use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::HttpRequest,
    result::ConnectorError,
};
use aws_smithy_types::body::SdkBody;
use store::Store;

/// What becomes of a call on its way to the table.
pub trait Wire: Clone + Debug + Send + Sync + 'static {
    /// Carries a call, or does not; `line` is the way that works.
    fn carry(&self, call: HttpRequest, line: &SharedHttpConnector) -> HttpConnectorFuture;
}

#[derive(Debug)]
struct Tampered<W> {
    line: SharedHttpConnector,
    wire: W,
}

impl<W: Wire> HttpConnector for Tampered<W> {
    fn call(&self, call: HttpRequest) -> HttpConnectorFuture {
        self.wire.carry(call, &self.line)
    }
}

/// The table of this client, at the end of such a wire.
pub fn store(steady: &Client, wire: impl Wire, retries: RetryConfig) -> Store {
    let http = steady.config().http_client().expect("the client has one");
    let http = http_client_fn(move |settings, components| {
        let line = http.http_connector(settings, components);
        SharedHttpConnector::new(Tampered { line, wire: wire.clone() })
    });
    let config = steady.config().to_builder().http_client(http).retry_config(retries).build();
    Store::new(Client::from_conf(config), local::embedded::TABLE)
}

/// The retries of a deployed function, without its waits.
pub fn retries() -> RetryConfig {
    RetryConfig::standard().with_initial_backoff(Duration::from_millis(1))
}

/// What a call asks of the table, such as `PutItem`.
pub fn operation(call: &HttpRequest) -> &str {
    let target = call.headers().get("x-amz-target").unwrap_or_default();
    target.rsplit('.').next().unwrap_or_default()
}

/// Whether a call writes.
pub fn writes(call: &HttpRequest) -> bool {
    matches!(operation(call), "PutItem" | "UpdateItem" | "DeleteItem" | "TransactWriteItems")
}

/// The same call with another body.
pub fn with_body(mut call: HttpRequest, body: String) -> HttpRequest {
    call.headers_mut().insert("content-length", body.len().to_string());
    *call.body_mut() = SdkBody::from(body);
    call
}

/// The body of a call.
pub fn body(call: &HttpRequest) -> &str {
    call.body().bytes().and_then(|bytes| std::str::from_utf8(bytes).ok()).expect("JSON")
}

/// The table does what it is asked, but nobody hears of it.
pub fn lost(call: HttpRequest, line: &SharedHttpConnector) -> HttpConnectorFuture {
    let answer = line.call(call);
    HttpConnectorFuture::new(async move {
        answer.await?;
        Err(ConnectorError::io("the answer is lost".into()))
    })
}

/// A function that is killed: after so many calls nothing reaches the table any more.
#[derive(Debug, Clone)]
pub(crate) struct Dying(Arc<AtomicUsize>);

impl Dying {
    pub(crate) fn after(calls: usize) -> Self {
        Self(Arc::new(calls.into()))
    }
}

impl Wire for Dying {
    fn carry(&self, call: HttpRequest, line: &SharedHttpConnector) -> HttpConnectorFuture {
        let one_less = |left: usize| left.checked_sub(1);
        match self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less) {
            Ok(_) => line.call(call),
            Err(_) => HttpConnectorFuture::ready(Err(ConnectorError::io("dead".into()))),
        }
    }
}
