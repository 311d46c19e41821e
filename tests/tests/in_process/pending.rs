//! The hub asks again (NTF-07, RSV-18): who, when, and never twice.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector},
    orchestrator::HttpRequest,
};
use domain::{Facility, Timestamp, reminder::PendingRequest, reservation::Reminders};
use http::Method;
use serde_json::json;
use tests::{World, facility, wire};

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
    assert_eq!((report.pending, report.reminded), (2, 0), "a day is not more than a day");
    let report = world.ping("2026-12-02T11:00:00+09:00").await;
    assert_eq!((report.reminded, report.facilities, report.digests), (2, 1, 0));
    for hour in 12..19 {
        let report = world.ping(&format!("2026-12-02T{hour}:00:00+09:00")).await;
        assert_eq!(report.reminded, 0, "within the day");
    }
    assert_eq!(world.ping("2026-12-03T10:00:00+09:00").await.reminded, 0);
    let report = world.ping("2026-12-03T11:00:00+09:00").await;
    assert_eq!((report.reminded, report.facilities, report.digests), (2, 1, 0), "the day after");
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
        assert_eq!(world.ping(at).await.reminded, 0, "{at}");
    }
    assert_eq!(world.ping("2027-01-12T07:00:00+09:00").await.reminded, 1);
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
    let reminders: usize = reports.into_iter().map(|report| report.unwrap().reminded).sum();
    assert_eq!(reminders, 12);
    let pending_reminder =
        world.store().pending_reminder(&world.facility.facility_id, now).await.unwrap().unwrap();
    assert_eq!(pending_reminder.requests.len(), 12);
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
    let reminders = world.store().remind(&world.facility.facility_id, &seen, now).await.unwrap();
    assert_eq!(reminders, 1);
    let history = world.store().reservation(&first.parse().unwrap(), true).await.unwrap().unwrap();
    assert!(history.reminders.is_none());
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
        assert!(
            waiting
                .iter()
                .all(|waiting| waiting.reminders.is_some_and(|reminders| reminders.count == 1))
        );
        if cut.is_ok() {
            assert_eq!(again.reminded, 0);
            return;
        }
    }
    panic!("no run came to its end");
}

/// A request that was asked about twice, as the job sees it.
fn escalated(world: &World, count: usize) -> PendingRequest {
    let requested_at: Timestamp = "2026-11-20T10:00:00+09:00".parse().unwrap();
    PendingRequest {
        reservation_number: world.keys.ids.reservation_number("test", &count.to_string(), 0),
        facility_id: world.facility.facility_id.clone(),
        municipality_code: world.facility.municipality_code,
        requested_at,
        pending_since: requested_at,
        starts_at: "2027-01-22T10:00:00+09:00".parse().unwrap(),
        reminders: Some(Reminders { last_at: requested_at, count: 2 }),
    }
}

#[tokio::test]
async fn digest_of_any_length_is_written_in_parts_that_fit_an_item() {
    let world = World::new().await;
    let now: Timestamp = "2026-12-04T08:00:00+09:00".parse().unwrap();
    world.set(&now.to_string());
    let waiting: Vec<_> = (0..3_000).map(|count| escalated(&world, count)).collect();
    let code = world.facility.municipality_code;
    assert!(world.store().add_digest(code, &waiting, now).await.unwrap());
    assert!(!world.store().add_digest(code, &waiting, now).await.unwrap(), "once a day");
    let mut listed = Vec::new();
    for part in 1..=6 {
        let digest = world.store().digest(code, now.date(), part).await.unwrap().unwrap();
        let size = serde_json::to_vec(&digest).unwrap().len();
        assert!(size < 200_000, "{size} bytes, where an item may have 400 KB");
        listed.extend(digest.requests.into_iter().map(|request| request.reservation_number));
    }
    assert_eq!(listed, waiting.iter().map(|w| w.reservation_number.clone()).collect::<Vec<_>>());
    let mails = world.send_mails().await;
    let parts = mails.iter().filter(|mail| mail.subject.contains("500件（"));
    assert_eq!(parts.count(), 6, "each is mailed");
}

#[tokio::test]
async fn digests_are_told_whatever_becomes_of_the_askings() {
    let world = World::new().await;
    request_of(&world, &world.facility, VISIT, "a").await;
    world.ping("2026-12-02T11:00:00+09:00").await;
    world.ping("2026-12-03T11:00:00+09:00").await;
    // One call reads what waits, one writes the digest; then the run is cut.
    request_of(&world, &world.facility, "2027-01-22T11:00:00+09:00", "b").await;
    let at: Timestamp = "2026-12-07T08:00:00+09:00".parse().unwrap();
    world.set(&at.to_string());
    let cut = ping_pending::run(&world.dying_after(2), at).await;
    assert!(cut.is_err(), "the askings failed");
    let code = world.facility.municipality_code;
    assert!(world.store().digest(code, at.date(), 1).await.unwrap().is_some());
}

#[tokio::test]
async fn nurseries_are_asked_several_at_once() {
    let world = World::new().await;
    for place in 0..40 {
        let nursery = facility(&format!("保育園{place}"), "131199", "板橋区");
        world.add_facility(&nursery).await;
        request_of(&world, &nursery, VISIT, &format!("k{place}")).await;
    }
    let busy = Busy::default();
    let store = wire::store(world.raw(), busy.clone(), RetryConfig::disabled());
    let report = ping_pending::run(&store, "2026-12-02T11:00:00+09:00".parse().unwrap()).await;
    assert_eq!(report.unwrap().reminded, 40);
    let most = busy.most.load(Ordering::SeqCst);
    assert!((2..=16).contains(&most), "{most} calls at once");
}

/// A wire that counts the calls that are under way.
#[derive(Debug, Clone, Default)]
struct Busy {
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl wire::Wire for Busy {
    fn carry(&self, call: HttpRequest, line: &SharedHttpConnector) -> HttpConnectorFuture {
        let (answer, busy) = (line.call(call), self.clone());
        HttpConnectorFuture::new(async move {
            let now = busy.now.fetch_add(1, Ordering::SeqCst) + 1;
            busy.most.fetch_max(now, Ordering::SeqCst);
            let answer = answer.await;
            busy.now.fetch_sub(1, Ordering::SeqCst);
            answer
        })
    }
}
