//! Reports through their router, and the facts that they count.

use domain::{Reservation, ReservationNumber, report::Fact};
use http::Method;
use insta::assert_snapshot;
use serde_json::json;
use tests::{As, World, site};

const SLOT: &str = "2026-12-10T10:00:00+09:00";
const REPORTS: [&str; 8] =
    ["REP-01", "REP-02", "REP-05", "REP-06", "REP-07", "REP-08", "REP-09", "REP-16"];

fn city() -> As {
    As::Municipality("131199")
}

async fn act(world: &World, number: &ReservationNumber, what: &str) {
    let path = format!("/v1/staff/reservations/{number}/{what}");
    let answer = world.post(&world.staff(), &path, json!({})).await;
    assert_eq!(answer.status, 200, "{}", answer.shown());
}

/// A few days of a nursery: what waits, was approved, declined, cancelled and came by telephone.
async fn a_few_days() -> World {
    let world = World::new().await;
    let slot = world.slot(SLOT, 10).await;
    world.slot("2026-12-11T10:00:00+09:00", 4).await;
    let [approved, declined, cancelled, by_nursery] = [
        world.requested(&slot, "k1").await,
        world.requested(&slot, "k2").await,
        world.requested(&slot, "k3").await,
        world.requested(&slot, "k4").await,
    ];
    world.settle_at("2026-12-01T12:30:00+09:00").await;
    act(&world, &approved, "approve").await;
    act(&world, &by_nursery, "approve").await;
    world.settle_at("2026-12-04T10:00:00+09:00").await;
    act(&world, &declined, "decline").await;
    act(&world, &by_nursery, "cancel").await;
    let cancel = format!("/v1/reservations/{cancelled}/cancel");
    assert_eq!(world.post(&site(), &cancel, json!({})).await.status, 200);
    world.settle_at("2026-12-05T20:00:00+09:00").await;
    world.requested(&slot, "k5").await;
    let path = format!("/v1/staff/facilities/{}/off-system-reservations", slot.facility_id);
    let booking = json!({"slot_id": slot.slot_id, "party_size": 2});
    let headers = [("idempotency-key", "telephone")];
    let booked = world.call(&world.staff(), Method::POST, &path, Some(booking), &headers).await;
    assert_eq!(booked.status, 201, "{}", booked.shown());
    world.settle_at("2026-12-07T09:00:00+09:00").await;
    world
}

fn path(report: &str) -> String {
    match report {
        "REP-01" | "REP-02" => format!("/v1/staff/reports/{report}?"),
        _ => format!("/v1/staff/reports/{report}?from=2026-12-01&to=2026-12-31"),
    }
}

#[tokio::test]
async fn every_report_as_json_and_as_a_table() {
    let world = a_few_days().await;
    assert_snapshot!("dashboard", world.get(&city(), "/v1/staff/dashboard").await.shown());
    for report in REPORTS {
        let json = world.get(&city(), &path(report)).await;
        assert_snapshot!(format!("{report}_json"), json.shown());
        let file = world.get(&city(), &format!("{}&format=csv", path(report))).await;
        assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8", "{report}");
        let name = file.headers["content-disposition"].to_str().unwrap();
        let table = file.body.as_str().unwrap().strip_prefix('\u{feff}').unwrap();
        assert_snapshot!(format!("{report}_csv"), format!("{name}\n{table}"));
    }
}

#[tokio::test]
async fn rep_01_operators_see_all_municipalities_or_those_that_they_name() {
    let world = a_few_days().await;
    let adachi = tests::facility("伊興保育園", "131211", "足立区");
    world.add_facility(&adachi).await;
    let slot = world.slot_of(&adachi, SLOT, 3).await;
    world.requested(&slot, "adachi").await;
    world.settle().await;
    let waiting = |who: As, query: &'static str| {
        let world = &world;
        async move {
            let answer = world.get(&who, &format!("/v1/staff/dashboard{query}")).await;
            (answer.body["pending"]["total"].clone(), answer.body["municipalities"].clone())
        }
    };
    let both = (json!(2), json!(["131199", "131211"]));
    assert_eq!(waiting(As::Operator, "").await, both);
    let query = "?municipality=131211&municipality=13119";
    assert_eq!(waiting(As::Operator, query).await, both, "in any order, with five digits too");
    let one = (json!(1), json!(["131211"]));
    assert_eq!(waiting(As::Operator, "?municipality=131211").await, one);
    assert_eq!(waiting(As::Municipality("131211"), "").await, one);
    let unknown = world.get(&As::Operator, "/v1/staff/dashboard?municipality=132080").await;
    assert_eq!(unknown.body["errors"][0]["pointer"], "/municipality");
}

#[tokio::test]
async fn what_cannot_be_reported_is_named() {
    let world = World::new().await;
    for (query, pointers) in [
        ("REP-05?from=2026-12-02&to=2026-12-01", vec!["/to"]),
        ("REP-05?from=2025-11-30&to=2026-12-02", vec!["/to"]),
        ("REP-05?from=1.12.2026&format=xlsx&form=1", vec!["/form", "/format", "/from"]),
        ("REP-05?municipality=131198", vec!["/municipality/0"]),
        ("REP-05?from=0001-01-01&to=9999-12-31", vec!["/from", "/to"]),
        ("REP-01?from=2026-12-01&to=2026-12-01", vec!["/from", "/to"]),
    ] {
        let answer = world.get(&city(), &format!("/v1/staff/reports/{query}")).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.shown());
        let errors = answer.body["errors"].as_array().unwrap();
        let mut named: Vec<_> =
            errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
        named.sort_unstable();
        assert_eq!(named, pointers, "{query}");
    }
    for days in ["from=2020-01-01&to=2020-12-31", "from=2100-01-01&to=2100-12-31"] {
        for report in ["REP-05", "REP-06"] {
            let path = format!("/v1/staff/reports/{report}?{days}");
            assert_eq!(world.get(&city(), &path).await.status, 200, "{path}");
        }
    }
}

#[tokio::test]
async fn slot_11_a_municipality_without_slots_or_requests_has_reports_too() {
    let world = World::new().await;
    world.settle().await;
    for report in REPORTS {
        for format in ["json", "csv"] {
            let path = format!("{}&format={format}", path(report));
            assert_eq!(world.get(&city(), &path).await.status, 200, "{path}");
        }
    }
}

#[tokio::test]
async fn rep_02_what_nobody_confirmed_is_not_counted_and_who_waits_is() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 1).await;
    let body = local::api::visit_request(slot.facility_id.as_str(), slot.slot_id.as_str());
    let headers = [("idempotency-key", "portal")];
    let portal = "/v1/portal/reservations";
    let asked = world.call(&As::Anyone, Method::POST, portal, Some(body), &headers).await;
    assert_eq!(asked.status, 202, "{}", asked.shown());
    let waits = world.request_with(&slot, "waits", json!({"waiting_list": true})).await;
    assert_eq!(waits.body["status"], "waiting");
    let total = || async {
        world.settle().await;
        let path = "/v1/staff/reports/REP-05?from=2026-12-01&to=2026-12-01";
        let total = world.get(&city(), path).await.body["total"].clone();
        [total["requested"].clone(), total["open"].clone()]
    };
    assert_eq!(total().await, [1, 1], "the one that waits");
    world.set("2026-12-01T10:16:00+09:00");
    assert_eq!(total().await, [1, 1], "the other was given up");
    let new = world.get(&city(), "/v1/staff/reports/REP-02").await;
    assert_eq!((&new.body["last_7_days"], &new.body["total"]), (&json!(1), &json!(1)));
    world.set("2026-12-08T00:00:00+09:00");
    let new = world.get(&city(), "/v1/staff/reports/REP-02").await;
    assert_eq!((&new.body["last_7_days"], &new.body["total"]), (&json!(0), &json!(1)));
}

#[tokio::test]
async fn an_older_change_told_again_does_not_undo_a_newer_one() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 1).await;
    let number = world.requested(&slot, "k1").await;
    let mut versions: Vec<Reservation> = Vec::new();
    for what in ["approve", "cancel"] {
        versions.push(world.store().reservation(&number, true).await.unwrap().unwrap());
        act(&world, &number, what).await;
    }
    versions.push(world.store().reservation(&number, true).await.unwrap().unwrap());
    let newest = Fact::of(&versions[2]).unwrap();
    let (from, until) = (newest.requested_at, newest.starts_at);
    for order in [[2_usize, 1, 0], [2, 0, 1], [0, 2, 1], [1, 2, 0], [0, 1, 2]] {
        for told in order {
            let before = told.checked_sub(1).map(|before| &versions[before]);
            world.store().follow_fact(before, &versions[told]).await.unwrap();
        }
        let facts = world.store().facts(newest.municipality_code, from, until).await.unwrap();
        assert!(facts == [newest.clone()], "{order:?}");
    }
}

#[tokio::test]
async fn sec_02_a_fact_tells_nothing_of_a_person() {
    let world = a_few_days().await;
    let items = world
        .raw()
        .query()
        .table_name(local::embedded::TABLE)
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(
            ":pk",
            aws_sdk_dynamodb::types::AttributeValue::S("FACT#131199".into()),
        )
        .send()
        .await
        .unwrap();
    let items = items.items.unwrap();
    assert_eq!(items.len(), 6);
    let known = [
        "pk",
        "sk",
        "facility_id",
        "origin",
        "status",
        "unconfirmed",
        "pending_since",
        "answered_at",
        "answered_by",
        "ended_at",
        "starts_at",
        "sequence",
        "correlation_id",
        "call",
    ];
    for name in items.iter().flat_map(|item| item.keys()) {
        assert!(known.contains(&name.as_str()), "{name}");
    }
}
