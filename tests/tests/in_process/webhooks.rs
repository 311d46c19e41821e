//! Webhooks on a queue with SQS's limits: when they are tried again, and that a receiver that fails keeps nobody waiting.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use aws_lambda_events::sqs::SqsEvent;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    Timestamp,
    vendor::{Breaker, EndpointStatus, VendorKind, VendorStatus, WebhookEndpoint},
};
use http::Method;
use jiff::SignedDuration;
use notify::webhook::{ATTEMPTS, RetryAfter, WAITS, encode_secret};
use runtime::{Clock, LONGEST_DELAY, Outgoing, Purpose, Queue, QueueError};
use serde_json::{Value, json};
use store::{EndpointCreated, Once, VendorRecord};
use tests::{As, NOW, World, queue_event, site};
use vendor_push::{Answer, Delivery, DeliveryError, PushQueues, Request, VendorPush};

/// A queue as SQS is one, at the time of the world. A delay of more than 15 minutes it refuses.
#[derive(Debug)]
struct Sqs {
    clock: Clock,
    messages: Mutex<Vec<(Timestamp, Outgoing)>>,
}

#[async_trait]
impl Queue for Sqs {
    async fn send(&self, messages: Vec<Outgoing>) -> Result<(), QueueError> {
        for message in messages {
            assert!(message.delay <= LONGEST_DELAY, "SQS refuses {:?}", message.delay);
            let order: Value = serde_json::from_str(&message.body).unwrap();
            assert_eq!(message.group.as_deref(), order["client_id"].as_str(), "a fair queue");
            // It counts whole seconds.
            let delay = SignedDuration::from_secs(message.delay.as_secs_f64().round() as i64);
            let visible_at = self.clock.now() + delay;
            self.messages.lock().unwrap().push((visible_at, message));
        }
        Ok(())
    }
}

impl Sqs {
    /// The messages that are visible now, up to five, as a batch.
    fn hand_out(&self) -> Option<SqsEvent> {
        let (now, mut messages) = (self.clock.now(), self.messages.lock().unwrap());
        let mut bodies: Vec<Value> = Vec::new();
        messages.retain(|(visible_at, message)| {
            let taken = *visible_at <= now && bodies.len() < 5;
            if taken {
                bodies.push(serde_json::from_str(&message.body).unwrap());
            }
            !taken
        });
        (!bodies.is_empty()).then(|| queue_event(&bodies, 1))
    }

    fn next_at(&self) -> Option<Timestamp> {
        self.messages.lock().unwrap().iter().map(|(visible_at, _)| *visible_at).min()
    }
}

/// Receivers by their address; those that are down answer 503.
#[derive(Debug)]
struct Receivers {
    clock: Clock,
    down: Mutex<BTreeSet<&'static str>>,
    retry_after: Mutex<Option<RetryAfter>>,
    attempts: Mutex<BTreeMap<String, Vec<Timestamp>>>,
}

#[async_trait]
impl Delivery for Receivers {
    async fn send(&self, request: Request) -> Result<Answer, DeliveryError> {
        let down = self.down.lock().unwrap().contains(request.url.as_str());
        let (now, mut attempts) = (self.clock.now(), self.attempts.lock().unwrap());
        attempts.entry(request.url).or_default().push(now);
        let retry_after = *self.retry_after.lock().unwrap();
        Ok(Answer { status: if down { 503 } else { 204 }, retry_after })
    }
}

/// `vendor-push` between such a queue and such receivers.
struct Line {
    world: World,
    queue: Arc<Sqs>,
    receivers: Arc<Receivers>,
    push: VendorPush,
    most_in_flight: usize,
}

const SICK: &str = "https://sick.example/hook";
const WELL: &str = "https://well.example/hook";

/// The two clients, each with the endpoint that is its id's and its receiver.
const CLIENTS: [(&str, &str, &str); 2] =
    [("sick-1", "whe_000000000001", SICK), ("well-1", "whe_000000000002", WELL)];

impl Line {
    async fn new() -> Self {
        let world = World::new().await;
        let clock = world.hub.clock.clone();
        let queue = Arc::new(Sqs { clock: clock.clone(), messages: Mutex::default() });
        let receivers = Arc::new(Receivers {
            clock,
            down: Mutex::new(BTreeSet::from([SICK])),
            retry_after: Mutex::default(),
            attempts: Mutex::default(),
        });
        for (client, id, url) in CLIENTS {
            add_endpoint(&world, client, id, url).await;
        }
        let queues = PushQueues { queue: queue.clone(), dead_letters: world.parked.clone() };
        let (hub, seal, mails) = (world.hub.clone(), world.seal.clone(), world.mail_queues());
        let push = VendorPush::new(hub, seal, queues, mails, receivers.clone());
        Self { world, queue, receivers, push, most_in_flight: 0 }
    }

    /// Puts a new event for a client on the queue.
    async fn enqueue(&self, place: usize, sequence: u32) {
        let (client, endpoint, _) = CLIENTS[place];
        let order = json!({
            "client_id": client,
            "endpoint_id": endpoint,
            "event": {
                "id": format!("evt_R7K3M9QXD_{sequence}"),
                "type": "reservation.requested",
                "occurred_at": self.world.hub.clock.now(),
                "sequence": sequence,
                "data": {
                    "reservation_number": "R-7K3M-9QXD",
                    "facility_id": "fac_7k3m9qxd2abc",
                    "slot_id": "slt_0wx4n07k3m9qxd",
                    "status": "pending",
                },
            },
        });
        let group = Some(client.to_string());
        self.queue.send(vec![Outgoing { group, ..Outgoing::new(&order).unwrap() }]).await.unwrap();
    }

    /// Delivers what is due until then, in order of time.
    async fn run_until(&mut self, until: Timestamp) {
        while let Some(at) = self.queue.next_at().filter(|at| *at <= until) {
            self.world.set(&at.max(self.world.hub.clock.now()).to_string());
            while let Some(event) = self.queue.hand_out() {
                self.most_in_flight = self.most_in_flight.max(event.records.len());
                let response = self.push.handle(event).await.unwrap();
                // A message that failed would stay in flight.
                assert!(response.batch_item_failures.is_empty());
            }
        }
        self.world.set(&until.to_string());
    }

    fn attempts(&self, url: &str) -> Vec<Timestamp> {
        self.receivers.attempts.lock().unwrap().get(url).cloned().unwrap_or_default()
    }

    async fn endpoint(&self, place: usize) -> WebhookEndpoint {
        let (client, ..) = CLIENTS[place];
        self.world.store().endpoints(&client.parse().unwrap()).await.unwrap().remove(0)
    }
}

async fn add_endpoint(world: &World, client: &str, id: &str, url: &str) {
    let id = id.parse().unwrap();
    let secret = encode_secret(&[5; 32]);
    let endpoint = WebhookEndpoint {
        client_id: client.parse().unwrap(),
        kind: VendorKind::SearchSite,
        url: url.into(),
        event_types: Vec::new(),
        description: None,
        status: EndpointStatus::Enabled,
        secret: world.seal.seal(Purpose::WebhookSecret(&id), secret.as_bytes()).await.unwrap(),
        created_at: world.hub.clock.now(),
        breaker: Breaker::default(),
        id,
    };
    let once = Once { key: endpoint.id.as_str().as_bytes().try_into().unwrap(), body: [0; 16] };
    let created = world.store().create_endpoint(&endpoint, &once, String::new()).await.unwrap();
    assert_eq!(created, EndpointCreated::New);
}

fn start() -> Timestamp {
    NOW.parse().unwrap()
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

#[tokio::test]
async fn attempts_keep_to_the_schedule_to_a_tenth() {
    let mut line = Line::new().await;
    line.enqueue(0, 1).await;
    line.run_until(start() + hours(10 * 24)).await;
    let attempts = line.attempts(SICK);
    assert_eq!(attempts.len(), ATTEMPTS);
    for (two, planned) in attempts.windows(2).zip(WAITS) {
        let part = two[1].since(two[0]).as_secs_f64() / planned as f64;
        assert!((0.89..=1.11).contains(&part), "{planned} s became {part} of that");
    }
    assert_eq!(line.endpoint(0).await.status, EndpointStatus::Disabled);
    let told = line.world.mails.0.lock().unwrap().iter().map(|mail| mail["kind"].clone()).collect();
    assert_eq!(Value::Array(told), json!(["endpoint_disabled"]));
    assert_eq!(line.world.parked.0.lock().unwrap().len(), 1, "a dead letter");
}

#[tokio::test]
async fn nothing_is_sent_to_a_client_that_is_locked_out() {
    let mut line = Line::new().await;
    let (client, ..) = CLIENTS[1];
    let vendor = VendorRecord {
        client_id: client.parse().unwrap(),
        kind: VendorKind::SearchSite,
        name: client.into(),
        contact: "site@example.jp".parse().unwrap(),
        status: VendorStatus::Suspended,
    };
    line.world.store().add_vendor(&vendor, &[]).await.unwrap();
    line.enqueue(1, 1).await;
    line.run_until(start() + hours(100)).await;
    assert_eq!(line.attempts(WELL), []);
    assert_eq!(line.endpoint(1).await.status, EndpointStatus::Enabled, "it is no fault of its own");
    let let_in = line
        .world
        .raw()
        .update_item()
        .table_name(local::embedded::TABLE)
        .set_key(Some(store::Key::Vendor(vendor.client_id.clone()).attributes()))
        .update_expression("SET #status = :active")
        .expression_attribute_names("#status", "status")
        .expression_attribute_values(":active", AttributeValue::S("active".into()));
    let_in.send().await.unwrap();
    line.enqueue(1, 2).await;
    line.run_until(start() + hours(101)).await;
    assert_eq!(line.attempts(WELL).len(), 1);
}

#[tokio::test]
async fn receiver_is_left_alone_until_the_date_that_it_names() {
    let mut line = Line::new().await;
    let back = start() + hours(20);
    *line.receivers.retry_after.lock().unwrap() = Some(RetryAfter::Until(back));
    line.enqueue(0, 1).await;
    line.run_until(start() + hours(1)).await;
    line.receivers.down.lock().unwrap().clear();
    line.run_until(start() + hours(30)).await;
    assert_eq!(line.attempts(SICK), [start(), back]);
}

#[tokio::test]
async fn outage_of_one_client_takes_neither_places_in_flight_nor_time_from_others() {
    let mut line = Line::new().await;
    let minute = SignedDuration::from_mins(1);
    for sequence in 1..=300 {
        line.enqueue(0, sequence).await;
        line.enqueue(1, sequence).await;
        line.run_until(line.world.hub.clock.now() + minute).await;
    }
    assert_eq!(line.attempts(WELL).len(), 300);
    for (at, sequence) in line.attempts(WELL).into_iter().zip(0..) {
        assert_eq!(at, start() + minute * sequence, "told at once");
    }
    // Without a breaker, each of the 300 would have been tried about four times by now; with waits in flight, all
    // 300 would be there.
    let tries = line.attempts(SICK).len();
    assert!((5..=5 * 60 / 5 * 5).contains(&tries), "{tries} tries");
    assert!(line.most_in_flight <= 5, "those of one batch");

    // It is back: all that was held back arrives within a quarter of an hour and the longest wait for a try.
    line.receivers.down.lock().unwrap().clear();
    let back = line.world.hub.clock.now();
    line.run_until(back + hours(1)).await;
    assert_eq!(line.endpoint(0).await.breaker, Breaker::default());
    line.run_until(back + hours(12)).await;
    let delivered = line.attempts(SICK).into_iter().filter(|at| *at >= back).count();
    assert_eq!(delivered, 300, "each once");
}

#[tokio::test]
async fn deleted_endpoint_is_not_brought_back_by_what_fails() {
    let line = Line::new().await;
    let endpoint = line.endpoint(0).await;
    let store = line.world.store();
    assert!(store.delete_endpoint(&endpoint.client_id, &endpoint.id).await.unwrap());
    store.note_failure(&endpoint).await.unwrap();
    assert!(!store.take_try(&endpoint, start()).await.unwrap());
    assert_eq!(store.endpoint(&endpoint.client_id, &endpoint.id).await.unwrap(), None);
}

#[tokio::test]
async fn of_many_at_once_one_gets_the_try_of_an_open_breaker() {
    let line = Line::new().await;
    let endpoint = line.endpoint(0).await;
    let tries = (0..8).map(|_| line.world.store().take_try(&endpoint, start()));
    let got = futures::future::join_all(tries).await;
    assert_eq!(got.into_iter().filter(|got| *got.as_ref().unwrap()).count(), 1);
    let later = start() + Breaker::TRY_EVERY;
    assert!(line.world.store().take_try(&endpoint, later).await.unwrap());
    let wait = Duration::try_from(Breaker::TRY_EVERY).unwrap();
    assert!(wait < LONGEST_DELAY, "whoever comes back meets a try that is due");
}

#[tokio::test(flavor = "multi_thread")]
async fn client_has_twenty_endpoints_at_most_however_many_it_asks_for_at_once() {
    let world = World::new().await;
    let path = "/v1/webhook-endpoints";
    let create = async |key: usize| {
        let (body, key) = (json!({"url": "https://vendor.example/hook"}), format!("k{key}"));
        let headers = [("idempotency-key", key.as_str())];
        world.call(&site(), Method::POST, path, Some(body), &headers).await
    };
    let answers = futures::future::join_all((0..30).map(create)).await;
    let created: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert_eq!(created.len(), 20);
    let refused = answers.iter().filter(|answer| answer.status != 201);
    assert!(
        refused
            .map(|answer| (answer.status.as_u16(), answer.problem()))
            .all(|refused| refused == (409, "too-many-endpoints"))
    );
    let first = answers.iter().position(|answer| answer.status == 201).unwrap();
    assert_eq!(create(first).await.status, 201, "a repeat gets its first answer");

    let one = format!("{path}/{}", created[0].body["id"].as_str().unwrap());
    assert_eq!(world.call(&site(), Method::DELETE, &one, None, &[]).await.status, 204);
    assert_eq!(create(31).await.status, 201, "there is room again");
    assert_eq!(world.get(&As::Anyone, path).await.status, 401);
}

#[tokio::test]
async fn each_event_is_of_its_clients_group_from_the_first() {
    let line = Line::new().await;
    add_endpoint(&line.world, "site-1", "whe_000000000003", WELL).await;
    let slot = line.world.slot("2026-12-10T10:00:00+09:00", 3).await;
    line.world.requested(&slot, "k1").await;
    // What is put on this queue is held against its client.
    let relay = fan_out::Relay { pushes: line.queue.clone(), ..line.world.relay() };
    let response = relay.handle(line.world.unrelayed().await).await;
    assert!(response.batch_item_failures.is_empty());
    assert_eq!(line.queue.messages.lock().unwrap().len(), 1);
}
