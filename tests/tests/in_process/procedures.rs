//! How families apply in a municipality and fiscal year, and which municipalities take part.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    ProcedureId,
    procedure::{ITEMS, Procedure, ResultsByAge},
};
use insta::assert_snapshot;
use jiff::SignedDuration;
use local::embedded::TABLE;
use serde_json::{Value, json};
use store::{Key, StoreError};
use tests::{As, World, facility};

/// A procedure of Itabashi, as a row says it.
pub fn procedure(world: &World, cells: &[(&str, &str)]) -> Procedure {
    let mut procedure = Procedure {
        procedure_id: "prc_000000000000".parse().unwrap(),
        municipality_code: "131199".parse().unwrap(),
        prefecture: "東京都".into(),
        municipality: "板橋区".into(),
        fiscal_year: "2027".parse().unwrap(),
        procedure_name: "4月入園の申込み".into(),
        publish_from: "2026-10-01".parse().unwrap(),
        publish_to: None,
        site_label: None,
        site_url: None,
        file_label: None,
        file_url: None,
        result_month: None,
        results: ResultsByAge::default(),
        result_note: None,
        application_url: None,
        updated_at: world.hub.clock.now(),
    };
    for (heading, cell) in cells {
        let item = ITEMS.iter().find(|item| item.heading == *heading).unwrap();
        item.read(&mut procedure, cell).unwrap();
    }
    let (code, year) = (procedure.municipality_code, procedure.fiscal_year);
    let procedure_id = ProcedureId::derive(code, year, &procedure.procedure_name);
    Procedure { procedure_id, ..procedure }
}

async fn publish(world: &World, cells: &[(&str, &str)]) -> Procedure {
    let procedure = procedure(world, cells);
    world.store().put_procedures(&[(None, procedure.clone())]).await.unwrap();
    procedure
}

/// The names and years of the procedures that a query finds.
async fn found(world: &World, query: &str) -> Vec<(String, u64)> {
    let list = world.get(&As::Anyone, &format!("/v1/procedures{query}")).await;
    assert_eq!(list.status, 200, "{}", list.shown());
    let items = list.body["items"].as_array().unwrap().iter();
    let name = |one: &Value| one["procedure_name"].as_str().unwrap().to_owned();
    items.map(|one| (name(one), one["fiscal_year"].as_u64().unwrap())).collect()
}

#[tokio::test]
async fn prc_01_prc_02_prc_03_a_procedure_says_where_to_read_where_to_apply_and_how_it_went() {
    let world = World::new().await;
    let cells = [
        ("公開終了日", "2027-03-31"),
        ("保育施設案内サイト表示名", "保育施設のご案内"),
        ("保育施設案内サイト", "https://city.example.jp/hoiku"),
        ("手続きファイル表示名", "入園のしおり"),
        ("手続きファイルURL", "https://city.example.jp/2027.pdf"),
        ("対象年月", "2026-04"),
        ("0歳_入所可能（募集）数", "120"),
        ("0歳_申込数", "95"),
        ("0歳_入所決定数", "90"),
        ("5歳_申込数", "-"),
        ("5歳_入所決定数", "0"),
        ("備考", "一次選考の数です。"),
        ("保育園申込URL", "https://apply.example.jp/"),
    ];
    publish(&world, &cells).await;
    let path = "/v1/procedures?municipality=131199&fiscal_year=2027";
    assert_snapshot!("procedures", world.get(&As::Anyone, path).await.shown());
}

#[tokio::test]
async fn prc_01_api_04_only_what_is_published_today_is_found() {
    let world = World::new().await;
    publish(&world, &[("手続き名", "いま"), ("公開終了日", "2026-12-10")]).await;
    publish(&world, &[("手続き名", "あと"), ("公開開始日", "2026-12-11")]).await;
    assert_eq!(found(&world, "").await, [("いま".to_owned(), 2027)]);
    world.set("2026-12-10T23:59:59+09:00");
    assert_eq!(found(&world, "?municipality=131199").await, [("いま".to_owned(), 2027)]);
    world.set("2026-12-11T00:00:00+09:00");
    assert_eq!(found(&world, "?municipality=131199").await, [("あと".to_owned(), 2027)]);
}

#[tokio::test]
async fn prc_04_api_04_a_new_fiscal_year_stands_beside_the_old_one() {
    let world = World::new().await;
    let this = publish(&world, &[]).await;
    let next = this.next_year().unwrap();
    let other = Procedure {
        municipality_code: "131211".parse().unwrap(),
        procedure_name: "よそ".into(),
        ..this.clone()
    };
    world.store().put_procedures(&[(None, next), (None, other)]).await.unwrap();
    let name = "4月入園の申込み".to_owned();
    let of_both = [(name.clone(), 2027), (name.clone(), 2028)];
    assert_eq!(found(&world, "?municipality=131199").await, of_both);
    assert_eq!(found(&world, "?municipality=131199&fiscal_year=2028").await, of_both[1..]);
    assert_eq!(found(&world, "?fiscal_year=2027").await, [(name, 2027), ("よそ".into(), 2027)]);
    assert_eq!(found(&world, "?municipality=132080").await, []);

    let mut pages = Vec::new();
    let mut query = "?limit=1".to_owned();
    while pages.len() < 9 {
        let page = world.get(&As::Anyone, &format!("/v1/procedures{query}")).await.body;
        pages.push(page["items"][0]["procedure_id"].clone());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("?limit=1&cursor={cursor}");
    }
    assert_eq!(pages.len(), 3, "{pages:?}");
    let wrong = world.get(&As::Anyone, "/v1/procedures?fiscal_year=N%2B1").await;
    assert_eq!(
        (wrong.status.as_u16(), &wrong.body["errors"][0]["pointer"]),
        (400, &json!("/fiscal_year"))
    );
}

#[tokio::test]
async fn prc_06_items_that_a_later_version_adds_survive_what_an_earlier_one_writes() {
    let world = World::new().await;
    let known = publish(&world, &[]).await;
    let key =
        Key::Procedure(known.municipality_code, known.fiscal_year, known.procedure_id.clone());
    let set = world.raw().update_item().table_name(TABLE).set_key(Some(key.attributes()));
    let set = set.update_expression("SET newer = :value");
    set.expression_attribute_values(":value", AttributeValue::S("kept".into()))
        .send()
        .await
        .unwrap();
    let changed = Procedure {
        application_url: Some("https://apply.example.jp/".into()),
        updated_at: known.updated_at + SignedDuration::from_secs(1),
        ..known.clone()
    };
    world.store().put_procedures(&[(Some(known), changed.clone())]).await.unwrap();
    let found = world.raw().get_item().table_name(TABLE).set_key(Some(key.attributes()));
    let found = found.send().await.unwrap().item.unwrap();
    assert_eq!(found["newer"], AttributeValue::S("kept".into()));
    let code = changed.municipality_code;
    assert_eq!(world.store().procedures_to_change(code).await.unwrap(), [changed]);
    world.relay_changes().await;
    assert!(world.parked.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn slower_writer_of_a_procedure_does_not_overwrite_a_faster_one() {
    let world = World::new().await;
    let known = publish(&world, &[]).await;
    let changed = |seconds: i64| Procedure {
        updated_at: known.updated_at + SignedDuration::from_secs(seconds),
        ..known.clone()
    };
    world.store().put_procedures(&[(Some(known.clone()), changed(1))]).await.unwrap();
    for slow in [Some(known.clone()), None] {
        let late = world.store().put_procedures(&[(slow, changed(2))]).await;
        assert!(matches!(late, Err(StoreError::Conflict)));
    }
}

#[tokio::test]
async fn municipalities_are_those_that_have_nurseries_page_by_page() {
    let world = World::new().await;
    for (name, code, municipality) in [
        ("一", "131199", "板橋区"),
        ("二", "132080", "調布市"),
        ("三", "011002", "札幌市"),
        ("四", "131211", "足立区"),
    ] {
        world.add_facility(&facility(name, code, municipality)).await;
    }
    let list = world.get(&As::Anyone, "/v1/municipalities?limit=1").await;
    assert_snapshot!("municipalities", {
        let mut first = list.body.clone();
        first["next_cursor"] = "…".into();
        format!("{first:#}")
    });
    let mut codes = Vec::new();
    let mut query = "?limit=3".to_owned();
    while codes.len() < 9 {
        let page = world.get(&As::Anyone, &format!("/v1/municipalities{query}")).await.body;
        let items = page["items"].as_array().unwrap().iter();
        codes.extend(items.map(|one| one["municipality_code"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("?limit=3&cursor={cursor}");
    }
    assert_eq!(codes, ["011002", "131199", "131211", "132080"]);
}
