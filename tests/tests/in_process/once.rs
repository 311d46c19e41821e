//! What creates is made once: a repeat gets the first success as it was, whatever changed since; a refusal is not kept.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector},
    orchestrator::HttpRequest,
    result::ConnectorError,
};
use http::Method;
use serde_json::{Value, json};
use tests::{Answer, As, World, site, wire};

const SLOT: &str = "2026-12-10T10:00:00+09:00";

async fn create(world: &World, who: &As, path: &str, key: &str, body: &Value) -> Answer {
    world.call(who, Method::POST, path, Some(body.clone()), &[("idempotency-key", key)]).await
}

fn slots_of(world: &World) -> String {
    format!("/v1/staff/facilities/{}/slots", world.facility.facility_id)
}

fn is_first_again(first: &Answer, again: &Answer) {
    assert_eq!(again.status, first.status, "{}", again.shown());
    assert_eq!(again.headers["idempotency-replayed"], "true");
    for name in ["location", "etag"] {
        assert_eq!(again.headers.get(name), first.headers.get(name), "{name}");
    }
    assert_eq!(again.body, first.body);
}

async fn open(world: &World, key: &str) -> (String, Value, Answer) {
    let body = json!({"starts_at": SLOT, "ends_at": "2026-12-10T10:45:00+09:00", "capacity": 3});
    let first = create(world, &world.staff(), &slots_of(world), key, &body).await;
    assert_eq!(first.status, 201, "{}", first.shown());
    (first.body["slot_id"].as_str().unwrap().to_owned(), body, first)
}

#[tokio::test]
async fn a_slot_that_changed_since_is_answered_as_it_was_opened() {
    let world = World::new().await;
    let (id, body, first) = open(&world, "k").await;
    let path = format!("{}/{id}", slots_of(&world));
    let change = json!({"capacity": 7, "note": "変更", "disabled": true});
    let any = [("if-match", "*")];
    let changed = world.call(&world.staff(), Method::PUT, &path, Some(change), &any).await;
    assert_eq!(changed.status, 200, "{}", changed.shown());
    world.set("2026-12-11T09:00:00+09:00");
    is_first_again(&first, &create(&world, &world.staff(), &slots_of(&world), "k", &body).await);
}

#[tokio::test]
async fn a_pattern_is_answered_with_what_it_opened_first() {
    let world = World::new().await;
    let path = format!("{}/bulk", slots_of(&world));
    let body = json!({"from": "2026-12-02", "to": "2027-02-28", "weekdays": ["tue", "thu"], "capacity": 3,
        "times": [{"starts": "10:00", "ends": "10:45"}]});
    let first = create(&world, &world.staff(), &path, "k", &body).await;
    assert!(first.body["created"].as_u64().unwrap() > 15, "{}", first.shown());
    // Half of the days are over, and what was opened is there.
    world.set("2027-01-15T09:00:00+09:00");
    is_first_again(&first, &create(&world, &world.staff(), &path, "k", &body).await);
    let other = create(&world, &world.staff(), &path, "k2", &body).await;
    assert_eq!(other.body["created"], 0, "another request opens nothing twice");
    is_first_again(&other, &create(&world, &world.staff(), &path, "k2", &body).await);
}

#[tokio::test]
async fn a_copy_of_a_slot_that_is_over_is_answered_as_it_was() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 3).await;
    let path = format!("{}/{}/copy", slots_of(&world), slot.slot_id);
    let body = json!({"starts_at": "2026-12-11T10:00:00+09:00"});
    let first = create(&world, &world.staff(), &path, "k", &body).await;
    assert_eq!(first.status, 201, "{}", first.shown());
    world.set("2026-12-12T09:00:00+09:00");
    is_first_again(&first, &create(&world, &world.staff(), &path, "k", &body).await);
}

#[tokio::test]
async fn a_secret_is_shown_once_even_to_who_repeats_and_after_the_receiver_is_gone() {
    let world = World::new().await;
    let body = json!({"url": "https://vendor.example/hook"});
    let first = create(&world, &site(), "/v1/webhook-endpoints", "k", &body).await;
    assert!(first.body["secret"].as_str().unwrap().starts_with("whsec_"), "{}", first.shown());
    let mut as_kept = first.body.clone();
    as_kept["secret"] = Value::Null;
    let again = create(&world, &site(), "/v1/webhook-endpoints", "k", &body).await;
    assert_eq!((again.status.as_u16(), &again.body), (201, &as_kept));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let path = first.headers["location"].to_str().unwrap();
    assert_eq!(world.call(&site(), Method::DELETE, path, None, &[]).await.status, 204);
    let again = create(&world, &site(), "/v1/webhook-endpoints", "k", &body).await;
    assert_eq!((again.status.as_u16(), &again.body), (201, &as_kept));
    assert_eq!(world.get(&site(), path).await.status, 404, "and nothing was made");
}

#[tokio::test]
async fn a_key_belongs_to_its_caller_and_route_and_has_one_body() {
    let world = World::new().await;
    let (id, mut body, _) = open(&world, "k").await;
    body["capacity"] = 4.into();
    let other = create(&world, &world.staff(), &slots_of(&world), "k", &body).await;
    assert_eq!((other.status.as_u16(), other.problem()), (422, "idempotency-key-reused"));
    let copy = json!({"starts_at": "2026-12-11T10:00:00+09:00"});
    let path = format!("{}/{id}/copy", slots_of(&world));
    let copied = create(&world, &world.staff(), &path, "k", &copy).await;
    assert_eq!(copied.status, 201, "another route: {}", copied.shown());
    let endpoint = json!({"url": "https://vendor.example/hook"});
    for who in [site(), As::Site("site-2"), As::Ict("ict-1")] {
        let made = create(&world, &who, "/v1/webhook-endpoints", "k", &endpoint).await;
        assert!(made.body["secret"].is_string(), "another caller: {}", made.shown());
    }
}

#[tokio::test]
async fn a_key_whose_request_was_refused_is_free() {
    let world = World::new().await;
    let path = format!("{}/bulk", slots_of(&world));
    let time = json!({"starts": "10:00", "ends": "10:45"});
    let mut body = json!({"from": "2026-12-08", "to": "2026-12-11", "weekdays": ["tue"], "capacity": 3,
        "times": [time, {"starts": "11:00", "ends": "11:45"}, {"starts": "10:00", "ends": "10:30"}]});
    let refused = create(&world, &world.staff(), &path, "k", &body).await;
    assert_eq!((refused.status.as_u16(), refused.problem()), (400, "invalid-request"));
    assert_eq!(refused.body["errors"][0]["pointer"], "/times/2");
    body["times"] = json!([time, time]);
    let refused = create(&world, &world.staff(), &path, "k", &body).await;
    assert_eq!(refused.body["errors"][0]["pointer"], "/times/1");
    body["times"] = json!([time]);
    let opened = create(&world, &world.staff(), &path, "k", &body).await;
    assert_eq!((opened.status.as_u16(), &opened.body["created"]), (201, &json!(1)));

    let slot = json!({"starts_at": "2026-11-10T10:00:00+09:00", "ends_at": "2026-11-10T10:45:00+09:00", "capacity": 3});
    let refused = create(&world, &world.staff(), &slots_of(&world), "past", &slot).await;
    assert_eq!(refused.body["errors"][0]["pointer"], "/starts_at");
    open(&world, "past").await;
}

#[tokio::test]
async fn a_pattern_that_was_cut_off_is_completed_by_its_repeat_and_leaves_its_key_free() {
    let patterns = |capacity: u8| {
        json!({"from": "2026-12-02", "to": "2027-02-28", "weekdays": ["mon", "tue", "wed", "thu", "fri"],
            "capacity": capacity, "times": [{"starts": "10:00", "ends": "10:45"},
                {"starts": "11:00", "ends": "11:45"}, {"starts": "13:00", "ends": "13:45"}]})
    };
    for (repeated_with, completed) in [(3, true), (4, false)] {
        let (wire, transactions_left) = cut_off();
        let world = World::through(wire, RetryConfig::disabled()).await;
        let path = format!("{}/bulk", slots_of(&world));
        transactions_left.store(2, Ordering::SeqCst);
        let cut = create(&world, &world.staff(), &path, "k", &patterns(3)).await;
        assert_eq!(cut.status, 503, "{}", cut.shown());
        let again = create(&world, &world.staff(), &path, "k", &patterns(repeated_with)).await;
        assert_eq!(again.status, 201, "{}", again.shown());
        // The first transaction of two had opened 98 of 180 and more.
        let created = again.body["created"].as_u64().unwrap();
        assert_eq!(created > 98, completed, "{created}");
        let repeated = create(&world, &world.staff(), &path, "k", &patterns(repeated_with)).await;
        is_first_again(&again, &repeated);
    }
}

/// A wire over which the last of so many transactions does not get through, once.
fn cut_off() -> (impl wire::Wire, Arc<AtomicUsize>) {
    #[derive(Debug, Clone)]
    struct CutOff(Arc<AtomicUsize>);
    impl wire::Wire for CutOff {
        fn carry(&self, call: HttpRequest, line: &SharedHttpConnector) -> HttpConnectorFuture {
            let is_counted = wire::operation(&call) == "TransactWriteItems";
            let one_less = |left: usize| left.checked_sub(1);
            let left = is_counted
                .then(|| self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less));
            match left {
                Some(Ok(1)) => {
                    HttpConnectorFuture::ready(Err(ConnectorError::io("cut off".into())))
                }
                _ => line.call(call),
            }
        }
    }
    let left = Arc::new(AtomicUsize::new(0));
    (CutOff(left.clone()), left)
}
