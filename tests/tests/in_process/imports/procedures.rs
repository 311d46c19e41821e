//! Lists of procedures through the API (PRC-01 to PRC-04).

use serde_json::{Value, json};
use tests::{As, World};

use super::{errors, imported, imported_by, itabashi, succeeded};

const LIST: &str = "都道府県名,区市町村名,年度,手続き名,公開開始日,公開終了日,保育施設案内サイト表示名,保育施設案内サイト,手続きファイル表示名,手続きファイルURL,対象年月,0歳_入所可能(募集)数,0歳_申込数,0歳_入所決定数,5歳_申込数,備考,保育園申込URL\r\n\
    東京都,板橋区,令和9年度,4月入園の申込み,2026/11/1,,保育施設のご案内,https://city.example.jp/hoiku,入園のしおり,https://city.example.jp/2027.pdf,2026年4月,１２０,95,90,-,一次選考の数です。,https://apply.example.jp/\r\n";

async fn found(world: &World, query: &str) -> Vec<Value> {
    let path = format!("/v1/procedures?municipality=131199{query}");
    world.get(&As::Anyone, &path).await.body["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn imp_01_prc_01_prc_02_prc_03_a_list_of_procedures_is_imported_and_found_at_once() {
    let world = World::new().await;
    assert_eq!(succeeded(&imported(&world, "procedures", LIST).await), [1, 1, 0, 0]);
    let found = found(&world, "&fiscal_year=2027").await.remove(0);
    assert_eq!(found["procedure_name"], "4月入園の申込み");
    assert_eq!(found["publish_from"], "2026-11-01");
    let guide = json!([{"fiscal_year": 2027, "site_label": "保育施設のご案内",
        "site_url": "https://city.example.jp/hoiku", "file_label": "入園のしおり",
        "file_url": "https://city.example.jp/2027.pdf"}]);
    assert_eq!(found["guides"], guide);
    assert_eq!(found["application_url"], "https://apply.example.jp/");
    assert_eq!(found["result_month"], "2026-04");
    let of_age = json!({"age": 0, "openings": 120, "applications": 95, "admissions": 90});
    assert_eq!(found["results"][0], of_age);
    assert_eq!(found["results"][5]["applications"], Value::Null, "suppressed, not zero");
    assert_eq!(found["result_note"], "一次選考の数です。");
}

#[tokio::test]
async fn imp_04_prc_04_the_same_procedures_again_change_nothing_and_a_new_year_stands_beside() {
    let world = World::new().await;
    imported(&world, "procedures", LIST).await;
    let before = found(&world, "").await;
    world.set("2026-12-01T11:00:00+09:00");
    assert_eq!(succeeded(&imported(&world, "procedures", LIST).await), [1, 0, 0, 1]);
    assert_eq!(found(&world, "").await, before, "not even the time");
    let next = LIST.replace("令和9年度", "2028");
    assert_eq!(succeeded(&imported(&world, "procedures", next).await), [1, 1, 0, 0]);
    let years: Vec<_> =
        found(&world, "").await.iter().map(|of| of["fiscal_year"].clone()).collect();
    assert_eq!(years, [2027, 2028]);
}

#[tokio::test]
async fn prc_01_a_list_of_two_years_is_a_procedure_of_each() {
    let world = World::new().await;
    let list = "都道府県名,区市町村名,年度,手続き名,公開開始日,N年度分 手続きファイルURL,N+1年度分 手続きファイルURL\n\
        東京都,板橋区,2026,年度途中の入園,2026-04-01,https://city.example.jp/2026.pdf,\n\
        東京都,板橋区,2026,4月入園,2026-11-01,https://city.example.jp/4-2026.pdf,https://city.example.jp/4-2027.pdf\n";
    assert_eq!(succeeded(&imported(&world, "procedures", list).await), [2, 3, 0, 0]);
    assert_eq!(succeeded(&imported(&world, "procedures", list).await), [2, 0, 0, 3]);
    let next = found(&world, "&fiscal_year=2027").await;
    assert_eq!(next.len(), 1, "the first row says nothing of it");
    assert_eq!(next[0]["guides"][0]["file_url"], "https://city.example.jp/4-2027.pdf");
    let import = imported(&world, "procedures", list.replace("4-2027", "new")).await;
    assert_eq!(succeeded(&import), [2, 0, 1, 2]);
    let change = &import["changes"][0];
    assert_eq!((&change["line"], &change["name"]), (&json!(3), &json!("4月入園（2027年度）")));
    assert_eq!(change["diff"][0]["to"], "https://city.example.jp/new.pdf");
}

#[tokio::test]
async fn prc_02_a_dry_run_says_where_families_will_apply_and_writes_nothing() {
    let world = World::new().await;
    imported(&world, "procedures", LIST).await;
    let moved = LIST.replace("https://apply.example.jp/", "https://new.example.jp/");
    let import = imported(&world, "procedures&dry_run=true", moved.clone()).await;
    assert_eq!(succeeded(&import), [1, 0, 1, 0]);
    let diff = json!([{"field": "application_url", "from": "https://apply.example.jp/",
        "to": "https://new.example.jp/", "proposed": false}]);
    let change = &import["changes"][0];
    assert_eq!(
        (&change["id"], &change["diff"]),
        (&found(&world, "").await[0]["procedure_id"], &diff)
    );
    assert_eq!(found(&world, "").await[0]["application_url"], "https://apply.example.jp/");
    imported(&world, "procedures", moved).await;
    assert_eq!(found(&world, "").await[0]["application_url"], "https://new.example.jp/");
}

#[tokio::test]
async fn imp_01_one_wrong_value_and_no_procedure_is_imported() {
    let world = World::new().await;
    let good = LIST.lines().nth(1).unwrap();
    let late = good.replace("2026/11/1,,", "2026/11/1,2026/10/31,").replace("4月", "5月");
    let twice = good.replace("一次選考", "二次選考");
    let import = imported(&world, "procedures", format!("{LIST}{late}\n{twice}\n")).await;
    let expected = [(3, "公開終了日", "2026-10-31"), (4, "手続き名", "4月入園の申込み")];
    assert_eq!(errors(&import), expected);
    assert!(found(&world, "").await.is_empty());
    let path = format!("/v1/staff/imports/{}/errors.csv", import["import_id"].as_str().unwrap());
    let rows = world.get(&As::Operator, &path).await.body.as_str().unwrap().to_owned();
    assert_eq!(rows.lines().count(), 3, "{rows}");
    assert!(rows.contains("終わりが始まりより前です。") && rows.contains("2行目と同じ"), "{rows}");
}

#[tokio::test]
async fn imp_01_municipal_staff_import_procedures_of_their_own_municipality_alone() {
    let world = World::new().await;
    let adachi = As::Municipality("131211");
    let import = imported_by(&world, &adachi, "procedures", LIST).await;
    assert_eq!(errors(&import), [(2, "区市町村名", "板橋区")]);
    assert!(found(&world, "").await.is_empty());
    assert_eq!(
        succeeded(&imported_by(&world, &itabashi(), "procedures", LIST).await),
        [1, 1, 0, 0]
    );
}
