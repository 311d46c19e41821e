//! A store that dies in the middle of what it does.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use aws_sdk_dynamodb::{Client, config::retry::RetryConfig};
use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::HttpRequest,
    result::ConnectorError,
};
use store::Store;

#[derive(Debug)]
struct Dying {
    connector: SharedHttpConnector,
    left: Arc<AtomicUsize>,
}

impl HttpConnector for Dying {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let one_less = |left: usize| left.checked_sub(1);
        match self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less) {
            Ok(_) => self.connector.call(request),
            Err(_) => HttpConnectorFuture::ready(Err(ConnectorError::io("dead".into()))),
        }
    }
}

/// The table of this client, for so many calls; after them nothing reaches it any more.
pub(crate) fn store(steady: &Client, calls: usize) -> Store {
    let left = Arc::new(AtomicUsize::new(calls));
    let http = steady.config().http_client().expect("the client has one");
    let http = http_client_fn(move |settings, components| {
        let connector = http.http_connector(settings, components);
        SharedHttpConnector::new(Dying { connector, left: left.clone() })
    });
    let config = steady.config().to_builder();
    let config = config.http_client(http).retry_config(RetryConfig::disabled()).build();
    Store::new(Client::from_conf(config), local::embedded::TABLE)
}
