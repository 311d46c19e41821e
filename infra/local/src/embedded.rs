//! DynamoDB in this process, reached over loopback by the same SDK client that is deployed.

use std::{io, path::Path};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, timeout::TimeoutConfig},
};
use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector,
        http_client_fn,
    },
    orchestrator::HttpRequest,
    result::ConnectorError,
};
use aws_types::{SdkConfig, region::Region};
use dynoxide::{Database, DynoxideError};
use store::{Store, StoreError, schema};
use tokio::net::TcpListener;

use crate::fault::{Dependency, Faults};

/// The name of the hub's table.
pub const TABLE: &str = "hokatsu";

/// An embedded DynamoDB. It ends with this value.
pub struct Embedded {
    /// A client that fails as the faults say.
    pub db: Client,
    /// A client that never does: for what stands in for AWS itself.
    pub steady: Client,
    /// The store itself: for its stream, and for filling it past the API.
    pub database: Database,
    _stop: tokio::sync::oneshot::Sender<()>,
}

/// Why the embedded store does not start.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// Its file.
    #[error("the embedded store does not start: {0}")]
    Database(String),
    /// Its port.
    #[error("the embedded store cannot listen on this machine: {0}")]
    Io(#[from] io::Error),
    /// Its table.
    #[error(transparent)]
    Table(#[from] StoreError),
}

impl From<DynoxideError> for EmbeddedError {
    fn from(error: DynoxideError) -> Self {
        Self::Database(error.to_string())
    }
}

impl Embedded {
    /// In a directory, or in memory without one; the hub's table exists.
    pub async fn start(dir: Option<&Path>, faults: Faults) -> Result<Self, EmbeddedError> {
        let database = match dir {
            Some(dir) => Database::new(&dir.join("hokatsu.db").to_string_lossy())?,
            None => Database::memory()?,
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let serving = dynoxide::server::serve_with_shutdown(listener, database.clone(), async {
            // Either the sender is dropped or it says so; both mean the end.
            drop(stopped.await);
        });
        tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(error, "the embedded store ended");
            }
        });
        let plain = aws_smithy_http_client::Builder::new().build_http();
        let client = |http: SharedHttpClient| {
            let config = SdkConfig::builder()
                .behavior_version(BehaviorVersion::latest())
                .endpoint_url(&url)
                .region(Region::from_static("ap-northeast-1"))
                .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                    "local", "local", None, None, "local",
                )))
                // A store in this process is never out of reach; on a busy machine it is late.
                .timeout_config(TimeoutConfig::disabled())
                .http_client(http)
                .build();
            Client::new(&config)
        };
        let steady = client(plain.clone());
        schema::create(&steady, TABLE).await?;
        let db = client(faulty(plain, faults));
        Ok(Self { db, steady, database, _stop: stop })
    }

    /// The hub's table.
    pub fn store(&self) -> Store {
        Store::new(self.db.clone(), TABLE)
    }
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Embedded")
    }
}

#[derive(Debug)]
struct Faulty {
    connector: SharedHttpConnector,
    faults: Faults,
}

impl HttpConnector for Faulty {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if self.faults.strike(Dependency::Store) {
            return HttpConnectorFuture::ready(Err(ConnectorError::io("made to fail".into())));
        }
        self.connector.call(request)
    }
}

fn faulty(plain: SharedHttpClient, faults: Faults) -> SharedHttpClient {
    http_client_fn(move |settings, components| {
        let connector = plain.http_connector(settings, components);
        SharedHttpConnector::new(Faulty { connector, faults: faults.clone() })
    })
}
