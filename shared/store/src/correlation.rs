//! What caused a write stands beside it, so that whoever hears of it from the stream knows too.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::CorrelationId;

/// The attribute that every item bears which was written whole on behalf of a request or a run.
pub(crate) const CORRELATION_ID: &str = "correlation_id";

tokio::task_local! {
    static CURRENT: CorrelationId;
}

/// Runs work that this request or run caused: every item that it writes says so. No call of the
/// store names the cause, so none can forget it.
pub async fn with_correlation_id<F: Future>(id: CorrelationId, work: F) -> F::Output {
    CURRENT.scope(id, work).await
}

/// The attribute that names the cause of the work that is done right now, if it has one.
pub(crate) fn attribute() -> Option<(String, AttributeValue)> {
    let id = CURRENT.try_with(ToString::to_string).ok()?;
    Some((CORRELATION_ID.into(), AttributeValue::S(id)))
}
