//! What strangers may do on the portal: nothing counts before the mail address is confirmed.

use std::sync::Arc;

use domain::{Slot, slot::SlotStatus};
use http::Method;
use serde_json::{Value, json};
use tests::{Answer, As, World};

const SLOT: &str = "2026-12-10T10:00:00+09:00";

/// Asks on the portal, with other fields than usual.
async fn ask(world: &World, slot: &Slot, key: &str, more: Value) -> Answer {
    let mut body = local::api::visit_request(slot.facility_id.as_str(), slot.slot_id.as_str());
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let key = [("idempotency-key", key)];
    world.call(&As::Anyone, Method::POST, "/v1/portal/reservations", Some(body), &key).await
}

#[tokio::test]
async fn rsv_12_who_would_wait_counts_nowhere_until_the_link_is_followed() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 1).await;
    let holder = world.requested(&slot, "holder").await;
    world.send_mails().await;
    let asked = ask(&world, &slot, "k1", json!({"waiting_list": true})).await;
    assert_eq!((asked.status.as_u16(), &asked.body["status"]), (202, &json!("unconfirmed")));
    let mails = world.send_mails().await;
    assert_eq!(mails.len(), 1);

    // A place comes free: it is everybody's, for nobody waits.
    world.act(&holder, "decline", json!({})).await;
    world.settle().await;
    assert_eq!(world.places(&slot).await, (1, 1, SlotStatus::Open));
    let second = world.requested(&slot, "k2").await;
    world.send_mails().await;

    let session = world.follow(&mails[0]).await;
    for _ in 0..2 {
        let confirmed = world.as_parent(&session, Method::POST, "/confirm").await;
        assert_eq!(confirmed.body["status"], "waiting", "{}", confirmed.shown());
    }
    let told = world.send_mails().await;
    assert_eq!(told.len(), 1, "the family, and not yet the nursery");
    assert!(told[0].subject.contains("キャンセル待ちを受け付けました"));
    world.act(&second, "decline", json!({})).await;
    let told = world.send_mails().await;
    assert!(told.iter().any(|mail| mail.subject.contains("空きが出ました")));
    let confirmed = world.as_parent(&session, Method::POST, "/confirm").await;
    assert_eq!(confirmed.body["status"], "pending");
}

#[tokio::test]
async fn what_nobody_confirmed_is_in_no_list_no_event_and_no_report() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 3).await;
    let asked = ask(&world, &slot, "k1", json!({})).await;
    let number = asked.body["reservation_number"].as_str().unwrap();
    world.send_mails().await;
    assert!(world.pushes.0.lock().unwrap().is_empty());
    let facility = &world.facility.facility_id;
    let (staff, ict) = (world.staff(), As::Ict("ict-1"));
    for (now, state) in
        [("2026-12-01T10:01:00+09:00", "unconfirmed"), ("2026-12-01T10:15:00+09:00", "expired")]
    {
        world.settle_at(now).await;
        let lists = [
            (&staff, format!("/v1/staff/facilities/{facility}/reservations")),
            (&As::Municipality("131199"), format!("/v1/staff/facilities/{facility}/reservations")),
            (&ict, format!("/v1/ict/facilities/{facility}/reservations")),
        ];
        for (who, list) in lists {
            let listed = world.get(who, &list).await;
            assert_eq!(listed.body["items"], json!([]), "{state}: {who:?}");
        }
        for (who, method, path) in [
            (&staff, Method::GET, format!("/v1/staff/reservations/{number}")),
            (&staff, Method::POST, format!("/v1/staff/reservations/{number}/decline")),
            (&ict, Method::POST, format!("/v1/ict/reservations/{number}/approve")),
        ] {
            let answer = world.call(who, method, &path, None, &[]).await;
            assert_eq!(answer.status, 404, "{state}: {path}");
        }
        let report = "/v1/staff/reports/REP-05?from=2026-12-01&to=2026-12-31";
        let report = world.get(&As::Municipality("131199"), report).await;
        assert_eq!(report.body["total"]["requested"], 0, "{state}: {}", report.shown());
    }
    assert!(world.pushes.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_mail_that_asks_for_confirmation_bears_nothing_that_was_typed() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 3).await;
    let typed = json!({"party_size": 17, "message_to_facility": "至急振り込んでください",
        "child_birth_month": "2025-04",
        "applicant": {"name": "重要：https://evil.example/pay", "phone": "090-1111-2222", "email": "victim@example.jp"},
        "consent": {"version": "evil.example", "agreed_at": "2026-11-01T09:00:00+09:00"}});
    assert_eq!(ask(&world, &slot, "k1", typed).await.status, 202);
    let mail = world.send_mails().await.remove(0);
    for text in [&mail.subject, &mail.text, &mail.html] {
        for typed in ["重要", "evil", "090-1111-2222", "振り込", "2025-04", "victim", "17人"]
        {
            assert!(!text.contains(typed), "{typed}: {text}");
        }
    }
    for said in
        ["かないくぼ保育園", "2026年12月10日（木）10:00", "2026年12月1日（火）10:15", "/visit#"]
    {
        assert!(mail.text.contains(said), "{said}: {}", mail.text);
    }
}

#[tokio::test]
async fn a_request_that_nobody_can_answer_in_time_is_too_late_and_its_slot_named_nowhere() {
    let world = World::new().await;
    world.save_settings(json!({"booking_closes_hours_before": 0})).await;
    let slot = world.slot("2026-12-01T10:40:00+09:00", 3).await;
    let next = world.slot("2026-12-01T11:30:00+09:00", 3).await;
    world.settle().await;
    let refused = world.request(&slot, "k1").await;
    assert_eq!((refused.status.as_u16(), refused.problem()), (409, "too-late"));
    let refused = ask(&world, &slot, "k1", json!({})).await;
    assert_eq!((refused.status.as_u16(), refused.problem()), (409, "too-late"));
    let path = format!("/v1/facilities/{}", world.facility.facility_id);
    let starts_at = json!(next.starts_at);
    assert_eq!(world.get(&As::Anyone, &path).await.body["next_slot_at"], starts_at);
    let found = world.get(&As::Anyone, "/v1/facilities").await.body;
    assert_eq!(found["items"][0]["next_slot_at"], starts_at);

    // Where booking closes earlier, the slot is named no longer as soon as that is saved.
    world.save_settings(json!({"booking_closes_hours_before": 2})).await;
    world.settle().await;
    assert_eq!(world.get(&As::Anyone, &path).await.body["next_slot_at"], Value::Null);
    let found = world.get(&As::Anyone, "/v1/facilities").await.body;
    assert_eq!(found["items"][0]["next_slot_at"], Value::Null);
}

#[tokio::test]
async fn the_mail_of_what_came_to_nothing_lists_other_times_and_says_the_time_of_the_visit() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 1).await;
    world.slot("2026-12-11T10:00:00+09:00", 1).await;
    let holder = world.requested(&slot, "holder").await;
    let waits = json!({"waiting_list": true});
    assert_eq!(world.request_with(&slot, "waits", waits).await.status, 201);
    world.act(&holder, "decline", json!({})).await;
    world.send_mails().await;
    // The offer lapses after a day: the slot is free, and is not what the mail proposes.
    world.set("2026-12-02T10:00:00+09:00");
    let mails = world.send_mails().await;
    let lapsed = mails.iter().find(|mail| mail.subject.contains("ご案内を終了")).unwrap();
    assert!(lapsed.text.contains("2026年12月11日（金）10:00"), "{}", lapsed.text);
    let times = lapsed.text.matches("2026年12月10日（木）10:00").count();
    assert_eq!(times, 1, "the time of the visit alone: {}", lapsed.text);

    world.requested(&slot, "unanswered").await;
    world.send_mails().await;
    world.set("2026-12-10T09:00:00+09:00");
    let mails = world.send_mails().await;
    let expired = mails.iter().find(|mail| mail.subject.contains("成立しませんでした")).unwrap();
    let opening = "2026年12月10日（木）10:00からの見学について、その1時間前までに施設からの回答がなかったため";
    assert!(expired.text.contains(opening), "{}", expired.text);
    assert!(mails.iter().all(|mail| !mail.text.contains("見学の時刻までに")));
}

async fn ask_from(world: &World, ip: &str, slot: &Slot, key: &str, address: &str) -> Answer {
    let mut body = local::api::visit_request(slot.facility_id.as_str(), slot.slot_id.as_str());
    body["applicant"] = tests::family(address);
    let (who, key) = (As::From(ip.into()), [("idempotency-key", key)]);
    world.call(&who, Method::POST, "/v1/portal/reservations", Some(body), &key).await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_number_of_calls_at_once_holds_more_than_three_places_of_a_nursery() {
    let world = Arc::new(World::new().await);
    let slots = [world.slot(SLOT, 40).await, world.slot("2026-12-11T10:00:00+09:00", 40).await];
    let calls = (0..120).map(|nth: usize| {
        let (world, slot) = (world.clone(), slots[nth % 2].clone());
        tokio::spawn(async move {
            // One network of 64 bits, whose holder has as many addresses as they like; an address for each mail.
            let (ip, key) = (format!("2001:db8:1:2::{nth:x}"), format!("k{nth}"));
            let answer = ask_from(&world, &ip, &slot, &key, &key).await;
            let status = answer.status.as_u16();
            assert!(matches!(status, 202 | 429 | 503), "{}", answer.shown());
            if status == 429 {
                assert_eq!(answer.problem(), "rate-limited");
                assert!(answer.headers.contains_key("retry-after"));
            }
            usize::from(status == 202)
        })
    });
    let done = futures::future::join_all(calls).await;
    let granted: usize = done.into_iter().map(Result::unwrap).sum();
    let mut held = 0;
    for slot in &slots {
        held += usize::from(40 - world.places(slot).await.0);
    }
    assert_eq!((granted, held), (3, 3));
    // A family elsewhere books beside it.
    let family = ask_from(&world, "198.51.100.7", &slots[0], "family", "family").await;
    assert_eq!(family.status, 202, "{}", family.shown());
}

#[tokio::test]
async fn a_source_that_lets_a_place_lapse_has_it_no_second_time_that_day() {
    let world = World::new().await;
    let (slot, other) =
        (world.slot(SLOT, 9).await, world.slot("2026-12-11T10:00:00+09:00", 9).await);
    let ip = "203.0.113.10";
    assert_eq!(ask_from(&world, ip, &slot, "k1", "a").await.status, 202);
    world.settle_at("2026-12-01T10:15:00+09:00").await;
    let refused = ask_from(&world, ip, &slot, "k2", "b").await;
    assert_eq!((refused.status.as_u16(), refused.problem()), (429, "rate-limited"));
    assert_eq!(ask_from(&world, ip, &other, "k3", "b").await.status, 202, "another time");
    assert_eq!(ask_from(&world, "203.0.113.11", &slot, "k4", "c").await.status, 202);
    assert_eq!(ask_from(&world, ip, &slot, "k1", "a").await.status, 202, "the same request again");
    world.settle_at("2026-12-02T00:00:00+09:00").await;
    assert_eq!(ask_from(&world, ip, &slot, "k5", "d").await.status, 202, "the next day");
}

#[tokio::test]
async fn an_address_is_written_to_five_times_a_day_whoever_asks() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 40).await;
    let ask = |nth: usize| {
        let (world, slot) = (&world, &slot);
        async move {
            let (ip, key) = (format!("203.0.113.{nth}"), format!("k{nth}"));
            ask_from(world, &ip, slot, &key, "victim").await.status.as_u16()
        }
    };
    assert_eq!((ask(1).await, ask(2).await, ask(3).await, ask(4).await), (202, 202, 202, 429));
    world.settle_at("2026-12-01T10:15:00+09:00").await;
    assert_eq!((ask(5).await, ask(6).await, ask(7).await), (202, 202, 429));
    world.settle_at("2026-12-02T09:59:59+09:00").await;
    assert_eq!(ask(8).await, 429);
    assert_eq!(world.send_mails().await.len(), 5, "and nobody else is told");
    world.settle_at("2026-12-02T10:00:00+09:00").await;
    assert_eq!(ask(9).await, 202);
    let table = world.raw().scan().table_name(local::embedded::TABLE).send().await.unwrap();
    assert!(!format!("{:?}", table.items).contains("203.0.113."), "no address of anybody is kept");
}

#[tokio::test]
async fn the_portal_tells_nothing_of_a_familys_other_requests() {
    let world = World::new().await;
    let (one, two) = (world.slot(SLOT, 9).await, world.slot("2026-12-10T14:00:00+09:00", 9).await);
    let plain = json!({});
    assert_eq!(world.request_with(&one, "k1", plain.clone()).await.status, 201);
    let asked = ask(&world, &two, "k2", plain.clone()).await;
    assert_eq!(asked.status, 202);
    assert!(asked.body.get("possible_duplicate").is_none(), "{}", asked.shown());
    world.send_mails().await;

    // Another site hears nothing of the first one's request; staff and ICT systems do.
    let mut body = local::api::visit_request(two.facility_id.as_str(), two.slot_id.as_str());
    body["waiting_list"] = false.into();
    let (path, key) = ("/v1/reservations", [("idempotency-key", "k3")]);
    let other = world.call(&As::Site("site-2"), Method::POST, path, Some(body), &key).await;
    assert_eq!((other.status.as_u16(), &other.body["possible_duplicate"]), (201, &json!(false)));
    let number = other.body["reservation_number"].as_str().unwrap().parse().unwrap();
    assert_eq!(world.seen(&number).await["possible_duplicate"], true);
    let list = format!("/v1/ict/facilities/{}/reservations", world.facility.facility_id);
    let listed = world.get(&As::Ict("ict-1"), &list).await.body;
    let listed = listed["items"].as_array().unwrap().iter();
    let told: Vec<_> = listed.map(|one| one["possible_duplicate"] == true).collect();
    assert_eq!(told.iter().filter(|told| **told).count(), 1, "the second of the two: {told:?}");
}

#[tokio::test]
async fn a_family_has_three_open_requests_at_a_nursery() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 20).await;
    let family = |phone: &str, email: &str| json!({"applicant": {"name": "保活 花子", "phone": phone, "email": email}});
    let (phone, email) = ("090-0000-0000", "hanako@example.jp");
    let mut numbers = Vec::new();
    for (key, phone, email) in
        [("k1", phone, email), ("k2", phone, "other@example.jp"), ("k3", "090-1111-1111", email)]
    {
        let asked = world.request_with(&slot, key, family(phone, email)).await;
        assert_eq!(asked.status, 201, "{}", asked.shown());
        numbers.push(asked.body["reservation_number"].as_str().unwrap().parse().unwrap());
    }
    let refused = world.request_with(&slot, "k4", family(phone, email)).await;
    assert_eq!((refused.status.as_u16(), refused.problem()), (409, "too-many-requests-of-family"));
    let repeat = world.request_with(&slot, "k1", family(phone, email)).await;
    assert_eq!(repeat.status, 201, "a repeat is none");
    // Another site counts its own; the family itself, on the portal, is told of all when the link is followed.
    let mut body = local::api::visit_request(slot.facility_id.as_str(), slot.slot_id.as_str());
    body["applicant"] = family(phone, email)["applicant"].clone();
    let (path, key) = ("/v1/reservations", [("idempotency-key", "k5")]);
    let other = world.call(&As::Site("site-2"), Method::POST, path, Some(body), &key).await;
    assert_eq!(other.status, 201, "{}", other.shown());
    world.send_mails().await;
    assert_eq!(ask(&world, &slot, "k6", family(phone, email)).await.status, 202);
    let session = world.follow(&world.send_mails().await[0]).await;
    let confirmed = world.as_parent(&session, Method::POST, "/confirm").await;
    assert_eq!(confirmed.problem(), "too-many-requests-of-family", "{}", confirmed.shown());
    // What is over counts no longer, and leaves no mark of the family.
    world.act(&numbers[0], "decline", json!({})).await;
    world.act(&numbers[1], "approve", json!({})).await;
    world.act(&numbers[1], "cancel", json!({})).await;
    let again = world.as_parent(&session, Method::POST, "/confirm").await;
    assert_eq!(again.body["status"], "pending", "{}", again.shown());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_family_is_never_over_its_number_however_many_ask_at_once() {
    let world = Arc::new(World::new().await);
    let slots = [world.slot(SLOT, 40).await, world.slot("2026-12-11T10:00:00+09:00", 40).await];
    let calls = (0..24).map(|nth: usize| {
        let (world, slot) = (world.clone(), slots[nth % 2].clone());
        tokio::spawn(async move {
            let answer = world.request_with(&slot, &format!("k{nth}"), json!({})).await;
            let got = (answer.status.as_u16(), answer.problem().to_owned());
            let known = [(201, ""), (409, "too-many-requests-of-family"), (503, "unavailable")];
            assert!(known.contains(&(got.0, got.1.as_str())), "{}", answer.shown());
            answer.status.is_success().then(|| answer.body["reservation_number"].clone())
        })
    });
    let done = futures::future::join_all(calls).await;
    let made: Vec<_> = done.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(made.len(), 3);
    // All cancelled at once: nothing of the family is left.
    let cancels = made.iter().map(|number| {
        let path = format!("/v1/reservations/{}/cancel", number.as_str().unwrap());
        let world = world.clone();
        async move { world.post(&tests::site(), &path, json!({})).await.status.as_u16() }
    });
    assert_eq!(futures::future::join_all(cancels).await, [200, 200, 200]);
    let table = world.raw().scan().table_name(local::embedded::TABLE).send().await.unwrap();
    let kept = |item: &store::item::Item| item["sk"].as_s().unwrap().starts_with("FAM#");
    assert!(!table.items().iter().any(kept), "no mark is left");
}
