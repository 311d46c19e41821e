use std::sync::Arc;

use aws_lambda_events::sqs::SqsBatchResponse;
use domain::Instant;
use dynoxide::Database;
use fan_out::FanOut;
use runtime::batch::MissingId;
use send_mail::SendMail;
use store::{Store, StoreError};
use tokio::sync::Mutex;
use vendor_push::VendorPush;

use crate::{
    clock::LocalClock,
    queue::LocalQueue,
    schedule::{self, Job},
    state::State,
    stream::{Stream, StreamError},
};

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
    deadline_turn: Mutex<()>,
    /// Up to when schedules have run.
    scheduled: Mutex<Instant>,
}

/// Why the engine stands still for now.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The stream cannot be read.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The table or the state.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A batch that no queue makes.
    #[error(transparent)]
    Batch(#[from] MissingId),
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
        let position = state.get("engine", "stream").await?;
        let stream = Mutex::new(Stream::open(database, position)?);
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
            deadline_turn: Mutex::default(),
            scheduled: Mutex::new(scheduled),
        })
    }

    /// Tells the next changes; whether there were any and they got told.
    async fn turn_stream(&self) -> Result<bool, EngineError> {
        let mut stream = self.stream.lock().await;
        let event = stream.next()?;
        if event.records.is_empty() {
            return Ok(false);
        }
        let read = Stream::numbers(&event);
        let response = self.fan_out.handle(event).await;
        let Some(last) = stream.told(&read, &response) else { return Ok(false) };
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

    /// Does what is due by time.
    async fn turn_deadlines(&self) -> Result<bool, EngineError> {
        let _turn = self.deadline_turn.lock().await;
        let report = keep_deadlines::run(&self.store, self.clock.now()).await?;
        Ok(report.due > 0)
    }

    /// Runs until nothing is left that could run now.
    pub(crate) async fn drain(&self) -> Result<(), EngineError> {
        loop {
            let worked = self.turn_stream().await?
                | self.turn_mails().await?
                | self.turn_pushes().await?
                | self.turn_deadlines().await?;
            if !worked {
                return Ok(());
            }
        }
    }

    /// Moves the clock, doing on the way everything that is scheduled or due, in order.
    pub(crate) async fn move_to(&self, to: Instant) -> Result<(), EngineError> {
        let mut scheduled = self.scheduled.lock().await;
        self.drain().await?;
        loop {
            let jobs = schedule::next_jobs(*scheduled, to);
            let deadline = self.store.first_due(to).await?;
            match (jobs, deadline) {
                (jobs, Some(due)) if jobs.as_ref().is_none_or(|(at, _)| due < *at) => {
                    self.clock.move_to(due);
                }
                (Some((at, jobs)), _) => {
                    self.clock.move_to(at);
                    *scheduled = at;
                    let mut worked = false;
                    for job in jobs {
                        worked |= self.run(job, at).await;
                    }
                    // Most runs find nothing to do, and nothing follows from them.
                    if !worked {
                        continue;
                    }
                    self.state.put("engine", "scheduled", &at).await?;
                }
                (None, _) => break,
            }
            self.drain().await?;
        }
        self.state.put("engine", "scheduled", &*scheduled).await?;
        self.clock.move_to(to);
        self.state.put("engine", "clock", &self.clock.ahead_ms()).await?;
        self.drain().await
    }

    /// Whether there was anything to do.
    async fn run(&self, job: Job, at: Instant) -> bool {
        let written = match job {
            Job::PingPending => {
                ping_pending::run(&self.store, at).await.map(|run| run.asked + run.digests)
            }
            Job::CheckSlotPlans => {
                check_slot_plans::run(&self.store, at).await.map(|run| run.asked + run.told)
            }
        };
        match written {
            Ok(written) => written > 0,
            Err(error) => {
                tracing::error!(%error, ?job, %at, "the scheduled run failed");
                true
            }
        }
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
                if schedule::next_jobs(*engine.scheduled.lock().await, now).is_some()
                    && let Err(error) = engine.move_to(now).await
                {
                    tracing::error!(%error, "the schedule stands still");
                }
                if let Err(error) = engine.turn_deadlines().await {
                    tracing::error!(%error, "deadlines are not kept");
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
