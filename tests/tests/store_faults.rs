//! What the embedded store never does: transactions that meet, and answers that are lost.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use aws_sdk_dynamodb::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
};
use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
        orchestrator::{HttpRequest, HttpResponse},
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use serde_json::json;
use store::{Reserved, Store, StoreError};
use tests::World;

/// DynamoDB as it answers a number of times with a cancelled transaction, and then with success.
#[derive(Debug, Clone)]
struct Cancelling {
    code: &'static str,
    times: usize,
    calls: Arc<AtomicUsize>,
}

impl Cancelling {
    fn new(code: &'static str, times: usize) -> Self {
        Self { code, times, calls: Arc::default() }
    }

    fn store(&self) -> Store {
        let connector = SharedHttpConnector::new(self.clone());
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("ap-northeast-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build();
        Store::new(Client::from_conf(config), "table")
    }
}

impl HttpConnector for Cancelling {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        let (status, body) = if call < self.times {
            let body = json!({
                "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
                "Message": "Transaction cancelled",
                "CancellationReasons": [{"Code": self.code}, {"Code": "None"}],
            });
            (400, body)
        } else {
            (200, json!({}))
        };
        let status = StatusCode::try_from(status).unwrap();
        let response = HttpResponse::new(status, SdkBody::from(body.to_string()));
        HttpConnectorFuture::ready(Ok(response))
    }
}

async fn reservation() -> domain::Reservation {
    let world = World::new().await;
    let slot = world.slot("2026-12-10T10:00:00+09:00", 3).await;
    let number = world.requested(&slot, "k1").await;
    world.store().reservation(&number, true).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_transaction_that_meets_another_is_tried_again() {
    let reservation = reservation().await;
    for code in ["TransactionConflict", "ThrottlingError"] {
        let dynamo = Cancelling::new(code, 2);
        let reserved = dynamo.store().reserve(&reservation).await;
        assert!(reserved.unwrap() == Reserved::New);
        assert_eq!(dynamo.calls.load(Ordering::SeqCst), 3);
    }
}

#[tokio::test]
async fn one_that_always_meets_another_ends_as_not_available() {
    let reservation = reservation().await;
    let dynamo = Cancelling::new("TransactionConflict", usize::MAX);
    let store = dynamo.store();
    tokio::time::pause();
    let result = store.reserve(&reservation).await;
    assert!(matches!(result, Err(StoreError::Unavailable(_))));
    assert_eq!(dynamo.calls.load(Ordering::SeqCst), 9);
}

#[tokio::test]
async fn what_can_never_succeed_is_not_tried_again() {
    let reservation = reservation().await;
    let dynamo = Cancelling::new("ValidationError", usize::MAX);
    let result = dynamo.store().reserve(&reservation).await;
    assert!(matches!(result, Err(StoreError::Refused(_))));
    assert_eq!(dynamo.calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_answer_that_was_lost_after_the_write_is_found_by_the_repeat() {
    // The first attempt wrote; the client saw a timeout and sent the same again.
    let world = World::new().await;
    let slot = world.slot("2026-12-10T10:00:00+09:00", 1).await;
    let number = world.requested(&slot, "k1").await;
    let again = world.request(&slot, "k1").await;
    assert_eq!(again.status, 201, "the slot is full, but by this request");
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.body["reservation_number"], number.as_str());

    // Even when the time for asking is over, and after it was answered.
    let path = format!("/v1/staff/reservations/{number}/approve");
    world.post(&world.staff(), &path, serde_json::json!({})).await;
    world.set("2026-12-11T10:00:00+09:00");
    let late = world.request(&slot, "k1").await;
    assert_eq!((late.status.as_u16(), &late.body), (201, &again.body), "the first answer");
}
