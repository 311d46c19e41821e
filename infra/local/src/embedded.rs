//! DynamoDB in this process, reached by the same SDK client that is deployed.

use std::path::Path;

use aws_sdk_dynamodb::{
    Client, Config,
    config::{BehaviorVersion, Region, StalledStreamProtectionConfig, timeout::TimeoutConfig},
};
use aws_smithy_runtime_api::client::http::{SharedHttpConnector, http_client_fn};
use dynoxide::{Database, DynoxideError};
use store::{Store, StoreError, schema};
use tokio::sync::watch;

use crate::{connector::Connector, fault::Faults};

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
        let written = watch::Sender::default();
        let client =
            |faults, written| client(Connector { database: database.clone(), faults, written });
        let db = client(faults, written.clone());
        let steady = client(Faults::default(), watch::Sender::default());
        schema::create(&steady, TABLE).await?;
        Ok(Self { db, steady, database, written })
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

fn client(connector: Connector) -> Client {
    let connector = SharedHttpConnector::new(connector);
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("ap-northeast-1"))
        .allow_no_auth()
        // A store in this process is never out of reach; on a busy machine it is late.
        .timeout_config(TimeoutConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build();
    Client::from_conf(config)
}

/// The embedded store has no index on the records of its stream, so that every write and every look at the stream
/// would read all records since the beginning.
fn index_stream(file: &str) -> Result<(), rusqlite::Error> {
    rusqlite::Connection::open(file)?.execute_batch(
        "CREATE INDEX IF NOT EXISTS stream_records_in_order
         ON _stream_records (table_name, CAST(sequence_number AS INTEGER))",
    )
}
