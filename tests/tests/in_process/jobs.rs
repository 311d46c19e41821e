//! The jobs: what time does, once, however often it is tried, at a cost in proportion to what is due.

use domain::{ReservationNumber, Slot, Timestamp};
use serde_json::json;
use store::Deadline;
use tests::World;

const SLOT: &str = "2026-12-10T10:00:00+09:00";

async fn status(world: &World, number: &ReservationNumber) -> String {
    world.seen(number).await["status"].as_str().unwrap().to_owned()
}

async fn approved(world: &World, slot: &Slot, key: &str) -> ReservationNumber {
    let number = world.requested(slot, key).await;
    assert_eq!(world.act(&number, "approve", json!({})).await.status, 200);
    number
}

#[tokio::test]
async fn rsv_16_a_request_for_tomorrow_is_asked_about_at_once_and_the_mail_says_urgent() {
    let world = World::new().await;
    // The visit is on Monday, 7 December; the request comes on Friday morning.
    let slot = world.slot("2026-12-07T15:00:00+09:00", 3).await;
    let far = world.slot("2026-12-22T15:00:00+09:00", 3).await;
    world.set("2026-12-04T09:30:00+09:00");
    world.requested(&slot, "near").await;
    world.requested(&far, "far").await;
    world.send_mails().await;
    assert_eq!(world.ping("2026-12-04T10:00:00+09:00").await.reminded, 1);
    let mails = world.send_mails().await;
    assert!(mails[0].subject.contains("【至急】") && mails[0].text.contains("2026年12月7日"));
    assert_eq!(world.ping("2026-12-04T11:00:00+09:00").await.reminded, 0);
}

#[tokio::test]
async fn rsv_18_rsv_20_ntf_07_what_nobody_answers_is_asked_about_escalated_and_given_up() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 3).await;
    let other = world.slot("2026-12-17T10:00:00+09:00", 3).await;
    let number = world.requested(&slot, "k1").await;
    world.send_mails().await;
    assert_eq!(world.ping("2026-12-02T11:00:00+09:00").await.reminded, 1);
    assert_eq!(world.ping("2026-12-03T11:00:00+09:00").await.reminded, 1);
    assert_eq!(world.ping("2026-12-04T08:00:00+09:00").await.digests, 1);
    let asked = world.seen(&number).await["reminders"].clone();
    assert_eq!(asked, json!({"count": 2, "last_at": "2026-12-03T11:00:00+09:00"}), "staff see it");
    world.send_mails().await;
    world.pushes.0.lock().unwrap().clear();

    assert_eq!(world.settle_at("2026-12-10T08:59:59+09:00").await.expired, 0);
    world.set("2026-12-10T09:00:00+09:00");
    let mails = world.send_mails().await;
    assert_eq!(status(&world, &number).await, "expired");
    let parent = mails.iter().find(|mail| mail.to[0].reveal().starts_with("hanako")).unwrap();
    assert!(parent.text.contains("申し訳ありません") && parent.text.contains("ほかの見学日時"));
    assert!(parent.text.contains(&other.starts_at.ja()), "with other times");
    assert!(mails.iter().any(|mail| mail.to[0].reveal() == "nursery@example.jp"));
    assert_eq!(world.seen(&number).await["history"][1]["by"], "hub");
    assert_eq!(world.places(&slot).await.0, 3, "the place is free");
    assert_eq!(world.ping("2026-12-10T10:00:00+09:00").await.pending, 0);
}

#[tokio::test]
async fn rsv_19_a_nursery_has_requests_approved_at_once_or_after_six_business_hours() {
    let world = World::new().await;
    let slot = world.slot("2027-01-20T10:00:00+09:00", 5).await;
    world.set("2027-01-08T20:00:00+09:00");
    let by_hand = world.requested(&slot, "off").await;
    let mode =
        |mode: &str| json!({"auto_approval": {"mode": mode}, "notice_addresses": ["n@example.jp"]});
    world.save_settings(mode("at_once")).await;
    let answer = world.request(&slot, "at once").await;
    assert_eq!(answer.body["status"], "pending", "the answer is that of every request");
    let at_once: ReservationNumber =
        answer.body["reservation_number"].as_str().unwrap().parse().unwrap();
    assert_eq!(status(&world, &at_once).await, "approved");
    assert_eq!(world.request(&slot, "at once").await.body, answer.body, "and so is its repeat");
    world.save_settings(mode("after_business_hours")).await;
    let later = world.requested(&slot, "later").await;
    assert_eq!(world.seen(&later).await["approves_at"], "2027-01-12T13:00:00+09:00");
    world.send_mails().await;

    assert_eq!(world.settle_at("2027-01-12T12:59:00+09:00").await.approved, 0);
    world.set("2027-01-12T13:00:00+09:00");
    let mails = world.send_mails().await;
    assert_eq!(status(&world, &later).await, "approved");
    assert_eq!(world.seen(&later).await["history"][1]["by"], "hub");
    assert!(mails.iter().all(|mail| mail.text.contains("自動で承認")), "parent and nursery");
    assert_eq!(mails.len(), 2);
    assert_eq!(status(&world, &by_hand).await, "pending", "it was made before");

    // Once it is off, nothing more is approved; and never a visit that is near.
    let off = world.requested(&slot, "switched off").await;
    world.save_settings(mode("off")).await;
    world.settle_at("2027-01-14T13:00:00+09:00").await;
    assert_eq!(status(&world, &off).await, "pending");
    world
        .save_settings(json!({"auto_approval": {"mode": "at_once", "not_within_hours": 48},
        "booking_closes_hours_before": 1}))
        .await;
    world.set("2027-01-18T10:00:01+09:00");
    let near = world.requested(&slot, "near").await;
    world.settle().await;
    assert_eq!(status(&world, &near).await, "pending");
}

#[tokio::test]
async fn a_parent_is_reminded_once_and_a_visit_is_completed_the_day_after() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 3).await;
    let number = approved(&world, &slot, "k1").await;
    let missed = approved(&world, &slot, "k2").await;
    world.send_mails().await;
    assert_eq!(world.settle_at("2026-12-09T09:59:59+09:00").await.reminded, 0);
    world.set("2026-12-09T10:00:00+09:00");
    let mails = world.send_mails().await;
    assert_eq!(mails.len(), 2);
    assert!(mails[0].subject.contains("明日は見学の日です"));
    assert!(world.send_mails().await.is_empty());
    assert_eq!(world.seen(&number).await["reminded_at"], "2026-12-09T10:00:00+09:00");
    world.set("2026-12-10T11:00:00+09:00");
    assert_eq!(world.act(&missed, "no-show", json!({})).await.status, 200);
    assert_eq!(world.settle_at("2026-12-11T06:59:59+09:00").await.completed, 0);
    let report = world.settle_at("2026-12-11T07:00:00+09:00").await;
    assert_eq!(report.completed, 1);
    assert_eq!(status(&world, &number).await, "completed");
    assert_eq!(status(&world, &missed).await, "no_show");
    assert!(world.send_mails().await.is_empty());
    assert_eq!(world.places(&slot).await.0, 1, "who came had the place");
}

/// Ten reservations that are due at `NOW`, of each kind, and what becomes of them.
async fn ten_due(world: &World) -> Vec<(ReservationNumber, &'static str)> {
    // A run of its own brings what was there before into the feeds.
    keep_deadlines::run(world.store(), world.hub.clock.now()).await.unwrap();
    let automatic = json!({"auto_approval": {"mode": "after_business_hours"}});
    world.save_settings(automatic).await;
    let visited = world.slot("2026-12-08T10:00:00+09:00", 50).await;
    let soon = world.slot("2026-12-09T08:00:00+09:00", 50).await;
    let today = world.slot("2026-12-09T15:00:00+09:00", 50).await;
    let far = world.slot("2027-01-20T10:00:00+09:00", 50).await;
    let mut due = Vec::new();
    for key in ["1", "2", "3"] {
        due.push((approved(world, &visited, &format!("visited {key}")).await, "completed"));
        due.push((world.requested(&soon, &format!("unanswered {key}")).await, "expired"));
    }
    for key in ["1", "2"] {
        due.push((approved(world, &today, &format!("expected {key}")).await, "reminded"));
        due.push((world.requested(&far, &format!("automatic {key}")).await, "approved"));
    }
    due
}

const NOW: &str = "2026-12-09T07:00:00+09:00";

async fn check(world: &World, due: &[(ReservationNumber, &'static str)]) {
    for (number, becomes) in due {
        let reservation = world.store().reservation(number, true).await.unwrap().unwrap();
        // It was asked for, approved where a family was expected, and then this, once.
        let (status, sequence) = match *becomes {
            "reminded" => ("approved", 3),
            "completed" => ("completed", 3),
            status => (status, 2),
        };
        assert_eq!((reservation.status.as_str(), reservation.sequence), (status, sequence));
        assert_eq!(reservation.reminded_at.is_some(), *becomes == "reminded");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_at_once_keep_each_deadline_once() {
    let world = World::new().await;
    let due = ten_due(&world).await;
    world.relay_changes().await;
    world.set(NOW);
    let now: Timestamp = NOW.parse().unwrap();
    let runs = futures::future::join_all((0..4).map(|_| keep_deadlines::run(world.store(), now)));
    let mut total = keep_deadlines::Report::default();
    runs.await.into_iter().for_each(|report| total.add(&report.unwrap()));
    assert_eq!(total.failed, 0);
    // A run that finds what another one just did counts nothing.
    let done = total.expired + total.completed + total.reminded + total.approved;
    assert!(done >= 10, "{total:?}");
    check(&world, &due).await;
    assert_eq!(world.settle().await.due, 0, "and nothing is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_killed_half_way_is_completed_by_the_next() {
    let now: Timestamp = NOW.parse().unwrap();
    // Killed after each number of calls to the table, until one is not killed any more.
    for calls in (1..100).step_by(4) {
        let world = World::new().await;
        let due = ten_due(&world).await;
        world.relay_changes().await;
        world.set(NOW);
        let killed = world.dying_after(calls);
        let cut = keep_deadlines::run(&killed, now).await;
        world.settle().await;
        check(&world, &due).await;
        if cut.is_ok_and(|report| report.failed == 0) {
            return;
        }
    }
    panic!("no run came to its end");
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_that_are_due_among_a_hundred_thousand_cost_what_ten_cost() {
    let world = World::new().await;
    let due = ten_due(&world).await;
    world.relay_changes().await;
    // The others wait for a visit that is far away, each with a deadline of its own.
    let far = world.slot("2027-02-26T10:00:00+09:00", 50).await;
    let like = approved(&world, &far, "far").await;
    world.fill_like(&like, 100_000).await;
    world.set(NOW);
    let now: Timestamp = NOW.parse().unwrap();
    world.store().meter().take();
    let found = world.store().deadlines(now, 100).await.unwrap();
    assert_eq!(found.len(), 10);
    let looked = world.store().meter().take();
    assert!(looked.read <= 1.0, "ten entries: {looked:?}");

    let report = keep_deadlines::run(world.store(), now).await.unwrap();
    assert_eq!((report.due, report.completed, report.expired), (10, 3, 3));
    assert_eq!((report.reminded, report.approved), (2, 2));
    let used = world.store().meter().take();
    // Twice the list, what four feeds have to say, and whether they are built; for each the reservation twice,
    // consistently, and the settings.
    assert!(used.read <= 2.0 + 4.5 + 10.0 * 3.0, "{used:?}");
    // Four puts in two indexes; six transactions of up to five items, for what is over leaves its family, and one
    // index, and changes the other; each without its entry.
    assert!(used.write <= 4.0 * 4.0 + 6.0 * 13.0, "{used:?}");
    check(&world, &due).await;
}

#[tokio::test]
async fn what_cannot_be_done_keeps_nothing_else_waiting() {
    let world = World::new().await;
    let due = ten_due(&world).await;
    world.relay_changes().await;
    world.set(NOW);
    // One that no version can read, before all others.
    let broken: ReservationNumber = "R-0000-0000".parse().unwrap();
    let mut item = store::Key::Reservation(broken.clone()).attributes();
    item.insert("facility_id".into(), aws_sdk_dynamodb::types::AttributeValue::S("x".into()));
    world.fill([item].into_iter());
    world
        .store()
        .add_deadline("2026-12-01T00:00:00+09:00".parse().unwrap(), &broken)
        .await
        .unwrap();
    let now: Timestamp = NOW.parse().unwrap();
    let report = keep_deadlines::run(world.store(), now).await.unwrap();
    assert_eq!((report.due, report.failed), (11, 1));
    check(&world, &due).await;
    let put_off = world.store().deadlines("2026-12-09T07:10:00+09:00".parse().unwrap(), 1).await;
    let at = "2026-12-09T07:10:00+09:00".parse().unwrap();
    assert_eq!(put_off.unwrap(), [Deadline { at, reservation_number: broken }]);
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_of_slots_at_once_or_cut_ask_each_nursery_once() {
    let world = World::new().await;
    for n in 0..8 {
        let name = format!("保育園{n}");
        world.add_facility(&tests::facility(&name, "131199", "板橋区")).await;
    }
    world.settle().await;
    let now: Timestamp = "2026-12-10T09:00:00+09:00".parse().unwrap();
    let killed = world.dying_after(12);
    assert!(check_slot_plans::run(&killed, now).await.is_err(), "it was cut");
    let before = world.send_mails().await.len();
    let runs = futures::future::join_all((0..3).map(|_| check_slot_plans::run(world.store(), now)));
    let asked: usize = runs.await.into_iter().map(|report| report.unwrap().reminded).sum();
    let mails = world.send_mails().await;
    let list = mails.iter().filter(|mail| mail.subject.contains("枠がない施設 板橋区 9件")).count();
    assert_eq!((before + mails.len() - list, list), (9, 1), "{before} before, {asked} after");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_slots_reads_what_nurseries_opened_not_what_families_asked_for() {
    let world = World::new().await;
    let mut asked_for = None;
    for n in 1..20 {
        let nursery = tests::facility(&format!("保育園{n}"), "131199", "板橋区");
        world.add_facility(&nursery).await;
        if n >= 10 {
            asked_for = Some(world.slot_of(&nursery, "2027-03-01T10:00:00+09:00", 50).await);
        }
    }
    let like = world.requested(&asked_for.unwrap(), "like").await;
    world.settle().await;
    world.fill_like(&like, 100_000).await;
    let now: Timestamp = "2026-12-10T09:00:00+09:00".parse().unwrap();
    world.store().meter().take();
    let report = check_slot_plans::run(world.store(), now).await.unwrap();
    assert_eq!((report.looked_at, report.reminded, report.notified), (20, 10, 1));
    let used = world.store().meter().take();
    // Each nursery and its slots, and the list of them.
    assert!(used.read <= 20.0 * (0.5 + 0.5) + 1.0, "{used:?}");
    assert_eq!(used.write, 11.0, "ten nurseries and their municipality");
}
