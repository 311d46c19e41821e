use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use domain::Timestamp;
use runtime::{Outgoing, Queue, QueueError, machine_time};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::{
    clock::LocalClock,
    fault::{Dependency, Faults},
    state::{State, StateError},
};

/// An id that is later than every one before, also of earlier runs.
pub(crate) fn next_id() -> String {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let now = machine_time().epoch_ms().unsigned_abs() * 1000;
    let last = LAST.fetch_max(now, Ordering::SeqCst).max(now);
    let id = LAST.fetch_add(1, Ordering::SeqCst).max(last);
    format!("{id:020}")
}

/// A queue as SQS is one: a message that was handed out is hidden until it is deleted or its time
/// comes again, and after too many times it goes to the dead letters. While somebody is at work on it,
/// it is not handed out again, however far the clock is moved.
#[derive(Debug)]
pub(crate) struct LocalQueue {
    name: &'static str,
    /// How long a message that was handed out is hidden.
    hidden_for: Duration,
    /// After so many times it goes to the dead letters.
    handed_out_at_most: u32,
    messages: Mutex<BTreeMap<String, Message>>,
    /// How many messages somebody is at work on.
    busy: watch::Sender<usize>,
    /// Changes when a message is put on a queue.
    arrived: watch::Sender<()>,
    state: State,
    clock: LocalClock,
    faults: Faults,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Message {
    body: String,
    visible_at_ms: i64,
    handed_out: u32,
    /// Handed out, and neither deleted nor postponed yet.
    in_hand: bool,
    /// Somebody of this run is at work on it.
    #[serde(skip)]
    busy: bool,
}

impl LocalQueue {
    /// With the messages of earlier runs. What a run that ended had in hand is handed out again at
    /// once: nobody else can be at work on it.
    pub(crate) fn open(
        name: &'static str,
        hidden_for: Duration,
        handed_out_at_most: u32,
        arrived: watch::Sender<()>,
        (state, clock, faults): (State, LocalClock, Faults),
    ) -> Result<Arc<Self>, StateError> {
        let mut messages: BTreeMap<String, Message> = state.all(name)?.into_iter().collect();
        let now = clock.now().epoch_ms();
        messages.values_mut().filter(|m| m.in_hand).for_each(|m| m.visible_at_ms = now);
        Ok(Arc::new(Self {
            name,
            hidden_for,
            handed_out_at_most,
            messages: Mutex::new(messages),
            busy: watch::Sender::default(),
            arrived,
            state,
            clock,
            faults,
        }))
    }

    /// Up to ten messages whose time has come, as the event that a function gets.
    pub(crate) fn hand_out(&self) -> Result<Option<SqsEvent>, StateError> {
        let now = self.clock.now().epoch_ms();
        let (mut taken, mut dead) = (Vec::new(), Vec::new());
        {
            let mut messages = self.messages();
            let due = |message: &Message| !message.busy && message.visible_at_ms <= now;
            for (id, message) in messages.iter_mut().filter(|(_, message)| due(message)) {
                if message.handed_out >= self.handed_out_at_most {
                    dead.push((id.clone(), message.clone()));
                } else if taken.len() < 10 {
                    message.handed_out += 1;
                    (message.in_hand, message.busy) = (true, true);
                    message.visible_at_ms = now + self.hidden_for.as_millis() as i64;
                    taken.push((id.clone(), message.clone()));
                }
            }
            for (id, _) in &dead {
                messages.remove(id);
            }
        }
        self.busy.send_modify(|count| *count += taken.len());
        for (id, message) in dead {
            self.state.put(&format!("dead-{}", self.name), &id, &message)?;
            self.state.remove(self.name, &id)?;
            tracing::warn!(queue = self.name, id, "a message went to the dead letters");
        }
        let mut event = SqsEvent::default();
        for (id, message) in taken {
            self.state.put(self.name, &id, &message)?;
            let mut record = SqsMessage::default();
            record.message_id = Some(id.clone());
            record.receipt_handle = Some(id);
            record.body = Some(message.body);
            let count = message.handed_out.to_string();
            record.attributes.insert("ApproximateReceiveCount".into(), count);
            event.records.push(record);
        }
        Ok((!event.records.is_empty()).then_some(event))
    }

    /// Ends the work on these messages: those that failed come again when their time does, the others are done.
    pub(crate) fn settle(
        &self,
        ids: Vec<String>,
        response: &SqsBatchResponse,
    ) -> Result<(), StateError> {
        let failed = &response.batch_item_failures;
        let (again, done): (Vec<_>, Vec<_>) =
            ids.iter().partition(|id| failed.iter().any(|f| f.item_identifier == **id));
        let mut result = Ok(());
        for id in done {
            result = result.and(self.state.remove(self.name, id));
            self.messages().remove(id);
        }
        for id in again {
            self.messages().entry(id.clone()).and_modify(|message| message.busy = false);
        }
        self.busy.send_modify(|count| *count -= ids.len());
        result
    }

    /// Waits until some work on messages ends; `false` at once if nobody is at work.
    pub(crate) async fn wait_for_work(&self) -> bool {
        let mut busy = self.busy.subscribe();
        *busy.borrow_and_update() > 0 && busy.changed().await.is_ok()
    }

    /// When the next message is handed out.
    pub(crate) fn first_due(&self) -> Option<Timestamp> {
        let messages = self.messages();
        let waiting = messages.values().filter(|message| !message.busy);
        Timestamp::from_epoch_ms(waiting.map(|message| message.visible_at_ms).min()?)
    }

    /// How many messages wait, and how many are dead.
    pub(crate) fn counts(&self) -> Result<(usize, usize), StateError> {
        let dead: Vec<(String, Message)> = self.state.all(&format!("dead-{}", self.name))?;
        Ok((self.messages().len(), dead.len()))
    }

    fn messages(&self) -> MutexGuard<'_, BTreeMap<String, Message>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The dead letters of a queue, for who puts them there by hand.
#[derive(Debug)]
pub(crate) struct DeadLetters(pub(crate) Arc<LocalQueue>);

#[async_trait]
impl Queue for DeadLetters {
    async fn send(&self, messages: Vec<Outgoing>) -> Result<(), QueueError> {
        let queue = &self.0;
        let now = queue.clock.now().epoch_ms();
        for Outgoing { body, .. } in messages {
            let letter =
                Message { body, visible_at_ms: now, handed_out: 0, in_hand: false, busy: false };
            let kept = queue.state.put(&format!("dead-{}", queue.name), &next_id(), &letter);
            kept.map_err(|error| QueueError(error.into()))?;
        }
        Ok(())
    }
}

#[async_trait]
impl Queue for LocalQueue {
    async fn send(&self, messages: Vec<Outgoing>) -> Result<(), QueueError> {
        if !messages.is_empty() && self.faults.strike(Dependency::Queue) {
            return Err(QueueError("made to fail".into()));
        }
        for Outgoing { body, delay, .. } in messages {
            let id = next_id();
            let visible_at_ms = self.clock.now().epoch_ms() + delay.as_millis() as i64;
            let message =
                Message { body, visible_at_ms, handed_out: 0, in_hand: false, busy: false };
            let kept = self.state.put(self.name, &id, &message);
            kept.map_err(|error| QueueError(error.into()))?;
            self.messages().insert(id, message);
            self.arrived.send_replace(());
        }
        Ok(())
    }
}
