//! What a nursery does to its slots, by the rows of the checklist.

use domain::slot::SlotStatus;
use http::Method;
use serde_json::{Value, json};
use tests::{Answer, As, World, facility, site};

const SLOT: &str = "2026-12-10T10:00:00+09:00";

fn path(world: &World, rest: &str) -> String {
    format!("/v1/staff/facilities/{}/slots{rest}", world.facility.facility_id)
}

async fn put(world: &World, id: &str, etag: Option<&str>, body: Value) -> Answer {
    let headers: Vec<_> = etag.map(|etag| ("if-match", etag)).into_iter().collect();
    let path = path(world, &format!("/{id}"));
    world.call(&world.staff(), Method::PUT, &path, Some(body), &headers).await
}

fn etag(answer: &Answer) -> String {
    answer.headers["etag"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn slot_01_only_times_that_the_nursery_opened_can_be_asked_for() {
    let world = World::new().await;
    let other = facility("相生保育園", "131199", "板橋区");
    world.add_facility(&other).await;
    let slot = world.slot_of(&other, SLOT, 3).await;
    let facility = world.facility.facility_id.as_str();
    for (slot, pointer) in [(slot.slot_id.as_str(), "/slot_id"), ("slt_0wx4n07k3m9qxd", "/slot_id")]
    {
        let body = local::api::visit_request(facility, slot);
        let key = [("idempotency-key", "k")];
        let answer = world.call(&site(), Method::POST, "/v1/reservations", Some(body), &key).await;
        assert_eq!(answer.body["errors"][0]["pointer"], pointer);
    }
}

#[tokio::test]
async fn slot_02_a_slot_is_seen_changed_and_disabled() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 3).await;
    let number = world.requested(&slot, "k1").await;
    let id = slot.slot_id.as_str();
    let listed = world.get(&world.staff(), &path(&world, "")).await;
    assert_eq!(listed.body["items"][0]["slot_id"], id);
    let read = world.get(&world.staff(), &path(&world, &format!("/{id}"))).await;
    assert_eq!(read.body, listed.body["items"][0]);

    let new = json!({"capacity": 5, "note": "園庭もご覧ください。"});
    assert_eq!(put(&world, id, None, new.clone()).await.problem(), "precondition-required");
    let changed = put(&world, id, Some(&etag(&read)), new.clone()).await;
    assert_eq!((changed.status.as_u16(), &changed.body["remaining"]), (200, &json!(4)));
    assert_eq!(changed.body["note"], "園庭もご覧ください。");
    let stale = put(&world, id, Some(&etag(&read)), json!({"capacity": 9})).await;
    assert_eq!((stale.status.as_u16(), stale.problem()), (412, "precondition-failed"));
    assert_eq!(world.places(&slot).await, (4, 5, SlotStatus::Open), "and nothing changed");
    let moved = json!({"capacity": 5, "starts_at": "2026-12-11T10:00:00+09:00"});
    let moved = put(&world, id, Some(&etag(&changed)), moved).await;
    assert_eq!(moved.body["errors"][0]["pointer"], "/starts_at");

    for _ in 0..2 {
        let disable = path(&world, &format!("/{id}/disable"));
        let disabled = world.post(&world.staff(), &disable, json!({})).await;
        assert_eq!((disabled.status.as_u16(), &disabled.body["status"]), (200, &json!("disabled")));
    }
    assert_eq!(world.request(&slot, "k2").await.problem(), "slot-disabled");
    assert_eq!(world.seen(&number).await["status"], "pending", "its reservations remain");
    assert_eq!(world.act(&number, "approve", json!({})).await.status, 200);
    let again = put(&world, id, Some("*"), json!({"capacity": 5, "disabled": false})).await;
    assert_eq!(again.body["status"], "open");
    assert_eq!(again.body["note"], Value::Null, "what is left out of the whole is gone");
}

#[tokio::test]
async fn slot_03_a_slot_is_copied_to_another_day_once() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 3).await;
    let copy = |key: &'static str, to: &'static str| {
        let (world, path) = (&world, path(&world, &format!("/{}/copy", slot.slot_id)));
        async move {
            let (body, key) = (json!({"starts_at": to}), [("idempotency-key", key)]);
            world.call(&world.staff(), Method::POST, &path, Some(body), &key).await
        }
    };
    let copied = copy("c1", "2026-12-17T14:00:00+09:00").await;
    assert_eq!(copied.status, 201);
    assert_eq!(copied.body["ends_at"], "2026-12-17T14:45:00+09:00");
    assert_eq!((&copied.body["capacity"], &copied.body["remaining"]), (&json!(3), &json!(3)));
    let location = copied.headers["location"].to_str().unwrap();
    assert_eq!(world.get(&world.staff(), location).await.body, copied.body);
    let repeated = copy("c1", "2026-12-17T14:00:00+09:00").await;
    assert_eq!(repeated.headers["idempotency-replayed"], "true");
    assert_eq!(repeated.body["slot_id"], copied.body["slot_id"]);
    assert_eq!(copy("c1", "2026-12-18T14:00:00+09:00").await.problem(), "idempotency-key-reused");
    let past = copy("c2", "2026-11-30T14:00:00+09:00").await;
    assert_eq!(past.body["errors"][0]["pointer"], "/starts_at");
}

#[tokio::test]
async fn slot_04_one_person_opens_slots_of_two_nurseries_under_one_key() {
    let world = World::new().await;
    let other = facility("相生保育園", "131199", "板橋区");
    world.add_facility(&other).await;
    let ids = format!("{} {}", world.facility.facility_id, other.facility_id);
    let person = As::Token(json!({"sub": "staff-1", "role": "facility", "facility_id": ids}));
    let body = json!({"starts_at": SLOT, "ends_at": "2026-12-10T10:45:00+09:00", "capacity": 1});
    let mut opened = Vec::new();
    for id in [&world.facility.facility_id, &other.facility_id] {
        let path = format!("/v1/staff/facilities/{id}/slots");
        let key = [("idempotency-key", "k")];
        let slot = world.call(&person, Method::POST, &path, Some(body.clone()), &key).await;
        assert_eq!(slot.status, 201, "{}", slot.shown());
        opened.push(slot.body["slot_id"].clone());
    }
    assert_ne!(opened[0], opened[1]);
}

#[tokio::test]
async fn slot_04_each_slot_has_a_number_of_its_own() {
    let world = World::new().await;
    let mut numbers = Vec::new();
    for hour in 9..14 {
        let slot = world.slot(&format!("2026-12-10T{hour:02}:00:00+09:00"), 3).await;
        numbers.push(slot.slot_number.to_string());
    }
    assert_eq!(numbers[0], "TS-00000001");
    assert!(numbers.is_sorted());
    numbers.dedup();
    assert_eq!(numbers.len(), 5);
}

#[tokio::test]
async fn slot_05_slot_06_anybody_sees_what_is_free_on_which_day() {
    let world = World::new().await;
    let (full, open) =
        (world.slot(SLOT, 1).await, world.slot("2026-12-11T10:00:00+09:00", 3).await);
    world.requested(&full, "k1").await;
    world.requested(&open, "k2").await;
    let public = format!("/v1/facilities/{}/slots", world.facility.facility_id);
    let slots = world.get(&As::Anyone, &public).await.body["items"].clone();
    let seen = |slot: &Value| {
        (slot["remaining"].clone(), slot["capacity"].clone(), slot["status"].clone())
    };
    assert_eq!(seen(&slots[0]), (json!(0), json!(1), json!("full")));
    assert_eq!(seen(&slots[1]), (json!(2), json!(3), json!("open")));
    let facility = format!("/v1/facilities/{}", world.facility.facility_id);
    let next = world.get(&As::Anyone, &facility).await.body["next_slot_at"].clone();
    assert_eq!(next, "2026-12-11T10:00:00+09:00", "the first day with a free place");
}

#[tokio::test]
async fn slot_07_a_capacity_below_what_is_taken_is_refused() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 3).await;
    for key in ["k1", "k2"] {
        world.requested(&slot, key).await;
    }
    let refused = put(&world, slot.slot_id.as_str(), Some("*"), json!({"capacity": 1})).await;
    assert_eq!((refused.status.as_u16(), refused.problem()), (409, "capacity-below-taken"));
    assert_eq!(world.places(&slot).await, (1, 3, SlotStatus::Open), "and nothing changed");
    let exact = put(&world, slot.slot_id.as_str(), Some("*"), json!({"capacity": 2})).await;
    assert_eq!((exact.status.as_u16(), &exact.body["status"]), (200, &json!("full")));
    for capacity in [0, 51] {
        let wrong = put(&world, slot.slot_id.as_str(), Some("*"), json!({"capacity": capacity}));
        assert_eq!(wrong.await.body["errors"][0]["pointer"], "/capacity");
    }
    world.set(SLOT);
    let late = put(&world, slot.slot_id.as_str(), Some("*"), json!({"capacity": 3})).await;
    assert_eq!(late.problem(), "slot-past");
}

#[tokio::test]
async fn slot_08_slot_09_slot_10_who_opened_no_slots_for_the_third_month_is_asked_on_the_tenth() {
    let world = World::new().await;
    let names = ["相生保育園", "大谷口保育園", "高島平保育園"];
    let others = names.map(|name| facility(name, "131199", "板橋区"));
    for other in &others {
        world.add_facility(other).await;
    }
    // One has a full slot in March, one only a disabled one, one tells parents why.
    let full = world.slot_of(&others[0], "2027-03-01T10:00:00+09:00", 1).await;
    world.requested(&full, "k1").await;
    let disabled = world.slot_of(&others[1], "2027-03-01T10:00:00+09:00", 1).await;
    let path = format!(
        "/v1/staff/facilities/{}/slots/{}/disable",
        others[1].facility_id, disabled.slot_id
    );
    let staff = As::Staff(others[1].facility_id.clone());
    assert_eq!(world.post(&staff, &path, json!({})).await.status, 200);
    let settings = format!("/v1/staff/facilities/{}/settings", others[2].facility_id);
    let message = json!({"message_to_parents": "改修中のため、3月の見学はお休みします。"});
    let staff = As::Staff(others[2].facility_id.clone());
    let any = [("if-match", "*")];
    world.call(&staff, Method::PUT, &settings, Some(message), &any).await;
    world.send_mails().await;
    let public = format!("/v1/facilities/{}", others[2].facility_id);
    let shown = world.get(&As::Anyone, &public).await.body["message_to_parents"].clone();
    assert_eq!(shown, "改修中のため、3月の見学はお休みします。");

    let now = "2026-12-10T09:00:00+09:00";
    world.set(now);
    let report = check_slot_plans::run(world.store(), now.parse().unwrap()).await.unwrap();
    assert_eq!((report.looked_at, report.reminded, report.notified), (4, 2, 1));
    let mails = world.send_mails().await;
    let subjects: Vec<_> = mails.iter().map(|mail| mail.subject.as_str()).collect();
    assert_eq!(subjects.iter().filter(|s| s.contains("2027年3月の見学の枠を登録")).count(), 2);
    let list = mails.iter().find(|mail| mail.subject.contains("枠がない施設 板橋区 2件")).unwrap();
    assert!(list.text.contains("かないくぼ保育園") && list.text.contains("大谷口保育園"));
    let again = check_slot_plans::run(world.store(), now.parse().unwrap()).await.unwrap();
    assert_eq!((again.reminded, again.notified), (0, 0), "asked once for a month");
    let the_day_after = "2026-12-11T09:00:00+09:00".parse().unwrap();
    let report = check_slot_plans::run(world.store(), the_day_after).await.unwrap();
    assert_eq!(report.looked_at, 0, "on the 10th alone");
}

#[tokio::test]
async fn slot_02_a_pattern_skips_holidays_and_what_exists_and_says_so() {
    let world = World::new().await;
    let pattern = json!({"from": "2026-12-28", "to": "2027-01-12", "weekdays": ["fri", "mon"],
        "times": [{"starts": "10:00", "ends": "10:45"}], "capacity": 2});
    let open = |key: &'static str, body: Value| {
        let (world, path) = (&world, path(&world, "/bulk"));
        async move {
            let key = [("idempotency-key", key)];
            world.call(&world.staff(), Method::POST, &path, Some(body), &key).await
        }
    };
    let first = open("a", pattern.clone()).await;
    assert_eq!(first.body["created"], 3, "28 December, 4 and 8 January");
    let reasons = |answer: &Answer| {
        let skipped = answer.body["skipped"].as_array().unwrap().clone();
        skipped.iter().map(|s| (s["date"].clone(), s["reason"].clone())).collect::<Vec<_>>()
    };
    let holiday = |date: &str| (json!(date), json!("holiday"));
    assert_eq!(reasons(&first), [holiday("2027-01-01"), holiday("2027-01-11")]);
    let again = open("b", pattern.clone()).await;
    assert_eq!(again.body["created"], 0);
    assert_eq!(reasons(&again).iter().filter(|(_, reason)| reason == "exists").count(), 3);
    let mut with_holidays = pattern;
    with_holidays["include_holidays"] = json!(true);
    assert_eq!(open("c", with_holidays).await.body["created"], 2);
}

#[tokio::test]
async fn slot_13_a_parent_reads_the_note_before_asking() {
    let world = World::new().await;
    let body = json!({"starts_at": SLOT, "ends_at": "2026-12-10T10:45:00+09:00", "capacity": 1,
        "note": "上履きをお持ちください。"});
    let key = [("idempotency-key", "k")];
    world.call(&world.staff(), Method::POST, &path(&world, ""), Some(body), &key).await;
    let public = format!("/v1/facilities/{}/slots", world.facility.facility_id);
    let slots = world.get(&As::Anyone, &public).await;
    assert_eq!(slots.body["items"][0]["note"], "上履きをお持ちください。");
}
