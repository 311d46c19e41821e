//! What nurseries have free in a month: for one of them, for a municipality, and as a table for the municipality's own site.

use std::time::Duration;

use domain::{
    Facility, Timestamp,
    sheet::Sheet,
    vacancy::{ITEMS, PlacesByAge, Vacancy},
};
use http::Method;
use insta::assert_snapshot;
use jiff::SignedDuration;
use serde_json::{Value, json};
use store::StoreError;
use tests::{Answer, As, World, facility};

const TABLE: &str = "/v1/municipalities/131199/vacancies";

/// As a row says it.
pub fn vacancy(of: &Facility, now: Timestamp, cells: &[(&str, &str)]) -> Vacancy {
    let mut vacancy = Vacancy::new(of, "2026-12".parse().unwrap(), now);
    for (heading, cell) in cells {
        let item = ITEMS.iter().find(|item| item.heading == *heading).unwrap();
        item.read(&mut vacancy, cell).unwrap();
    }
    vacancy
}

async fn publish(world: &World, of: &Facility, cells: &[(&str, &str)]) -> Vacancy {
    let vacancy = vacancy(of, world.hub.clock.now(), cells);
    world.store().put_vacancies(&[(None, vacancy.clone())]).await.unwrap();
    vacancy
}

async fn read(world: &World, path: &str) -> Answer {
    world.get(&As::Anyone, path).await
}

fn text(answer: &Answer) -> &str {
    answer.body.as_str().unwrap()
}

/// A nursery whose name is not as harmless as it looks.
async fn neighbour(world: &World) -> Facility {
    let neighbour = facility("<b>となり</b>保育園", "131199", "板橋区");
    world.add_facility(&neighbour).await;
    neighbour
}

#[tokio::test]
async fn vac_01_numbers_marks_and_the_combined_class_are_told_as_they_were_stated() {
    let world = World::new().await;
    let cells = [
        ("0歳クラス空き人数", "△2"),
        ("1歳クラス空き人数", "0"),
        ("2歳クラス空き人数", "×"),
        ("3歳クラス空き人数", "-"),
        ("0～2歳クラス空き人数", "○"),
        ("月次空き枠情報_備考", "4月入園は\n別に募集します。"),
        ("公表日", "2026-11-10"),
    ];
    publish(&world, &world.facility, &cells).await;
    let list = read(&world, "/v1/vacancies?municipality=13119&base_month=2026-12").await;
    assert_snapshot!("vacancies", list.shown());
}

#[tokio::test]
async fn vac_03_a_nursery_and_its_municipality_show_the_latest_month() {
    let world = World::new().await;
    let of_facility = format!("/v1/facilities/{}", world.facility.facility_id);
    assert_eq!(read(&world, &of_facility).await.body["vacancy"], Value::Null);
    let list = "/v1/vacancies?municipality=131199";
    assert_eq!(read(&world, list).await.body, json!({"items": [], "next_cursor": null}));

    publish(&world, &world.facility, &[("基準年月", "2027-01"), ("0歳クラス空き人数", "1")]).await;
    publish(&world, &world.facility, &[("基準年月", "2026-12"), ("0歳クラス空き人数", "5")]).await;
    let shown = read(&world, &of_facility).await.body["vacancy"].clone();
    assert_eq!((&shown["base_month"], &shown["age_0"]), (&json!("2027-01"), &json!(1)));
    let month = async |query: &str| {
        let list = read(&world, &format!("{list}{query}")).await;
        list.body["items"][0]["age_0"].clone()
    };
    assert_eq!((month("").await, month("&base_month=2026-12").await), (json!(1), json!(5)));
    assert_eq!(month("&base_month=2026-11").await, Value::Null);

    // Whoever hears of changes hears of these, and is not in the way of others.
    world.relay_changes().await;
    assert!(world.parked.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_list_stays_in_its_month_when_a_later_one_comes() {
    let world = World::new().await;
    let neighbour = neighbour(&world).await;
    for of in [&world.facility, &neighbour] {
        publish(&world, of, &[]).await;
    }
    let list = "/v1/vacancies?municipality=131199&limit=1";
    let first = read(&world, list).await.body;
    publish(&world, &world.facility, &[("基準年月", "2027-01")]).await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = read(&world, &format!("{list}&cursor={cursor}")).await.body;
    let ids = [&first, &second].map(|page| page["items"][0]["facility_id"].as_str().unwrap());
    assert_ne!(ids[0], ids[1]);
    assert_eq!(second["items"][0]["base_month"], "2026-12");
    assert_eq!(second["next_cursor"], Value::Null);
    let other = read(&world, &format!("{list}&base_month=2026-12&cursor={cursor}")).await;
    assert_eq!(
        (other.status.as_u16(), &other.body["errors"][0]["pointer"]),
        (400, &json!("/cursor"))
    );
}

#[tokio::test]
async fn a_list_of_vacancies_names_its_municipality_and_a_month() {
    let world = World::new().await;
    let wrong = read(&world, "/v1/vacancies?base_month=2026-13").await;
    assert_eq!(wrong.status, 400, "{}", wrong.shown());
    let errors = wrong.body["errors"].as_array().unwrap().iter();
    let pointers: Vec<_> = errors.map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers.len(), 2, "{}", wrong.shown());
    assert!(pointers.contains(&"/base_month") && pointers.contains(&"/municipality"));
}

#[tokio::test]
async fn add_10_prc_07_the_table_is_a_page_without_a_script_that_any_site_may_frame() {
    let world = World::new().await;
    let neighbour = neighbour(&world).await;
    publish(&world, &world.facility, &[("0歳クラス空き人数", "△2"), ("公表日", "2026-11-10")])
        .await;
    publish(&world, &neighbour, &[("月次空き枠情報_備考", "<script>alert(1)</script>")]).await;
    let page = read(&world, &format!("{TABLE}.html")).await;
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(policy.ends_with("frame-ancestors *") && !policy.contains("script"), "{policy}");
    assert!(!page.headers.contains_key("x-frame-options"));
    assert_eq!(page.headers["cache-control"], "public, max-age=300");
    assert_eq!(page.headers["access-control-allow-origin"], "*");
    let html = text(&page);
    for part in [
        "<html lang=\"ja\">",
        "<caption>板橋区の保育施設の空き状況（2026年12月）</caption>",
        "<th scope=\"col\">0～2歳</th>",
        "<th scope=\"row\">かないくぼ保育園</th>",
        "<td>△2</td>",
        "<td>－</td>",
        "公表日：2026-11-10",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert!(!html.contains("<script") && !html.contains("<b>となり"), "{html}");

    let etag = page.headers["etag"].to_str().unwrap();
    let known = [("if-none-match", etag)];
    let again = world.call(&As::Anyone, Method::GET, &format!("{TABLE}.html"), None, &known).await;
    assert_eq!(again.status, 304);
    let none = read(&world, &format!("{TABLE}.html?base_month=2027-03")).await;
    assert!(text(&none).contains("この月の空き状況は公表されていません。"), "{}", none.shown());
}

#[tokio::test]
async fn add_10_the_table_is_json_that_a_site_reads_whole() {
    let world = World::new().await;
    let empty = read(&world, &format!("{TABLE}.json")).await.body;
    assert_eq!((&empty["base_month"], &empty["items"]), (&Value::Null, &json!([])));
    for n in 0..30 {
        let one = facility(&format!("第{n}保育園"), "131199", "板橋区");
        publish(&world, &one, &[("5歳クラス空き人数", "3")]).await;
    }
    let table = read(&world, &format!("{TABLE}.json")).await.body;
    assert_eq!(
        (&table["municipality"], &table["base_month"]),
        (&json!("板橋区"), &json!("2026-12"))
    );
    assert_eq!(table["items"].as_array().unwrap().len(), 30);
    assert_eq!(table["items"][7]["age_5"], 3);
}

#[tokio::test]
async fn vac_04_add_10_the_table_is_a_file_that_is_read_back_as_it_is() {
    let world = World::new().await;
    let cells = [
        ("0歳クラス空き人数", "△2"),
        ("4歳クラス空き人数", "0"),
        ("5歳クラス空き人数", "×"),
        ("月次空き枠情報_備考", "一行目\n二行目"),
        ("公表日", "2026-11-10"),
    ];
    let published = publish(&world, &world.facility, &cells).await;
    let file = read(&world, &format!("{TABLE}.csv")).await;
    assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8");
    let name = "attachment; filename=\"vacancies_131199_2026-12.csv\"";
    assert_eq!(file.headers["content-disposition"], name);
    let written = text(&file);
    assert_eq!(written.lines().count(), 2, "a heading and a record, each on one line: {written}");

    let sheet = Sheet::open(written.as_bytes()).unwrap();
    let record = sheet.records().next().unwrap().unwrap();
    let empty = PlacesByAge::default();
    let mut read =
        Vacancy { places: empty, vacancy_note: None, published_on: None, ..published.clone() };
    for item in ITEMS {
        let cell = record.cell(sheet.column(item.heading).unwrap());
        if !cell.is_empty() {
            item.read(&mut read, cell).unwrap();
        }
    }
    let one_line = Some("一行目 二行目".to_owned());
    assert_eq!(read, Vacancy { vacancy_note: one_line, ..published });
}

#[tokio::test]
async fn slower_writer_of_a_vacancy_does_not_overwrite_a_faster_one() {
    let world = World::new().await;
    let known = publish(&world, &world.facility, &[("0歳クラス空き人数", "1")]).await;
    let again = world.store().put_vacancies(&[(None, known.clone())]).await;
    assert!(matches!(again, Err(StoreError::Conflict)));
    let (code, month) = (known.municipality_code, known.base_month);
    let changed = |after: u64, cell: &str| Vacancy {
        updated_at: known.updated_at
            + SignedDuration::try_from(Duration::from_secs(after)).unwrap(),
        ..vacancy(&world.facility, known.updated_at, &[("0歳クラス空き人数", cell)])
    };
    let (fast, slow) = (changed(1, "2"), changed(2, "3"));
    world.store().put_vacancies(&[(Some(known.clone()), fast.clone())]).await.unwrap();
    let late = world.store().put_vacancies(&[(Some(known.clone()), slow)]).await;
    assert!(matches!(late, Err(StoreError::Conflict)));
    assert_eq!(world.store().vacancies_to_change(code, month).await.unwrap(), vec![fast.clone()]);
    let of_facility = world.store().latest_vacancy(&world.facility.facility_id).await.unwrap();
    assert_eq!(of_facility, Some(fast), "both are written, or none");
}

#[tokio::test]
async fn vacancy_that_moves_to_another_municipality_leaves_the_first() {
    let world = World::new().await;
    let known = publish(&world, &world.facility, &[("0歳クラス空き人数", "1")]).await;
    let moved = Vacancy {
        municipality_code: "131211".parse().unwrap(),
        municipality: "足立区".into(),
        ..known.clone()
    };
    world.store().put_vacancies(&[(Some(known.clone()), moved.clone())]).await.unwrap();
    let list = async |code: &str| {
        let code = code.parse().unwrap();
        world.store().vacancies(code, known.base_month, None, None).await.unwrap()
    };
    assert_eq!((list("131199").await, list("131211").await), (vec![], vec![moved.clone()]));
    let of_facility = world.store().latest_vacancy(&world.facility.facility_id).await.unwrap();
    assert_eq!(of_facility, Some(moved));
}
