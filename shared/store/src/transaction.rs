//! Writes that are made together or not at all.

use std::time::Duration;

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::{TransactWriteItemsError, TransactWriteItemsOutput},
    types::{CancellationReason, ReturnConsumedCapacity, TransactWriteItem},
};
use futures::future::BoxFuture;
use rand::RngExt;

use crate::{
    Store, StoreError,
    keys::Key,
    write::{Found, Write},
};

/// What came of writes that are made together or not at all.
#[derive(Debug)]
pub(crate) enum Transaction {
    Done,
    Refused(Refusals),
}

impl Transaction {
    pub(crate) fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }

    /// Nobody else can have been in the way but by changing what was read.
    pub(crate) fn or_conflict(self) -> Result<(), StoreError> {
        if self.is_done() { Ok(()) } else { Err(StoreError::Conflict) }
    }
}

/// The writes of a transaction whose conditions did not hold, by their keys.
#[derive(Debug)]
pub(crate) struct Refusals(Vec<(Key, Found)>);

impl Refusals {
    /// What stood in the way of the write under this key, if something did.
    pub(crate) fn of(&self, key: &Key) -> Option<Found> {
        self.0.iter().find(|(refused, _)| refused == key).map(|(_, found)| found.clone())
    }
}

/// How often a write that meets another transaction is tried before the caller is told to come
/// again: with the waits doubling from 10 ms, about five seconds.
const CONFLICT_TRIES: u32 = 9;

impl Store {
    /// All of the writes or none, told apart from what a condition refused.
    ///
    /// Meeting another transaction on the same items is no refusal: it is tried again after a
    /// short random wait. All attempts bear one token, by which DynamoDB knows a repeat of what it did
    /// already, even if others wrote the same items since.
    pub(crate) async fn transact(&self, writes: Vec<Write>) -> Result<Transaction, StoreError> {
        let token = format!("{:032x}", rand::random::<u128>());
        let items = writes.iter().map(|write| write.in_transaction(&self.table));
        let items: Vec<_> =
            items.collect::<Result<_, _>>().map_err(|error| StoreError::Rejected(error.into()))?;
        for attempt in 0..CONFLICT_TRIES {
            let error = match self.send_all(&token, items.clone()).await {
                Ok(output) => {
                    self.meter.write(output.consumed_capacity());
                    return Ok(Transaction::Done);
                }
                Err(error) => error,
            };
            let Some(reasons) = refused_conditions(&error) else { return Err(error.into()) };
            let refused: Vec<_> = writes
                .iter()
                .zip(reasons)
                .filter(|(_, reason)| reason.code() == Some("ConditionalCheckFailed"))
                .map(|(write, reason)| (write.key.clone(), reason.item.clone().into()))
                .collect();
            if !refused.is_empty() {
                return Ok(Transaction::Refused(Refusals(refused)));
            }
            tracing::debug!(attempt, "a transaction met another one");
            let longest = 10 * 2_u64.pow(attempt);
            let wait = rand::rng().random_range(longest / 2..=longest);
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
        Err(StoreError::Unavailable("too many writers of the same items".into()))
    }

    fn send_all(&self, token: &str, items: Vec<TransactWriteItem>) -> BoxFuture<'_, Sent> {
        let call = self.db.transact_write_items().client_request_token(token);
        let call = call.set_transact_items(Some(items));
        Box::pin(call.return_consumed_capacity(ReturnConsumedCapacity::Total).send())
    }
}

type Sent = Result<TransactWriteItemsOutput, SdkError<TransactWriteItemsError>>;

/// The reasons of a cancelled transaction, where each is a failed condition or passes by itself.
fn refused_conditions(error: &SdkError<TransactWriteItemsError>) -> Option<&[CancellationReason]> {
    let TransactWriteItemsError::TransactionCanceledException(cancelled) =
        error.as_service_error()?
    else {
        return None;
    };
    let reasons = cancelled.cancellation_reasons();
    let known = [
        "None",
        "ConditionalCheckFailed",
        "TransactionConflict",
        "ThrottlingError",
        "ProvisionedThroughputExceeded",
    ];
    let ours = |reason: &CancellationReason| reason.code().is_none_or(|code| known.contains(&code));
    reasons.iter().all(ours).then_some(reasons)
}
