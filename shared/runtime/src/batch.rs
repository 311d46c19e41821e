//! Batches of messages, of which each succeeds or fails by itself.

use std::{error::Error, future::Future};

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures::future::join_all;
use serde::de::DeserializeOwned;

use crate::telemetry::Causes;

/// Handles the messages of a batch side by side and reports those that failed, so that the queue
/// delivers only them again.
///
/// A body that cannot be read fails alone and goes to the dead letters. A message without an id
/// cannot be reported alone (an empty id would fail the whole batch), so the whole batch fails.
pub async fn each_message<T, F, E>(
    event: SqsEvent,
    handle: impl Fn(T, SqsMessage) -> F,
) -> Result<SqsBatchResponse, MissingId>
where
    T: DeserializeOwned,
    F: Future<Output = Result<(), E>>,
    E: Error + 'static,
{
    let handled = event.records.into_iter().map(|message| async {
        let id = message.message_id.clone().filter(|id| !id.is_empty()).ok_or(MissingId)?;
        let body = message.body.as_deref().unwrap_or_default();
        let result = match serde_json::from_str::<T>(body) {
            Ok(body) => handle(body, message).await.map_err(|error| {
                tracing::warn!(message_id = id, error = %Causes(&error), "message failed");
            }),
            // The cause may quote the body.
            Err(_) => {
                tracing::error!(message_id = id, "a message cannot be read");
                Err(())
            }
        };
        Ok(result.err().map(|()| {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = id;
            failure
        }))
    });
    let results: Result<Vec<_>, MissingId> = join_all(handled).await.into_iter().collect();
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = results?.into_iter().flatten().collect();
    Ok(response)
}

/// A message came without its id.
#[derive(Debug, thiserror::Error)]
#[error("a message came without its id")]
pub struct MissingId;

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: &str, body: &str) -> SqsMessage {
        let mut message = SqsMessage::default();
        message.message_id = Some(id.into());
        message.body = Some(body.into());
        message
    }

    async fn failures(messages: Vec<SqsMessage>) -> Result<Vec<String>, MissingId> {
        let mut event = SqsEvent::default();
        event.records = messages;
        let response = each_message(event, |number: u32, _| async move {
            if number == 2 { Err(std::io::Error::other("two")) } else { Ok(()) }
        });
        let failed = response.await?.batch_item_failures;
        Ok(failed.into_iter().map(|failure| failure.item_identifier).collect())
    }

    #[test]
    fn a_body_that_cannot_be_read_fails_alone() {
        let messages = vec![message("a", "1"), message("b", "x"), message("c", "2")];
        let failed = futures::executor::block_on(failures(messages)).unwrap();
        assert_eq!(failed, ["b", "c"]);
    }

    #[test]
    fn a_message_without_an_id_fails_the_batch() {
        let result = futures::executor::block_on(failures(vec![message("", "1")]));
        assert!(result.is_err());
    }
}
