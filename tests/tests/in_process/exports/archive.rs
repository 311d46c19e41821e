//! The archive: everything that is no family's goes to another hub and loses nothing.

use std::io::Write;

use axum::body::Body;
use flate2::{Compression, write::GzEncoder};
use http::Request;
use run_import::Importer;
use serde_json::{Value, json};
use tests::{As, World, family};

use super::{export_as, id, imported, itabashi, municipalities, say_much, send};

const KIND: &str = "application/json";

async fn archive(world: &World) -> Vec<u8> {
    let all = "all?municipality=131199&municipality=131211&municipality=132080";
    let file = export_as(world, &As::Operator, all, &[]).await;
    file.text();
    file.bytes
}

/// A hub with something of everything.
async fn full() -> World {
    let world = municipalities().await;
    say_much(&world).await;
    world
        .save_settings(json!({"notice_addresses": ["nursery@example.jp"], "waiting_list": false,
        "message_to_parents": "一行目\n二行目"}))
        .await;
    let approved = world.change_asked(json!({"weekday_closes_at": "19:15"}), true, "1").await;
    let path = format!("/v1/staff/change-requests/{approved}");
    assert_eq!(world.post(&itabashi(), &format!("{path}/approve"), json!({})).await.status, 200);
    world.change_asked(json!({"phone": "03-0000-0011", "withheld": null}), true, "2").await;
    world.change_asked(json!({"features": null}), false, "3").await;
    world
}

#[tokio::test]
async fn imp_05_an_archive_fills_an_empty_hub_from_which_the_same_bytes_come() {
    let world = full().await;
    let slot = world.slot("2026-12-10T10:00:00+09:00", 3).await;
    let number = world.requested(&slot, "k1").await;
    world.relay_changes().await;
    let first = archive(&world).await;
    let text = str::from_utf8(&first).unwrap();
    let person = family("k1");
    let person =
        [&person["name"], &person["phone"], &person["email"]].map(|text| text.as_str().unwrap());
    for hidden in person.into_iter().chain([number.as_str(), slot.slot_id.as_str()]) {
        assert!(!text.contains(hidden), "{hidden}");
    }

    let other = World::empty().await;
    let import = imported(&other, "dataset=all", KIND, first.clone()).await;
    assert_eq!((&import["rows"], &import["created"]), (&import["rows_done"], &import["rows"]));
    assert_eq!(str::from_utf8(&archive(&other).await), Ok(text));

    // It is a hub like the other: people find its nurseries, staff its requests and the next number.
    let found =
        "/v1/facilities?municipality=131199&q=%E3%81%8B%E3%81%AA%E3%81%84%E3%81%8F%E3%81%BC";
    assert_eq!(other.get(&As::Anyone, found).await.body["items"].as_array().unwrap().len(), 1);
    for path in [
        "/v1/vacancies?municipality=131199&base_month=2026-12",
        "/v1/procedures?municipality=131199",
    ] {
        let of = async |world: &World| world.get(&As::Anyone, path).await.body["items"].clone();
        assert_eq!(of(&other).await, of(&world).await, "{path}");
    }
    let waiting = other.get(&itabashi(), "/v1/staff/change-requests?status=submitted").await.body;
    assert_eq!(waiting["items"][0]["change_request_number"], "ACR-0000000002");
    let history = format!("/v1/staff/facilities/{}/history", world.facility.facility_id);
    assert_eq!(
        other.get(&world.staff(), &history).await.body["items"][0]["change_request_number"],
        "ACR-0000000001"
    );
    let next = other.ask_for_change(json!({"features": "x"}), false, "4").await;
    assert_eq!(next.body["change_request_number"], "ACR-0000000004");
    let settings = format!("/v1/staff/facilities/{}/settings", world.facility.facility_id);
    let settings = other.get(&world.staff(), &settings).await.body;
    assert_eq!(
        (&settings["waiting_list"], &settings["notice_addresses"][0]),
        (&json!(false), &json!("nursery@example.jp"))
    );
}

#[tokio::test]
async fn imp_05_an_archive_whose_import_is_cut_off_is_written_to_its_end() {
    let bytes = archive(&full().await).await;
    for calls in (1..40).step_by(5) {
        let other = World::empty().await;
        let id = id(&send(&other, &As::Operator, "dataset=all", KIND, bytes.clone()).await);
        let mut dying = other.hub.clone();
        dying.store = other.dying_after(calls);
        let cut_off = Importer { hub: dying }.run(&id).await.is_err();
        let path = format!("/v1/staff/imports/{id}");
        let status = other.get(&As::Operator, &path).await.body["status"].clone();
        assert_eq!(status, if cut_off { "running" } else { "succeeded" }, "after {calls} calls");
        Importer { hub: other.hub.clone() }.run(&id).await.unwrap();
        assert_eq!(other.get(&As::Operator, &path).await.body["status"], "succeeded");
        assert!(archive(&other).await == bytes, "after {calls} calls");
    }
}

#[tokio::test]
async fn imp_05_an_archive_is_taken_whole_by_an_empty_hub_or_not_at_all() {
    let world = full().await;
    let bytes = archive(&world).await;
    let refused = send(&world, &As::Operator, "dataset=all", KIND, bytes.clone()).await;
    assert_eq!((refused.status.as_u16(), refused.problem()), (409, "state-conflict"));
    assert_eq!(refused.body["current_status"], "not_empty");
    for (query, kind) in [("dataset=all", "text/csv"), ("dataset=facilities", KIND)] {
        assert_eq!(send(&world, &As::Operator, query, kind, bytes.clone()).await.status, 415);
    }

    // Packed, and by staff of one municipality: what is of others is told, and nothing is written.
    let other = World::empty().await;
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&bytes).unwrap();
    let request = Request::post("/v1/staff/imports?dataset=all")
        .header("idempotency-key", "1")
        .header("content-type", KIND)
        .header("content-encoding", "gzip");
    let packed = request.body(Body::from(packed.finish().unwrap())).unwrap();
    let id = id(&other.send(&itabashi(), packed).await);
    Importer { hub: other.hub.clone() }.run(&id).await.unwrap();
    let import = other.get(&itabashi(), &format!("/v1/staff/imports/{id}")).await.body;
    assert_eq!(import["status"], "failed");
    let error = &import["errors"][0];
    assert!(error["column"].as_str().unwrap().ends_with("/municipality_code"), "{error}");
    assert_eq!(error["detail"], "他の区市町村のものです。");
    let rows = other.get(&itabashi(), &format!("/v1/staff/imports/{id}/errors.csv")).await;
    assert!(rows.body.as_str().unwrap().contains("/municipality_code: "), "{}", rows.shown());
    assert!(!other.store().has_any_facility().await.unwrap());

    let mut wrong: Value = serde_json::from_slice(&bytes).unwrap();
    wrong["facilities"][0]["facility"]["capacity"]["total"] = json!(-1);
    let dry = imported_or_failed(&other, "dataset=all&dry_run=true", &wrong).await;
    assert_eq!(dry["status"], "failed");
    let dry = imported(&other, "dataset=all&dry_run=true", KIND, bytes).await;
    assert_eq!(dry["created"], dry["rows"]);
    assert!(!other.store().has_any_facility().await.unwrap(), "a dry run writes nothing");
}

async fn imported_or_failed(world: &World, query: &str, archive: &Value) -> Value {
    let id = id(&send(world, &As::Operator, query, KIND, archive.to_string()).await);
    Importer { hub: world.hub.clone() }.run(&id).await.unwrap();
    world.get(&As::Operator, &format!("/v1/staff/imports/{id}")).await.body
}
