//! The queue of webhooks: delivers each to its receiver, and again until it is received (FN-11).
//!
//! The queue is the schedule: what was not received stays on it, hidden until the next attempt is
//! due ([`notify::webhook::STEPS`]), and goes to the dead letters after the last.

mod delivery;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use domain::{
    CorrelationId, Instant,
    vendor::{EndpointStatus, WebhookEndpoint},
};
use notify::{
    order::{MailOrder, PushOrder},
    webhook::{self, Step},
};
use runtime::{
    Hub, Message, Purpose, Queue, QueueError, Seal, SealError,
    batch::{MissingId, each_message},
    telemetry::{ms, ms_since},
};
use store::StoreError;

pub use self::delivery::{Answer, Delivery, DeliveryError, HttpDelivery, Request};

/// What delivering needs.
#[derive(Debug)]
pub struct VendorPush {
    hub: Hub,
    seal: Arc<dyn Seal>,
    queue: Arc<dyn Queue>,
    mails: Arc<dyn Queue>,
    delivery: Arc<dyn Delivery>,
    /// Opened secrets by what they were sealed as, so that the key is asked once for each.
    secrets: Mutex<HashMap<Vec<u8>, Arc<str>>>,
}

/// Why a message stays on the queue.
#[derive(Debug, thiserror::Error)]
enum PushError {
    #[error("the next attempt is not due yet")]
    NotYet,
    #[error("every attempt was made")]
    NoMoreAttempts,
    #[error("the receiver answered {0}")]
    Answered(u16),
    #[error("the receiver was not reached")]
    NotReached(#[source] DeliveryError),
    #[error("the delivery cannot be signed")]
    NotSigned,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error("a message cannot be written")]
    Message(#[from] serde_json::Error),
}

impl VendorPush {
    /// `queue` is the one the messages come from, `mails` that of `send-mail`.
    pub fn new(
        hub: Hub,
        seal: Arc<dyn Seal>,
        queue: Arc<dyn Queue>,
        mails: Arc<dyn Queue>,
        delivery: Arc<dyn Delivery>,
    ) -> Self {
        Self { hub, seal, queue, mails, delivery, secrets: Mutex::default() }
    }

    /// Delivers a batch of messages side by side.
    pub async fn handle(&self, event: SqsEvent) -> Result<SqsBatchResponse, MissingId> {
        each_message(event, |message, received| self.push(message, received)).await
    }

    async fn push(
        &self,
        message: Message<PushOrder>,
        received: SqsMessage,
    ) -> Result<(), PushError> {
        let order = &message.order;
        let receives = received
            .attributes
            .get("ApproximateReceiveCount")
            .and_then(|count| count.parse().ok())
            .unwrap_or(1);
        let step = Step::of_receive(receives).ok_or(PushError::NoMoreAttempts)?;
        let receipt = received.receipt_handle.as_deref().unwrap_or_default();
        if let Step::WaitOn { .. } = step {
            self.queue.postpone(receipt, step.wait(None)).await?;
            return Err(PushError::NotYet);
        }
        let line = |outcome: &str, lag: Option<u64>| {
            tracing::info!(
                event_id = %order.event.id,
                endpoint_id = %order.endpoint_id,
                receives,
                outcome,
                duration_ms = ms(message.taken.elapsed()),
                PushLag = lag,
                "webhook"
            );
        };
        let store = &self.hub.store;
        let endpoint = store.endpoint(&order.client_id, &order.endpoint_id).await?;
        let Some(endpoint) = endpoint.filter(|e| e.status == EndpointStatus::Enabled) else {
            line("nobody to deliver to any more", None);
            return Ok(());
        };
        let result = self.deliver(&endpoint, &message).await?;
        let retry_after = match &result {
            Ok(answer) if answer.is_success() => {
                let now = self.hub.clock.now();
                line("delivered", Some(ms_since(now, order.event.occurred_at)));
                return Ok(());
            }
            Ok(answer) if answer.status == 410 => {
                store.disable_endpoint(&endpoint.client_id, &endpoint.id).await?;
                line("the receiver is gone", None);
                return Ok(());
            }
            Ok(answer) => answer.retry_after,
            Err(_) => None,
        };
        if Step::is_last(receives) {
            self.give_up(&endpoint, message.correlation_id.clone()).await?;
        } else {
            self.queue.postpone(receipt, step.wait(retry_after)).await?;
        }
        Err(match result {
            Ok(answer) => PushError::Answered(answer.status),
            Err(error) => PushError::NotReached(error),
        })
    }

    async fn deliver(
        &self,
        endpoint: &WebhookEndpoint,
        message: &Message<PushOrder>,
    ) -> Result<Result<Answer, DeliveryError>, PushError> {
        let event = &message.order.event;
        let body = serde_json::to_vec(event)?;
        let secret = self.secret(endpoint).await?;
        // Receivers compare the timestamp with their own clock, so it is the machine's.
        let signed = webhook::headers(&secret, event, &body, Instant::of_machine())
            .map_err(|_| PushError::NotSigned)?;
        let cause = message.correlation_id.as_ref().map(ToString::to_string);
        let cause = cause.map(|id| (webhook::CORRELATION_ID, id));
        let headers = signed.into_iter().chain(cause).collect();
        Ok(self.delivery.send(Request { url: endpoint.url.clone(), headers, body }).await)
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

    /// Sends to the endpoint no longer, and tells its owner once.
    async fn give_up(
        &self,
        endpoint: &WebhookEndpoint,
        cause: Option<CorrelationId>,
    ) -> Result<(), PushError> {
        let (client_id, endpoint_id) = (endpoint.client_id.clone(), endpoint.id.clone());
        // Told first: a mail too many is better than an owner who never hears.
        let order = MailOrder::EndpointDisabled {
            client_id: client_id.clone(),
            endpoint_id: endpoint_id.clone(),
        };
        let mail = Message::new(order, cause, self.hub.clock.now());
        self.mails.send(vec![serde_json::to_string(&mail)?]).await?;
        self.hub.store.disable_endpoint(&client_id, &endpoint_id).await?;
        tracing::warn!(%endpoint_id, "the endpoint is disabled after the last attempt");
        Ok(())
    }
}

/// How long a receiver may take to answer.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(15);
