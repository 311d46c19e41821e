//! The feed of slots: who follows it has every slot as it is, whoever tells at the same time, however often and
//! in whatever order.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use aws_sdk_dynamodb::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
    types::AttributeValue,
};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::{HttpRequest, HttpResponse},
};
use aws_smithy_types::body::SdkBody;
use domain::{Slot, SlotId, Timestamp, feed::Feed, slot::Standing};
use fan_out::Relay;
use futures::future::join_all;
use http::Method;
use serde_json::{Value, json};
use store::{FeedRead, FeedThing, FeedTurn};
use tests::{
    As, World, site,
    wire::{self, Wire},
};
use tokio::sync::oneshot;

use super::Reader;

const SLOT: &str = "2026-12-10T10:00:00+09:00";

fn thing(slot: &Slot) -> FeedThing {
    FeedThing::Slot(slot.facility_id.clone(), slot.slot_id.clone())
}

/// What the feed must say of these slots.
async fn truth(world: &World, slots: &[Slot]) -> BTreeMap<String, Value> {
    let now = world.hub.clock.now();
    let mut truth = BTreeMap::new();
    for slot in slots {
        let slot = world.store().slot(&slot.facility_id, &slot.slot_id, true).await;
        if let Some(data) = slot.unwrap().unwrap().in_feed(now) {
            truth.insert(data.slot_id.to_string(), json!(data));
        }
    }
    truth
}

/// That whoever reads the feed from its beginning has these slots as they are, and read each once.
async fn check(world: &World, slots: &[Slot]) {
    let mut reader = Reader::new(Feed::Slots, 3);
    reader.read_on(world).await;
    assert_eq!(reader.copy, truth(world, slots).await);
    assert!(reader.items <= slots.len(), "each slot once, or never: {}", reader.items);
}

/// What the nursery's staff change of a slot.
async fn change(world: &World, slot: &Slot, to: Value) {
    let path = format!("/v1/staff/facilities/{}/slots/{}", slot.facility_id, slot.slot_id);
    let any = [("if-match", "*")];
    let changed = world.call(&world.staff(), Method::PUT, &path, Some(to), &any).await;
    assert!(matches!(changed.status.as_u16(), 200 | 409 | 412), "{}", changed.shown());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_while_many_tell_at_once_misses_nothing() {
    let world = Arc::new(World::new().await);
    let mut slots = Vec::new();
    for hour in 9..15 {
        slots.push(world.slot(&format!("2026-12-10T{hour:02}:00:00+09:00"), 4).await);
    }
    let slots = Arc::new(slots);
    let done = Arc::new(AtomicBool::new(false));
    let reader = {
        let (world, done) = (world.clone(), done.clone());
        tokio::spawn(async move {
            let mut reader = Reader::new(Feed::Slots, 2);
            while !done.load(Ordering::SeqCst) {
                reader.read_on(&world).await;
            }
            reader.read_on(&world).await;
            reader
        })
    };
    // Eight shards of the stream, each with its fan-out: after each change it is told, with others of other slots.
    let shards = (0..8_usize).map(|shard| {
        let (world, slots) = (world.clone(), slots.clone());
        tokio::spawn(async move {
            for round in 0..6 {
                let slot = &slots[(shard + round) % slots.len()];
                let other = &slots[(shard * round) % slots.len()];
                let answer = world.request(slot, &format!("{shard}-{round}")).await;
                if answer.status == 201 && round % 2 == 0 {
                    let number = answer.body["reservation_number"].as_str().unwrap();
                    let path = format!("/v1/reservations/{number}/cancel");
                    assert_eq!(world.post(&site(), &path, json!({})).await.status, 200);
                }
                if shard == 0 {
                    change(&world, other, json!({"capacity": 4, "disabled": round % 2 == 0})).await;
                }
                let told = BTreeSet::from([thing(slot), thing(other)]);
                let now = world.hub.clock.now();
                world.store().publish(&told, now).await.unwrap();
            }
        })
    });
    join_all(shards).await.into_iter().for_each(|joined| joined.unwrap());
    done.store(true, Ordering::SeqCst);
    let reader = reader.await.unwrap();
    assert_eq!(reader.copy, truth(&world, &slots).await);
    check(&world, &slots).await;
    let numbers = reader.seen;
    world.relay_changes().await;
    let mut later = Reader::new(Feed::Slots, 500);
    later.read_on(&world).await;
    assert_eq!(later.seen, numbers, "the stream, told after all, has nothing to add");
}

/// Holds the first write back.
#[derive(Debug, Clone)]
struct HeldBack(Arc<Mutex<Option<Hold>>>);

/// A write that is held back says that it is there, and waits to be let go.
#[derive(Debug)]
struct Hold {
    there: oneshot::Sender<()>,
    let_go: oneshot::Receiver<()>,
}

impl Wire for HeldBack {
    fn carry(&self, call: HttpRequest, line: &SharedHttpConnector) -> HttpConnectorFuture {
        let first = if wire::writes(&call) { self.0.lock().unwrap().take() } else { None };
        let line = line.clone();
        HttpConnectorFuture::new(async move {
            if let Some(hold) = first {
                hold.there.send(()).unwrap();
                hold.let_go.await.unwrap();
            }
            line.call(call).await
        })
    }
}

#[tokio::test]
async fn what_became_again_what_was_said_before_is_not_said_otherwise_by_who_was_slower() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 3).await;
    world.relay_changes().await;
    let told = BTreeSet::from([thing(&slot)]);
    let now = world.hub.clock.now();
    let number = world.requested(&slot, "k1").await;
    // One place fewer is about to be told ...
    let (there, is_there) = oneshot::channel();
    let (release, let_go) = oneshot::channel();
    let held_back = HeldBack(Arc::new(Mutex::new(Some(Hold { there, let_go }))));
    let slower = wire::store(world.raw(), held_back, RetryConfig::disabled());
    let slower = {
        let told = told.clone();
        tokio::spawn(async move { slower.publish(&told, now).await })
    };
    is_there.await.unwrap();
    // ... when it comes free again, and who looks finds that the feed says so already.
    let path = format!("/v1/reservations/{number}/cancel");
    assert_eq!(world.post(&site(), &path, json!({})).await.status, 200);
    assert_eq!(world.store().publish(&told, now).await.unwrap(), 0);
    release.send(()).unwrap();
    slower.await.unwrap().unwrap();
    check(&world, &[slot]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn places_that_are_taken_in_the_feed_are_those_that_reservations_hold() {
    let world = Arc::new(World::new().await);
    let mut slots = Vec::new();
    for day in 10..14 {
        slots.push(world.slot(&format!("2026-12-{day}T10:00:00+09:00"), 5).await);
    }
    let families = (0..40).map(|family| {
        let (world, slot) = (world.clone(), slots[family % 4].clone());
        tokio::spawn(async move {
            let answer = world.request(&slot, &format!("family-{family}")).await;
            if answer.status == 201 && family % 3 == 0 {
                let number = answer.body["reservation_number"].as_str().unwrap();
                let path = format!("/v1/reservations/{number}/cancel");
                assert_eq!(world.post(&site(), &path, json!({})).await.status, 200);
            }
        })
    });
    join_all(families).await.into_iter().for_each(|joined| joined.unwrap());
    world.relay_changes().await;
    let mut held = 0;
    for slot in &slots {
        let slot = world.store().slot(&slot.facility_id, &slot.slot_id, true).await;
        let numbers: Vec<_> = slot.unwrap().unwrap().reservations().into_iter().cloned().collect();
        let reservations = world.store().reservations(&numbers).await.unwrap();
        held +=
            reservations.iter().filter(|one| one.standing() == Standing::HoldsPlace).count() as u64;
    }
    let mut reader = Reader::new(Feed::Slots, 500);
    reader.read_on(&world).await;
    let places = |data: &Value, name: &str| data[name].as_u64().unwrap();
    let taken = |data| places(data, "capacity") - places(data, "remaining");
    assert_eq!(reader.copy.len(), 4);
    assert_eq!(reader.copy.values().map(taken).sum::<u64>(), held);
    assert!(held > 0);
}

#[tokio::test]
async fn what_is_told_twice_or_out_of_order_changes_nothing() {
    let world = World::new().await;
    let slots = [world.slot(SLOT, 3).await, world.slot("2026-12-11T10:00:00+09:00", 1).await];
    let number = world.requested(&slots[0], "k1").await;
    world.requested(&slots[1], "k2").await;
    change(&world, &slots[0], json!({"capacity": 2, "note": "上履きをお持ちください。"})).await;
    world.act(&number, "decline", json!({})).await;
    let changes = world.unrelayed().await;
    let mut backwards = changes.clone();
    backwards.records.reverse();
    let told = world.relay().handle(backwards).await;
    assert!(told.batch_item_failures.is_empty());
    check(&world, &slots).await;
    let path = "/v1/feeds/slots";
    let first = world.get(&As::Anyone, path).await.body;
    for change in changes.records {
        let mut event = aws_lambda_events::dynamodb::Event::default();
        event.records.push(change);
        assert!(world.relay().handle(event).await.batch_item_failures.is_empty());
    }
    world.relay_changes().await;
    assert_eq!(world.get(&As::Anyone, path).await.body, first);
    let kept = &first["items"][0]["data"];
    assert_eq!((&kept["remaining"], &kept["capacity"]), (&json!(2), &json!(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fan_out_that_is_killed_half_way_is_completed_by_the_next() {
    // Killed after each number of calls to the table, until one is not killed any more.
    for calls in 0..100 {
        let world = World::new().await;
        let slots = [world.slot(SLOT, 3).await, world.slot("2026-12-11T10:00:00+09:00", 3).await];
        world.relay_changes().await;
        world.requested(&slots[0], "k1").await;
        change(&world, &slots[1], json!({"capacity": 3, "disabled": true})).await;
        let more = world.slot("2026-12-12T10:00:00+09:00", 3).await;
        let slots = [slots[0].clone(), slots[1].clone(), more];
        let changes = world.unrelayed().await;
        let killed = Relay { store: world.dying_after(calls), ..world.relay() };
        let cut = killed.handle(changes).await;
        world.relay_changes().await;
        check(&world, &slots).await;
        let left = world.settle_at("2026-12-19T10:00:00+09:00").await.feed_turns;
        assert_eq!(left, 2, "both that are not disabled are found when their time has come");
        check(&world, &slots).await;
        if cut.batch_item_failures.is_empty() {
            assert!(calls > 5, "it calls the table more often than {calls} times");
            return;
        }
    }
    panic!("no fan-out came to its end");
}

#[tokio::test]
async fn a_slot_that_is_disabled_is_deleted_and_one_that_is_enabled_again_stays() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 3).await;
    world.relay_changes().await;
    let mut reader = Reader::new(Feed::Slots, 500);
    reader.read_on(&world).await;
    assert_eq!(reader.copy.len(), 1);
    change(&world, &slot, json!({"capacity": 3, "disabled": true})).await;
    world.relay_changes().await;
    reader.read_on(&world).await;
    assert!(reader.copy.is_empty());
    let expires = async |key: store::Key| {
        let get = world.raw().get_item().table_name(local::embedded::TABLE);
        let item = get.set_key(Some(key.attributes())).send().await.unwrap().item.unwrap();
        item.get(store::schema::EXPIRES_AT).map(|at| at.as_n().unwrap().parse::<i64>().unwrap())
    };
    let now = world.hub.clock.now().epoch_ms() / 1000;
    let day = 24 * 3600;
    let entry = |number| store::Key::FeedEntry(Feed::Slots, number);
    let place = || store::Key::FeedPlace(Feed::Slots, slot.slot_id.to_string());
    assert_eq!(expires(entry(2)).await, Some(now + 30 * day));
    assert_eq!(expires(place()).await, Some(now + 37 * day), "it remembers longer");
    change(&world, &slot, json!({"capacity": 3, "disabled": false})).await;
    world.relay_changes().await;
    reader.read_on(&world).await;
    assert_eq!(reader.copy, truth(&world, std::slice::from_ref(&slot)).await);
    assert_eq!((expires(entry(3)).await, expires(place()).await), (None, None));
    check(&world, &[slot]).await;
}

#[tokio::test]
async fn a_slot_leaves_the_feed_seven_days_after_its_start_and_no_sooner() {
    let world = World::new().await;
    let slots = [world.slot(SLOT, 3).await, world.slot("2026-12-11T10:00:00+09:00", 3).await];
    world.requested(&slots[0], "k1").await;
    assert_eq!(world.settle_at("2026-12-17T09:59:59+09:00").await.feed_turns, 0);
    let mut reader = Reader::new(Feed::Slots, 500);
    reader.read_on(&world).await;
    let past = &reader.copy[slots[0].slot_id.as_str()];
    assert_eq!(past["status"], "open", "that it has begun is no change of it");
    assert_eq!(world.settle_at("2026-12-17T10:00:00+09:00").await.feed_turns, 1);
    reader.read_on(&world).await;
    let left: Vec<_> = reader.copy.keys().map(String::as_str).collect();
    assert_eq!(left, [slots[1].slot_id.as_str()]);

    // A fan-out whose clock is behind brings it back, and the next minute takes it away again.
    let behind: Timestamp = "2026-12-17T09:59:59+09:00".parse().unwrap();
    let told = world.store().publish(&BTreeSet::from([thing(&slots[0])]), behind).await.unwrap();
    assert_eq!((told, world.settle().await.feed_turns), (1, 1));
    // What staff do to it later is nobody's news.
    change(&world, &slots[0], json!({"capacity": 5})).await;
    world.settle().await;
    check(&world, &slots).await;
}

#[tokio::test]
async fn a_slot_that_cannot_be_read_keeps_no_other_in_the_feed() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 3).await;
    world.settle().await;
    let broken: SlotId = "slt_0wx4n07k3m9qxd".parse().unwrap();
    let mut item = store::Key::Slot(slot.facility_id.clone(), broken.clone()).attributes();
    item.insert("slot_id".into(), AttributeValue::S("x".into()));
    let leaves =
        store::Key::SlotLeaves(slot.leaves_feed_at(), slot.facility_id.clone(), broken.clone());
    world.fill([item, leaves.attributes()].into_iter());
    world.set("2026-12-17T10:00:00+09:00");
    let now = world.hub.clock.now();
    let report = keep_deadlines::run(world.store(), now).await.unwrap();
    assert_eq!((report.due, report.feed_turns, report.failed), (2, 1, 1));
    check(&world, std::slice::from_ref(&slot)).await;
    let later = "2026-12-17T10:10:00+09:00".parse().unwrap();
    let put_off = world.store().feed_turns(Feed::Slots, later, 10).await.unwrap();
    let thing = FeedThing::Slot(slot.facility_id.clone(), broken);
    assert_eq!(put_off, [FeedTurn { at: later, thing }]);
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_at_once_take_each_slot_out_once() {
    let world = World::new().await;
    let mut slots = Vec::new();
    for minute in 0..45 {
        slots.push(world.slot(&format!("2026-12-10T10:{minute:02}:00+09:00"), 3).await);
    }
    world.settle().await;
    world.set("2026-12-18T10:00:00+09:00");
    let now = world.hub.clock.now();
    let runs = join_all((0..4).map(|_| keep_deadlines::run(world.store(), now))).await;
    assert!(runs.into_iter().all(|report| report.unwrap().failed == 0));
    assert_eq!(world.settle().await.due, 0, "nothing is left");
    let feed = world.get(&As::Anyone, "/v1/feeds/slots").await.body;
    let numbers: Vec<_> = feed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["modified"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, (46..=90).collect::<Vec<_>>(), "one number for each");
    check(&world, &slots).await;
}

/// DynamoDB where of the last transaction, with the numbers 2 and 3, only 3 can be seen.
#[derive(Debug, Clone)]
struct HalfSeen {
    still_on_its_way: bool,
}

impl HttpConnector for HalfSeen {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let entry = |number: u64| json!({"id": {"S": format!("slt_{number}")}, "change_number": {"N": number.to_string()}});
        let call = request.headers().get("x-amz-target").unwrap_or_default();
        let (status, body) = match call.split_once('.').unwrap().1 {
            "GetItem" => (200, json!({"Item": {"first_of_last": {"N": "2"}, "last": {"N": "3"}}})),
            "Query" => (200, json!({"Items": [entry(1), entry(3)], "Count": 2})),
            "TransactGetItems" if self.still_on_its_way => {
                let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
                (
                    400,
                    json!({"__type": kind, "CancellationReasons": [{"Code": "TransactionConflict"}]}),
                )
            }
            "TransactGetItems" => (200, json!({"Responses": [{}]})),
            other => panic!("{other} is not a call of a reader"),
        };
        let status = aws_smithy_runtime_api::http::StatusCode::try_from(status).unwrap();
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(body.to_string()))))
    }
}

#[tokio::test]
async fn nobody_reads_past_a_number_that_is_still_on_its_way() {
    for (still_on_its_way, seen) in [(true, vec![1]), (false, vec![1, 3])] {
        let connector = SharedHttpConnector::new(HalfSeen { still_on_its_way });
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("ap-northeast-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build();
        let store = store::Store::new(Client::from_conf(config), "table");
        let page = store.slots_feed(0, 500).await.unwrap();
        let FeedRead::Items(page) = page else { panic!("it did not begin anew") };
        assert_eq!(page.iter().map(|item| item.change_number).collect::<Vec<_>>(), seen);
    }
}

#[tokio::test]
async fn what_expired_of_the_last_transaction_hides_nothing_behind_it() {
    let world = World::new().await;
    let slots = [world.slot(SLOT, 3).await, world.slot("2026-12-11T10:00:00+09:00", 3).await];
    world.relay_changes().await;
    let first = store::Key::FeedEntry(Feed::Slots, 1).attributes();
    let delete = world.raw().delete_item().table_name(local::embedded::TABLE);
    delete.set_key(Some(first)).send().await.unwrap();
    let mut reader = Reader::new(Feed::Slots, 500);
    reader.read_on(&world).await;
    assert_eq!(reader.copy.keys().collect::<Vec<_>>(), [slots[1].slot_id.as_str()]);
}
