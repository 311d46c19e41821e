//! Reminders of the information of nurseries: drafts that nobody submits, change requests that nobody decides, information
//! that nobody has changed for a year.

use check_information::Report;
use domain::{Facility, Timestamp, facility::Source};
use http::Method;
use jiff::SignedDuration;
use runtime::Mail;
use serde_json::{Value, json};
use tests::{As, World, facility};

const CITY: As = As::Municipality("131199");

/// A Monday, the next one, and the one after that.
const MONDAY: &str = "2026-12-14T09:00:00+09:00";
const NEXT: &str = "2026-12-21T09:00:00+09:00";
const THIRD: &str = "2026-12-28T09:00:00+09:00";

/// What a run at this time did, and the mails that came of it.
async fn check(world: &World, at: &str) -> (Report, Vec<Mail>) {
    world.send_mails().await;
    world.set(at);
    let report = check_information::run(world.store(), at.parse().unwrap()).await.unwrap();
    (report, world.send_mails().await)
}

fn subjects(mails: &[Mail]) -> Vec<(&str, &str)> {
    mails.iter().map(|mail| (mail.to[0].reveal(), mail.subject.as_str())).collect()
}

async fn patch(world: &World, who: &As, path: &str, body: Value) {
    let any = [("if-match", "*")];
    let done = world.call(who, Method::PATCH, path, Some(body), &any).await;
    assert_eq!(done.status, 200, "{}", done.shown());
}

async fn edit(world: &World, id: &str, body: Value) {
    let facility = &world.facility.facility_id;
    let path = format!("/v1/staff/facilities/{facility}/change-requests/{id}");
    patch(world, &world.staff(), &path, body).await;
}

async fn decide(world: &World, id: &str, decision: &str) {
    let body = if decision == "reject" { json!({"reason": "時刻を確認"}) } else { json!({}) };
    let path = format!("/v1/staff/change-requests/{id}/{decision}");
    assert_eq!(world.post(&CITY, &path, body).await.status, 200);
}

/// A nursery whose information was stated then.
async fn stated(world: &World, name: &str, at: &str) -> Facility {
    let mut nursery = facility(name, "131199", "板橋区");
    nursery.notes.state(["features".into()].into(), Source::Facility, at.parse().unwrap());
    world.add_facility(&nursery).await;
    nursery
}

#[tokio::test]
async fn a_nursery_is_asked_to_submit_or_withdraw_a_draft_on_mondays_from_the_seventh_day_on() {
    let world = World::new().await;
    // An hour after the run of its Monday.
    world.set("2026-12-07T10:00:00+09:00");
    let id = world.change_asked(json!({"features": "園庭"}), false, "k").await;
    let (report, mails) = check(&world, MONDAY).await;
    assert_eq!((report.reminded, mails.len()), (0, 0), "an hour short of seven days");
    let (report, mails) = check(&world, NEXT).await;
    assert_eq!((report.reminded, report.notified), (1, 0));
    let expected = ("nursery@example.jp", "【保活】申請していない施設情報の変更が1件あります");
    assert_eq!(subjects(&mails), [expected]);
    insta::assert_snapshot!(mails[0].text);
    let (report, mails) = check(&world, NEXT).await;
    assert_eq!((report.reminded, mails.len()), (0, 0), "once a Monday");
    assert_eq!(check(&world, "2026-12-22T09:00:00+09:00").await.0, Report::default());
    let (_, mails) = check(&world, THIRD).await;
    assert_eq!(subjects(&mails), [expected], "and again each week");

    // 11 January is a holiday, and a Monday all the same.
    edit(&world, &id, json!({"changes": {"features": "広い園庭"}})).await;
    assert!(check(&world, "2027-01-04T08:59:59+09:00").await.1.is_empty(), "it was edited");
    assert_eq!(subjects(&check(&world, "2027-01-11T09:00:00+09:00").await.1), [expected]);
    edit(&world, &id, json!({"withdraw": true})).await;
    assert!(check(&world, "2027-01-25T09:00:00+09:00").await.1.is_empty(), "it was withdrawn");
}

#[tokio::test]
async fn fac_10_a_municipality_is_told_on_mondays_what_it_left_undecided_for_seven_days() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for (day, closes) in [("01", "19:00"), ("02", "19:15"), ("03", "19:30"), ("07", "19:45")] {
        world.set(&format!("2026-12-{day}T10:00:00+09:00"));
        ids.push(world.change_asked(json!({"weekday_closes_at": closes}), true, day).await);
    }
    let (report, mails) = check(&world, MONDAY).await;
    assert_eq!((report.reminded, report.notified), (0, 1), "the nursery did its part");
    let expected = |count| format!("【保活】承認をお待ちしている施設情報の変更 板橋区 {count}件");
    assert_eq!(subjects(&mails), [("hoiku-131199@example.jp", &*expected(3))], "in one mail");
    insta::assert_snapshot!(mails[0].text);
    assert!(check(&world, MONDAY).await.1.is_empty(), "once a Monday");

    decide(&world, &ids[0], "reject").await;
    decide(&world, &ids[1], "approve").await;
    let (_, mails) = check(&world, NEXT).await;
    assert_eq!(
        subjects(&mails),
        [("hoiku-131199@example.jp", &*expected(2))],
        "the rest, and the last"
    );
    edit(&world, &ids[2], json!({"withdraw": true})).await;
    decide(&world, &ids[3], "reject").await;
    assert!(check(&world, THIRD).await.1.is_empty());
}

#[tokio::test]
async fn a_draft_that_is_submitted_becomes_the_municipalitys_from_then_on() {
    let world = World::new().await;
    let id = world.change_asked(json!({"features": "園庭"}), false, "k").await;
    world.set("2026-12-10T10:00:00+09:00");
    edit(&world, &id, json!({"submit": true})).await;
    assert!(check(&world, MONDAY).await.1.is_empty(), "four days after");
    let (report, mails) = check(&world, NEXT).await;
    assert_eq!((report.reminded, report.notified, mails.len()), (0, 1, 1));
    assert_eq!(mails[0].to[0].reveal(), "hoiku-131199@example.jp");
}

#[tokio::test]
async fn information_of_more_than_a_year_is_to_be_looked_through_until_a_change_is_approved() {
    let world = World::new().await;
    stated(&world, "相生保育園", "2025-12-14T10:00:00+09:00").await;
    let expected = ("nursery@example.jp", "【保活】施設情報が今も正しいか確認してください");
    assert!(check(&world, NEXT).await.1.is_empty(), "a year and six days");
    let (report, mails) = check(&world, THIRD).await;
    assert_eq!((report.looked_at, report.reminded), (2, 1));
    assert_eq!(subjects(&mails), [expected]);
    insta::assert_snapshot!(mails[0].text);
    assert!(check(&world, THIRD).await.1.is_empty(), "once a Monday");
    assert_eq!(subjects(&check(&world, "2027-01-04T09:00:00+09:00").await.1), [expected]);

    // The other nursery's turn comes a year after it was imported; who works on it is not asked.
    let both = check(&world, "2027-12-13T09:00:00+09:00").await.1;
    assert_eq!(subjects(&both), [expected, expected]);
    world.set("2027-12-14T10:00:00+09:00");
    let id = world.change_asked(json!({"features": "園庭"}), true, "k").await;
    assert_eq!(subjects(&check(&world, "2027-12-20T09:00:00+09:00").await.1), [expected]);
    decide(&world, &id, "approve").await;
    assert_eq!(subjects(&check(&world, "2027-12-27T09:00:00+09:00").await.1), [expected]);
}

#[tokio::test]
async fn nobody_is_reminded_at_an_address_that_is_not_confirmed() {
    let world = World::new().await;
    let nursery = &world.facility.facility_id;
    let path = format!("/v1/staff/facilities/{nursery}/settings");
    let (new, any) = (json!({"notice_addresses": ["new@example.jp"]}), [("if-match", "*")]);
    world.change_asked(json!({"features": "園庭"}), false, "k").await;
    world.call(&world.staff(), Method::PUT, &path, Some(new), &any).await;
    let (report, mails) = check(&world, MONDAY).await;
    assert_eq!((report.reminded, mails.len()), (0, 0));
    let (store, now) = (world.store(), world.hub.clock.now());
    assert!(store.confirm_notice_address(nursery, |_| true, now).await.unwrap());
    let (report, mails) = check(&world, NEXT).await;
    assert_eq!((report.reminded, mails[0].to[0].reveal()), (1, "new@example.jp"));
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_of_information_at_once_or_cut_remind_everybody_once() {
    let world = World::new().await;
    for n in 0..8 {
        stated(&world, &format!("保育園{n}"), "2025-12-01T10:00:00+09:00").await;
    }
    world.change_asked(json!({"features": "園庭"}), true, "k").await;
    world.send_mails().await;
    world.set(MONDAY);
    let now: Timestamp = MONDAY.parse().unwrap();
    assert!(check_information::run(&world.dying_after(18), now).await.is_err(), "it was cut");
    let before = world.send_mails().await.len();
    let runs =
        futures::future::join_all((0..3).map(|_| check_information::run(world.store(), now)));
    for report in runs.await {
        assert_eq!(report.unwrap().looked_at, 9);
    }
    let after = world.send_mails().await;
    assert!((1..9).contains(&before), "{before}");
    assert_eq!(before + after.len(), 9, "eight nurseries and their municipality");
}

#[tokio::test]
async fn municipality_that_left_hundreds_undecided_gets_them_in_parts() {
    let world = World::new().await;
    let (store, now) = (world.store(), world.hub.clock.now());
    let undecided = Vec::from_iter((1..=501).map(|n| domain::information::OverdueChange {
        change_request_number: domain::ChangeRequestNumber::nth(n),
        facility_id: world.facility.facility_id.clone(),
        since: now - SignedDuration::from_hours(24 * 8),
    }));
    let code = world.facility.municipality_code;
    assert!(store.add_change_digest(code, &undecided, now).await.unwrap());
    assert!(!store.add_change_digest(code, &undecided[..1], now).await.unwrap(), "once a day");
    let mails = world.send_mails().await;
    let parts: Vec<_> =
        mails.iter().map(|mail| mail.subject.split(' ').next_back().unwrap()).collect();
    assert_eq!(parts, ["500件（1/2通目）", "1件（2/2通目）"]);
    assert!(mails[1].text.contains("ACR-0000000501 かないくぼ保育園（申請から8日）"));
}

#[tokio::test]
async fn a_nursery_that_confirms_its_information_is_asked_a_year_later_and_families_see_when() {
    let world = World::new().await;
    let nursery = stated(&world, "古い園", "2025-11-01T10:00:00+09:00").await;
    let id = &nursery.facility_id;
    assert_eq!(check(&world, MONDAY).await.1.len(), 1);

    let (page, confirm) =
        (format!("/v1/facilities/{id}"), format!("/v1/staff/facilities/{id}/confirm"));
    let read = world.get(&As::Anyone, &page).await;
    assert_eq!(read.body["confirmed_at"], json!(null));
    let etag = read.headers["etag"].to_str().unwrap();
    let staff = As::Staff(id.clone());
    world.relay_changes().await;
    world.store().meter().take();
    for _ in 0..2 {
        let done = world.post(&staff, &confirm, json!({"base_etag": etag})).await;
        assert_eq!(done.status, 204, "the same again is no conflict: {}", done.shown());
    }
    let shown = world.get(&As::Anyone, &page).await.body;
    assert_eq!(shown["confirmed_at"], json!(world.hub.clock.now()));
    assert!(check(&world, NEXT).await.1.is_empty());
    let other_alone = check(&world, "2027-12-20T09:00:00+09:00").await.1;
    assert_eq!(other_alone.len(), 1, "the year of this one was not over seven days ago");
    assert_eq!(check(&world, "2027-12-27T09:00:00+09:00").await.1.len(), 2, "both nurseries");

    let old = world.post(&staff, &confirm, json!({"base_etag": "\"older\""})).await;
    assert_eq!((old.status.as_u16(), old.problem()), (412, "precondition-failed"));
}
