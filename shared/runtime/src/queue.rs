use std::{fmt::Debug, time::Duration};

use async_trait::async_trait;
use aws_sdk_sqs::{Client, types::SendMessageBatchRequestEntry};

use crate::{ConfigError, aws, variable};

/// Why messages did not reach a queue. Those that did may be sent again: every receiver copes.
#[derive(Debug, thiserror::Error)]
#[error("the queue is not available")]
pub struct QueueError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// What the hub needs of a queue.
#[async_trait]
pub trait Queue: Debug + Send + Sync {
    /// Puts every message on the queue, or fails.
    async fn send(&self, messages: Vec<String>) -> Result<(), QueueError>;
    /// Lets a message that was received wait for this long, at most 12 hours, until it is received
    /// again.
    async fn postpone(&self, receipt: &str, wait: Duration) -> Result<(), QueueError>;
}

/// A queue of Amazon SQS.
#[derive(Debug, Clone)]
pub struct SqsQueue {
    sqs: Client,
    url: String,
}

impl SqsQueue {
    /// The queue whose address is in this environment variable.
    pub fn start(url: &'static str) -> Result<Self, ConfigError> {
        Ok(Self { sqs: Client::new(&aws::config()?), url: variable(url)? })
    }
}

#[async_trait]
impl Queue for SqsQueue {
    async fn send(&self, messages: Vec<String>) -> Result<(), QueueError> {
        // SQS takes ten messages at once.
        for chunk in messages.chunks(10) {
            let entries: Result<Vec<_>, _> = chunk
                .iter()
                .enumerate()
                .map(|(place, body)| {
                    SendMessageBatchRequestEntry::builder()
                        .id(place.to_string())
                        .message_body(body)
                        .build()
                })
                .collect();
            let sent = self
                .sqs
                .send_message_batch()
                .queue_url(&self.url)
                .set_entries(Some(entries.map_err(|error| QueueError(error.into()))?))
                .send()
                .await
                .map_err(|error| QueueError(error.into()))?;
            if let Some(failed) = sent.failed.first() {
                return Err(QueueError(format!("a message was refused: {}", failed.code).into()));
            }
        }
        Ok(())
    }

    async fn postpone(&self, receipt: &str, wait: Duration) -> Result<(), QueueError> {
        self.sqs
            .change_message_visibility()
            .queue_url(&self.url)
            .receipt_handle(receipt)
            .visibility_timeout(wait.as_secs().min(12 * 3600) as i32)
            .send()
            .await
            .map_err(|error| QueueError(error.into()))?;
        Ok(())
    }
}
