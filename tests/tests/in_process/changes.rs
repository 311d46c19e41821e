//! A nursery asks for changes of its data, and its municipality decides.

use std::collections::BTreeSet;

use domain::{
    Facility,
    facility::{Source, named},
    reservation::Actor,
};
use futures::future::join_all;
use http::Method;
use serde_json::{Value, json};
use tests::{Answer, As, World, facility};

const CITY: As = As::Municipality("131199");
const REVIEW: &str = "/v1/staff/change-requests";

fn own(world: &World) -> String {
    format!("/v1/staff/facilities/{}/change-requests", world.facility.facility_id)
}

async fn decide(world: &World, id: &str, decision: &str) -> Answer {
    let body = if decision == "reject" { json!({"reason": "時刻を確認"}) } else { json!({}) };
    world.post(&CITY, &format!("{REVIEW}/{id}/{decision}"), body).await
}

async fn patch(world: &World, who: &As, path: &str, body: Value, etag: Option<&str>) -> Answer {
    let headers: Vec<_> = etag.map(|etag| ("if-match", etag)).into_iter().collect();
    world.call(who, Method::PATCH, path, Some(body), &headers).await
}

/// The ids of a list, page by page.
async fn listed(world: &World, who: &As, path: &str) -> Vec<String> {
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = world.get(who, &format!("{path}limit=2{cursor}")).await;
        assert_eq!(page.status, 200, "{}", page.shown());
        let items = page.body["items"].as_array().unwrap();
        ids.extend(items.iter().map(|item| item["change_request_id"].as_str().unwrap().to_owned()));
        match page.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return ids,
        }
    }
}

async fn current(world: &World) -> Facility {
    world.store().facility(&world.facility.facility_id).await.unwrap().unwrap()
}

#[tokio::test]
async fn fac_03_fac_05_a_change_is_seen_by_nobody_before_its_municipality_approved_it() {
    let world = World::new().await;
    world.relay_changes().await;
    let found = "/v1/facilities?q=%E5%A4%A7%E5%B1%B1"; // 大山
    let changes = json!({"weekday_closes_at": "１９時１５分", "street_address": "大山1-1"});
    let before = (world.shown().await, world.get(&As::Anyone, found).await.body);
    let asked = world.ask_for_change(changes, true, "k").await;
    assert_eq!(asked.status, 201, "{}", asked.shown());
    assert_eq!(asked.body["change_request_number"], "ACR-0000000001");
    assert_eq!(asked.body["status"], "submitted");
    let id = asked.body["change_request_id"].as_str().unwrap();

    world.relay_changes().await;
    let shown = world.shown().await;
    assert_eq!(shown.headers["etag"], before.0.headers["etag"], "nothing shows");
    assert_eq!(world.get(&As::Anyone, found).await.body, before.1);

    let seen = world.get(&CITY, &format!("{REVIEW}/{id}")).await;
    let address =
        json!({"field": "street_address", "heading": "町名・番地", "from": null, "to": "大山1-1"});
    let closes = json!({"field": "weekday_closes_at", "heading": "開所日_平日閉所時間", "from": null, "to": "19:15"});
    assert_eq!(seen.body["diff"], json!([address, closes]));
    assert_eq!(decide(&world, id, "approve").await.body["status"], "approved");

    let shown = world.shown().await.body;
    assert_eq!(shown["weekday_closes_at"], "19:15");
    assert_eq!(shown["provenance"][0]["source"], "facility");
    world.relay_changes().await;
    let items = &world.get(&As::Anyone, found).await.body["items"];
    assert_eq!(items[0]["street_address"], "大山1-1");
}

#[tokio::test]
async fn fac_04_a_request_is_decided_once_and_listed_in_its_state() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for (n, closes) in ["19:00", "19:15", "19:30", "19:45"].into_iter().enumerate() {
        world.set(&format!("2026-12-01T1{n}:00:00+09:00"));
        let submit = n != 3;
        let changes = json!({"weekday_closes_at": closes});
        ids.push(world.change_asked(changes, submit, &n.to_string()).await);
    }
    let [first, second, third, draft] = &ids[..] else { unreachable!() };
    assert_eq!(decide(&world, second, "reject").await.body["reason"], "時刻を確認");
    assert_eq!(decide(&world, third, "approve").await.status, 200);
    let again = decide(&world, third, "approve").await;
    assert_eq!((again.status.as_u16(), &again.body["status"]), (200, &json!("approved")));
    assert_eq!(again.body["history"].as_array().unwrap().len(), 3, "nothing happens");
    for (id, decision, state) in [
        (second, "approve", "rejected"),
        (third, "reject", "approved"),
        (draft, "approve", "draft"),
    ] {
        let refused = decide(&world, id, decision).await;
        assert_eq!((refused.status.as_u16(), refused.problem()), (409, "state-conflict"));
        assert_eq!(refused.body["current_status"], state);
    }

    let newest_first: Vec<_> = ids.iter().rev().cloned().collect();
    assert_eq!(listed(&world, &world.staff(), &format!("{}?", own(&world))).await, newest_first);
    let everything = [first, draft, third, second].map(String::clone);
    for who in [&CITY, &As::Operator] {
        assert_eq!(
            listed(&world, who, &format!("{REVIEW}?")).await,
            everything,
            "what waits first"
        );
        for (state, id) in
            [("submitted", first), ("draft", draft), ("approved", third), ("rejected", second)]
        {
            let path = format!("{REVIEW}?status={state}&municipality=131199&");
            assert_eq!(listed(&world, who, &path).await, std::slice::from_ref(id), "{state}");
        }
    }
    let elsewhere = format!("{REVIEW}?");
    assert!(listed(&world, &As::Municipality("131211"), &elsewhere).await.is_empty());
}

#[tokio::test]
async fn fac_06_fac_13_the_history_says_who_changed_which_item_and_when() {
    let world = World::new().await;
    for (n, closes) in ["19:00", "19:15", "20:00"].into_iter().enumerate() {
        world.set(&format!("2026-12-0{}T10:00:00+09:00", n + 1));
        let changes = json!({"weekday_closes_at": closes});
        let id = world.change_asked(changes, true, closes).await;
        let decision = if n == 2 { "reject" } else { "approve" };
        assert_eq!(decide(&world, &id, decision).await.status, 200);
    }
    let path = format!("/v1/staff/facilities/{}/history", world.facility.facility_id);
    let page = world.get(&world.staff(), &format!("{path}?limit=1")).await.body;
    let entry = &page["items"][0];
    assert_eq!(entry["at"], "2026-12-02T10:00:00+09:00");
    assert_eq!(
        (&entry["by"], &entry["asked_by"]),
        (&json!("staff:city-1"), &json!("staff:staff-1"))
    );
    assert_eq!(
        (&entry["diff"][0]["from"], &entry["diff"][0]["to"]),
        (&json!("19:00"), &json!("19:15"))
    );
    let cursor = page["next_cursor"].as_str().unwrap();
    let last = world.get(&world.staff(), &format!("{path}?limit=1&cursor={cursor}")).await.body;
    assert_eq!(
        (&last["items"][0]["diff"][0]["to"], &last["next_cursor"]),
        (&json!("19:00"), &Value::Null)
    );
}

#[tokio::test]
async fn fac_07_a_municipality_corrects_and_approves_and_the_nursery_sees_what() {
    let world = World::new().await;
    let id = world
        .change_asked(json!({"weekday_closes_at": "19:15", "features": "園庭"}), true, "k")
        .await;
    let path = format!("{REVIEW}/{id}");
    let correction = json!({"changes": {"weekday_closes_at": "19:00"}});
    assert_eq!(patch(&world, &CITY, &path, correction.clone(), Some("\"old\"")).await.status, 412);
    let corrected = patch(&world, &CITY, &path, correction, None).await;
    assert_eq!(corrected.body["corrected"], json!(["weekday_closes_at"]));
    assert_eq!(decide(&world, &id, "approve").await.status, 200);

    let seen = world.get(&world.staff(), &format!("{}/{id}", own(&world))).await.body;
    let step = &seen["history"][2];
    assert_eq!((&step["action"], &step["by"]), (&json!("corrected"), &json!("staff:city-1")));
    assert_eq!(step["fields"], json!(["weekday_closes_at"]));
    let facility = current(&world).await;
    let source = |field| facility.notes.provenance_of(field).unwrap().source;
    assert_eq!(source("weekday_closes_at"), Source::Municipality);
    assert_eq!(source("features"), Source::Facility);
}

#[tokio::test]
async fn fac_08_a_draft_is_edited_over_what_was_read_and_submitted() {
    let world = World::new().await;
    let asked = world.ask_for_change(json!({"features": "園庭"}), false, "k").await;
    let etag = asked.headers["etag"].to_str().unwrap();
    let id = asked.body["change_request_id"].as_str().unwrap();
    let (path, staff) = (format!("{}/{id}", own(&world)), world.staff());
    assert_eq!(world.get(&staff, &path).await.headers["etag"], etag);

    let change = json!({"changes": {"features": "広い園庭"}});
    assert_eq!(patch(&world, &staff, &path, change.clone(), None).await.status, 428);
    assert_eq!(patch(&world, &staff, &path, change.clone(), Some("\"old\"")).await.status, 412);
    let edited = patch(&world, &staff, &path, change.clone(), Some(etag)).await;
    assert_eq!(edited.body["diff"][0]["to"], "広い園庭");
    assert_eq!(patch(&world, &staff, &path, change.clone(), Some(etag)).await.status, 412);

    let both = json!({"submit": true, "withdraw": true});
    let refused = patch(&world, &staff, &path, both, Some("*")).await;
    assert_eq!(refused.body["errors"][0]["pointer"], "/withdraw");
    let etag = edited.headers["etag"].to_str().unwrap();
    let submit = json!({"submit": true});
    let submitted = patch(&world, &staff, &path, submit.clone(), Some(etag)).await;
    assert_eq!(submitted.body["status"], "submitted");
    let again = patch(&world, &staff, &path, submit, Some(etag)).await;
    assert_eq!((again.status.as_u16(), &again.body), (200, &submitted.body), "nothing happens");
    let late = patch(&world, &staff, &path, change, Some("*")).await;
    assert_eq!(
        (late.problem(), &late.body["current_status"]),
        ("state-conflict", &json!("submitted"))
    );
    let withdrawn = patch(&world, &staff, &path, json!({"withdraw": true}), None).await;
    assert_eq!(withdrawn.body["status"], "withdrawn");
    assert_eq!(decide(&world, id, "approve").await.body["current_status"], "withdrawn");

    let at_once = world.ask_for_change(json!({"features": "園庭"}), true, "k2").await;
    assert_eq!(at_once.body["status"], "submitted", "without another click");
}

#[tokio::test]
async fn fac_11_every_wrong_value_is_told_where_it_stands() {
    let world = World::new().await;
    let changes = json!({"weekday_closes_at": "25:00", "facility_name": null, "opens": "1"});
    let refused = world.ask_for_change(changes, true, "k").await;
    assert_eq!((refused.status.as_u16(), refused.problem()), (400, "invalid-request"));
    let errors = refused.body["errors"].as_array().unwrap();
    let pointers: Vec<_> = errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!(
        pointers,
        ["/changes/facility_name", "/changes/opens", "/changes/weekday_closes_at"]
    );
    let nothing = world.ask_for_change(json!({"facility_name": tests::FACILITY}), true, "k").await;
    assert_eq!(
        (nothing.status.as_u16(), &nothing.body["errors"][0]["pointer"]),
        (400, &json!("/changes"))
    );
    assert_eq!(world.store().meter().take().write, 0.0);
}

#[tokio::test]
async fn a_change_is_based_on_the_items_and_not_on_the_next_free_slot() {
    let world = World::new().await;
    let read = world.shown().await;
    let slot = world.slot("2026-12-10T10:00:00+09:00", 3).await;
    let now = world.shown().await;
    assert_eq!(now.body["next_slot_at"], json!(slot.starts_at));
    assert_ne!(now.headers["etag"], read.headers["etag"], "the representation is another");
    let ask = async |etag: &str, key: &'static str| {
        let changes = json!({"phone": "03-3961-0000"});
        let body = json!({"base_etag": etag, "changes": changes, "submit": false});
        let key = [("idempotency-key", key)];
        world.call(&world.staff(), Method::POST, &own(&world), Some(body), &key).await
    };
    let etag = read.headers["etag"].to_str().unwrap();
    assert_eq!(ask(etag, "k1").await.status, 201);
    for wrong in ["", "\"\"", "*", &etag[3..], &etag.replace('.', "_")] {
        assert_eq!(ask(wrong, "k2").await.status, 412, "{wrong}");
    }
}

#[tokio::test]
async fn fac_17_a_change_over_what_somebody_else_changed_is_told() {
    let world = World::new().await;
    let etag = world.shown().await.headers["etag"].to_str().unwrap().to_owned();
    let (both, same) = (
        world.change_asked(json!({"phone": "03-0000-0001", "features": "園庭"}), true, "1").await,
        world.change_asked(json!({"phone": "03-0000-0002"}), true, "2").await,
    );
    let other = world.change_asked(json!({"weekday_opens_at": "07:15"}), true, "3").await;
    assert_eq!(decide(&world, &both, "approve").await.status, 200);
    assert_eq!(decide(&world, &other, "approve").await.status, 200, "it is about another item");
    let refused = decide(&world, &same, "approve").await;
    assert_eq!((refused.status.as_u16(), refused.problem()), (409, "state-conflict"));
    assert_eq!(refused.body["current_status"], "submitted");
    assert_eq!(refused.body["errors"][0]["pointer"], "/changes/phone");

    let old = json!({"base_etag": etag, "changes": {"features": "給食"}, "submit": true});
    let key = [("idempotency-key", "4")];
    let stale = world.call(&world.staff(), Method::POST, &own(&world), Some(old), &key).await;
    assert_eq!((stale.status.as_u16(), stale.problem()), (412, "precondition-failed"));

    // To ask for the item again over what it is now settles the conflict.
    let again = json!({"changes": {"phone": "03-0000-0002"}});
    let corrected = patch(&world, &CITY, &format!("{REVIEW}/{same}"), again, None).await;
    assert_eq!(corrected.body["diff"][0]["from"], "03-0000-0001");
    assert_eq!(decide(&world, &same, "approve").await.status, 200);
    assert_eq!(current(&world).await.phone.as_deref(), Some("03-0000-0002"));
}

#[tokio::test]
async fn fac_18_what_a_nursery_withholds_shows_to_nobody_from_the_approval_on() {
    let world = World::new().await;
    let id = world.change_asked(json!({"phone": "03-0000-0001"}), true, "1").await;
    decide(&world, &id, "approve").await;
    assert_eq!(world.shown().await.body["phone"], "03-0000-0001");
    let id = world.change_asked(json!({"withheld": ["phone"]}), true, "2").await;
    assert_eq!(world.shown().await.body["phone"], "03-0000-0001");
    let approved = decide(&world, &id, "approve").await.body;
    assert_eq!(
        (&approved["diff"][0]["from"], &approved["diff"][0]["to"]),
        (&json!([]), &json!(["phone"]))
    );
    assert_eq!(world.shown().await.body["phone"], Value::Null);
    world.relay_changes().await;
    let found = world.get(&As::Anyone, "/v1/facilities").await.body;
    assert_eq!(found["items"][0]["phone"], Value::Null);
}

#[tokio::test]
async fn several_are_approved_by_one_call_each_by_itself() {
    let world = World::new().await;
    let first = world.change_asked(json!({"phone": "03-0000-0001"}), true, "1").await;
    let same = world.change_asked(json!({"phone": "03-0000-0002"}), true, "2").await;
    let other = world.change_asked(json!({"features": "園庭"}), true, "3").await;
    let ids = json!({"ids": [first, same, "chg_000000000000", other]});
    let path = format!("{REVIEW}/approve");
    let elsewhere = world.post(&As::Municipality("131211"), &path, ids.clone()).await.body;
    for item in elsewhere["items"].as_array().unwrap() {
        assert_eq!((&item["outcome"], &item["status"]), (&json!("not_found"), &Value::Null));
    }
    let came = world.post(&CITY, &path, ids).await.body;
    let outcomes: Vec<_> =
        came["items"].as_array().unwrap().iter().map(|item| &item["outcome"]).collect();
    assert_eq!(outcomes, ["approved", "state_conflict", "not_found", "approved"]);
    assert_eq!(came["items"][1]["changed_since"], json!(["phone"]));
    let none = world.post(&CITY, &path, json!({"ids": []})).await;
    assert_eq!((none.status.as_u16(), &none.body["errors"][0]["pointer"]), (400, &json!("/ids")));
}

#[tokio::test]
async fn approvals_at_once_lose_nothing_and_of_two_of_one_item_one_wins() {
    let world = World::new().await;
    let mut ids = Vec::new();
    let asked = [
        json!({"phone": "03-0000-0001"}),
        json!({"phone": "03-0000-0002"}),
        json!({"features": "園庭"}),
        json!({"weekday_opens_at": "07:15"}),
        json!({"street_address": "大山1-1"}),
    ];
    for (n, changes) in asked.into_iter().enumerate() {
        ids.push(world.change_asked(changes, true, &n.to_string()).await);
    }
    let decided = join_all(ids.iter().map(|id| decide(&world, id, "approve"))).await;
    let refused = decided.iter().filter(|answer| answer.status == 409).count();
    let approved = decided.iter().filter(|answer| answer.status == 200).count();
    assert_eq!((approved, refused), (4, 1));
    let facility = current(&world).await;
    for field in ["phone", "features", "weekday_opens_at", "street_address"] {
        assert!(named(field).unwrap().is_stated(&facility), "{field}");
        assert!(facility.notes.provenance_of(field).is_some(), "{field}");
    }
}

#[tokio::test]
async fn a_request_for_a_change_is_made_once_and_numbers_have_no_gap() {
    let world = World::new().await;
    let changes = json!({"features": "園庭"});
    let first = world.ask_for_change(changes.clone(), false, "k").await;
    let again = world.ask_for_change(changes.clone(), false, "k").await;
    assert_eq!(
        (&again.body, &again.headers["idempotency-replayed"]),
        (&first.body, &"true".parse().unwrap())
    );
    assert_eq!(again.headers["location"], first.headers["location"]);
    let other = world.ask_for_change(json!({"features": "給食"}), false, "k").await;
    assert_eq!((other.status.as_u16(), other.problem()), (422, "idempotency-key-reused"));

    let keys: Vec<String> = (0..5).map(|n| n.to_string()).collect();
    let asked = keys.iter().map(|key| world.ask_for_change(changes.clone(), true, key));
    let numbers: BTreeSet<String> = join_all(asked)
        .await
        .iter()
        .map(|answer| answer.body["change_request_number"].as_str().unwrap().to_owned())
        .collect();
    let expected: BTreeSet<_> = (2..=6).map(|n| format!("ACR-{n:010}")).collect();
    assert_eq!(numbers, expected);
}

#[tokio::test]
async fn a_nursery_reaches_no_request_of_another_by_its_own_address() {
    let world = World::new().await;
    let id = world.change_asked(json!({"features": "園庭"}), false, "k").await;
    let neighbour = facility("となり保育園", "131199", "板橋区");
    world.add_facility(&neighbour).await;
    let staff = As::Staff(neighbour.facility_id.clone());
    let path = format!("/v1/staff/facilities/{}/change-requests/{id}", neighbour.facility_id);
    assert_eq!(world.get(&staff, &path).await.status, 404);
    assert_eq!(patch(&world, &staff, &path, json!({"submit": true}), Some("*")).await.status, 404);
}

#[tokio::test]
async fn an_import_proposes_once_and_its_municipality_decides() {
    let world = World::new().await;
    let id = world.change_asked(json!({"phone": "03-0000-0001"}), true, "k").await;
    decide(&world, &id, "approve").await;
    let (facility, now) = (current(&world).await, world.hub.clock.now());
    let (by, phone) = (Actor::Staff("city-1".into()), named("phone").unwrap());
    let propose = async |value: &str| {
        let proposed = [(phone, json!(value))];
        world.store().propose("imp_1", &facility, &proposed, &by, now).await.unwrap()
    };
    assert_eq!(propose("03-0000-0001").await, None, "it is so already");
    let proposed = propose("03-0000-0009").await.unwrap();
    assert_eq!(propose("03-0000-0009").await, Some(proposed.clone()), "the same request");
    assert_eq!(world.shown().await.body["phone"], "03-0000-0001");
    let waiting = listed(&world, &CITY, &format!("{REVIEW}?status=submitted&")).await;
    assert_eq!(waiting, [proposed.to_string()]);
    let approved = decide(&world, proposed.as_str(), "approve").await.body;
    assert_eq!(approved["origin"], "import");
    let facility = current(&world).await;
    assert_eq!(facility.phone.as_deref(), Some("03-0000-0009"));
    assert_eq!(facility.notes.provenance_of("phone").unwrap().source, Source::Import);
}
