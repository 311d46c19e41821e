//! The hub asks again (NTF-07, RSV-18): who, when, and never twice.

use domain::Facility;
use http::Method;
use serde_json::json;
use tests::{World, facility};

async fn request_of(world: &World, facility: &Facility, slot: &str, key: &str) -> String {
    let slot = world.slot_of(facility, slot, 3).await;
    world.requested(&slot, key).await.to_string()
}

/// Fridays, so that it is far from every asking of these tests.
const VISIT: &str = "2027-01-22T10:00:00+09:00";

#[tokio::test]
async fn rsv_18_ntf_07_a_facility_is_asked_once_a_day_about_all_that_waits_and_not_about_what_is_answered()
 {
    let world = World::new().await;
    let other = facility("相生保育園", "131199", "板橋区");
    world.add_facility(&other).await;
    request_of(&world, &world.facility, VISIT, "a").await;
    request_of(&world, &world.facility, "2027-01-22T11:00:00+09:00", "b").await;
    let answered = request_of(&world, &other, VISIT, "c").await;
    let path = format!("/v1/staff/reservations/{answered}/approve");
    let staff = tests::As::Staff(other.facility_id.clone());
    assert_eq!(world.post(&staff, &path, json!({})).await.status, 200);

    let report = world.ping("2026-12-02T10:00:00+09:00").await;
    assert_eq!((report.pending, report.asked), (2, 0), "a day is not more than a day");
    let report = world.ping("2026-12-02T11:00:00+09:00").await;
    assert_eq!((report.asked, report.facilities, report.digests), (2, 1, 0));
    for hour in 12..19 {
        let report = world.ping(&format!("2026-12-02T{hour}:00:00+09:00")).await;
        assert_eq!(report.asked, 0, "within the day");
    }
    assert_eq!(world.ping("2026-12-03T10:00:00+09:00").await.asked, 0);
    let report = world.ping("2026-12-03T11:00:00+09:00").await;
    assert_eq!((report.asked, report.facilities, report.digests), (2, 1, 0), "the day after");
    assert_eq!(world.ping("2026-12-04T07:00:00+09:00").await.digests, 0);
    assert_eq!(world.ping("2026-12-04T08:00:00+09:00").await.digests, 1, "from the second on");
    assert_eq!(world.ping("2026-12-04T09:00:00+09:00").await.digests, 0, "one a day");
}

#[tokio::test]
async fn ntf_07_a_request_of_friday_evening_waits_for_the_next_business_day() {
    let world = World::new().await;
    world.set("2027-01-08T20:00:00+09:00");
    request_of(&world, &world.facility, "2027-02-22T10:00:00+09:00", "a").await;
    for at in
        ["2027-01-09T21:00:00+09:00", "2027-01-11T07:00:00+09:00", "2027-01-12T06:00:00+09:00"]
    {
        assert_eq!(world.ping(at).await.asked, 0, "{at}");
    }
    assert_eq!(world.ping("2027-01-12T07:00:00+09:00").await.asked, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn ntf_07_runs_at_once_ask_once() {
    let world = World::new().await;
    for key in 0..12 {
        let slot = format!("2027-01-22T{:02}:00:00+09:00", 8 + key);
        request_of(&world, &world.facility, &slot, &format!("k{key}")).await;
    }
    let now = "2026-12-02T11:00:00+09:00".parse().unwrap();
    let runs = (0..4).map(|_| ping_pending::run(world.store(), now));
    let reports = futures::future::join_all(runs).await;
    let asked: usize = reports.into_iter().map(|report| report.unwrap().asked).sum();
    assert_eq!(asked, 12);
    let asking = world.store().asking(&world.facility.facility_id, now).await.unwrap().unwrap();
    assert_eq!(asking.requests.len(), 12);
}

#[tokio::test]
async fn an_answer_that_comes_between_is_left_out() {
    let world = World::new().await;
    let first = request_of(&world, &world.facility, VISIT, "a").await;
    request_of(&world, &world.facility, "2027-01-22T11:00:00+09:00", "b").await;
    let seen = world.store().pending().await.unwrap();
    let path = format!("/v1/staff/reservations/{first}/decline");
    let declined = world.call(&world.staff(), Method::POST, &path, None, &[]).await;
    assert_eq!(declined.status, 200);
    let now = "2026-12-02T11:00:00+09:00".parse().unwrap();
    let asked = world.store().ask(&world.facility.facility_id, &seen, now).await.unwrap();
    assert_eq!(asked, 1);
    let history = world.store().reservation(&first.parse().unwrap(), true).await.unwrap().unwrap();
    assert!(history.asked.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn ntf_07_a_run_that_is_killed_half_way_is_completed_by_the_next() {
    let now = "2026-12-02T11:00:00+09:00".parse().unwrap();
    // Killed after each number of calls to the table, until one is not killed any more.
    for calls in 1..30 {
        let world = World::new().await;
        for (key, name) in [("a", "相生保育園"), ("b", "大谷口保育園"), ("c", "高島平保育園")]
        {
            let other = facility(name, "131199", "板橋区");
            world.add_facility(&other).await;
            request_of(&world, &other, VISIT, key).await;
        }
        let cut = ping_pending::run(&world.dying_after(calls), now).await;
        let again = ping_pending::run(world.store(), now).await.unwrap();
        let waiting = world.store().pending().await.unwrap();
        assert!(waiting.iter().all(|waiting| waiting.asked.is_some_and(|asked| asked.count == 1)));
        if cut.is_ok() {
            assert_eq!(again.asked, 0);
            return;
        }
    }
    panic!("no run came to its end");
}
