//! Lists of facilities through the API (IMP-01, IMP-04, FAC-01, FAC-02).

use std::io::Write;

use axum::body::Body;
use domain::{ImportId, facility::Source};
use flate2::{Compression, write::GzEncoder};
use http::Request;
use run_import::Importer;
use serde_json::Value;
use tests::{Answer, As, World};

const LIST: &str = "事業所番号,施設の名称,施設類型,都道府県,市区町村,町名・番地,開所日_平日閉所時間,最寄り駅からの徒歩\r\n\
    1311900001,ひまわり保育園,認可保育所,東京都,板橋区,板橋1-1-1,18時15分,徒歩10分\r\n\
    1311900002,つくし保育園,小規模保育A型,東京都,板橋区,板橋2-2-2,19:15,3\r\n";

fn itabashi() -> As {
    As::Municipality("131199")
}

async fn send(world: &World, who: &As, query: &str, key: &str, file: impl Into<Body>) -> Answer {
    send_as(world, who, query, key, file, &[("content-type", "text/csv")]).await
}

async fn send_as(
    world: &World,
    who: &As,
    query: &str,
    key: &str,
    file: impl Into<Body>,
    headers: &[(&str, &str)],
) -> Answer {
    let uri = format!("/v1/staff/imports?dataset=facilities{query}");
    let mut request = Request::post(uri).header("idempotency-key", key);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    world.send(who, request.body(file.into()).unwrap()).await
}

fn id(sent: &Answer) -> ImportId {
    assert_eq!(sent.status, 202, "{}", sent.shown());
    sent.body["import_id"].as_str().unwrap().parse().unwrap()
}

/// Sends a list, runs the import, and looks at it.
async fn imported(world: &World, query: &str, file: impl Into<Body>) -> Value {
    let key = format!("{:032x}", rand::random::<u128>());
    let id = id(&send(world, &As::Operator, query, &key, file).await);
    Importer { hub: world.hub.clone() }.run(&id).await.unwrap();
    world.relay_changes().await;
    world.get(&As::Operator, &format!("/v1/staff/imports/{id}")).await.body
}

/// What a search in Itabashi finds.
async fn found(world: &World, q: &str) -> Vec<Value> {
    let path = format!("/v1/facilities?municipality=131199&q={q}");
    world.get(&As::Anyone, &path).await.body["items"].as_array().unwrap().clone()
}

fn counts(import: &Value) -> [&Value; 5] {
    ["rows", "created", "updated", "unchanged", "proposed"].map(|name| &import[name])
}

#[tokio::test]
async fn imp_01_a_list_is_imported_and_found_at_once() {
    let world = World::new().await;
    let import = imported(&world, "", LIST).await;
    assert_eq!(
        (&import["status"], counts(&import)),
        (&"succeeded".into(), [2, 2, 0, 0, 0].map(Value::from).each_ref())
    );
    let found = found(&world, "ﾋﾏﾜﾘ").await;
    let path = format!("/v1/facilities/{}", found[0]["facility_id"].as_str().unwrap());
    let facility = world.get(&As::Anyone, &path).await.body;
    assert_eq!(facility["weekday_closes_at"], "18:15");
    assert_eq!(facility["walk_minutes_from_station"], 10);
    assert_eq!(facility["features"], Value::Null, "not stated");
    assert_eq!(facility["provenance"][0]["source"], "import");
}

#[tokio::test]
async fn imp_04_the_same_list_again_changes_nothing() {
    let world = World::new().await;
    imported(&world, "", LIST).await;
    let again = imported(&world, "", LIST).await;
    assert_eq!(counts(&again), [2, 0, 0, 2, 0].map(Value::from).each_ref());
    let changed = imported(&world, "", LIST.replace("18時15分", "18:30")).await;
    assert_eq!(counts(&changed), [2, 0, 1, 1, 0].map(Value::from).each_ref());
    assert_eq!(changed["changes"][0]["diff"][0]["to"], "18:30");
}

#[tokio::test]
async fn imp_04_a_dry_run_says_what_would_change_and_writes_nothing() {
    let world = World::new().await;
    let import = imported(&world, "&dry_run=true", LIST).await;
    assert_eq!((&import["status"], &import["created"]), (&"succeeded".into(), &2.into()));
    assert_eq!(import["changes"][1]["name"], "つくし保育園");
    assert!(found(&world, "つくし").await.is_empty());
}

#[tokio::test]
async fn imp_01_one_error_and_nothing_is_imported_and_its_rows_can_be_sent_again() {
    let world = World::new().await;
    let import = imported(&world, "", LIST.replace("小規模保育A型", "学校")).await;
    assert_eq!((&import["status"], &import["rows"]), (&"failed".into(), &2.into()));
    let error = &import["errors"][0];
    assert_eq!(
        (&error["line"], &error["column"], &error["value"]),
        (&3.into(), &"施設類型".into(), &"学校".into())
    );
    assert!(found(&world, "ひまわり").await.is_empty());

    let path = format!("/v1/staff/imports/{}/errors.csv", import["import_id"].as_str().unwrap());
    let rows = world.get(&As::Operator, &path).await;
    let rows = rows.body.as_str().unwrap().to_owned();
    assert!(rows.starts_with("\u{feff}行,誤り,事業所番号"), "{rows}");
    assert!(!rows.contains("ひまわり"), "the wrong rows alone");
    let corrected = imported(&world, "", rows.replace("学校", "小規模A型")).await;
    assert_eq!(counts(&corrected), [1, 1, 0, 0, 0].map(Value::from).each_ref());
}

#[tokio::test]
async fn imp_01_municipal_staff_import_their_own_municipality_alone() {
    let world = World::new().await;
    let other = LIST.replace("板橋区,板橋2-2-2", "足立区,千住1-1-1");
    let sent = id(&send(&world, &itabashi(), "", "1", other).await);
    Importer { hub: world.hub.clone() }.run(&sent).await.unwrap();
    let path = format!("/v1/staff/imports/{sent}");
    let import = world.get(&itabashi(), &path).await.body;
    assert_eq!((&import["status"], &import["errors"][0]["line"]), (&"failed".into(), &3.into()));
    assert_eq!(import["errors"][0]["detail"], "他の区市町村のものです。");
    assert_eq!(world.get(&As::Municipality("131211"), &path).await.status, 404);
}

#[tokio::test]
async fn what_a_municipality_approved_is_proposed_and_stays() {
    let world = World::new().await;
    imported(&world, "", LIST).await;
    let id = found(&world, "ひまわり").await[0]["facility_id"].as_str().unwrap().parse().unwrap();
    let before = world.store().facility(&id).await.unwrap().unwrap();
    let mut after = before.clone();
    after.street_address = Some("板橋9-9-9".into());
    let now = world.hub.clock.now();
    after.notes.state(["street_address".into()].into(), Source::Facility, now);
    world.store().put_facilities(&[(Some(before), after.clone())]).await.unwrap();
    let import = imported(&world, "", LIST).await;
    assert_eq!(counts(&import), [2, 0, 0, 2, 1].map(Value::from).each_ref());
    assert_eq!(import["changes"][0]["diff"][0]["proposed"], true);
    let kept = world.store().facility(&id).await.unwrap().unwrap();
    assert_eq!(kept.street_address, after.street_address);

    let requests = "/v1/staff/change-requests?status=submitted&municipality=131199";
    let waiting = world.get(&itabashi(), requests).await.body["items"].clone();
    let diff = &waiting[0]["diff"][0];
    assert_eq!((&diff["field"], &diff["to"]), (&"street_address".into(), &"板橋1-1-1".into()));
    let path = waiting[0]["change_request_id"].as_str().unwrap();
    let path = format!("/v1/staff/change-requests/{path}/approve");
    assert_eq!(world.post(&itabashi(), &path, serde_json::json!({})).await.status, 200);
    let approved = world.store().facility(&id).await.unwrap().unwrap();
    assert_eq!(approved.street_address.as_deref(), Some("板橋1-1-1"));
}

#[tokio::test]
async fn imp_04_a_run_that_is_cut_off_goes_on_where_it_was() {
    let mut list = LIST.lines().next().unwrap().to_owned();
    for nth in 0..400 {
        list += &format!("\n13119{nth:05},園{nth},保育所,東京都,板橋区,板橋{nth},,");
    }
    // At every call to the table, the first ones before anything is written.
    for calls in (1..60).step_by(7) {
        let world = World::new().await;
        let id = id(&send(&world, &As::Operator, "", "1", list.clone()).await);
        let mut dying = world.hub.clone();
        dying.store = world.dying_after(calls);
        let cut_off = Importer { hub: dying }.run(&id).await.is_err();
        let path = format!("/v1/staff/imports/{id}");
        let status = world.get(&As::Operator, &path).await.body["status"].clone();
        assert_eq!(status, if cut_off { "running" } else { "succeeded" }, "after {calls} calls");
        Importer { hub: world.hub.clone() }.run(&id).await.unwrap();
        let import = world.get(&As::Operator, &path).await.body;
        assert_eq!(import["status"], "succeeded");
        assert_eq!((&import["rows_done"], &import["created"]), (&400.into(), &400.into()));
        let listed = world.store().facilities_of("131199".parse().unwrap()).await.unwrap();
        assert_eq!(listed.len(), 401, "each once, beside the nursery of the world");
    }
}

#[tokio::test]
async fn a_list_is_taken_packed_and_refused_where_it_is_too_large_or_something_else() {
    let world = World::new().await;
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(LIST.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let csv = ("content-type", "text/csv; charset=utf-8");
    let gzip = ("content-encoding", "gzip");
    let sent = send_as(&world, &As::Operator, "", "1", packed.clone(), &[csv, gzip]).await;
    Importer { hub: world.hub.clone() }.run(&id(&sent)).await.unwrap();
    world.relay_changes().await;
    assert_eq!(found(&world, "つくし").await.len(), 1);

    let again = send_as(&world, &As::Operator, "", "1", packed.clone(), &[csv, gzip]).await;
    assert_eq!((again.status.as_u16(), &again.body), (202, &sent.body));
    let other = send(&world, &As::Operator, "", "1", "x").await;
    assert_eq!(other.status, 422, "another file under the same key");

    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..65 {
        bomb.write_all(&vec![b','; 1024 * 1024]).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    for (file, headers, status) in [
        (bomb, [csv, gzip].as_slice(), 413),
        (vec![b','; 4 * 1024 * 1024 + 1], &[csv], 413),
        (packed, &[csv, ("content-encoding", "br")], 415),
        (LIST.into(), &[("content-type", "application/json")], 415),
        (LIST.into(), &[], 415),
        (LIST.into(), &[csv, gzip], 415),
    ] {
        let answer = send_as(&world, &As::Operator, "", "2", file, headers).await;
        assert_eq!(answer.status, status, "{headers:?}");
    }
    let unknown = send(&world, &As::Operator, "&dry_run=maybe", "3", LIST).await;
    assert_eq!(
        (unknown.status.as_u16(), &unknown.body["errors"][0]["pointer"]),
        (400, &"/dry_run".into())
    );
}

#[tokio::test]
async fn imp_01_pilot_and_tokyo_are_imported_in_each_encoding_twice_without_a_duplicate() {
    let pilot = include_str!("../../../infra/local/data/pilot.csv");
    let utf16 =
        |text: &str| format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let world = World::new().await;
    let mut known = 0;
    for newline in ["\n", "\r\n", "\r"] {
        let text = pilot.replace("\r\n", "\n").replace('\n', newline);
        let cp932 = encoding_rs::SHIFT_JIS.encode(&text).0.into_owned();
        let encodings: [Vec<u8>; 4] =
            [text.clone().into(), format!("\u{feff}{text}").into(), cp932, utf16(&text)];
        for file in encodings {
            let import = imported(&world, "", file).await;
            assert_eq!(import["status"], "succeeded", "{}", import["errors"]);
            // One of them is the nursery of the world.
            let expected = if known == 0 { [126, 125, 0, 1] } else { [126, 0, 0, 126] };
            assert_eq!(counts(&import)[..4], expected.map(Value::from).each_ref());
            known += 1;
        }
    }
    let listed = world.store().facilities_by_municipality().await.unwrap();
    assert_eq!(listed.values().map(Vec::len).sum::<usize>(), 126);
}
