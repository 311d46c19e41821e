use std::{
    env,
    fmt::Debug,
    time::{self, Duration},
};

use async_trait::async_trait;
use aws_sdk_sqs::{
    Client,
    types::{
        MessageSystemAttributeNameForSends as SystemAttribute, MessageSystemAttributeValue,
        SendMessageBatchRequestEntry,
    },
};
use domain::{CorrelationId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{ConfigError, aws, variable};

/// What stands on a queue: an order, and what caused it. A message of an earlier version may say
/// neither.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Message<T> {
    /// What is to be done.
    #[serde(flatten)]
    pub order: T,
    /// The request or run that caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<CorrelationId>,
    /// When that happened which the order tells of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caused_at: Option<Timestamp>,
    /// When it was taken from the queue.
    #[serde(skip, default = "time::Instant::now")]
    pub taken: time::Instant,
}

impl<T> Message<T> {
    /// An order that follows from what happened now.
    pub fn new(order: T, correlation_id: Option<CorrelationId>, caused_at: Timestamp) -> Self {
        Self { order, correlation_id, caused_at: Some(caused_at), taken: time::Instant::now() }
    }
}

/// A message as it is put on a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// What it says, as JSON.
    pub body: String,
    /// Whose it is. A queue hands out a little of each group before more of one that has much.
    pub group: Option<String>,
    /// How long it is kept back, at most [`LONGEST_DELAY`].
    pub delay: Duration,
}

impl Outgoing {
    /// At once, and of no group.
    pub fn new(message: &impl Serialize) -> Result<Self, serde_json::Error> {
        Ok(Self { body: serde_json::to_string(message)?, group: None, delay: Duration::ZERO })
    }
}

/// The longest that SQS keeps a message back. Such messages are not in flight, of which a queue has 120,000 at
/// most.
pub const LONGEST_DELAY: Duration = Duration::from_mins(15);

/// Why messages did not reach a queue. Those that did may be sent again: every receiver copes.
#[derive(Debug, thiserror::Error)]
#[error("the queue is not available")]
pub struct QueueError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// What the hub needs of a queue.
#[async_trait]
pub trait Queue: Debug + Send + Sync {
    /// Puts every message on the queue, or fails.
    async fn send(&self, messages: Vec<Outgoing>) -> Result<(), QueueError>;
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
    async fn send(&self, messages: Vec<Outgoing>) -> Result<(), QueueError> {
        // The trace of AWS X-Ray goes on behind the queue.
        let trace = env::var("_X_AMZN_TRACE_ID").ok().and_then(|trace| {
            let value = MessageSystemAttributeValue::builder().data_type("String");
            value.string_value(trace).build().ok()
        });
        let trace = trace.map(|trace| [(SystemAttribute::AwsTraceHeader, trace)].into());
        // SQS takes ten messages at once.
        for chunk in messages.chunks(10) {
            let entries: Result<Vec<_>, _> = chunk
                .iter()
                .enumerate()
                .map(|(place, message)| {
                    SendMessageBatchRequestEntry::builder()
                            .id(place.to_string())
                            .message_body(&message.body)
                            .set_message_group_id(message.group.clone())
                            .delay_seconds(
                                message.delay.min(LONGEST_DELAY).as_secs_f64().round() as i32
                            )
                            .set_message_system_attributes(trace.clone())
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
}
