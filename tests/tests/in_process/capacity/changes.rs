//! What change requests cost.

use domain::facility::Source;
use http::Method;
use serde_json::json;
use store::Consumed;
use tests::{As, World};

#[tokio::test]
async fn a_change_request_costs_ten_write_units() {
    let world = World::new().await;
    let etag = world.shown().await.headers["etag"].to_str().unwrap().to_owned();
    let own = format!("/v1/staff/facilities/{}/change-requests", world.facility.facility_id);
    let body =
        json!({"base_etag": etag, "changes": {"weekday_closes_at": "19:15"}, "submit": true});
    let key = [("idempotency-key", "k")];
    world.store().meter().take();
    let asked = world.call(&world.staff(), Method::POST, &own, Some(body), &key).await;
    assert_eq!(asked.status, 201);
    // In a transaction at two units each: the count, the request, its places in two lists, the answer for repeats. Read:
    // the earlier answer and the count, consistently; the nursery, its slots and its latest vacancy.
    assert_eq!(world.store().meter().take(), Consumed { read: 3.5, write: 10.0 });
}

#[tokio::test]
async fn an_approval_of_a_change_costs_ten_write_units() {
    let world = World::new().await;
    let id = world.change_asked(json!({"weekday_closes_at": "19:15"}), true, "k").await;
    world.store().meter().take();
    let path = format!("/v1/staff/change-requests/{id}/approve");
    let city = As::Municipality("131199");
    assert_eq!(world.post(&city, &path, json!({})).await.status, 200);
    // The nursery, the request, its place in the list of what waits and in that of what is approved, and in the history.
    // Read: the request and the nursery, consistently.
    assert_eq!(world.store().meter().take(), Consumed { read: 2.0, write: 10.0 });
}

#[tokio::test]
async fn a_change_request_is_submitted_for_six_write_units_and_listed_for_a_read_unit_each() {
    let world = World::new().await;
    for n in 0..3 {
        let changes = json!({"weekday_closes_at": format!("19:0{n}")});
        world.change_asked(changes, false, &n.to_string()).await;
    }
    let changes = json!({"weekday_closes_at": "19:15"});
    let id = world.change_asked(changes, false, "k").await;
    let own = format!("/v1/staff/facilities/{}/change-requests", world.facility.facility_id);
    world.store().meter().take();
    let path = format!("{own}/{id}");
    let any = [("if-match", "*")];
    let submit = Some(json!({"submit": true}));
    world.set("2026-12-01T10:01:00+09:00");
    let submitted = world.call(&world.staff(), Method::PATCH, &path, submit, &any).await;
    assert_eq!(submitted.status, 200);
    // The request, and its places in the list of drafts and in that of what waits. Read: the request and the nursery.
    assert_eq!(world.store().meter().take(), Consumed { read: 2.0, write: 6.0 });

    let city = As::Municipality("131199");
    let listed = world.get(&city, "/v1/staff/change-requests?status=submitted").await;
    assert_eq!(listed.body["items"].as_array().unwrap().len(), 1, "{}", listed.shown());
    // The list, and the request in it.
    assert_eq!(world.store().meter().take(), Consumed { read: 2.0, write: 0.0 });
    let listed = world.get(&world.staff(), &own).await;
    assert_eq!(listed.body["items"].as_array().unwrap().len(), 4);
    // The list, and the requests in it: what is listed, and nothing else.
    assert_eq!(world.store().meter().take(), Consumed { read: 5.0, write: 0.0 });
}

#[tokio::test]
async fn a_check_of_information_costs_what_is_open_and_each_nursery_once() {
    let world = World::new().await;
    for n in 1..20 {
        let mut nursery = tests::facility(&format!("保育園{n}"), "131199", "板橋区");
        // Five of them long ago.
        let at = if n <= 5 { "2025-12-01T10:00:00+09:00" } else { "2026-12-01T10:00:00+09:00" };
        nursery.notes.state(["features".into()].into(), Source::Import, at.parse().unwrap());
        world.add_facility(&nursery).await;
    }
    world.set("2026-12-02T10:00:00+09:00");
    world.change_asked(json!({"weekday_closes_at": "19:00"}), false, "draft").await;
    world.change_asked(json!({"weekday_closes_at": "19:15"}), true, "open").await;
    for n in 0..50 {
        let changes = json!({"weekday_closes_at": format!("18:{n:02}")});
        let id = world.change_asked(changes, true, &n.to_string()).await;
        let path = format!("/v1/staff/change-requests/{id}/reject");
        let reason = json!({"reason": "時刻を確認"});
        assert_eq!(world.post(&As::Municipality("131199"), &path, reason).await.status, 200);
    }
    world.store().meter().take();
    let monday = "2026-12-14T09:00:00+09:00".parse().unwrap();
    let report = check_information::run(world.store(), monday).await.unwrap();
    assert_eq!((report.looked_at, report.reminded, report.notified), (20, 6, 1));
    // Read: the lists of drafts, of what is undecided and of nurseries, consistently; two requests, consistently; each
    // nursery; the settings of six. Written: six reminders and a digest, which is a transaction.
    assert_eq!(world.store().meter().take(), Consumed { read: 18.0, write: 8.0 });
    let again = check_information::run(world.store(), monday).await.unwrap();
    assert_eq!((again.reminded, again.notified), (0, 0));
}
