//! What the feeds cost.

use std::collections::BTreeSet;

use http::Method;
use serde_json::json;
use store::{Consumed, FeedThing};
use tests::{As, World};

use super::{SLOT, generate};

#[tokio::test]
async fn a_change_of_a_slot_costs_ten_write_units_in_the_feed() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 3).await;
    let told = BTreeSet::from([FeedThing::Slot(slot.facility_id.clone(), slot.slot_id.clone())]);
    let other = world.slot("2026-12-11T10:00:00+09:00", 3).await;
    world.relay_changes().await;
    world.requested(&other, "k1").await;
    world.relay_changes().await;
    world.requested(&slot, "k2").await;
    world.store().meter().take();
    let now = world.hub.clock.now();
    assert_eq!(world.store().publish(&told, now).await.unwrap(), 1);
    // The count, the entry, the same under the slot's id, the former entry, and the one of the other slot, which
    // must not be on its way any more: five items in a transaction. Read: what was said and what is, before and
    // after, and the count, each consistently.
    assert_eq!(world.store().meter().take(), Consumed { read: 5.0, write: 10.0 });
}

#[tokio::test]
async fn what_nobody_sees_of_a_slot_costs_the_feed_two_read_units() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 3).await;
    let number = world.requested(&slot, "k1").await;
    world.relay_changes().await;
    // An approval leaves the places as they are.
    world.act(&number, "approve", json!({})).await;
    world.store().meter().take();
    let told = BTreeSet::from([FeedThing::Slot(slot.facility_id, slot.slot_id)]);
    let now = world.hub.clock.now();
    assert_eq!(world.store().publish(&told, now).await.unwrap(), 0);
    assert_eq!(world.store().meter().take(), Consumed { read: 2.0, write: 0.0 });
}

#[tokio::test]
async fn a_page_of_the_feed_costs_what_it_weighs() {
    let world = World::new().await;
    let path = format!("/v1/staff/facilities/{}/slots/bulk", world.facility.facility_id);
    let hours =
        |hour: u8| json!({"starts": format!("{hour:02}:00"), "ends": format!("{hour:02}:45")});
    let pattern = json!({"from": "2026-12-02", "to": "2027-02-28", "capacity": 3,
        "weekdays": ["mon", "tue", "wed", "thu", "fri"], "times": (9..18).map(hours).collect::<Vec<_>>()});
    let headers = [("idempotency-key", "winter")];
    let opened = world.call(&world.staff(), Method::POST, &path, Some(pattern), &headers).await;
    assert!(opened.body["created"].as_u64().unwrap() >= 500, "{}", opened.shown());
    world.relay_changes().await;
    world.store().meter().take();
    let page = world.get(&As::Anyone, "/v1/feeds/slots").await.body;
    assert_eq!(page["items"].as_array().unwrap().len(), 500);
    let Consumed { read, write } = world.store().meter().take();
    // Five hundred entries of some 260 bytes, consistently: a unit for 4 KB.
    assert!(read <= 40.0 && write == 0.0, "{read}");
    let opened = opened.body["created"].as_u64().unwrap();
    let last = format!("/v1/feeds/slots?afterChangeNumber={opened}");
    let last = world.get(&As::Anyone, &last).await;
    assert_eq!(last.body["items"], json!([]));
    assert!(world.store().meter().take().read <= 1.0);
}

#[tokio::test]
async fn a_change_of_a_facility_costs_ten_write_units_in_the_feed_whatever_it_states() {
    let world = World::new().await;
    let whole = generate::facility(&mut generate::Odd(7), 0);
    world.store().put_facilities(&[(None, whole.clone())]).await.unwrap();
    world.relay_changes().await;
    let told = BTreeSet::from([FeedThing::Facility(whole.facility_id.clone())]);
    let mut renamed = whole.clone();
    renamed.facility_name = "あたらしい保育園".into();
    world.store().put_facilities(&[(Some(whole), renamed)]).await.unwrap();
    let now = world.hub.clock.now();
    world.store().meter().take();
    assert_eq!(world.store().publish(&told, now).await.unwrap(), 1);
    let Consumed { read, write } = world.store().meter().take();
    // The count, the entry, the same under its id and the former entry; no entry of another thing is to be waited for.
    // Read: the facility twice, 2 units each.
    assert!(write <= 10.0 && read <= 8.0, "{read} {write}");
}

#[tokio::test]
async fn a_page_of_facilities_costs_what_the_facilities_weigh() {
    let world = World::new().await;
    world.relay_changes().await;
    world.store().meter().take();
    let page = world.get(&As::Anyone, "/v1/feeds/facilities").await;
    assert_eq!(page.body["items"].as_array().unwrap().len(), 1);
    // The count, the entry and the facility, each consistently.
    assert_eq!(world.store().meter().take(), Consumed { read: 3.0, write: 0.0 });
}
