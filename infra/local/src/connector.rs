//! Brings the calls of the SDK's client to the embedded store: to a function in this process, over no network.

use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture},
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use dynoxide::{Database, DynoxideError};
use serde::{Serialize, de::DeserializeOwned};
use tokio::{sync::watch, task::yield_now};

use crate::fault::{Dependency, Faults};

/// Carries calls, and fails as the faults say.
#[derive(Clone)]
pub(crate) struct Connector {
    pub(crate) database: Database,
    pub(crate) faults: Faults,
    /// Changes after every write.
    pub(crate) written: watch::Sender<()>,
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connector")
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if self.faults.strike(Dependency::Store) {
            return HttpConnectorFuture::ready(Err(ConnectorError::io("made to fail".into())));
        }
        let Self { database, written, .. } = self.clone();
        HttpConnectorFuture::new(async move {
            // Others have a turn before and after, as they have while a call is on a network.
            yield_now().await;
            let target = request.headers().get("x-amz-target").unwrap_or_default();
            let operation = target.rsplit('.').next().unwrap_or_default();
            let body = request.body().bytes().unwrap_or_default();
            let (status, answer) = match answer(&database, operation, body) {
                Ok(answer) => (200, answer),
                Err(error) => (error.status_code(), error.to_json()),
            };
            if is_write(operation) {
                written.send_replace(());
            }
            yield_now().await;
            let status = StatusCode::try_from(status);
            let status = status.map_err(|error| ConnectorError::other(error.into(), None))?;
            Ok(HttpResponse::new(status, SdkBody::from(answer)))
        })
    }
}

fn is_write(operation: &str) -> bool {
    ["Put", "Update", "Delete", "TransactWrite"].iter().any(|kind| operation.starts_with(kind))
}

/// The operations that hub and tests use.
fn answer(database: &Database, operation: &str, body: &[u8]) -> Result<String, DynoxideError> {
    match operation {
        "BatchGetItem" => run(body, |request| database.batch_get_item(request)),
        "CreateTable" => run(body, |request| database.create_table(request)),
        "DeleteItem" => run(body, |request| database.delete_item(request)),
        "DescribeTable" => run(body, |request| database.describe_table(request)),
        "GetItem" => run(body, |request| database.get_item(request)),
        "ListTables" => run(body, |request| database.list_tables(request)),
        "PutItem" => run(body, |request| database.put_item(request)),
        "Query" => run(body, |request| database.query(request)),
        "Scan" => run(body, |request| database.scan(request)),
        "TransactGetItems" => run(body, |request| database.transact_get_items(request)),
        "TransactWriteItems" => run(body, |request| database.transact_write_items(request)),
        "UpdateItem" => run(body, |request| database.update_item(request)),
        other => Err(DynoxideError::ValidationException(format!("nobody uses {other} here"))),
    }
}

fn run<Request: DeserializeOwned, Answer: Serialize>(
    body: &[u8],
    act: impl FnOnce(Request) -> Result<Answer, DynoxideError>,
) -> Result<String, DynoxideError> {
    let wrong = |error: serde_json::Error| DynoxideError::SerializationException(error.to_string());
    let answer = act(serde_json::from_slice(body).map_err(wrong)?)?;
    serde_json::to_string(&answer).map_err(wrong)
}
