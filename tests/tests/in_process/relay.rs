//! The outbox relay: a record that can never be relayed is parked, and no projection keeps another waiting.

use aws_lambda_events::dynamodb::Event as StreamEvent;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector},
    orchestrator::HttpRequest,
    result::ConnectorError,
};
use local::embedded::TABLE;
use serde_json::Value;
use tests::{World, wire};

/// A hundred changes and one in their midst that no code can read: of a reservation that says nothing of itself.
async fn batch_with_poison(world: &World) -> StreamEvent {
    world.relay_changes().await;
    let slot = world.slot("2026-12-10T10:00:00+09:00", 50).await;
    for place in 0..49 {
        world.requested(&slot, &format!("k{place}")).await;
        if place == 20 {
            let broken = [("pk", "RSV#R-2222-2222"), ("sk", "RSV"), ("status", "confused")];
            let broken = broken.map(|(name, text)| (name.into(), AttributeValue::S(text.into())));
            let put = world.raw().put_item().table_name(TABLE).set_item(Some(broken.into()));
            put.send().await.unwrap();
        }
    }
    world.unrelayed().await
}

fn told(world: &World) -> usize {
    world.mails.0.lock().unwrap().len()
}

#[tokio::test]
async fn poison_is_parked_with_its_reason_and_all_others_are_relayed() {
    let world = World::new().await;
    let event = batch_with_poison(&world).await;
    let keys =
        |record: &aws_lambda_events::dynamodb::EventRecord| format!("{:?}", record.change.keys);
    let poison = event.records.iter().find(|record| keys(record).contains("2222-2222")).unwrap();
    let number = poison.change.sequence_number.clone().unwrap();
    let requests = event.records.iter().filter(|record| keys(record).contains("RSV#")).count() - 1;
    assert_eq!(event.records.len(), 100);

    let response = world.relay().handle(event).await;
    assert!(response.batch_item_failures.is_empty(), "the stream goes on");
    assert_eq!(told(&world), 2 * requests, "parent and nursery of each");
    let parked: Vec<Value> = std::mem::take(&mut *world.parked.0.lock().unwrap());
    assert_eq!(parked.len(), 1);
    assert_eq!(parked[0]["DDBStreamBatchInfo"]["startSequenceNumber"], number.as_str());
    assert_eq!(parked[0]["DDBStreamBatchInfo"]["endSequenceNumber"], number.as_str());
    let reason = parked[0]["reason"].as_str().unwrap();
    assert!(reason.contains("unknown form"), "{reason}");
}

#[tokio::test]
async fn parked_record_is_relayed_once_its_cause_is_mended() {
    let world = World::new().await;
    world.settle().await;
    // What search knows of the nursery cannot be read: its slots cannot be told.
    let key = store::Key::search_entry(&world.facility.facility_id).attributes();
    let found = world.raw().get_item().table_name(TABLE).set_key(Some(key.clone())).send().await;
    let (sound, mut broken) = (found.unwrap().item.unwrap(), key);
    broken.insert("facility".into(), AttributeValue::S("no bytes".into()));
    let put = async |item| {
        let put = world.raw().put_item().table_name(TABLE).set_item(Some(item)).send().await;
        put.unwrap();
    };
    put(broken).await;
    let slot = world.slot("2026-12-10T10:00:00+09:00", 1).await;
    world.requested(&slot, "k").await;
    let event = world.unrelayed().await;
    let slots: Vec<_> = event
        .records
        .iter()
        .filter(|r| format!("{:?}", r.change.keys).contains("SLOT#"))
        .cloned()
        .collect();
    assert!(world.relay().handle(event).await.batch_item_failures.is_empty());
    assert_eq!(told(&world), 2, "the reservation is told");
    assert_eq!(world.parked.0.lock().unwrap().drain(..).count(), slots.len());

    put(sound).await;
    for record in slots {
        let mut event = StreamEvent::default();
        event.records.push(record);
        assert!(world.relay().handle(event).await.batch_item_failures.is_empty());
    }
    assert!(world.parked.0.lock().unwrap().is_empty());
    let found = world.get(&tests::As::Anyone, "/v1/facilities?municipality=131199").await;
    assert_eq!(found.body["items"][0]["next_slot_at"], Value::Null, "its one place is taken");
}

#[tokio::test]
async fn table_that_is_away_is_no_poison_and_the_batch_comes_again() {
    let world = World::new().await;
    let slot = world.slot("2026-12-10T10:00:00+09:00", 1).await;
    world.requested(&slot, "k").await;
    let event = world.unrelayed().await;
    let first = event.records[0].change.sequence_number.clone();
    let cut = fan_out::Relay { store: world.dying_after(0), ..world.relay() };
    let response = cut.handle(event).await;
    assert_eq!(response.batch_item_failures[0].item_identifier, first);
    assert!(world.parked.0.lock().unwrap().is_empty());
}

/// The search index is away; all else of the table is there.
#[derive(Debug, Clone)]
struct WithoutSearch;

impl wire::Wire for WithoutSearch {
    fn carry(&self, call: HttpRequest, line: &SharedHttpConnector) -> HttpConnectorFuture {
        match wire::body(&call).contains("\"SEARCH") {
            true => HttpConnectorFuture::ready(Err(ConnectorError::io("away".into()))),
            false => line.call(call),
        }
    }
}

#[tokio::test]
async fn search_index_that_is_away_stops_no_timer_and_mails_nobody_twice() {
    let world = World::new().await;
    world.settle().await;
    let slot = world.slot("2026-12-10T10:00:00+09:00", 1).await;
    let number = world.requested(&slot, "k").await;
    let event = world.unrelayed().await;
    let store = wire::store(world.raw(), WithoutSearch, RetryConfig::disabled());
    let without_search = fan_out::Relay { store, ..world.relay() };

    let response = without_search.handle(event.clone()).await;
    assert_eq!(response.batch_item_failures.len(), 1, "the batch comes again");
    let due = world.store().reservation(&number, true).await.unwrap().unwrap().first_due().unwrap();
    let deadlines = world.store().deadlines(due, 10).await.unwrap();
    assert!(deadlines.iter().any(|entry| entry.reservation_number == number), "{deadlines:?}");
    assert_eq!(told(&world), 0, "what is sent waits, or it would be sent with each repeat");

    assert!(world.relay().handle(event).await.batch_item_failures.is_empty());
    assert_eq!(told(&world), 2);
}

/// The events that are recorded for a vendor, as they stand in the table.
async fn recorded(world: &World, client: &str) -> Vec<store::item::Item> {
    let query = world.raw().query().table_name(TABLE).key_condition_expression("pk = :pk");
    let pk = AttributeValue::S(format!("EVT#{client}"));
    query.expression_attribute_values(":pk", pk).send().await.unwrap().items.unwrap()
}

#[tokio::test]
async fn event_is_recorded_once_for_each_vendor_that_it_is_for() {
    let world = World::new().await;
    let slot = world.slot("2026-12-10T10:00:00+09:00", 3).await;
    let number = world.requested(&slot, "k1").await;
    world.act(&number, "approve", serde_json::json!({})).await;
    let changes = world.unrelayed().await;
    // No vendor has an endpoint, and the stream delivers the batch twice.
    for _ in 0..2 {
        let response = world.relay().handle(changes.clone()).await;
        assert!(response.batch_item_failures.is_empty());
    }
    for client in ["site-1", "ict-1"] {
        let events = recorded(&world, client).await;
        let types: Vec<_> = events.iter().map(|item| item["event"].as_m().unwrap()).collect();
        let types: Vec<_> = types.iter().map(|event| event["type"].as_s().unwrap()).collect();
        assert_eq!(types, ["reservation.requested", "reservation.approved"], "{client}");
        let days = |item: &store::item::Item| {
            let expires_at: i64 = item["expires_at"].as_n().unwrap().parse().unwrap();
            let now = world.hub.clock.now().epoch_ms() / 1000;
            (expires_at - now) / (24 * 3600)
        };
        assert!(events.iter().all(|item| days(item) == domain::event::KEPT_FOR_DAYS), "{client}");
    }
    assert!(recorded(&world, "site-2").await.is_empty());
}

#[tokio::test]
async fn recording_an_event_costs_a_write_unit_and_nothing_of_the_request() {
    let world = World::new().await;
    let slot = world.slot("2026-12-10T10:00:00+09:00", 3).await;
    world.relay_changes().await;
    world.requested(&slot, "k1").await;
    let number = world.requested(&slot, "k2").await;
    let reservation = world.store().reservation(&number, true).await.unwrap().unwrap();
    let event = domain::event::Event::of(None, &reservation).unwrap();
    world.store().meter().take();
    let of_both = ["site-1", "ict-1"]
        .map(|client| (store::Listener::Vendor(client.parse().unwrap()), event.clone()));
    world.store().record_events(&of_both).await.unwrap();
    assert_eq!(world.store().meter().take(), store::Consumed { read: 0.0, write: 2.0 });
}
