use std::{sync::Arc, time::Duration};

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use domain::Timestamp;
use dynoxide::Database;
use fan_out::Relay;
use run_import::Importer;
use runtime::batch::MissingId;
use send_mail::SendMail;
use store::{Store, StoreError};
use tokio::{
    sync::{Mutex, watch},
    task::JoinSet,
    time::{sleep, timeout},
};
use vendor_push::VendorPush;

use crate::{
    clock::LocalClock,
    queue::LocalQueue,
    schedule::{self, Job},
    state::{State, StateError},
    stream::{Stream, StreamError},
};

/// Carries changes from the table to the functions behind it, and runs what is scheduled: in AWS the
/// work of event source mappings and of a scheduler.
pub(crate) struct Engine {
    pub(crate) fan_out: Relay,
    pub(crate) importer: Importer,
    pub(crate) send_mail: SendMail,
    pub(crate) vendor_push: VendorPush,
    pub(crate) queues: Queues,
    pub(crate) store: Store,
    pub(crate) clock: LocalClock,
    pub(crate) state: State,
    stream: Mutex<Stream>,
    mail_turn: Mutex<()>,
    deadline_turn: Mutex<()>,
    /// Up to when schedules have run.
    scheduled: Mutex<Timestamp>,
}

/// What functions put messages on, and are handed them from.
#[derive(Clone)]
pub(crate) struct Queues {
    pub(crate) mails: Arc<LocalQueue>,
    pub(crate) routine_mails: Arc<LocalQueue>,
    pub(crate) pushes: Arc<LocalQueue>,
    /// Changes that could not be told. Nobody is handed them.
    pub(crate) parked: Arc<LocalQueue>,
}

/// Why the engine stands still for now.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The stream cannot be read.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The state.
    #[error(transparent)]
    State(#[from] StateError),
    /// A batch that no queue makes.
    #[error(transparent)]
    Batch(#[from] MissingId),
}

impl Engine {
    #[allow(clippy::too_many_arguments, reason = "each is another part of the machine")]
    pub(crate) async fn new(
        database: Database,
        fan_out: Relay,
        importer: Importer,
        send_mail: SendMail,
        vendor_push: VendorPush,
        queues: Queues,
        store: Store,
        clock: LocalClock,
        state: State,
    ) -> Result<Self, EngineError> {
        let position = state.get("engine", "stream")?;
        let stream = Mutex::new(Stream::open(database, position)?);
        let scheduled = state.get("engine", "scheduled")?.unwrap_or_else(|| clock.now());
        Ok(Self {
            fan_out,
            importer,
            send_mail,
            vendor_push,
            queues,
            store,
            clock,
            state,
            stream,
            mail_turn: Mutex::default(),
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
        self.importer.handle(&event).await?;
        let response = self.fan_out.handle(event).await;
        let Some(last) = stream.acknowledge(&read, &response) else { return Ok(false) };
        self.state.put("engine", "stream", last)?;
        Ok(true)
    }

    async fn turn_mails(&self) -> Result<bool, EngineError> {
        let _turn = self.mail_turn.lock().await;
        let mut worked = false;
        for queue in [&self.queues.mails, &self.queues.routine_mails] {
            let Some(event) = queue.hand_out()? else { continue };
            let ids = ids(&event.records);
            let response = self.send_mail.handle(event).await?;
            queue.settle(ids, &response)?;
            worked = true;
        }
        Ok(worked)
    }

    /// Hands out webhooks, each to a run of its own: nobody waits for the receiver of another.
    async fn turn_pushes(self: &Arc<Self>) -> Result<bool, EngineError> {
        let Some(event) = self.queues.pushes.hand_out()? else { return Ok(false) };
        for record in event.records {
            let engine = Arc::clone(self);
            tokio::spawn(async move {
                if let Err(error) = engine.push(record).await {
                    tracing::error!(%error, "a webhook stands still");
                }
            });
        }
        Ok(true)
    }

    async fn push(&self, record: SqsMessage) -> Result<(), EngineError> {
        let mut event = SqsEvent::default();
        event.records.push(record);
        let ids = ids(&event.records);
        let response = self.vendor_push.handle(event).await?;
        Ok(self.queues.pushes.settle(ids, &response)?)
    }

    /// Does what is due by time.
    async fn turn_deadlines(&self) -> Result<bool, EngineError> {
        let _turn = self.deadline_turn.lock().await;
        let report = keep_deadlines::run(&self.store, self.clock.now()).await?;
        Ok(report.due > 0)
    }

    /// Runs until nothing is left that could run now.
    pub(crate) async fn drain(self: &Arc<Self>) -> Result<(), EngineError> {
        loop {
            let worked =
                self.turn_stream().await? | self.turn_mails().await? | self.turn_pushes().await?;
            if !worked
                && !self.queues.pushes.wait_for_work().await
                && !self.turn_deadlines().await?
            {
                return Ok(());
            }
        }
    }

    /// Moves the clock, doing on the way everything that is scheduled, due or postponed, in order.
    pub(crate) async fn move_to(self: &Arc<Self>, to: Timestamp) -> Result<(), EngineError> {
        let mut scheduled = self.scheduled.lock().await;
        self.drain().await?;
        let mut waiting = self.first_due(to).await?;
        loop {
            match (schedule::next_jobs(*scheduled, to), waiting) {
                (jobs, Some(due)) if jobs.as_ref().is_none_or(|(at, _)| due < *at) => {
                    self.clock.move_to(due);
                }
                (Some((at, jobs)), _) => {
                    self.clock.move_to(at);
                    // Most runs find nothing to do, and nothing follows from them.
                    if !self.run_all(&mut scheduled, at, jobs).await? {
                        continue;
                    }
                }
                (None, _) => break,
            }
            self.drain().await?;
            waiting = self.first_due(to).await?;
        }
        self.state.put("engine", "scheduled", &*scheduled)?;
        self.clock.move_to(to);
        self.state.put("engine", "clock", &self.clock.ahead_ms())?;
        self.drain().await
    }

    /// The first deadline or postponed message until then.
    async fn first_due(&self, until: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let deadline = self.store.first_due(until).await?;
        let Queues { mails, routine_mails, pushes, .. } = &self.queues;
        let messages = [mails, routine_mails, pushes].into_iter().filter_map(|q| q.first_due());
        Ok(messages.filter(|at| *at <= until).chain(deadline).min())
    }

    /// Runs what is scheduled at a time; whether there was anything to do.
    async fn run_all(
        &self,
        scheduled: &mut Timestamp,
        at: Timestamp,
        jobs: Vec<Job>,
    ) -> Result<bool, StateError> {
        *scheduled = at;
        let mut worked = false;
        for job in jobs {
            worked |= self.run(job, at).await;
        }
        if worked {
            self.state.put("engine", "scheduled", &at)?;
        }
        Ok(worked)
    }

    /// Runs what was scheduled up to now.
    async fn turn_schedule(&self) -> Result<bool, EngineError> {
        let mut scheduled = self.scheduled.lock().await;
        let Some((at, jobs)) = schedule::next_jobs(*scheduled, self.clock.now()) else {
            return Ok(false);
        };
        self.run_all(&mut scheduled, at, jobs).await?;
        Ok(true)
    }

    /// Whether there was anything to do.
    async fn run(&self, job: Job, at: Timestamp) -> bool {
        let written = match job {
            Job::PingPending => {
                ping_pending::run(&self.store, at).await.map(|run| run.reminded + run.digests)
            }
            Job::CheckInformation => {
                check_information::run(&self.store, at).await.map(|run| run.reminded + run.notified)
            }
            Job::CheckSlotPlans => {
                check_slot_plans::run(&self.store, at).await.map(|run| run.reminded + run.notified)
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

    /// Works by itself from now on, until the tasks are dropped: on what the table and the queues have whenever `work`
    /// changes, on what is due by time every second.
    pub(crate) fn start(self: &Arc<Self>, work: &watch::Sender<()>) -> JoinSet<()> {
        let second = Duration::from_secs(1);
        // A failure, or a message whose time comes, changes nothing.
        let a_while = Duration::from_millis(250);
        let mut tasks = JoinSet::new();
        macro_rules! keep_turning {
            ($turn:ident, $work:ident, $wait:expr) => {
                let (engine, mut $work) = (Arc::clone(self), work.subscribe());
                tasks.spawn(async move {
                    loop {
                        // Before the turn: what comes during it is seen by the next one.
                        $work.mark_unchanged();
                        match engine.$turn().await {
                            Ok(true) => {}
                            Ok(false) => drop($wait.await),
                            Err(error) => {
                                tracing::error!(%error, turn = stringify!($turn), "will try again");
                                sleep(a_while).await;
                            }
                        }
                    }
                });
            };
        }
        keep_turning!(turn_stream, work, timeout(a_while, work.changed()));
        keep_turning!(turn_mails, work, timeout(a_while, work.changed()));
        keep_turning!(turn_pushes, work, timeout(a_while, work.changed()));
        keep_turning!(turn_schedule, work, sleep(second));
        keep_turning!(turn_deadlines, work, sleep(second));
        tasks
    }
}

fn ids(records: &[SqsMessage]) -> Vec<String> {
    records.iter().filter_map(|record| record.message_id.clone()).collect()
}
