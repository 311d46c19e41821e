//! Batches of messages, of which each succeeds or fails by itself.

use std::{error::Error, future::Future};

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures::future::join_all;
use serde::de::DeserializeOwned;

use crate::{
    Message,
    telemetry::{self, ErrorChain, Outcome, ms},
};

/// Handles the messages of a batch side by side and reports those that failed, so that the queue
/// delivers only them again.
///
/// A message that is dealt with is told in the log by `handle`, which knows what was done; one that
/// fails is told here.
///
/// A body that cannot be read fails alone and goes to the dead letters. A message without an id
/// cannot be reported alone (an empty id would fail the whole batch), so the whole batch fails.
pub async fn each_message<T, F, E>(
    event: SqsEvent,
    handle: impl Fn(Message<T>, SqsMessage) -> F,
) -> Result<SqsBatchResponse, MissingId>
where
    T: DeserializeOwned,
    F: Future<Output = Result<(), E>>,
    E: Error + 'static,
{
    let handled = event.records.into_iter().map(|message| async {
        let id = message.message_id.clone().filter(|id| !id.is_empty()).ok_or(MissingId)?;
        let body = message.body.as_deref().unwrap_or_default();
        let result = match serde_json::from_str::<Message<T>>(body) {
            Ok(order) => {
                let (correlation_id, taken) = (order.correlation_id.clone(), order.taken);
                // Boxed: it is part of several futures, and large.
                let handled = Box::pin(handle(order, message));
                let work = async {
                    handled.await.map_err(|error| {
                        let (error, duration_ms) = (ErrorChain(&error), ms(taken.elapsed()));
                        tracing::warn!(message_id = id, outcome = Outcome::Failed.as_str(), %error, duration_ms, "message");
                    })
                };
                // Boxed: it is part of many futures, and large where it has a facility or a mail in hand.
                telemetry::follow(correlation_id, Box::pin(work)).await
            }
            // The cause may quote the body.
            Err(_) => {
                tracing::error!(message_id = id, outcome = Outcome::Unreadable.as_str(), "message");
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

    const ONE: &str = r#"{"number":1}"#;

    #[derive(serde::Deserialize)]
    struct Order {
        number: u32,
    }

    fn message(id: &str, body: &str) -> SqsMessage {
        let mut message = SqsMessage::default();
        message.message_id = Some(id.into());
        message.body = Some(body.into());
        message
    }

    async fn failures(messages: Vec<SqsMessage>) -> Result<Vec<String>, MissingId> {
        let mut event = SqsEvent::default();
        event.records = messages;
        let response = each_message(event, |message: Message<Order>, _| async move {
            if message.order.number == 2 { Err(std::io::Error::other("two")) } else { Ok(()) }
        });
        let failed = response.await?.batch_item_failures;
        Ok(failed.into_iter().map(|failure| failure.item_identifier).collect())
    }

    #[test]
    fn a_body_that_cannot_be_read_fails_alone() {
        let messages = vec![message("a", ONE), message("b", "x"), message("c", r#"{"number":2}"#)];
        let failed = futures::executor::block_on(failures(messages)).unwrap();
        assert_eq!(failed, ["b", "c"]);
    }

    #[test]
    fn a_message_without_an_id_fails_the_batch() {
        let result = futures::executor::block_on(failures(vec![message("", ONE)]));
        assert!(result.is_err());
    }
}
