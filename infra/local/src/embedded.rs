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
use tokio::{net::TcpListener, sync::watch};

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
    /// Changes after every write of `db`: its stream then has something new.
    pub written: watch::Sender<()>,
    _stop: tokio::sync::oneshot::Sender<()>,
}

/// Why the embedded store does not start.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// Its file.
    #[error("the embedded store does not start: {0}")]
    Database(String),
    /// The index of its stream.
    #[error("the embedded store cannot index its stream: {0}")]
    Index(#[from] rusqlite::Error),
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
        let file = match dir {
            Some(dir) => dir.join("hokatsu.db").to_string_lossy().into_owned(),
            // A name with a slash is one database for all connections of this process.
            None => format!("file:/{:032x}?vfs=memdb", rand::random::<u128>()),
        };
        let database = Database::new(&file)?;
        index_stream(&file)?;
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
        let written = watch::Sender::default();
        let db = client(faulty(plain, faults, written.clone()));
        Ok(Self { db, steady, database, written, _stop: stop })
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
    written: watch::Sender<()>,
}

impl HttpConnector for Faulty {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if self.faults.strike(Dependency::Store) {
            return HttpConnectorFuture::ready(Err(ConnectorError::io("made to fail".into())));
        }
        let writes = is_write(&request);
        let answer = self.connector.call(request);
        let written = self.written.clone();
        HttpConnectorFuture::new(async move {
            let answer = answer.await;
            if writes {
                written.send_replace(());
            }
            answer
        })
    }
}

fn is_write(request: &HttpRequest) -> bool {
    let operation = request.headers().get("x-amz-target").and_then(|name| name.split('.').nth(1));
    operation.is_some_and(|name| {
        ["Put", "Update", "Delete", "Transact", "BatchWrite"]
            .iter()
            .any(|kind| name.starts_with(kind))
    })
}

fn faulty(plain: SharedHttpClient, faults: Faults, written: watch::Sender<()>) -> SharedHttpClient {
    http_client_fn(move |settings, components| {
        let connector = plain.http_connector(settings, components);
        let (faults, written) = (faults.clone(), written.clone());
        SharedHttpConnector::new(Faulty { connector, faults, written })
    })
}

/// The embedded store has no index on the records of its stream, so that every write and every look at the stream
/// would read all records since the beginning.
fn index_stream(file: &str) -> Result<(), rusqlite::Error> {
    rusqlite::Connection::open(file)?.execute_batch(
        "CREATE INDEX IF NOT EXISTS stream_records_in_order
         ON _stream_records (table_name, CAST(sequence_number AS INTEGER))",
    )
}
