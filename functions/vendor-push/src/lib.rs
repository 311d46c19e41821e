//! The queue of webhooks: delivers each to its receiver, and again until it is received (FN-11).
//!
//! The queue is the schedule: after an attempt that failed, the message is put on it again, and says when the next
//! attempt is due ([`notify::webhook::WAITS`]). Until then it is kept back, a quarter of an hour at a time. After the
//! last attempt it goes to the dead letters.
//!
//! A receiver that fails keeps nobody else waiting: once its breaker is open ([`domain::vendor::Breaker`]), what is new for it stays in
//! the queue, and only repeats and a try now and then take the time to find out whether it is back.

mod delivery;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use domain::{
    Timestamp,
    vendor::{EndpointStatus, WebhookEndpoint},
};
use jiff::SignedDuration;
use notify::{
    EgressPolicy,
    order::{MailOrder, MailQueueError, MailQueues, PushOrder},
    webhook,
};
use rand::RngExt;
use runtime::{
    Environment, Hub, LONGEST_DELAY, Message, Outgoing, Purpose, Queue, QueueError, Seal,
    SealError, SqsQueue, Start, StartError,
    batch::{MissingId, each_message},
    machine_time,
    telemetry::{ErrorChain, Outcome, ms, ms_since},
};
use store::StoreError;

pub use self::delivery::{Answer, Delivery, DeliveryError, HttpDelivery, Request};

/// The queues of webhooks.
#[derive(Debug, Clone)]
pub struct PushQueues {
    /// Where the messages come from.
    pub queue: Arc<dyn Queue>,
    /// Where those go that were not received in any attempt.
    pub dead_letters: Arc<dyn Queue>,
}

/// What delivering needs.
#[derive(Debug)]
pub struct VendorPush {
    hub: Hub,
    seal: Arc<dyn Seal>,
    queues: PushQueues,
    mails: MailQueues,
    delivery: Arc<dyn Delivery>,
    /// Opened secrets by what they were sealed as, so that the key is asked once for each.
    secrets: Mutex<HashMap<Vec<u8>, Arc<str>>>,
}

/// Why a message stays on the queue.
#[derive(Debug, thiserror::Error)]
enum PushError {
    #[error("the delivery cannot be signed")]
    NotSigned,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Mails(#[from] MailQueueError),
    #[error("a message cannot be written")]
    Message(#[from] serde_json::Error),
}

/// What became of a message that need not stay on the queue.
enum Attempt {
    Delivered,
    NobodyToDeliverTo,
    Gone,
    HeldBack,
    Failed { status: Option<u16>, error: Option<DeliveryError> },
}

impl Start<Environment> for VendorPush {
    async fn start(environment: &Environment) -> Result<Self, StartError> {
        let queues = PushQueues {
            queue: Arc::new(SqsQueue::start("PUSH_QUEUE_URL")?),
            dead_letters: Arc::new(SqsQueue::start("PUSH_DEAD_LETTER_QUEUE_URL")?),
        };
        let mails = MailQueues::start()?;
        let (hub, seal, egress) = <(Hub, Arc<dyn Seal>, EgressPolicy)>::start(environment).await?;
        let delivery =
            HttpDelivery::new(egress).map_err(|error| StartError::NotReady(error.into()))?;
        Ok(Self::new(hub, seal, queues, mails, Arc::new(delivery)))
    }
}

/// What came back from a receiver.
enum Reply {
    Answer(Answer),
    None(DeliveryError),
}

impl VendorPush {
    /// `mails` are the queues of `send-mail`.
    pub fn new(
        hub: Hub,
        seal: Arc<dyn Seal>,
        queues: PushQueues,
        mails: MailQueues,
        delivery: Arc<dyn Delivery>,
    ) -> Self {
        Self { hub, seal, queues, mails, delivery, secrets: Mutex::default() }
    }

    /// Delivers a batch of messages side by side.
    pub async fn handle(&self, event: SqsEvent) -> Result<SqsBatchResponse, MissingId> {
        each_message(event, |message, _| self.push(message)).await
    }

    async fn push(&self, message: Message<PushOrder>) -> Result<(), PushError> {
        let order = &message.order;
        if let Some(left) = order.due.and_then(|due| self.time_until(due)) {
            return self.put_back(&message, order.clone(), left).await;
        }
        let attempt = self.try_once(&message).await?;
        let delivered = matches!(attempt, Attempt::Delivered);
        let lag = delivered.then(|| ms_since(self.hub.clock.now(), order.event.occurred_at));
        tracing::info!(
            event_id = %order.event.id,
            endpoint_id = %order.endpoint_id,
            attempt = order.attempt,
            outcome = attempt.outcome().as_str(),
            status = attempt.status(),
            error = attempt.error(),
            duration_ms = ms(message.taken.elapsed()),
            PushLag = lag,
            "webhook"
        );
        Ok(())
    }

    /// How long it is until then, if that is as long as a queue counts: a second.
    fn time_until(&self, due: Timestamp) -> Option<Duration> {
        let left = Duration::try_from(due.since(self.hub.clock.now())).ok()?;
        (left >= Duration::from_secs(1)).then_some(left)
    }

    async fn try_once(&self, message: &Message<PushOrder>) -> Result<Attempt, PushError> {
        let order = &message.order;
        let (store, now) = (&self.hub.store, self.hub.clock.now());
        let endpoint = store.endpoint_to_send_to(&order.client_id, &order.endpoint_id).await?;
        let Some(endpoint) = endpoint.filter(|e| e.status == EndpointStatus::Enabled) else {
            return Ok(Attempt::NobodyToDeliverTo);
        };
        let breaker = endpoint.breaker;
        if order.attempt == 1
            && breaker.is_open()
            && (breaker.holds(now) || !store.take_try(&endpoint, now).await?)
        {
            self.hold_back(message).await?;
            return Ok(Attempt::HeldBack);
        }
        let reply = self.deliver(&endpoint, message).await?;
        let (status, retry_after, error) = match reply {
            Reply::Answer(answer) if answer.is_success() => {
                store.note_success(&endpoint).await?;
                return Ok(Attempt::Delivered);
            }
            Reply::Answer(answer) if answer.status == 410 => {
                store.disable_endpoint(&endpoint.client_id, &endpoint.id).await?;
                return Ok(Attempt::Gone);
            }
            Reply::Answer(answer) => (Some(answer.status), answer.retry_after, None),
            Reply::None(error) => (None, None, Some(error)),
        };
        store.note_failure(&endpoint).await?;
        let now = self.hub.clock.now();
        match webhook::wait_after(order.attempt, retry_after.map(|after| after.wait(now))) {
            Some(wait) => {
                let due = now + SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
                let next =
                    PushOrder { attempt: order.attempt + 1, due: Some(due), ..order.clone() };
                self.put_back(message, next, wait).await?;
            }
            None => self.give_up(&endpoint, message).await?,
        }
        Ok(Attempt::Failed { status, error })
    }

    /// Lets a delivery that is new wait for a receiver that fails. What is held back at once does not come back at
    /// once.
    async fn hold_back(&self, message: &Message<PushOrder>) -> Result<(), PushError> {
        let delay = LONGEST_DELAY.mul_f64(rand::rng().random_range(0.6..=1.0));
        self.put_back(message, message.order.clone(), delay).await
    }

    /// Puts a message of its own on the queue in this one's place. A message that was handed out could be hidden
    /// for longer, but would be in flight all the while, and what fills that keeps everybody's webhooks waiting.
    async fn put_back(
        &self,
        message: &Message<PushOrder>,
        order: PushOrder,
        wait: Duration,
    ) -> Result<(), PushError> {
        let delay = wait.min(LONGEST_DELAY);
        let group = Some(order.client_id.to_string());
        let message = Message { order, ..message.clone() };
        let outgoing = Outgoing { group, delay, ..Outgoing::new(&message)? };
        Ok(self.queues.queue.send(vec![outgoing]).await?)
    }

    async fn deliver(
        &self,
        endpoint: &WebhookEndpoint,
        message: &Message<PushOrder>,
    ) -> Result<Reply, PushError> {
        let event = &message.order.event;
        let body = serde_json::to_vec(event)?;
        let secret = self.secret(endpoint).await?;
        // Receivers compare the timestamp with their own clock, so it is the machine's.
        let signed = webhook::headers(&secret, event, &body, machine_time())
            .map_err(|_| PushError::NotSigned)?;
        let correlation = message.correlation_id.as_ref().map(ToString::to_string);
        let correlation = correlation.map(|id| (webhook::CORRELATION_ID, id));
        let headers = signed.into_iter().chain(correlation).collect();
        let sent = self.delivery.send(Request { url: endpoint.url.clone(), headers, body }).await;
        Ok(sent.map_or_else(Reply::None, Reply::Answer))
    }

    async fn secret(&self, endpoint: &WebhookEndpoint) -> Result<Arc<str>, PushError> {
        let secrets = || self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(secret) = secrets().get(&endpoint.secret.0) {
            return Ok(secret.clone());
        }
        let opened = self.seal.open(Purpose::WebhookSecret(&endpoint.id), &endpoint.secret).await?;
        let secret: Arc<str> = String::from_utf8(opened).map_err(|_| PushError::NotSigned)?.into();
        secrets().insert(endpoint.secret.0.clone(), secret.clone());
        Ok(secret)
    }

    /// Sends to the endpoint no longer, tells its owner, and keeps the delivery among the dead letters, as new.
    async fn give_up(
        &self,
        endpoint: &WebhookEndpoint,
        message: &Message<PushOrder>,
    ) -> Result<(), PushError> {
        let (client_id, endpoint_id) = (endpoint.client_id.clone(), endpoint.id.clone());
        // Told first: a mail too many is better than an owner who never hears.
        let order = MailOrder::EndpointDisabled {
            client_id: client_id.clone(),
            endpoint_id: endpoint_id.clone(),
        };
        let mail = Message::new(order, message.correlation_id.clone(), self.hub.clock.now());
        self.mails.send(&[mail]).await?;
        let order = PushOrder { attempt: 1, due: None, ..message.order.clone() };
        let letter = Message { order, ..message.clone() };
        self.queues.dead_letters.send(vec![Outgoing::new(&letter)?]).await?;
        self.hub.store.disable_endpoint(&client_id, &endpoint_id).await?;
        tracing::warn!(%endpoint_id, "the endpoint is disabled after the last attempt");
        Ok(())
    }
}

impl Attempt {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Delivered => Outcome::Done,
            Self::NobodyToDeliverTo => Outcome::Skipped,
            Self::Gone => Outcome::Refused,
            Self::HeldBack => Outcome::HeldBack,
            Self::Failed { .. } => Outcome::Failed,
        }
    }

    fn status(&self) -> Option<u16> {
        if let Self::Failed { status, .. } = self { *status } else { None }
    }

    fn error(&self) -> Option<String> {
        let Self::Failed { error: Some(error), .. } = self else { return None };
        Some(ErrorChain(error).to_string())
    }
}

/// How long a receiver may take to answer.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(15);
