//! Feeds of a table that was restored, and of one from before there were feeds.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::feed::Feed;
use serde_json::json;
use store::{FeedThing, Key};
use tests::{As, World};

use super::Reader;
use crate::{procedures::procedure, vacancies::vacancy};

const SLOTS: [&str; 2] = ["2026-12-10T10:00:00+09:00", "2026-12-11T10:00:00+09:00"];

/// What `infra/operate/switch-table` does of it: the number of the last entry goes back, as it would in a table from
/// before, and the table says that it was restored.
async fn restore(world: &World, feed: Feed, last: u64) {
    let table = local::embedded::TABLE;
    let count = world.raw().update_item().table_name(table);
    count
        .set_key(Some(Key::FeedCount(feed).attributes()))
        .update_expression("SET restored = :yes, #last = :last, first_of_last = :last")
        .expression_attribute_names("#last", "last")
        .expression_attribute_values(":yes", AttributeValue::Bool(true))
        .expression_attribute_values(":last", AttributeValue::N(last.to_string()))
        .send()
        .await
        .unwrap();
    let build = world.raw().delete_item().table_name(table);
    build.set_key(Some(Key::FeedBuild().attributes())).send().await.unwrap();
}

async fn remove(world: &World, keys: impl IntoIterator<Item = Key>) {
    for key in keys {
        let delete = world.raw().delete_item().table_name(local::embedded::TABLE);
        delete.set_key(Some(key.attributes())).send().await.unwrap();
    }
}

#[tokio::test]
async fn who_read_what_a_restored_table_lost_begins_anew_however_many_numbers_follow() {
    let world = World::new().await;
    let mut slots = Vec::new();
    for starts_at in SLOTS {
        slots.push(world.slot(starts_at, 3).await);
        world.relay_changes().await;
    }
    let (mut behind, mut ahead) = (Reader::new(Feed::Slots, 1), Reader::new(Feed::Slots, 500));
    behind.read_page(&world).await;
    ahead.read_on(&world).await;
    assert_eq!((behind.seen, ahead.seen), (1, 2));

    // The second slot was opened after the point in time of the restored table.
    let id = slots[1].slot_id.to_string();
    let lost = [
        Key::FeedEntry(Feed::Slots, 2),
        Key::FeedPlace(Feed::Slots, id),
        Key::Slot(slots[1].facility_id.clone(), slots[1].slot_id.clone()),
    ];
    remove(&world, lost).await;
    restore(&world, Feed::Slots, 1).await;
    let begin = "https://hub.example.jp/v1/feeds/slots?limit=500";
    let told = ahead.read_page(&world).await;
    assert_eq!((told.status.as_u16(), told.problem()), (410, "feed-restarted"));
    assert_eq!(
        (&told.body["next"], &told.headers["cache-control"]),
        (&json!(begin), &"no-store".parse().unwrap())
    );

    // As many changes as were lost, and more: no number of before is given out again.
    for n in 0..3 {
        world.requested(&slots[0], &format!("k{n}")).await;
        world.relay_changes().await;
    }
    assert_eq!(ahead.read_page(&world).await.problem(), "feed-restarted");
    behind.read_on(&world).await;
    let now = world.hub.clock.now().epoch_ms().unsigned_abs();
    assert_eq!((behind.copy.len(), behind.seen), (1, now + 3));
    let mut anew = Reader::new(Feed::Slots, 500);
    anew.read_on(&world).await;
    assert_eq!(anew.copy, behind.copy);
    assert_eq!(anew.copy[slots[0].slot_id.as_str()]["remaining"], 0);
}

#[tokio::test]
async fn number_that_no_feed_gave_out_is_refused() {
    let world = World::new().await;
    world.slot(SLOTS[0], 3).await;
    world.relay_changes().await;
    for feed in Feed::ALL {
        let path = format!("/v1/feeds/{}?afterChangeNumber=", feed.name());
        let refused = world.get(&As::Anyone, &format!("{path}9007199254740990")).await;
        assert_eq!((refused.status.as_u16(), refused.problem()), (410, "feed-restarted"));
        // RPDE's validator looks with this one whether the end is answered.
        let end = world.get(&As::Anyone, &format!("{path}9007199254740991")).await;
        assert_eq!((end.status.as_u16(), &end.body["items"]), (200, &json!([])));
    }
}

#[tokio::test]
async fn all_that_was_there_before_the_feeds_is_brought_into_them_once() {
    let world = World::new().await;
    let now = world.hub.clock.now();
    let slot = world.slot(SLOTS[0], 3).await;
    let vacancy = vacancy(&world.facility, now, &[]);
    world.store().put_vacancies(&[(None, vacancy)]).await.unwrap();
    let published = procedure(&world, &[]);
    let later = procedure(&world, &[("手続き名", "秋"), ("公開開始日", "2027-09-01")]);
    let both = [(None, published), (None, later)];
    world.store().put_procedures(&both).await.unwrap();
    // Nobody relayed any of it to a feed.
    world.unrelayed().await;
    let built = keep_deadlines::run(world.store(), now).await.unwrap().feed_built;
    assert_eq!(built, 5, "facility, slot, vacancy, two procedures");
    for feed in Feed::ALL {
        let mut reader = Reader::new(feed, 500);
        reader.read_on(&world).await;
        assert_eq!(reader.copy.len(), 1, "{feed:?}");
    }
    world.store().meter().take();
    assert_eq!(keep_deadlines::run(world.store(), now).await.unwrap().feed_built, 0);

    // What is not published yet, is on its day; what left no turn when it was told, leaves.
    world.settle_at("2027-09-01T00:00:00+09:00").await;
    let mut reader = Reader::new(Feed::Procedures, 500);
    reader.read_on(&world).await;
    assert_eq!(reader.copy.len(), 2);
    let told = BTreeSet::from([FeedThing::Slot(slot.facility_id, slot.slot_id)]);
    assert_eq!(world.store().publish(&told, world.hub.clock.now()).await.unwrap(), 0);
}

#[tokio::test]
async fn what_a_restored_table_had_not_told_yet_is_told() {
    let world = World::new().await;
    world.slot(SLOTS[0], 3).await;
    world.settle().await;
    world.slot(SLOTS[1], 3).await;
    // Its record was in the stream of the table that is replaced.
    world.unrelayed().await;
    let mut reader = Reader::new(Feed::Slots, 500);
    reader.read_on(&world).await;
    assert_eq!(reader.copy.len(), 1);
    restore(&world, Feed::Slots, 1).await;
    world.settle().await;
    reader.read_on(&world).await;
    assert_eq!(reader.copy.len(), 2);
}
