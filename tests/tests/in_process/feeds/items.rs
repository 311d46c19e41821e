//! The feeds of facilities, vacancies and procedures.

use domain::{Facility, feed::Feed};
use serde_json::json;
use store::{FeedThing, Key};
use tests::{As, World, facility};

use super::Reader;
use crate::{procedures::procedure, vacancies::vacancy};

async fn remove(world: &World, key: Key) {
    let delete = world.raw().delete_item().table_name(local::embedded::TABLE);
    delete.set_key(Some(key.attributes())).send().await.unwrap();
    world.relay_changes().await;
}

#[tokio::test]
async fn fac_05_feed_tells_a_change_of_a_facility_after_its_approval_and_not_before() {
    let world = World::new().await;
    world.relay_changes().await;
    let mut reader = Reader::new(Feed::Facilities, 100);
    reader.read_on(&world).await;
    let id = world.facility.facility_id.to_string();
    let shown = |reader: &Reader| reader.copy[&id]["weekday_closes_at"].clone();
    assert_eq!((shown(&reader), reader.items), (json!(null), 1));

    let asked = world.change_asked(json!({"weekday_closes_at": "19:15"}), true, "k").await;
    world.relay_changes().await;
    reader.read_on(&world).await;
    assert_eq!((shown(&reader), reader.items), (json!(null), 1), "nothing is told");

    let approve = format!("/v1/staff/change-requests/{asked}/approve");
    let approved = world.post(&As::Municipality("131199"), &approve, json!({})).await;
    assert_eq!(approved.status, 200, "{}", approved.shown());
    world.relay_changes().await;
    reader.read_on(&world).await;
    assert_eq!((shown(&reader), reader.items), (json!("19:15"), 2));

    // It is what the page of the nursery shows, without what changes with its slots, by month and by looking.
    let mut detail = world.shown().await.body;
    let items = detail.as_object_mut().unwrap();
    items.remove("next_slot_at");
    items.remove("vacancy");
    items.remove("confirmed_at");
    assert_eq!(reader.copy[&id], detail);
}

#[tokio::test]
async fn fac_18_feed_tells_nothing_of_an_item_that_is_withheld() {
    let world = World::new().await;
    let before = world.store().facility(&world.facility.facility_id).await.unwrap().unwrap();
    let mut withheld = Facility { phone: Some("03-3961-0000".into()), ..before.clone() };
    withheld.notes.withheld.insert("phone".into());
    world.store().put_facilities(&[(Some(before), withheld)]).await.unwrap();
    world.relay_changes().await;
    let mut reader = Reader::new(Feed::Facilities, 100);
    reader.read_on(&world).await;
    let told = &reader.copy[world.facility.facility_id.as_str()];
    assert_eq!(told["phone"], json!(null));
    assert!(!told.to_string().contains("withheld"), "nor that there is one");
}

#[tokio::test]
async fn facility_that_is_removed_leaves_feed_and_search() {
    let world = World::new().await;
    world.relay_changes().await;
    let mut reader = Reader::new(Feed::Facilities, 100);
    reader.read_on(&world).await;
    assert_eq!(reader.copy.len(), 1);
    remove(&world, Key::Facility(world.facility.facility_id.clone())).await;
    reader.read_on(&world).await;
    assert!(reader.copy.is_empty());
    let found = world.get(&As::Anyone, "/v1/facilities").await.body;
    assert_eq!(found["items"], json!([]));
}

#[tokio::test]
async fn page_of_facilities_has_a_hundred_at_most_and_each_once() {
    let world = World::new().await;
    for n in 0..130 {
        world.add_facility(&facility(&format!("{n}番保育園"), "131199", "板橋区")).await;
    }
    world.relay_changes().await;
    let mut reader = Reader::new(Feed::Facilities, 500);
    let page = reader.read_page(&world).await;
    assert_eq!(page.body["items"].as_array().unwrap().len(), 100);
    reader.read_on(&world).await;
    assert_eq!((reader.copy.len(), reader.items), (131, 131));
}

#[tokio::test]
async fn vac_03_feed_tells_each_month_of_a_nursery_until_a_year_after_it() {
    let world = World::new().await;
    let now = world.hub.clock.now();
    let told = vacancy(&world.facility, now, &[("1歳クラス空き人数", "2")]);
    world.store().put_vacancies(&[(None, told.clone())]).await.unwrap();
    world.relay_changes().await;
    let mut reader = Reader::new(Feed::Vacancies, 500);
    reader.read_on(&world).await;
    let id = format!("{}-2026-12", world.facility.facility_id);
    assert_eq!(reader.copy[&id]["age_1"], 2);
    assert_eq!(reader.copy[&id]["facility_name"], json!(world.facility.facility_name));

    let none = vacancy(&world.facility, now, &[("1歳クラス空き人数", "0")]);
    world.store().put_vacancies(&[(Some(told), none)]).await.unwrap();
    world.relay_changes().await;
    reader.read_on(&world).await;
    assert_eq!(reader.copy[&id]["age_1"], 0);

    assert_eq!(world.settle_at("2027-12-31T23:59:59+09:00").await.feed_turns, 0);
    assert_eq!(world.settle_at("2028-01-01T00:00:00+09:00").await.feed_turns, 1);
    reader.read_on(&world).await;
    assert!(reader.copy.is_empty());
}

#[tokio::test]
async fn prc_01_procedure_enters_its_feed_on_its_day_and_leaves_it_after_its_last() {
    let world = World::new().await;
    let days = [("公開開始日", "2026-12-10"), ("公開終了日", "2026-12-20")];
    let procedure = procedure(&world, &days);
    world.store().put_procedures(&[(None, procedure.clone())]).await.unwrap();
    world.settle().await;
    let mut reader = Reader::new(Feed::Procedures, 500);
    let id = procedure.procedure_id.to_string();
    for (at, is_told) in [
        ("2026-12-09T23:59:59+09:00", false),
        ("2026-12-10T00:00:00+09:00", true),
        ("2026-12-20T23:59:59+09:00", true),
        ("2026-12-21T00:00:00+09:00", false),
    ] {
        world.settle_at(at).await;
        reader.read_on(&world).await;
        assert_eq!(reader.copy.contains_key(&id), is_told, "{at}");
    }
    // A municipality that goes on with it publishes it again.
    let mut longer = procedure.clone();
    longer.publish_to = Some("2027-01-10".parse().unwrap());
    world.store().put_procedures(&[(Some(procedure), longer)]).await.unwrap();
    world.settle().await;
    reader.read_on(&world).await;
    assert_eq!(reader.copy[&id]["publish_to"], "2027-01-10");
    world.settle_at("2027-01-11T00:00:00+09:00").await;
    reader.read_on(&world).await;
    assert!(reader.copy.is_empty());
}

#[tokio::test]
async fn what_is_told_twice_gets_no_second_number() {
    let world = World::new().await;
    let now = world.hub.clock.now();
    world.store().put_vacancies(&[(None, vacancy(&world.facility, now, &[]))]).await.unwrap();
    let procedure = procedure(&world, &[]);
    world.store().put_procedures(&[(None, procedure.clone())]).await.unwrap();
    world.relay_changes().await;
    let facility = world.facility.facility_id.clone();
    let things = [
        FeedThing::Facility(facility.clone()),
        FeedThing::Vacancy(facility, "2026-12".parse().unwrap()),
        FeedThing::Procedure(
            procedure.municipality_code,
            procedure.fiscal_year,
            procedure.procedure_id,
        ),
    ];
    assert_eq!(world.store().publish(&things.into(), now).await.unwrap(), 0);
    for feed in [Feed::Facilities, Feed::Vacancies, Feed::Procedures] {
        let mut reader = Reader::new(feed, 500);
        reader.read_on(&world).await;
        assert_eq!((reader.copy.len(), reader.seen), (1, 1), "{feed:?}");
    }
}
