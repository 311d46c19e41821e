//! The outbox relay: the table's stream is what everyone who must know hears of.
//!
//! What a batch of changes becomes is a list of projections, a file each. Those that follow the table (timers, facts,
//! counts, the feed, the search index) run side by side and may be repeated. What is sent, mails and webhooks, is
//! sent after them: the stream delivers a batch that failed again, and what was sent already would be sent twice.

mod change;
mod counts;
mod deliveries;
mod facts;
mod feed;
mod mail_jobs;
mod search;
mod timers;

use std::{slice, sync::Arc, time::Instant};

use aws_lambda_events::dynamodb::Event as StreamEvent;
use aws_lambda_events::event::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use notify::order::{MailQueueError, MailQueues};
use runtime::{
    Clock, Environment, Hub, Outgoing, Queue, QueueError, SqsQueue, Start, StartError,
    telemetry::{ErrorChain, Outcome},
};
use serde::Serialize;
use store::{Store, StoreError};

use change::{Change, Position, Record};

pub use self::search::SearchBuild;

/// What the relay needs.
#[derive(Debug, Clone)]
pub struct Relay {
    /// The table.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// The queues of `send-mail`.
    pub mails: MailQueues,
    /// The queue of `vendor-push`.
    pub pushes: Arc<dyn Queue>,
    /// Where a record that can never be relayed is parked.
    pub parked: Arc<dyn Queue>,
    /// What is to be done until every facility has a search entry.
    pub search: Arc<SearchBuild>,
}

impl Start<Environment> for Relay {
    async fn start(environment: &Environment) -> Result<Self, StartError> {
        let mails = MailQueues::start()?;
        let pushes = Arc::new(SqsQueue::start("PUSH_QUEUE_URL")?);
        let parked = Arc::new(SqsQueue::start("FAILURE_QUEUE_URL")?);
        let Hub { store, clock, .. } = Hub::start(environment).await?;
        Ok(Self { store, clock, mails, pushes, parked, search: Arc::default() })
    }
}

/// Why a record was not relayed.
#[derive(Debug, thiserror::Error)]
enum RelayError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Mails(#[from] MailQueueError),
    #[error("a message cannot be written")]
    Message(#[from] serde_json::Error),
}

impl RelayError {
    /// Whether it would fail again however often it is tried: the record itself is at fault, or what stands
    /// beside it in the table, not a service that is away for now.
    fn is_lasting(&self) -> bool {
        match self {
            Self::Store(StoreError::Rejected(_) | StoreError::UnknownForm(_)) => true,
            Self::Store(StoreError::Unavailable(_) | StoreError::Conflict) => false,
            Self::Mails(MailQueueError::Message(_)) | Self::Message(_) => true,
            Self::Mails(MailQueueError::Queue(_)) | Self::Queue(_) => false,
        }
    }
}

/// A record that is parked, in the form in which Lambda says the same of a batch: it names the position in the stream
/// and holds nothing of the record.
#[derive(Serialize)]
struct Parked<'a> {
    reason: String,
    #[serde(rename = "DDBStreamBatchInfo")]
    position: &'a Position,
}

impl Relay {
    /// Relays a batch of records, in their order. A record that can never be relayed is parked and keeps no other
    /// from being relayed. Where a service is away for now, it reports the first record that was not relayed: the
    /// stream goes on from there.
    pub async fn handle(&self, event: StreamEvent) -> DynamoDbEventResponse {
        let records: Vec<Record> = event.records.into_iter().map(Record::of).collect();
        let failed = match self.relay(&records).await {
            Ok(()) => None,
            // One of them is at fault, or more: each alone shows which.
            Err(error) if error.is_lasting() => self.relay_each(&records).await,
            Err(error) => records.first().map(|first| failed(first, &error)),
        };
        let mut response = DynamoDbEventResponse::default();
        response.batch_item_failures.extend(failed.map(|number| {
            let mut failure = DynamoDbBatchItemFailure::default();
            failure.item_identifier = Some(number);
            failure
        }));
        response
    }

    /// Relays one after the other; the number of the first that must be delivered again.
    async fn relay_each(&self, records: &[Record]) -> Option<String> {
        for record in records {
            let relayed = match self.relay(slice::from_ref(record)).await {
                Err(error) if error.is_lasting() => self.park(record, &error).await,
                other => other,
            };
            if let Err(error) = relayed {
                return Some(failed(record, &error));
            }
        }
        None
    }

    async fn park(&self, record: &Record, error: &RelayError) -> Result<(), RelayError> {
        let reason = ErrorChain(error).to_string();
        let (sequence_number, outcome) = (record.number(), Outcome::Parked.as_str());
        tracing::error!(sequence_number, outcome, error = reason, "change");
        let message = Outgoing::new(&Parked { reason, position: &record.position })?;
        Ok(self.parked.send(vec![message]).await?)
    }

    async fn relay(&self, records: &[Record]) -> Result<(), RelayError> {
        let started = Instant::now();
        let changes: Result<Vec<Change>, StoreError> = records.iter().map(Record::change).collect();
        let (changes, store, now) = (changes?, &self.store, self.clock.now());
        // Each runs to its end whatever becomes of the others: a search index that is slow stops no deadline.
        let (timers, facts, counts, feed, search) = futures::join!(
            timers::follow(store, &changes, now),
            facts::follow(store, &changes),
            counts::follow(store, &changes),
            feed::follow(store, &changes, now),
            search::follow(store, &changes, now),
        );
        timers.and(facts).and(counts).and(feed).and(search)?;
        let (mails, deliveries) = futures::join!(
            mail_jobs::send(&self.mails, &changes, now),
            deliveries::send(store, &self.pushes, &changes),
        );
        mails.and(deliveries)?;
        self.search.go_on(store, now).await;
        changes.iter().for_each(|change| change.log(started));
        Ok(())
    }
}

/// What says that a record must be delivered again.
fn failed(record: &Record, error: &RelayError) -> String {
    let (sequence_number, outcome) = (record.number(), Outcome::Failed.as_str());
    tracing::warn!(sequence_number, outcome, error = %ErrorChain(error), "change");
    sequence_number.to_owned()
}
