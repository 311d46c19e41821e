//! A receiver of webhooks, as a vendor would write one: it verifies, answers 204, and remembers.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{Router, body::Bytes, extract::State, routing::post};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use standardwebhooks::Webhook;
use tokio::{net::TcpListener, sync::Notify};

/// What a receiver got.
#[derive(Debug, Clone)]
pub struct Received {
    /// `webhook-id`.
    pub id: String,
    /// `x-correlation-id`.
    pub correlation_id: String,
    /// The event.
    pub event: Value,
    /// The bytes of the body.
    pub body: Vec<u8>,
}

/// A receiver that runs until the program ends.
#[derive(Debug, Clone)]
pub struct Receiver {
    /// Where it listens.
    pub address: SocketAddr,
    inner: Arc<Mutex<Inner>>,
    came: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Inner {
    secret: Option<String>,
    received: Vec<Received>,
    refused: usize,
    answer: Option<StatusCode>,
}

impl Receiver {
    /// Listens on a free port of this machine.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let receiver = Self { address, inner: Arc::default(), came: Arc::default() };
        let app = Router::new().route("/hook", post(receive)).with_state(receiver.clone());
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                tracing::error!(%error, "the receiver ended");
            }
        });
        Ok(receiver)
    }

    /// The address to register.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Verifies with this secret from now on.
    pub fn trust(&self, secret: &str) {
        self.inner().secret = Some(secret.to_owned());
    }

    /// Answers every webhook with this status; `None` is 204 for a good signature.
    pub fn answer_with(&self, status: Option<StatusCode>) {
        self.inner().answer = status;
    }

    /// What came with a good signature, in the order in which it came.
    pub fn received(&self) -> Vec<Received> {
        self.inner().received.clone()
    }

    /// Waits until so many came with a good signature.
    pub async fn receives(&self, count: usize) {
        while self.received().len() < count {
            self.came.notified().await;
        }
    }

    /// How many came with a wrong one.
    pub fn refused(&self) -> usize {
        self.inner().refused
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mut inner = receiver.inner();
    let secret = inner.secret.clone().unwrap_or_default();
    let verified = Webhook::new(&secret).is_ok_and(|key| key.verify(&body, &headers).is_ok());
    if !verified {
        inner.refused += 1;
        return StatusCode::UNAUTHORIZED;
    }
    let header = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    inner.received.push(Received {
        id: header("webhook-id"),
        correlation_id: header(notify::webhook::CORRELATION_ID),
        event: serde_json::from_slice(&body).unwrap_or_default(),
        body: body.to_vec(),
    });
    receiver.came.notify_one();
    inner.answer.unwrap_or(StatusCode::NO_CONTENT)
}
