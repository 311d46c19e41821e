//! What the embedded store never does: transactions that meet, calls that are throttled, and answers that are
//! lost after the write.

use std::sync::{
    Arc, Mutex,
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
use domain::{ReservationNumber, Status, reservation::Action};
use http::Method;
use serde_json::{Value, json};
use store::{ChangeOutcome, Judged, Reserved, Store, StoreError};
use tests::{World, site, wire};

const SLOT: &str = "2026-12-10T10:00:00+09:00";

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
    let slot = world.slot(SLOT, 3).await;
    let number = world.requested(&slot, "k1").await;
    world.store().reservation(&number, true).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_transaction_that_meets_another_is_tried_again() {
    let reservation = reservation().await;
    for code in ["TransactionConflict", "ThrottlingError"] {
        let dynamo = Cancelling::new(code, 2);
        let reserved = dynamo.store().reserve(&reservation, &Judged::default()).await;
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
    let result = store.reserve(&reservation, &Judged::default()).await;
    assert!(matches!(result, Err(StoreError::Unavailable(_))));
    assert_eq!(dynamo.calls.load(Ordering::SeqCst), 9);
}

#[tokio::test]
async fn what_can_never_succeed_is_not_tried_again() {
    let reservation = reservation().await;
    let dynamo = Cancelling::new("ValidationError", usize::MAX);
    let result = dynamo.store().reserve(&reservation, &Judged::default()).await;
    assert!(matches!(result, Err(StoreError::Rejected(_))));
    assert_eq!(dynamo.calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_answer_that_was_lost_after_the_write_is_found_by_the_repeat() {
    // The first attempt wrote; the client saw a timeout and sent the same again.
    let world = World::new().await;
    let slot = world.slot(SLOT, 1).await;
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

/// How an answer is lost.
#[derive(Debug, Clone, Copy)]
enum Loss {
    /// The connection breaks.
    Broken,
    /// Something between the table and the hub says that it failed.
    Internal,
    /// The call does not even reach the table: it has too much to do.
    Throttled,
}

/// What somebody else does between a write and its repeat.
type Meanwhile = Arc<Mutex<Option<(Store, ReservationNumber)>>>;

/// A wire on which the answers to the next writes are lost.
#[derive(Debug, Clone)]
struct Losing {
    loss: Loss,
    left: Arc<AtomicUsize>,
    /// The nursery cancels this one then.
    meanwhile: Meanwhile,
    /// A planted bug: writes are sent without this.
    without: Option<&'static str>,
}

impl Losing {
    fn new(loss: Loss) -> Self {
        Self { loss, left: Arc::default(), meanwhile: Arc::default(), without: None }
    }

    /// A world at the end of this wire, with the retries of a deployed function.
    async fn world(&self) -> World {
        World::through(self.clone(), wire::retries()).await
    }

    /// From now on so many answers are lost.
    fn lose(&self, answers: usize) {
        self.left.store(answers, Ordering::SeqCst);
    }

    /// Whether as many were lost as should be.
    fn is_done(&self) -> bool {
        self.left.load(Ordering::SeqCst) == 0
    }
}

fn failure(status: u16, kind: &str) -> HttpResponse {
    let body = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{kind}")});
    HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from(body.to_string()))
}

impl wire::Wire for Losing {
    fn carry(&self, mut call: HttpRequest, line: &SharedHttpConnector) -> HttpConnectorFuture {
        if let Some(name) = self.without {
            let body = wire::body(&call).replace(name, "\"Nothing\"");
            call = wire::with_body(call, body);
        }
        let one_less = |left: usize| left.checked_sub(1);
        let order = Ordering::SeqCst;
        if !wire::writes(&call) || self.left.fetch_update(order, order, one_less).is_err() {
            return line.call(call);
        }
        if let Loss::Throttled = self.loss {
            let throttled = failure(400, "ThrottlingException");
            return HttpConnectorFuture::ready(Ok(throttled));
        }
        let (answer, wire) = (wire::lost(call, line), self.clone());
        HttpConnectorFuture::new(async move {
            let lost = answer.await;
            let meanwhile = wire.meanwhile.lock().unwrap().take();
            if let Some((store, number)) = meanwhile {
                assert!(cancel(&store, &number).await, "somebody else goes on from there");
            }
            match wire.loss {
                Loss::Internal => Ok(failure(500, "InternalServerError")),
                Loss::Broken | Loss::Throttled => lost,
            }
        })
    }
}

/// The nursery cancels, past the wire.
async fn cancel(store: &Store, number: &ReservationNumber) -> bool {
    let action = Action::CancelByFacility { comment: None };
    let by = || domain::reservation::Actor::Staff("somebody else".into());
    let now = "2026-12-01T11:00:00+09:00".parse().unwrap();
    let changed = store.change(number, |current| current.after(&action, by(), now)).await;
    matches!(changed, Ok(ChangeOutcome::Done(_)))
}

/// Does all that callers do, each with its first answer lost.
async fn everything(losing: &Losing) {
    let world = losing.world().await;
    let slot = world.slot(SLOT, 3).await;
    let staff = world.staff();
    let slots = format!("/v1/staff/facilities/{}/slots", world.facility.facility_id);

    losing.lose(1);
    let requested = world.request(&slot, "k1").await;
    assert_eq!((requested.status.as_u16(), losing.is_done()), (201, true), "{:?}", losing.loss);
    assert!(!requested.headers.contains_key("idempotency-replayed"), "it is the first");
    let number: ReservationNumber =
        requested.body["reservation_number"].as_str().unwrap().parse().unwrap();

    losing.lose(1);
    let noted = world
        .call(
            &staff,
            Method::PUT,
            &format!("/v1/staff/reservations/{number}/memo"),
            Some(json!({"memo": "電話済み"})),
            &[],
        )
        .await;
    assert_eq!((noted.status.as_u16(), &noted.body["sequence"]), (200, &json!(2)));
    let memos = world.seen(&number).await["memo_history"].as_array().unwrap().len();
    assert_eq!((memos, losing.is_done()), (1, true), "it is noted once");

    for (verb, status) in [("approve", "approved"), ("cancel", "cancelled_by_facility")] {
        losing.lose(1);
        let acted = world.act(&number, verb, json!({})).await;
        assert_eq!((acted.status.as_u16(), losing.is_done()), (200, true), "{}", acted.shown());
        assert_eq!(acted.body["status"], status);
    }
    let history = world.seen(&number).await["history"].as_array().unwrap().len();
    assert_eq!((history, world.places(&slot).await.0), (3, 3), "each happened once");

    let path = format!("{slots}/{}", slot.slot_id);
    let etag = world.get(&staff, &path).await.headers["etag"].clone();
    let if_match = [("if-match", etag.to_str().unwrap())];
    losing.lose(1);
    let body = Some(json!({"capacity": 4}));
    let changed = world.call(&staff, Method::PUT, &path, body, &if_match).await;
    assert_eq!((changed.status.as_u16(), losing.is_done()), (200, true), "{}", changed.shown());
    assert_eq!((&changed.body["capacity"], world.places(&slot).await.1), (&json!(4), 4));
    let body = Some(json!({"capacity": 4}));
    let stale = world.call(&staff, Method::PUT, &path, body, &if_match).await;
    assert_eq!(stale.status, 412, "another request is another write");
    losing.lose(1);
    let disabled = world.post(&staff, &format!("{path}/disable"), Value::Null).await;
    assert_eq!((disabled.status.as_u16(), losing.is_done()), (200, true));
    assert_eq!(disabled.body["status"], "disabled");

    // The mark, the count, and the slot.
    let open = json!({"starts_at": "2026-12-11T10:00:00+09:00", "ends_at": "2026-12-11T11:00:00+09:00", "capacity": 2});
    losing.lose(1);
    let opened = world
        .call(&staff, Method::POST, &slots, Some(open.clone()), &[("idempotency-key", "open")])
        .await;
    assert_eq!((opened.status.as_u16(), losing.is_done()), (201, true), "{}", opened.shown());
    assert!(!opened.headers.contains_key("idempotency-replayed"), "it is the first");
    let again =
        world.call(&staff, Method::POST, &slots, Some(open), &[("idempotency-key", "open")]).await;
    assert_eq!(again.headers["idempotency-replayed"], "true");

    let receiver = json!({"url": "https://site.example.jp/hook"});
    let endpoints = "/v1/webhook-endpoints";
    losing.lose(1);
    let created = world
        .call(&site(), Method::POST, endpoints, Some(receiver), &[("idempotency-key", "hook")])
        .await;
    assert_eq!((created.status.as_u16(), losing.is_done()), (201, true), "{}", created.shown());
    assert!(!created.headers.contains_key("idempotency-replayed"), "it is the first");
    losing.lose(1);
    let path = format!("{endpoints}/{}", created.body["id"].as_str().unwrap());
    let deleted = world.call(&site(), Method::DELETE, &path, None, &[]).await;
    assert_eq!((deleted.status.as_u16(), losing.is_done()), (204, true), "{}", deleted.shown());
    assert_eq!(world.call(&site(), Method::DELETE, &path, None, &[]).await.status, 404);
}

#[tokio::test]
async fn an_own_write_is_known_when_its_answer_was_lost() {
    everything(&Losing::new(Loss::Broken)).await;
    everything(&Losing::new(Loss::Internal)).await;
}

#[tokio::test]
async fn a_hub_that_does_not_know_its_own_writes_is_found_out() {
    for without in ["\"ClientRequestToken\"", "\"call\""] {
        let losing = Losing { without: Some(without), ..Losing::new(Loss::Broken) };
        let found = tokio::spawn(async move { everything(&losing).await }).await;
        assert!(found.is_err_and(|error| error.is_panic()), "without {without}");
    }
}

#[tokio::test]
async fn what_is_throttled_is_done_a_little_later() {
    everything(&Losing::new(Loss::Throttled)).await;
}

#[tokio::test]
async fn an_own_write_is_known_though_somebody_else_went_on_from_it() {
    for what in ["approve", "memo"] {
        let losing = Losing::new(Loss::Broken);
        let world = losing.world().await;
        let slot = world.slot(SLOT, 1).await;
        let number = world.requested(&slot, "k1").await;
        let past_the_wire = Store::new(world.raw().clone(), local::embedded::TABLE);
        *losing.meanwhile.lock().unwrap() = Some((past_the_wire, number.clone()));
        losing.lose(1);
        let answer = match what {
            "approve" => world.act(&number, "approve", json!({})).await,
            _ => {
                let path = format!("/v1/staff/reservations/{number}/memo");
                let memo = Some(json!({"memo": "電話済み"}));
                world.call(&world.staff(), Method::PUT, &path, memo, &[]).await
            }
        };
        assert_eq!((answer.status.as_u16(), &answer.body["sequence"]), (200, &json!(2)), "{what}");
        let found = world.store().reservation(&number, true).await.unwrap().unwrap();
        assert_eq!((found.status, found.sequence), (Status::CancelledByFacility, 3));
        assert_eq!(found.memos.len(), usize::from(what == "memo"), "noted once");
    }
}

#[tokio::test]
async fn what_is_never_answered_is_not_available_and_its_repeat_finds_it_done() {
    let losing = Losing::new(Loss::Broken);
    let world = losing.world().await;
    let slot = world.slot(SLOT, 1).await;
    losing.lose(3);
    let unknown = world.request(&slot, "k1").await;
    assert_eq!((unknown.status.as_u16(), losing.is_done()), (503, true), "three attempts");
    let number = world.request(&slot, "k1").await.body["reservation_number"].clone();
    let number: ReservationNumber = number.as_str().unwrap().parse().unwrap();
    losing.lose(3);
    assert_eq!(world.act(&number, "approve", json!({})).await.status, 503);
    let again = world.act(&number, "approve", json!({})).await;
    assert_eq!((again.status.as_u16(), &again.body["sequence"]), (200, &json!(2)), "it is so");
}
