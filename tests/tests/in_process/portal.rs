//! What strangers may do on the portal: nothing counts before the mail address is confirmed.

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
