//! What cannot be told is set apart, and keeps nothing else from being told.

use aws_lambda_events::dynamodb::Event as StreamEvent;
use aws_sdk_dynamodb::types::AttributeValue;
use local::embedded::TABLE;
use serde_json::Value;
use tests::World;

/// A hundred changes and one in their midst that no code can read: of a reservation that says nothing of itself.
async fn batch_with_poison(world: &World) -> StreamEvent {
    world.tell().await;
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
    world.untold().await
}

fn told(world: &World) -> usize {
    world.mails.0.lock().unwrap().len()
}

#[tokio::test]
async fn poison_is_set_apart_with_its_reason_and_all_others_are_told() {
    let world = World::new().await;
    let event = batch_with_poison(&world).await;
    let keys =
        |record: &aws_lambda_events::dynamodb::EventRecord| format!("{:?}", record.change.keys);
    let poison = event.records.iter().find(|record| keys(record).contains("2222-2222")).unwrap();
    let number = poison.change.sequence_number.clone().unwrap();
    let requests = event.records.iter().filter(|record| keys(record).contains("RSV#")).count() - 1;
    assert_eq!(event.records.len(), 100);

    let response = world.fan_out().handle(event).await;
    assert!(response.batch_item_failures.is_empty(), "the stream goes on");
    assert_eq!(told(&world), 2 * requests, "parent and nursery of each");
    let apart: Vec<Value> = std::mem::take(&mut *world.set_apart.0.lock().unwrap());
    assert_eq!(apart.len(), 1);
    assert_eq!(apart[0]["DDBStreamBatchInfo"]["startSequenceNumber"], number.as_str());
    assert_eq!(apart[0]["DDBStreamBatchInfo"]["endSequenceNumber"], number.as_str());
    let reason = apart[0]["reason"].as_str().unwrap();
    assert!(reason.contains("unknown form"), "{reason}");
}

#[tokio::test]
async fn change_that_was_set_apart_is_told_once_its_cause_is_mended() {
    let world = World::new().await;
    world.settle().await;
    // What search knows of the municipality cannot be read: its slots cannot be told.
    let key = store::keys::search_shard("131199".parse().unwrap()).attributes();
    let found = world.raw().get_item().table_name(TABLE).set_key(Some(key.clone())).send().await;
    let (sound, mut broken) = (found.unwrap().item.unwrap(), key);
    broken.insert("entries".into(), AttributeValue::S("no bytes".into()));
    let put = async |item| {
        let put = world.raw().put_item().table_name(TABLE).set_item(Some(item)).send().await;
        put.unwrap();
    };
    put(broken).await;
    let slot = world.slot("2026-12-10T10:00:00+09:00", 1).await;
    world.requested(&slot, "k").await;
    let event = world.untold().await;
    let slots: Vec<_> = event
        .records
        .iter()
        .filter(|r| format!("{:?}", r.change.keys).contains("SLOT#"))
        .cloned()
        .collect();
    assert!(world.fan_out().handle(event).await.batch_item_failures.is_empty());
    assert_eq!(told(&world), 2, "the reservation is told");
    assert_eq!(world.set_apart.0.lock().unwrap().drain(..).count(), slots.len());

    put(sound).await;
    for record in slots {
        let mut event = StreamEvent::default();
        event.records.push(record);
        assert!(world.fan_out().handle(event).await.batch_item_failures.is_empty());
    }
    assert!(world.set_apart.0.lock().unwrap().is_empty());
    let found = world.get(&tests::As::Anyone, "/v1/facilities?municipality=131199").await;
    assert_eq!(found.body["items"][0]["next_slot_at"], Value::Null, "its one place is taken");
}

#[tokio::test]
async fn table_that_is_away_is_no_poison_and_the_batch_comes_again() {
    let world = World::new().await;
    let slot = world.slot("2026-12-10T10:00:00+09:00", 1).await;
    world.requested(&slot, "k").await;
    let event = world.untold().await;
    let first = event.records[0].change.sequence_number.clone();
    let cut = fan_out::FanOut { store: world.dying_after(0), ..world.fan_out() };
    let response = cut.handle(event).await;
    assert_eq!(response.batch_item_failures[0].item_identifier, first);
    assert!(world.set_apart.0.lock().unwrap().is_empty());
}
