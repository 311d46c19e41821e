//! What becomes of a request, by the rows of the checklist.

use domain::{ReservationNumber, Slot, Status, slot::SlotStatus};
use http::Method;
use serde_json::{Value, json};
use tests::{Answer, As, Session, World, site};

const SLOT: &str = "2026-12-10T10:00:00+09:00";

fn number(answer: &Answer) -> ReservationNumber {
    assert!(answer.status.is_success(), "{}", answer.shown());
    answer.body["reservation_number"].as_str().unwrap().parse().unwrap()
}

async fn off_system(world: &World, slot: &Slot, key: &str) -> Answer {
    let facility = &world.facility.facility_id;
    let path = format!("/v1/staff/facilities/{facility}/off-system-reservations");
    let body = json!({"slot_id": slot.slot_id, "party_size": 3, "note": "鈴木さま 03-0000-0000"});
    let key = [("idempotency-key", key)];
    world.call(&world.staff(), Method::POST, &path, Some(body), &key).await
}

#[tokio::test]
async fn rsv_01_rsv_02_rsv_03_a_request_is_provisional_until_the_nursery_answers_with_a_word() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 2).await;
    world.slot("2026-12-11T10:00:00+09:00", 1).await;
    let (one, two) = (world.requested(&slot, "k1").await, world.requested(&slot, "k2").await);
    assert_eq!(world.places(&slot).await, (0, 2, SlotStatus::Full), "both hold a place");
    world.send_mails().await;
    world.act(&one, "approve", json!({"comment": "お待ちしています。"})).await;
    world.act(&two, "decline", json!({"comment": "行事と重なりました。"})).await;
    assert_eq!(world.places(&slot).await, (1, 2, SlotStatus::Open), "a decline gives it back");
    let mails = world.send_mails().await;
    assert!(
        mails[0].text.contains("承認されました") && mails[0].text.contains("お待ちしています。")
    );
    assert!(mails[1].text.contains("行事と重なりました。"));
    assert!(mails[1].text.contains("ほかの見学日時"), "who is declined is told other times");
    let read = world.get(&site(), &format!("/v1/reservations/{one}")).await;
    assert_eq!(read.body["comment"], "お待ちしています。");
}

#[tokio::test]
async fn rsv_02_who_was_declined_may_ask_again() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 1).await;
    let first = world.requested(&slot, "k1").await;
    world.act(&first, "decline", json!({})).await;
    let again = world.request_with(&slot, "k2", json!({"applicant": tests::family("k1")})).await;
    assert_ne!(number(&again), first);
    assert_eq!(again.body["possible_duplicate"], false, "the first one is over");
    let repeated = world.request(&slot, "k1").await;
    assert_eq!(number(&repeated), first, "but under the first key it is the first request");
}

#[tokio::test]
async fn rsv_04_a_parent_cancels_through_the_site_or_by_the_link_in_the_mail() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 2).await;
    let (one, two) = (world.requested(&slot, "k1").await, world.requested(&slot, "k2").await);
    let cancel = format!("/v1/reservations/{one}/cancel");
    assert_eq!(world.post(&site(), &cancel, json!({})).await.status, 200);
    let mails = world.send_mails().await;
    let mail = mails.iter().find(|mail| mail.text.contains(two.as_str())).unwrap();
    assert_eq!(world.get(&As::Anyone, "/visit").await.status, 200, "the link leads somewhere");
    let session = world.follow(mail).await;
    let seen = world.as_parent(&session, Method::GET, "").await;
    assert_eq!(seen.body["status"], "pending");
    assert_eq!(seen.body["may_cancel_until"], "2026-12-10T09:00:00+09:00");
    assert_eq!(seen.body["facility_name"], "かないくぼ保育園");
    let cancelled = world.as_parent(&session, Method::POST, "/cancel").await;
    assert_eq!(cancelled.body["status"], "cancelled_by_parent");
    assert_eq!(world.seen(&two).await["history"][1]["by"], "parent");
    assert_eq!(world.places(&slot).await.0, 2);
    let told = world.send_mails().await;
    assert!(told.iter().any(|m| m.to[0].reveal() == "nursery@example.jp"), "the nursery is told");
    // A token that was altered, or another's, opens nothing.
    let token = json!({"token": "R-7K3M-9QXD.4102444800.AAAA"});
    let refused = world.post(&As::Anyone, "/v1/visits/session", token).await;
    assert_eq!((refused.status.as_u16(), refused.problem()), (401, "unauthorized"));
    let forged = Session { cookie: "__Host-visit=R-7K3M-9QXD.4102444800.AAAA".into(), ..session };
    assert_eq!(world.as_parent(&forged, Method::GET, "").await.status, 401);
    world.set("2026-12-12T10:00:00+09:00");
    let token = mail.text.split("/visit#").nth(1).unwrap().split_whitespace().next().unwrap();
    let late = world.post(&As::Anyone, "/v1/visits/session", json!({"token": token})).await;
    assert_eq!(late.status, 401, "the day after the visit the link is dead");
}

#[tokio::test]
async fn rsv_05_a_nursery_cancels_and_the_record_says_who() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 1).await;
    let number = world.requested(&slot, "k1").await;
    world.act(&number, "approve", json!({})).await;
    let body = json!({"comment": "お電話でお伝えしたとおりです。"});
    assert_eq!(world.act(&number, "cancel", body).await.body["status"], "cancelled_by_facility");
    let last = world.seen(&number).await["history"][2].clone();
    assert_eq!(
        (&last["by"], &last["comment"]),
        (&json!("staff:staff-1"), &json!("お電話でお伝えしたとおりです。"))
    );
    assert_eq!(world.places(&slot).await, (1, 1, SlotStatus::Open));
}

#[tokio::test]
async fn rsv_06_a_booking_by_telephone_takes_a_place_like_any_other() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 1).await;
    let booked = off_system(&world, &slot, "k1").await;
    assert_eq!((booked.status.as_u16(), &booked.body["status"]), (201, &json!("approved")));
    assert_eq!(booked.body["origin"], "off_system");
    assert_eq!(world.places(&slot).await, (0, 1, SlotStatus::Full));
    let repeated = off_system(&world, &slot, "k1").await;
    assert_eq!(repeated.headers["idempotency-replayed"], "true");
    assert_eq!(number(&repeated), number(&booked));
    assert_eq!(off_system(&world, &slot, "k2").await.problem(), "slot-full");
    let seen = world.seen(&number(&booked)).await;
    assert_eq!(seen["staff_memo"], "鈴木さま 03-0000-0000");
    assert!(seen["applicant"].is_null() && seen["consent"].is_null());
    let table = world.raw().scan().table_name(local::embedded::TABLE).send().await.unwrap();
    assert!(!format!("{:?}", table.items).contains("鈴木"), "the note is sealed");
    assert!(world.send_mails().await.is_empty(), "nobody gave an address");
    assert_eq!(world.act(&number(&booked), "cancel", json!({})).await.status, 200);
    assert_eq!(world.places(&slot).await.0, 1);
}

#[tokio::test]
async fn rsv_07_the_number_says_nothing_of_the_family() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 3).await;
    let (one, two) = (world.requested(&slot, "k1").await, world.requested(&slot, "k2").await);
    assert_ne!(one, two, "the same family, and nothing in common");
    assert_eq!(one.as_str().len(), 11);
}

#[tokio::test]
async fn rsv_08_every_refused_transition_names_the_state_and_changes_nothing() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 20).await;
    let answer = |verb: &'static str| {
        let (world, slot) = (&world, &slot);
        async move {
            let number = world.requested(slot, verb).await;
            assert_eq!(world.act(&number, verb, json!({})).await.status, 200);
            number
        }
    };
    let (approved, declined) = (answer("approve").await, answer("decline").await);
    let by_facility = answer("cancel").await;
    let by_parent = world.requested(&slot, "by parent").await;
    let cancel = format!("/v1/reservations/{by_parent}/cancel");
    world.post(&site(), &cancel, json!({})).await;
    let pending = world.requested(&slot, "pending").await;
    let refused = [
        (&approved, "approved", vec!["decline"]),
        (&declined, "declined", vec!["approve", "cancel", "complete", "no-show"]),
        (&by_facility, "cancelled_by_facility", vec!["approve", "decline", "complete", "no-show"]),
        (&by_parent, "cancelled_by_parent", vec!["approve", "decline", "cancel", "complete"]),
        (&pending, "pending", vec!["complete", "no-show"]),
    ];
    for (number, state, verbs) in refused {
        let before = world.seen(number).await;
        for verb in verbs {
            let body =
                if verb.starts_with("no") || verb == "complete" { Value::Null } else { json!({}) };
            let path = format!("/v1/staff/reservations/{number}/{verb}");
            let body = Some(body).filter(|body| !body.is_null());
            let answer = world.call(&world.staff(), Method::POST, &path, body, &[]).await;
            let told = (answer.status.as_u16(), answer.problem(), &answer.body["current_status"]);
            assert_eq!(told, (409, "state-conflict", &json!(state)), "{state} {verb}");
        }
        assert_eq!(world.seen(number).await, before, "{state}");
    }
    let early = world.act(&approved, "complete", json!({})).await;
    assert_eq!((early.status.as_u16(), early.problem()), (409, "too-early"));
    let path = format!("/v1/staff/facilities/{}/reservations", world.facility.facility_id);
    for state in ["approved", "declined", "cancelled_by_facility", "cancelled_by_parent", "pending"]
    {
        let list = world.get(&world.staff(), &format!("{path}?status={state}")).await;
        assert_eq!(list.body["items"].as_array().unwrap().len(), 1, "{state}");
    }
}

#[tokio::test]
async fn rsv_09_staff_take_notes_that_only_staff_read() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 1).await;
    let number = world.requested(&slot, "k1").await;
    world.send_mails().await;
    let path = format!("/v1/staff/reservations/{number}/memo");
    for memo in ["ベビーカーで来園", "入口で待ち合わせ"] {
        let body = Some(json!({"memo": memo}));
        let noted = world.call(&world.staff(), Method::PUT, &path, body, &[]).await;
        assert_eq!(noted.status, 200);
    }
    let seen = world.seen(&number).await;
    assert_eq!(seen["staff_memo"], "入口で待ち合わせ");
    assert_eq!(seen["memo_history"][0]["memo"], "ベビーカーで来園");
    assert_eq!(seen["memo_history"][0]["by"], "staff:staff-1");
    assert!(world.send_mails().await.is_empty(), "a note is nobody's news");
    assert!(world.pushes.0.lock().unwrap().is_empty());
    let operator = world.get(&As::Operator, &format!("/v1/staff/reservations/{number}")).await;
    assert!(operator.body["staff_memo"].is_null());
    assert_eq!(operator.body["memo_history"], json!([]));
    let site = world.get(&site(), &format!("/v1/reservations/{number}")).await;
    assert!(!site.body.to_string().contains("待ち合わせ"));
}

#[tokio::test]
async fn rsv_10_rsv_11_what_was_entered_reaches_the_nursery_and_comes_back_in_the_mail() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 1).await;
    let more = json!({"party_size": 4, "child_birth_month": "2025-04"});
    let number = number(&world.request_with(&slot, "k1", more).await);
    let seen = world.seen(&number).await;
    assert_eq!(seen["party_size"], 4);
    assert_eq!(seen["message_to_facility"], "アレルギーについて相談したいです。");
    let mails = world.send_mails().await;
    for entered in ["4人", "2025-04", "アレルギーについて", "保活 花子", "090-0000-0000", "2026-10"]
    {
        assert!(mails[0].text.contains(entered), "{entered}");
    }
}

#[tokio::test]
async fn rsv_12_rsv_14_on_the_portal_a_request_counts_once_the_mail_was_answered() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 1).await;
    let ask = |key: &'static str| {
        let (world, slot) = (&world, &slot);
        async move {
            let body = local::api::visit_request(slot.facility_id.as_str(), slot.slot_id.as_str());
            let key = [("idempotency-key", key)];
            let path = "/v1/portal/reservations";
            world.call(&As::Anyone, Method::POST, path, Some(body), &key).await
        }
    };
    let asked = ask("k1").await;
    assert_eq!((asked.status.as_u16(), &asked.body["status"]), (202, &json!("unconfirmed")));
    assert_eq!(ask("k1").await.headers["idempotency-replayed"], "true");
    assert_eq!(world.places(&slot).await.0, 0, "the place is held");
    let mails = world.send_mails().await;
    assert_eq!(mails.len(), 1, "the nursery hears nothing yet");
    assert!(world.pushes.0.lock().unwrap().is_empty());
    let session = world.follow(&mails[0]).await;
    for _ in 0..2 {
        let confirmed = world.as_parent(&session, Method::POST, "/confirm").await;
        assert_eq!(
            (confirmed.status.as_u16(), &confirmed.body["status"]),
            (200, &json!("pending"))
        );
    }
    let told = world.send_mails().await;
    assert_eq!(told.len(), 2, "now the parent and the nursery are");
    let pending = number(&asked);
    assert_eq!(world.act(&pending, "decline", json!({})).await.status, 200);
    world.send_mails().await;

    // One that nobody confirms is gone after a quarter of an hour, and nobody is told.
    let forgotten = number(&ask("k2").await);
    world.send_mails().await;
    assert_eq!(world.settle_at("2026-12-01T10:14:59+09:00").await.expired, 0);
    assert_eq!(world.settle_at("2026-12-01T10:15:00+09:00").await.expired, 1);
    let forgotten = world.store().reservation(&forgotten, true).await.unwrap().unwrap();
    assert_eq!(forgotten.status, Status::Expired);
    assert_eq!(world.places(&slot).await.0, 1);
    assert!(world.send_mails().await.is_empty());
}

#[tokio::test]
async fn rsv_13_without_consent_there_is_no_request() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 1).await;
    let refused = world.request_with(&slot, "k1", json!({"consent": null})).await;
    assert_eq!(refused.status, 400, "{}", refused.shown());
    let future = json!({"consent": {"version": "1", "agreed_at": "2026-12-01T10:06:00+09:00"}});
    let refused = world.request_with(&slot, "k1", future).await;
    assert_eq!(refused.body["errors"][0]["pointer"], "/consent/agreed_at");
    let given = number(&world.request(&slot, "k1").await);
    assert_eq!(world.seen(&given).await["consent"]["version"], "2026-10", "and it is kept");
}

#[tokio::test]
async fn rsv_15_staff_see_what_waits_and_who_comes_today() {
    let world = World::new().await;
    let today = world.slot("2026-12-03T10:00:00+09:00", 2).await;
    let later = world.slot(SLOT, 2).await;
    let visit = world.requested(&today, "k1").await;
    world.act(&visit, "approve", json!({})).await;
    world.requested(&later, "k2").await;
    world.set("2026-12-03T08:00:00+09:00");
    let path = format!("/v1/staff/facilities/{}/reservations", world.facility.facility_id);
    let count = |query: &'static str| {
        let (world, path) = (&world, format!("{path}?{query}"));
        async move { world.get(&world.staff(), &path).await.body["items"].as_array().unwrap().len() }
    };
    assert_eq!(count("from=2026-12-03&to=2026-12-03&status=approved").await, 1);
    assert_eq!(count("status=pending").await, 1);
}

#[tokio::test]
async fn rsv_17_every_address_of_the_nursery_is_written_to() {
    let world = World::new().await;
    world.save_settings(json!({"notice_addresses": ["a@example.jp", "b@example.jp"]})).await;
    let slot = world.slot(SLOT, 1).await;
    world.requested(&slot, "k1").await;
    let mails = world.send_mails().await;
    let nursery = mails.iter().filter(|mail| mail.subject.contains("申請が届きました"));
    let to: Vec<_> = nursery.flat_map(|mail| &mail.to).map(|address| address.reveal()).collect();
    assert_eq!(to, ["a@example.jp", "b@example.jp"]);
}

#[tokio::test]
async fn rsv_21_a_nursery_that_books_elsewhere_shows_where() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 1).await;
    let url = "https://nursery.example.jp/booking";
    world.save_settings(json!({"external_booking_url": url})).await;
    let refused = world.request(&slot, "k1").await;
    assert_eq!((refused.status.as_u16(), refused.problem()), (409, "booking-closed"));
    let path = format!("/v1/facilities/{}", world.facility.facility_id);
    let shown = world.get(&As::Anyone, &path).await.body;
    assert_eq!((&shown["external_booking_url"], &shown["bookable"]), (&json!(url), &json!(false)));
    world.settle().await;
    let found = world.get(&As::Anyone, "/v1/facilities?bookable=true").await;
    assert_eq!(found.body["items"], json!([]), "and it is not among the bookable");
    world.save_settings(json!({})).await;
    world.requested(&slot, "k2").await;
}

#[tokio::test]
async fn rsv_02_where_pending_holds_no_place_the_approval_takes_it() {
    let world = World::new().await;
    world.save_settings(json!({"pending_holds_place": false})).await;
    let slot = world.slot(SLOT, 1).await;
    let (one, two) = (world.requested(&slot, "k1").await, world.requested(&slot, "k2").await);
    assert_eq!(world.places(&slot).await, (1, 1, SlotStatus::Open));
    assert_eq!(world.act(&one, "approve", json!({})).await.status, 200);
    let full = world.act(&two, "approve", json!({})).await;
    assert_eq!((full.status.as_u16(), full.problem()), (409, "slot-full"));
    assert_eq!(world.seen(&two).await["status"], "pending", "and nothing changed");
    assert_eq!(world.request(&slot, "k3").await.problem(), "slot-full");
    world.act(&one, "cancel", json!({})).await;
    assert_eq!(world.act(&two, "approve", json!({})).await.status, 200);
}

#[tokio::test]
async fn the_same_family_on_the_same_day_is_told_and_not_refused() {
    let world = World::new().await;
    let (one, two) = (world.slot(SLOT, 3).await, world.slot("2026-12-10T14:00:00+09:00", 3).await);
    let other_day = world.slot("2026-12-11T10:00:00+09:00", 3).await;
    let duplicate = |answer: Answer| answer.body["possible_duplicate"].clone();
    let plain = || json!({});
    assert_eq!(duplicate(world.request_with(&one, "k1", plain()).await), false);
    let second = world.request_with(&two, "k2", plain()).await;
    assert_eq!((second.status.as_u16(), duplicate(second)), (201, json!(true)));
    let repeat = world.request_with(&two, "k2", plain()).await;
    assert_eq!(duplicate(repeat), true, "and so says the repeat");
    assert_eq!(duplicate(world.request_with(&other_day, "k3", plain()).await), false);
    let third = number(&world.request_with(&other_day, "k3", plain()).await);
    world.act(&third, "decline", json!({})).await;
    let applicant = |phone: &str, email: &str| json!({"applicant": {"name": "保活 太郎", "phone": phone, "email": email}});
    let by_phone = applicant("09000000000", "taro@example.jp");
    assert_eq!(duplicate(world.request_with(&one, "k4", by_phone).await), true);
    let other = applicant("080-1111-1111", "jiro@example.jp");
    assert_eq!(duplicate(world.request_with(&one, "k5", other).await), false);
}

#[tokio::test]
async fn a_full_slot_has_a_waiting_list_that_is_offered_in_order() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 1).await;
    let holder = world.requested(&slot, "holder").await;
    let wait = |key: &'static str| {
        let (world, slot) = (&world, &slot);
        async move {
            let waits = json!({"waiting_list": true, "applicant": tests::family(key)});
            let answer = world.request_with(slot, key, waits).await;
            assert_eq!((answer.status.as_u16(), &answer.body["status"]), (201, &json!("waiting")));
            number(&answer)
        }
    };
    let first = wait("first").await;
    world.set("2026-12-01T10:00:01+09:00");
    let second = wait("second").await;
    world.set("2026-12-01T10:00:02+09:00");
    let third = wait("third").await;
    assert_eq!(world.request(&slot, "no wait").await.problem(), "slot-full");
    world.send_mails().await;

    world.act(&holder, "decline", json!({})).await;
    // The place is theirs who wait: nobody slips in before the offer is made.
    assert_eq!(world.request(&slot, "slips in").await.problem(), "slot-full");
    let mails = world.send_mails().await;
    let offer = mails.iter().find(|mail| mail.subject.contains("空きが出ました")).unwrap();
    assert!(
        offer.text.contains(first.as_str()) && offer.text.contains("2026年12月2日（水）10:00"),
        "{}",
        offer.text
    );
    assert_eq!(world.seen(&first).await["status"], "offered");
    assert_eq!(world.places(&slot).await.0, 0, "the offer holds the place");

    // Nobody confirms: after a day it is the next one's.
    world.set("2026-12-02T10:00:02+09:00");
    let mails = world.send_mails().await;
    assert!(mails.iter().any(|mail| mail.subject.contains("ご案内を終了")));
    assert_eq!(world.seen(&first).await["status"], "expired");
    assert_eq!(world.seen(&second).await["status"], "offered");
    let offer = mails.iter().find(|mail| mail.subject.contains("空きが出ました")).unwrap();
    let session = world.follow(offer).await;
    let confirmed = world.as_parent(&session, Method::POST, "/confirm").await;
    assert_eq!(confirmed.body["status"], "pending");
    let mails = world.send_mails().await;
    assert_eq!(mails.len(), 2, "the parent, and the nursery for the first time");
    assert_eq!(world.seen(&second).await["expires_at"], "2026-12-10T09:00:00+09:00");

    // More places: the third is offered one. Without an answer until booking closes it is over.
    let path = format!("/v1/staff/facilities/{}/slots/{}", slot.facility_id, slot.slot_id);
    let any = [("if-match", "*")];
    let more = Some(json!({"capacity": 2}));
    assert_eq!(world.call(&world.staff(), Method::PUT, &path, more, &any).await.status, 200);
    world.set("2026-12-08T20:00:00+09:00");
    world.settle().await;
    let fourth = world.request(&slot, "after").await;
    assert_eq!(fourth.problem(), "slot-full");
    assert_eq!(world.seen(&third).await["status"], "offered");
    assert_eq!(world.seen(&third).await["expires_at"], "2026-12-09T10:00:00+09:00");
    world.settle_at("2026-12-09T10:00:00+09:00").await;
    assert_eq!(world.seen(&third).await["status"], "expired");
    assert_eq!(world.places(&slot).await, (1, 2, SlotStatus::Open));
}

#[tokio::test]
async fn who_waits_may_give_up_and_a_nursery_may_want_no_list() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 1).await;
    let holder = world.requested(&slot, "holder").await;
    let waiting = number(&world.request_with(&slot, "w", json!({"waiting_list": true})).await);
    let cancel = format!("/v1/reservations/{waiting}/cancel");
    assert_eq!(world.post(&site(), &cancel, json!({})).await.body["status"], "cancelled_by_parent");
    world.act(&holder, "decline", json!({})).await;
    world.settle().await;
    assert_eq!(world.places(&slot).await, (1, 1, SlotStatus::Open), "nobody waits any more");
    world.save_settings(json!({"waiting_list": false})).await;
    world.requested(&slot, "again").await;
    let refused = world.request_with(&slot, "w2", json!({"waiting_list": true})).await;
    assert_eq!(refused.problem(), "slot-full");
}
