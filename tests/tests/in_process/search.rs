//! Searching over HTTP. What is found is compared with the contract in `shared/domain/tests/rules/search`.

use domain::{
    Facility, FacilityId, Timestamp,
    facility::Location,
    search::Entry,
    vacancy::{Mark, Places, Vacancy},
};
use http::Method;
use serde_json::{Value, json};
use store::Rebuild;
use tests::{As, FACILITY, World};

async fn found(world: &World, query: &str) -> Value {
    let answer = world.get(&As::Anyone, &format!("/v1/facilities?{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.shown());
    answer.body
}

async fn names(world: &World, query: &str) -> Vec<String> {
    let page = found(world, query).await;
    let items = page["items"].as_array().unwrap().iter();
    items.map(|one| one["facility_name"].as_str().unwrap().to_owned()).collect()
}

/// Three nurseries: the first states nothing, the others are at the two ends of a line of 11 km.
async fn three() -> World {
    let world = World::new().await;
    let north = Facility {
        location: Location::in_japan(35.8, 139.7).ok(),
        ..tests::facility("北保育園", "131199", "板橋区")
    };
    let mut south = Facility {
        location: Location::in_japan(35.7, 139.7).ok(),
        ..tests::facility("南保育園", "131211", "足立区")
    };
    south.details.nearest_station = Some("北千住駅".into());
    south.details.has_playground = Some(true);
    south.details.accepts_text = Some("生後57日～2歳児クラス".into());
    south.details.weekday_opens_at = "07:15".parse().ok();
    south.details.weekday_closes_at = "18:15".parse().ok();
    south.details.features = Some("長い文".into());
    south.derive_items();
    for facility in [&north, &south] {
        world.add_facility(facility).await;
    }
    world.relay_changes().await;
    world
}

#[tokio::test]
async fn por_02_parents_filter_by_what_a_nursery_states() {
    let world = three().await;
    for (query, expected) in [
        ("q=北", vec!["北保育園", "南保育園"]),
        ("q=北&municipality=131211", vec!["南保育園"]),
        ("municipality=131199&municipality=131211", vec![FACILITY, "北保育園", "南保育園"]),
        ("open_at=07:15&close_at=18:15&accepts_age_months=47", vec!["南保育園"]),
        ("open_at=07:00", vec![]),
        ("close_at=18:30", vec![]),
        ("accepts_age_months=48", vec![]),
        ("feature=playground", vec!["南保育園"]),
        ("feature=playground&feature=car_parking", vec![]),
        ("saturday=true", vec![]),
        ("vacancy_age=1", vec![]),
        ("visit_from=2026-12-01&visit_to=2026-12-31", vec![]),
    ] {
        assert_eq!(names(&world, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn por_02_what_is_found_is_counted_by_kind() {
    let world = three().await;
    let page = found(&world, "facets=true&limit=1").await;
    let facets = &page["facets"];
    assert_eq!((&facets["total"], &facets["municipality"]["131199"]), (&json!(3), &json!(2)));
    assert_eq!(facets["feature"], json!({"playground": 1}));
    assert_eq!(found(&world, "").await.get("facets"), None, "unless nobody asks");
}

#[tokio::test]
async fn por_03_a_page_shows_every_item_and_a_list_all_but_the_long_texts() {
    let world = three().await;
    let south = &found(&world, "q=南").await["items"][0];
    assert_eq!(south["nearest_station"], "北千住駅");
    assert_eq!(south["weekday_opens_at"], "07:15");
    assert_eq!((&south["car_parking_count"], &south["vacancy"]), (&Value::Null, &Value::Null));
    assert_eq!((south.get("features"), south.get("distance_m")), (None, None));
    let path = format!("/v1/facilities/{}", south["facility_id"].as_str().unwrap());
    let page = world.get(&As::Anyone, &path).await.body;
    assert_eq!(page["features"], "長い文");
    for item in domain::facility::ITEMS {
        let shown = item.field.strip_prefix("capacity_").map_or(&page, |_| &page["capacity"]);
        let field = item.field.strip_prefix("capacity_").unwrap_or(item.field);
        assert!(shown.get(field).is_some(), "{field}");
    }
    for (field, value) in south.as_object().unwrap().iter().filter(|(name, _)| *name != "vacancy") {
        assert_eq!(&page[field], value, "{field}");
    }
}

#[tokio::test]
async fn add_11_the_nearest_of_several_places_counts() {
    let world = three().await;
    let (home, work) = ("near=35.8,139.7", "near=35.7,139.701");
    assert_eq!(names(&world, &format!("{home}&radius_m=1000")).await, ["北保育園"]);
    let both = format!("{home}&{work}&radius_m=1000&sort=distance");
    let page = found(&world, &both).await;
    let distances = page["items"].as_array().unwrap().iter();
    let distances: Vec<_> = distances.map(|one| one["distance_m"].clone()).collect();
    // A thousandth of a degree of longitude at 35.7° north.
    assert_eq!(distances, [json!(0), json!(90)]);
    let all = format!("{work}&sort=distance");
    assert_eq!(names(&world, &all).await, ["南保育園", "北保育園", FACILITY], "unknown is last");
}

#[tokio::test]
async fn what_says_nothing_is_refused_where_it_stands() {
    let world = World::new().await;
    let eleven = ["near=35.7,139.7"; 11].join("&");
    for (query, pointer) in [
        ("sort=distance", "/sort"),
        ("sort=best", "/sort"),
        ("radius_m=500", "/radius_m"),
        ("near=35.7,139.7&radius_m=0", "/radius_m"),
        ("near=35.7", "/near/0"),
        ("near=0,0", "/near/0"),
        (&eleven, "/near"),
        ("feature=pool", "/feature/0"),
        ("open_at=25:00", "/open_at"),
        ("vacancy_age=6", "/vacancy_age"),
        ("accepts_age_months=-1", "/accepts_age_months"),
        ("visit_from=2026-12-02&visit_to=2026-12-01", "/visit_to"),
        ("facets=1", "/facets"),
    ] {
        let answer = world.get(&As::Anyone, &format!("/v1/facilities?{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{}", answer.shown());
    }
}

#[tokio::test]
async fn who_can_be_visited_first_comes_first() {
    let world = three().await;
    let slot = world.slot("2026-12-10T10:00:00+09:00", 1).await;
    world.relay_changes().await;
    let first = names(&world, "sort=next_slot").await.remove(0);
    assert_eq!(first, world.facility.facility_name);
    for (query, expected) in [
        ("visit_from=2026-12-10&visit_to=2026-12-10", 1),
        ("visit_from=2026-12-11", 0),
        ("visit_to=2026-12-09", 0),
    ] {
        assert_eq!(names(&world, query).await.len(), expected, "{query}");
    }
    world.requested(&slot, "k").await;
    world.relay_changes().await;
    assert_eq!(names(&world, "visit_from=2026-12-10").await.len(), 0, "its one place is taken");
}

#[tokio::test]
async fn vacancies_are_shown_and_found() {
    let world = three().await;
    let (id, now) = (world.facility.facility_id.clone(), world.hub.clock.now());
    let mut vacancy = Vacancy::new(&world.facility, "2026-12".parse().unwrap(), now);
    vacancy.places.age_1 = Some(Places { count: Some(2), mark: None });
    vacancy.places.age_0_2 = Some(Places { count: None, mark: Some(Mark::Few) });
    world.store().put_vacancies(&[(None, vacancy.clone())]).await.unwrap();
    vacancy.base_month = "2026-11".parse().unwrap();
    vacancy.places = Default::default();
    world.store().put_vacancies(&[(None, vacancy)]).await.unwrap();
    world.relay_changes().await;
    let page = found(&world, "sort=vacancy").await;
    assert_eq!(page["items"][0]["facility_id"], json!(id));
    assert_eq!(page["items"][0]["vacancy"]["mark_0_2"], "few");
    assert_eq!(names(&world, "vacancy_age=0").await, [FACILITY]);
    assert_eq!(names(&world, "vacancy_age=3").await, Vec::<String>::new());
}

#[tokio::test]
async fn pages_neither_repeat_nor_skip_while_data_change() {
    let world = three().await;
    let page = found(&world, "limit=2").await;
    let cursor = page["next_cursor"].as_str().unwrap();
    // One comes in before the position, and one of those that were shown goes behind it.
    let first = tests::facility("いちばん保育園", "131199", "板橋区");
    world.add_facility(&first).await;
    world.relay_changes().await;
    assert_eq!(names(&world, &format!("limit=2&cursor={cursor}")).await, ["南保育園"]);
    let other =
        world.get(&As::Anyone, &format!("/v1/facilities?sort=next_slot&cursor={cursor}")).await;
    assert_eq!(other.status, 400, "a cursor belongs to its list");
}

#[tokio::test]
async fn what_is_found_again_is_not_sent_again() {
    let world = three().await;
    let answer = world.get(&As::Anyone, "/v1/facilities?facets=true").await;
    let tag = answer.headers["etag"].to_str().unwrap().to_owned();
    let known = [("if-none-match", tag.as_str())];
    let again =
        world.call(&As::Anyone, Method::GET, "/v1/facilities?facets=true", None, &known).await;
    assert_eq!(again.status, 304);
}

#[tokio::test]
async fn an_entry_that_nobody_changed_is_not_written() {
    let world = three().await;
    let (now, ids): (Timestamp, _) =
        (world.hub.clock.now(), [world.facility.facility_id.clone()].into());
    let before = world.store().search_versions().await.unwrap();
    let nothing = |_: &FacilityId, _: &mut Entry| false;
    world.store().change_search(&ids, Rebuild::All, now, nothing).await.unwrap();
    assert_eq!(world.store().search_versions().await.unwrap(), before);
    assert!(before.complete && before.buckets.len() == 3);
}
