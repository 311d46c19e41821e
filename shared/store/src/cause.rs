//! What caused a write stands beside it, so that whoever hears of it from the stream knows too.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::CorrelationId;

use crate::item::Item;

/// The attribute that every item bears which was written whole on behalf of a request or a run.
const CORRELATION_ID: &str = "correlation_id";

tokio::task_local! {
    static CAUSE: CorrelationId;
}

/// Runs work that this request or run caused: every item that it writes says so. No call of the
/// store names the cause, so none can forget it.
pub async fn caused_by<F: Future>(id: CorrelationId, work: F) -> F::Output {
    CAUSE.scope(id, work).await
}

/// Notes the cause of the work that is done right now, if it has one.
pub(crate) fn note(item: &mut Item) {
    if let Ok(id) = CAUSE.try_with(ToString::to_string) {
        item.insert(CORRELATION_ID.into(), AttributeValue::S(id));
    }
}

/// What caused the change of an item between two images of it.
///
/// An update in place leaves the id of an earlier write as it is, and that one is not its cause.
pub fn cause_of(before: Option<&Item>, after: Option<&Item>) -> Option<CorrelationId> {
    let id = |item: Option<&Item>| item?.get(CORRELATION_ID)?.as_s().ok().cloned();
    let (before, after) = (id(before), id(after));
    if before == after { None } else { after?.parse().ok() }
}
