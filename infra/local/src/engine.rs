use std::sync::Arc;

use aws_lambda_events::{dynamodb::Event as StreamEvent, sqs::SqsBatchResponse};
use domain::Instant;
use dynoxide::{
    Database,
    actions::{
        describe_stream::DescribeStreamRequest, get_records::GetRecordsRequest,
        get_shard_iterator::GetShardIteratorRequest, list_streams::ListStreamsRequest,
    },
};
use fan_out::FanOut;
use runtime::batch::MissingId;
use send_mail::SendMail;
use store::{Store, StoreError};
use tokio::sync::Mutex;
use vendor_push::VendorPush;

use crate::{clock::LocalClock, embedded::TABLE, queue::LocalQueue, schedule, state::State};

/// Carries changes from the table to the functions behind it, and runs what is scheduled: in AWS the
/// work of event source mappings and of a scheduler.
pub(crate) struct Engine {
    pub(crate) fan_out: FanOut,
    pub(crate) send_mail: SendMail,
    pub(crate) vendor_push: VendorPush,
    pub(crate) mails: Arc<LocalQueue>,
    pub(crate) pushes: Arc<LocalQueue>,
    pub(crate) store: Store,
    pub(crate) clock: LocalClock,
    pub(crate) state: State,
    stream: Mutex<Stream>,
    mail_turn: Mutex<()>,
    push_turn: Mutex<()>,
    /// Up to when schedules have run.
    scheduled: Mutex<Instant>,
}

/// The table's stream and how far it was read.
struct Stream {
    database: Database,
    arn: String,
    shard: String,
    position: Option<String>,
}

/// Why the engine stands still for now.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The stream cannot be read.
    #[error("the stream cannot be read: {0}")]
    Stream(String),
    /// The table or the state.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A batch that no queue makes.
    #[error(transparent)]
    Batch(#[from] MissingId),
    /// A record that is no record.
    #[error("a record cannot be read")]
    Record(#[from] serde_json::Error),
}

impl From<dynoxide::DynoxideError> for EngineError {
    fn from(error: dynoxide::DynoxideError) -> Self {
        Self::Stream(error.to_string())
    }
}

impl Stream {
    async fn open(database: Database, state: &State) -> Result<Self, EngineError> {
        let request = ListStreamsRequest { table_name: Some(TABLE.into()), ..Default::default() };
        let none = || EngineError::Stream("the table has none".into());
        let arn = database.list_streams(request)?.streams.into_iter().next().ok_or_else(none)?;
        let arn = arn.stream_arn;
        let request = DescribeStreamRequest { stream_arn: arn.clone(), ..Default::default() };
        let described = database.describe_stream(request)?.stream_description;
        let shard = described.shards.into_iter().next().ok_or_else(none)?.shard_id;
        let position = state.get("engine", "stream").await?;
        Ok(Self { database, arn, shard, position })
    }

    fn next(&self) -> Result<StreamEvent, EngineError> {
        let kind = if self.position.is_some() { "AFTER_SEQUENCE_NUMBER" } else { "TRIM_HORIZON" };
        let iterator = self.database.get_shard_iterator(GetShardIteratorRequest {
            stream_arn: self.arn.clone(),
            shard_id: self.shard.clone(),
            shard_iterator_type: kind.into(),
            sequence_number: self.position.clone(),
        })?;
        let records = self.database.get_records(GetRecordsRequest {
            shard_iterator: iterator.shard_iterator.unwrap_or_default(),
            limit: Some(100),
        })?;
        // The same JSON that a function is given.
        Ok(serde_json::from_value(serde_json::to_value(&records)?)?)
    }
}

impl Engine {
    #[allow(clippy::too_many_arguments, reason = "each is another part of the machine")]
    pub(crate) async fn new(
        database: Database,
        fan_out: FanOut,
        send_mail: SendMail,
        vendor_push: VendorPush,
        (mails, pushes): (Arc<LocalQueue>, Arc<LocalQueue>),
        store: Store,
        clock: LocalClock,
        state: State,
    ) -> Result<Self, EngineError> {
        let stream = Mutex::new(Stream::open(database, &state).await?);
        let scheduled = state.get("engine", "scheduled").await?.unwrap_or_else(|| clock.now());
        Ok(Self {
            fan_out,
            send_mail,
            vendor_push,
            mails,
            pushes,
            store,
            clock,
            state,
            stream,
            mail_turn: Mutex::default(),
            push_turn: Mutex::default(),
            scheduled: Mutex::new(scheduled),
        })
    }

    /// Tells the next changes; whether there were any and they got told.
    async fn turn_stream(&self) -> Result<bool, EngineError> {
        let mut stream = self.stream.lock().await;
        let event = stream.next()?;
        let numbers: Vec<String> =
            event.records.iter().filter_map(|r| r.change.sequence_number.clone()).collect();
        if numbers.is_empty() {
            return Ok(false);
        }
        let response = self.fan_out.handle(event).await;
        let failed = response.batch_item_failures.first();
        let failed = failed.and_then(|failure| failure.item_identifier.as_deref());
        let told = numbers.iter().take_while(|number| failed != Some(number.as_str())).count();
        let Some(last) = numbers[..told].last() else { return Ok(false) };
        stream.position = Some(last.clone());
        self.state.put("engine", "stream", last).await?;
        Ok(true)
    }

    async fn turn_mails(&self) -> Result<bool, EngineError> {
        let _turn = self.mail_turn.lock().await;
        let Some(event) = self.mails.hand_out().await? else { return Ok(false) };
        let ids = ids(&event.records);
        let response = self.send_mail.handle(event).await?;
        self.mails.delete(succeeded(ids, &response)).await?;
        Ok(true)
    }

    async fn turn_pushes(&self) -> Result<bool, EngineError> {
        let _turn = self.push_turn.lock().await;
        let Some(event) = self.pushes.hand_out().await? else { return Ok(false) };
        let ids = ids(&event.records);
        let response = self.vendor_push.handle(event).await?;
        self.pushes.delete(succeeded(ids, &response)).await?;
        Ok(true)
    }

    /// Runs until nothing is left that could run now.
    pub(crate) async fn drain(&self) -> Result<(), EngineError> {
        loop {
            let worked =
                self.turn_stream().await? | self.turn_mails().await? | self.turn_pushes().await?;
            if !worked {
                return Ok(());
            }
        }
    }

    /// Moves the clock, firing on the way every schedule that is due, in order.
    pub(crate) async fn move_to(&self, to: Instant) -> Result<(), EngineError> {
        let mut scheduled = self.scheduled.lock().await;
        for run in schedule::ping_runs(*scheduled, to) {
            self.clock.move_to(run);
            if let Err(error) = ping_pending::run(&self.store, run).await {
                tracing::error!(%error, %run, "the scheduled run failed");
            }
            *scheduled = run;
            self.state.put("engine", "scheduled", &run).await?;
            self.drain().await?;
        }
        self.clock.move_to(to);
        self.state.put("engine", "clock", &self.clock.ahead_ms()).await?;
        self.drain().await
    }

    /// Works by itself from now on.
    pub(crate) fn start(self: &Arc<Self>) {
        // A poll of what is in this process costs nothing that a person would notice.
        const POLL: std::time::Duration = std::time::Duration::from_millis(20);
        macro_rules! keep_turning {
            ($turn:ident) => {
                let engine = Arc::clone(self);
                tokio::spawn(async move {
                    loop {
                        match engine.$turn().await {
                            Ok(true) => {}
                            Ok(false) => tokio::time::sleep(POLL).await,
                            Err(error) => {
                                tracing::error!(%error, turn = stringify!($turn), "will try again");
                                tokio::time::sleep(POLL * 10).await;
                            }
                        }
                    }
                });
            };
        }
        keep_turning!(turn_stream);
        keep_turning!(turn_mails);
        keep_turning!(turn_pushes);
        let engine = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                let now = engine.clock.now();
                if !schedule::ping_runs(*engine.scheduled.lock().await, now).is_empty()
                    && let Err(error) = engine.move_to(now).await
                {
                    tracing::error!(%error, "the schedule stands still");
                }
                tokio::time::sleep(POLL * 25).await;
            }
        });
    }
}

fn ids(records: &[aws_lambda_events::sqs::SqsMessage]) -> Vec<String> {
    records.iter().filter_map(|record| record.message_id.clone()).collect()
}

fn succeeded(ids: Vec<String>, response: &SqsBatchResponse) -> Vec<String> {
    let failed = &response.batch_item_failures;
    ids.into_iter().filter(|id| failed.iter().all(|f| f.item_identifier != *id)).collect()
}
