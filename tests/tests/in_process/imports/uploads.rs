//! Files that come to an address of their own (IMP-01).

use std::io::Write;

use axum::body::{Body, Bytes};
use domain::ImportId;
use flate2::{Compression, write::GzEncoder};
use serde_json::Value;
use take_upload::TakeUpload;
use tests::{Answer, As, World};

use super::{counts, errors, id, itabashi, send_as, succeeded};

const LIST: &str = "施設の名称,施設類型,都道府県,市区町村\r\n\
    ひまわり保育園,認可保育所,東京都,板橋区\r\nつくし保育園,小規模保育A型,東京都,板橋区\r\n";

/// Requests an import of a dataset whose file comes later.
async fn expect(world: &World, dataset: &str, key: &str) -> Answer {
    send_as(world, &itabashi(), dataset, key, Body::empty(), &[]).await
}

async fn shown(world: &World, id: &ImportId) -> Value {
    world.get(&itabashi(), &format!("/v1/staff/imports/{id}")).await.body
}

/// Sends the file of a new import of a dataset, as S3 tells of it, and runs what is to be run.
async fn uploaded(world: &World, dataset: &str, key: &str, file: impl Into<Bytes>) -> Value {
    let id = id(&expect(world, dataset, key).await);
    world.uploads.put(&id, file.into());
    world.taker().handle(event(&id)).await.unwrap();
    assert!(world.uploads.is_empty(), "it may name persons");
    world.run_imports().await;
    shown(world, &id).await
}

fn event(id: &ImportId) -> take_upload::UploadEvent {
    let detail = serde_json::json!({"object": {"key": format!("imports/{id}")}});
    serde_json::from_value(serde_json::json!({"detail": detail})).unwrap()
}

fn packed(file: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(file).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn imp_01_file_that_comes_later_is_imported_once_however_often_it_is_told() {
    let world = World::new().await;
    let id = id(&expect(&world, "facilities", "1").await);
    let expecting = shown(&world, &id).await;
    assert_eq!((&expecting["status"], &expecting["rows"]), (&"expecting".into(), &0.into()));
    let errors = format!("/v1/staff/imports/{id}/errors.csv");
    assert_eq!(world.get(&itabashi(), &errors).await.status, 200);
    world.run_imports().await;
    assert_eq!(shown(&world, &id).await["status"], "expecting", "there is nothing to run");

    world.uploads.put(&id, LIST.into());
    world.taker().handle(event(&id)).await.unwrap();
    assert_eq!(shown(&world, &id).await["status"], "running");
    world.run_imports().await;
    let import = shown(&world, &id).await;
    assert_eq!(succeeded(&import), [2, 2, 0, 0]);

    world.uploads.put(&id, LIST.replace("ひまわり", "すみれ").into());
    world.taker().handle(event(&id)).await.unwrap();
    world.run_imports().await;
    assert!(world.uploads.is_empty());
    assert_eq!(shown(&world, &id).await, import, "the first file is taken");
    world.relay_changes().await;
    let found = world.get(&As::Anyone, "/v1/facilities?municipality=131199").await.body;
    assert_eq!(found["items"].as_array().unwrap().len(), 3, "with the one of the tests");
}

#[tokio::test]
async fn imp_01_uploaded_list_is_read_as_a_sent_one_is() {
    let world = World::new().await;
    let dry = uploaded(&world, "facilities&dry_run=true", "1", packed(LIST.as_bytes())).await;
    assert_eq!(succeeded(&dry), [2, 2, 0, 0]);
    let after = uploaded(&world, "facilities", "2", packed(LIST.as_bytes())).await;
    assert_eq!(succeeded(&after), [2, 2, 0, 0], "the dry run wrote nothing");

    let wrong = uploaded(&world, "facilities", "3", LIST.replace("板橋区", "足立区")).await;
    let rows = errors(&wrong).into_iter().map(|(line, ..)| line);
    assert_eq!(rows.collect::<Vec<_>>(), [2, 3], "of another municipality");
    let id = wrong["import_id"].as_str().unwrap();
    let rows = world.get(&itabashi(), &format!("/v1/staff/imports/{id}/errors.csv")).await;
    assert!(rows.body.as_str().unwrap().contains("ひまわり保育園"), "{}", rows.shown());
}

#[tokio::test]
async fn uploaded_file_that_is_none_fails_its_import() {
    let world = World::new().await;
    let large = vec![b','; 64 * 1024 * 1024 + 1];
    let mut broken = packed(LIST.as_bytes());
    broken.truncate(broken.len() - 9);
    for (key, file, said) in [
        ("packed", packed(&large), "ファイルが大きすぎます（上限は、展開後の大きさで64MB）。"),
        ("large", large, "ファイルが大きすぎます（上限は、展開後の大きさで64MB）。"),
        ("broken", broken, "圧縮されたファイル（gzip）が壊れています。"),
    ] {
        let import = uploaded(&world, "facilities", key, file).await;
        assert_eq!(errors(&import), [(1, "", "")], "{key}");
        assert_eq!(import["errors"][0]["detail"], said);
        let id = import["import_id"].as_str().unwrap();
        let rows = world.get(&itabashi(), &format!("/v1/staff/imports/{id}/errors.csv")).await;
        assert!(rows.body.as_str().unwrap().contains(said), "{}", rows.shown());
    }
    let json = uploaded(&world, "facilities", "json", r#"{"facilities": []}"#).await;
    assert_eq!(json["status"], "failed", "no list");
    let other = World::empty().await;
    let list = uploaded(&other, "all", "list", LIST).await;
    assert_eq!(list["status"], "failed", "no archive");
    assert_eq!(expect(&world, "all", "all").await.status, 409, "the hub is not empty");
}

#[tokio::test]
async fn repeat_has_the_same_import_and_a_new_address_while_the_file_is_expected() {
    let world = World::new().await;
    let first = expect(&world, "facilities", "1").await;
    assert_eq!(first.headers.get("idempotency-replayed"), None);
    world.set("2026-12-01T12:00:00+09:00");
    let again = expect(&world, "facilities", "1").await;
    assert_eq!(
        (again.status.as_u16(), &again.headers["idempotency-replayed"]),
        (202, &"true".parse().unwrap())
    );
    assert_eq!(again.body["import_id"], first.body["import_id"]);
    assert_eq!(again.headers["location"], first.headers["location"]);
    let (old, new) = (&first.body["upload_url"], &again.body["upload_url"]);
    assert!(new.is_string() && new != old, "the first one is over");

    let with_file = send_as(&world, &itabashi(), "facilities", "1", LIST, CSV).await;
    assert_eq!(with_file.status, 422, "another request under the same key");
    let id = id(&first);
    world.uploads.put(&id, LIST.into());
    world.taker().take(&id).await.unwrap();
    let taken = expect(&world, "facilities", "1").await;
    assert_eq!(taken.body, serde_json::json!({"import_id": id}));
    let sent = send_as(&world, &itabashi(), "facilities", "2", LIST, CSV).await;
    assert_eq!(sent.body.get("upload_url"), None);
}

const CSV: &[(&str, &str)] = &[("content-type", "text/csv")];

#[tokio::test]
async fn import_whose_file_does_not_come_is_expired_and_leaves_nothing() {
    let world = World::new().await;
    let sent = expect(&world, "facilities", "1").await;
    let id = id(&sent);
    world.set("2026-12-01T15:59:59+09:00");
    assert_eq!(shown(&world, &id).await["status"], "expecting");
    world.set("2026-12-01T16:00:00+09:00");
    assert_eq!(shown(&world, &id).await["status"], "expired");
    let again = expect(&world, "facilities", "1").await;
    assert_eq!(again.body, serde_json::json!({"import_id": id}), "no address");

    world.uploads.put(&id, LIST.into());
    world.taker().take(&id).await.unwrap();
    world.run_imports().await;
    assert!(world.uploads.is_empty());
    assert_eq!(counts(&shown(&world, &id).await), [0; 5].map(Value::from).each_ref());
    let key = store::Key::Import(id).attributes();
    let item = world.raw().get_item().table_name(local::embedded::TABLE).set_key(Some(key));
    let item = item.send().await.unwrap().item.unwrap();
    let until: i64 = item["expires_at"].as_n().unwrap().parse().unwrap();
    assert_eq!(
        until,
        "2026-12-01T16:00:00+09:00".parse::<domain::Timestamp>().unwrap().epoch_ms() / 1000
    );
}

#[tokio::test]
async fn file_whose_taking_was_cut_off_is_not_mixed_with_another() {
    let world = World::new().await;
    let cut_off = async |key: &str, calls: usize| {
        let id = id(&expect(&world, "facilities", key).await);
        world.uploads.put(&id, LIST.into());
        let mut taker: TakeUpload = world.taker();
        taker.hub.store = world.dying_after(calls);
        assert!(taker.take(&id).await.is_err(), "after {calls} calls");
        id
    };
    // It reads the import, says which file it takes, writes the file, and lets it run.
    for calls in 0..4 {
        let id = cut_off(&format!("same {calls}"), calls).await;
        world.taker().take(&id).await.unwrap();
        world.run_imports().await;
        assert_eq!(shown(&world, &id).await["status"], "succeeded", "after {calls} calls");
    }
    let id = cut_off("other", 2).await;
    world.uploads.put(&id, LIST.replace("ひまわり", "すみれ").into());
    world.taker().take(&id).await.unwrap();
    assert!(world.uploads.is_empty());
    assert_eq!(shown(&world, &id).await["status"], "expecting");
}
