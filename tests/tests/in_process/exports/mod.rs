//! What a municipality has in the hub, as files (IMP-02, IMP-03, IMP-05, IMP-06).

mod archive;
mod large;
mod published;
mod rules;

use axum::body::Body;
use domain::{
    Facility, FacilityId, ImportId,
    facility::{ITEMS, Source, named},
    sheet::Sheet,
};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use run_import::Importer;
use serde_json::{Value, json};
use tests::{As, World, context, facility};
use tower::ServiceExt;

use crate::{procedures::procedure, vacancies::vacancy};

const PILOT: &str = include_str!("../../../../infra/local/data/pilot.csv");

fn itabashi() -> As {
    As::Municipality("131199")
}

/// An answer whatever its bytes are.
struct File {
    status: StatusCode,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl File {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn text(&self) -> &str {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.bytes));
        str::from_utf8(&self.bytes).unwrap()
    }
}

async fn export_as(world: &World, who: &As, path: &str, headers: &[(&str, &str)]) -> File {
    let mut request = Request::get(format!("/v1/staff/exports/{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::empty()).unwrap();
    request.extensions_mut().insert(context(who));
    let response = Box::pin(world.app.clone().oneshot(request)).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes().to_vec();
    File { status: parts.status, headers: parts.headers, bytes }
}

/// What staff of Itabashi export.
async fn export(world: &World, path: &str) -> File {
    export_as(world, &itabashi(), path, &[]).await
}

/// What a file says in a column, row by row.
fn column(file: &str, heading: &str) -> Vec<String> {
    let sheet = Sheet::open(file.as_bytes()).unwrap();
    let column = sheet.column(heading).unwrap_or_else(|| panic!("no {heading}"));
    sheet.records().map(|record| record.unwrap().cell(column).to_owned()).collect()
}

async fn send(
    world: &World,
    who: &As,
    query: &str,
    kind: &str,
    file: impl Into<Body>,
) -> tests::Answer {
    let key = format!("{:032x}", rand::random::<u128>());
    let request = Request::post(format!("/v1/staff/imports?{query}"));
    let request = request.header("idempotency-key", key).header("content-type", kind);
    world.send(who, request.body(file.into()).unwrap()).await
}

fn id(sent: &tests::Answer) -> ImportId {
    assert_eq!(sent.status, 202, "{}", sent.shown());
    sent.body["import_id"].as_str().unwrap().parse().unwrap()
}

/// Imports a file, and looks at the import.
async fn imported(world: &World, query: &str, kind: &str, file: impl Into<Body>) -> Value {
    let id = id(&send(world, &As::Operator, query, kind, file).await);
    Importer { hub: world.hub.clone() }.run(&id).await.unwrap();
    world.relay_changes().await;
    let import = world.get(&As::Operator, &format!("/v1/staff/imports/{id}")).await.body;
    assert_eq!(import["status"], "succeeded", "{}", import["errors"]);
    import
}

/// The nurseries of the pilot, with vacancies of two months and a procedure.
async fn municipalities() -> World {
    let world = World::new().await;
    imported(&world, "dataset=facilities", "text/csv", PILOT).await;
    let facilities = world.store().facilities_with_settings("131199".parse().unwrap()).await;
    let now = world.hub.clock.now();
    let mut vacancies = Vec::new();
    for (nth, (of, _)) in facilities.unwrap().iter().enumerate() {
        let mark = ["○", "△", "×"][nth % 3];
        for month in ["2026-12", "2027-01"] {
            let cells = [
                ("基準年月", month),
                ("0歳クラス空き人数", mark),
                ("1歳クラス空き人数", "0"),
                ("2歳クラス空き人数", "2"),
                ("3歳クラス空き人数", "-"),
                ("公表日", "2026-11-10"),
            ];
            vacancies.push((None, vacancy(of, now, &cells)));
        }
    }
    world.store().put_vacancies(&vacancies).await.unwrap();
    let cells: Vec<_> = ["対象年月", "0歳_入所可能（募集）数", "0歳_申込数", "0歳_入所決定数"]
        .into_iter()
        .zip(["2026-04", "120", "95", "90"])
        .chain([("1歳_申込数", "0"), ("備考", "一次選考の\n数です。")])
        .collect();
    let published = procedure(&world, &cells);
    let later = procedure(
        &world,
        &[&cells[..], &[("手続き名", "来年の申込み"), ("公開開始日", "2027-10-01")]].concat(),
    );
    world.store().put_procedures(&[(None, published), (None, later)]).await.unwrap();
    world
}

/// Changes a nursery past the API.
async fn change(world: &World, id: &FacilityId, change: impl FnOnce(&mut Facility)) {
    let before = world.store().facility(id).await.unwrap().unwrap();
    let mut after = before.clone();
    change(&mut after);
    after.updated_at = world.hub.clock.now() + jiff::SignedDuration::from_millis(1);
    world.store().put_facilities(&[(Some(before), after)]).await.unwrap();
}

/// Says of a nursery what a careless export would spoil, or show to anybody.
async fn say_much(world: &World) {
    let now = world.hub.clock.now();
    change(world, &world.facility.facility_id, |of| {
        for (field, text) in [
            ("features", "一行目\r\n　二行目  です"),
            ("care_content", "=HYPERLINK(\"https://example.jp\")"),
            ("operation_policy", "'-持ち物, \"上履き\""),
            ("corporation_name", "社会福祉法人　ひまわり会"),
            ("weekday_closes_at", "18:15"),
            ("phone", "03-3961-0000"),
            ("street_address", "板橋2-21-1"),
        ] {
            named(field).unwrap().read(of, text).unwrap();
        }
        of.notes.state(["phone".into()].into(), Source::Facility, now);
        of.notes.withheld = ["phone".into(), "corporation_name".into()].into();
        of.notes.other_columns.insert("法人等代表者の氏名".into(), "架空\n太郎".into());
    })
    .await;
}

#[tokio::test]
async fn imp_05_what_is_exported_as_a_list_changes_nothing_when_it_is_imported_again() {
    let world = municipalities().await;
    say_much(&world).await;
    for dataset in ["facilities", "procedures", "vacancies"] {
        let list = export(&world, &format!("{dataset}?format=csv")).await;
        assert_eq!(list.header("content-type"), "text/csv; charset=utf-8");
        let import = imported(&world, &format!("dataset={dataset}"), "text/csv", list.bytes).await;
        let rows = import["rows"].as_u64().unwrap();
        assert!(rows > 1, "{dataset}");
        assert_eq!(
            (&import["unchanged"], &import["proposed"], &import["changes"]),
            (&rows.into(), &0.into(), &json!([])),
            "{dataset}"
        );
    }
}

#[tokio::test]
async fn imp_05_imp_06_what_is_for_publication_says_nothing_that_is_withheld() {
    let world = municipalities().await;
    say_much(&world).await;
    change(&world, &world.facility.facility_id, |of| {
        of.office_number = Some("1311900099".into());
        of.notes.withheld.insert("office_number".into());
    })
    .await;
    let staff = export(&world, "facilities?format=csv").await;
    for known in ["03-3961-0000", "ひまわり会", "架空 太郎", "1311900099", "法人等の名称 "]
    {
        assert!(staff.text().contains(known), "staff see {known}");
    }
    for path in ["facilities?format=opendata", "vacancies?format=long", "procedures?format=long"] {
        let file = export(&world, path).await;
        for hidden in ["03-3961-0000", "ひまわり会", "太郎", "1311900099", "来年の申込み"]
        {
            assert!(!file.text().contains(hidden), "{path}: {hidden}");
        }
    }
    let open_data = export(&world, "facilities?format=opendata").await;
    assert_eq!(open_data.text().lines().next().unwrap().split(',').count(), 53);
    let names = column(open_data.text(), "名称");
    let at = names.iter().position(|name| name == tests::FACILITY).unwrap();
    assert_eq!(column(open_data.text(), "種別")[at], "保育所");
    assert_eq!(column(open_data.text(), "終了時間")[at], "18:15");
    assert_eq!(column(open_data.text(), "所在地_連結表記")[at], "東京都板橋区板橋2-21-1");
}

#[tokio::test]
async fn imp_03_a_list_says_where_families_book_here() {
    let world = municipalities().await;
    let elsewhere = facility("よそで予約する園", "131199", "板橋区");
    world.add_facility(&elsewhere).await;
    change(&world, &elsewhere.facility_id, |of| {
        of.external_booking_url = Some("https://nursery.example.jp/booking".parse().unwrap());
    })
    .await;
    let list = export(&world, "facilities?format=csv").await;
    let books = |name: &str| {
        let names = column(list.text(), "施設の名称");
        let at = names.iter().position(|one| one == name).unwrap();
        column(list.text(), "見学予約の受付")[at].clone()
    };
    assert_eq!((books(tests::FACILITY).as_str(), books("よそで予約する園").as_str()), ("有", "無"));
    // Of the list that was imported nobody said that they take bookings here.
    assert_eq!(
        column(list.text(), "見学予約の受付").iter().filter(|cell| *cell == "有").count(),
        1
    );
}

#[tokio::test]
async fn imp_02_what_waits_for_a_decision_is_a_file_with_a_row_for_each_item() {
    let world = World::new().await;
    let changes =
        json!({"weekday_closes_at": "19:15", "facility_type": "small_a", "features": "=1\n二行目"});
    world.change_asked(changes, true, "1").await;
    world.change_asked(json!({"phone": "03-0000-0011"}), false, "2").await;
    let file = export(&world, "change_requests?format=csv").await;
    assert!(file.text().starts_with("\u{feff}施設情報変更依頼番号,変更承認状況,"));
    assert!(file.text().contains(",'=1 二行目\r\n"), "no formula, and on one line");
    assert_eq!(column(file.text(), "変更承認状況"), ["未承認"; 3], "a draft waits for nobody");
    assert_eq!(column(file.text(), "施設の名称"), [tests::FACILITY; 3]);
    assert_eq!(column(file.text(), "依頼日時"), ["2026-12-01 10:00"; 3]);
    assert_eq!(column(file.text(), "項目"), ["施設類型", "開所日_平日閉所時間", "提供内容の特色"]);
    assert_eq!(column(file.text(), "変更前")[..2], ["保育所", ""], "labels, and no codes");
    assert_eq!(column(file.text(), "変更後")[..2], ["小規模A型", "19:15"]);
    let other = export_as(&world, &As::Municipality("131211"), "change_requests", &[]).await;
    assert_eq!(other.text().lines().count(), 1, "nothing of another municipality");
}

#[tokio::test]
async fn imp_06_a_table_for_programs_has_a_row_for_each_facility_month_and_age() {
    let world = municipalities().await;
    let of = world.facility.facility_id.as_str();
    let all = export(&world, "vacancies?format=long").await;
    let heading = "municipality_code,facility_id,fiscal_year,base_year,base_month,age_class,vacancy_count,vacancy_mark";
    assert_eq!(all.text().trim_start_matches('\u{feff}').lines().next(), Some(heading));
    let of_nursery = all.text().lines().filter(|line| line.contains(of));
    let rows: Vec<_> = of_nursery.filter(|line| line.contains(",2027-01,")).collect();
    assert_eq!(rows.len(), 3, "what is not stated has no row: {rows:?}");
    assert_eq!(rows[1], format!("131199,{of},2026,2027,2027-01,age_1,0,"), "zero is stated");
    let month = export(&world, "vacancies?format=long&base_month=2026-12").await;
    assert_eq!(month.text().lines().count() * 2, all.text().lines().count() + 1);
    assert_eq!(
        month.header("content-disposition"),
        "attachment; filename=\"vacancies_long_131199_2026-12.csv\""
    );
    let procedures = export(&world, "procedures?format=long").await;
    let rows: Vec<_> = procedures.text().lines().skip(1).collect();
    assert!(rows[0] == "131199,4月入園の申込み,2027,2026,2026-04,age_0,120,95,90", "{rows:?}");
    assert!(rows[1].ends_with(",age_1,,0,") && rows.len() == 2, "{rows:?}");
}

#[tokio::test]
async fn each_gets_what_is_theirs_and_a_form_that_is_not_there_is_named() {
    let world = municipalities().await;
    let status = async |who: &As, path: &str| {
        let file = export_as(&world, who, path, &[]).await;
        let problem: Value = serde_json::from_slice(&file.bytes).unwrap_or_default();
        (
            file.status.as_u16(),
            problem["errors"][0]["pointer"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let staff = world.staff();
    for (who, path, expected) in [
        (&staff, "facilities", (403, "")),
        (&As::Municipality("131211"), "facilities?municipality=131199", (404, "")),
        (&itabashi(), "facilities?municipality=131199", (200, "")),
        (&itabashi(), "facilities?municipality=131199&municipality=131211", (404, "")),
        (&itabashi(), "reservations", (404, "")),
        (&As::Operator, "facilities", (400, "/municipality")),
        (&As::Operator, "facilities?municipality=011002", (400, "/municipality")),
        (&As::Operator, "facilities?municipality=131199&municipality=131211", (200, "")),
        (&itabashi(), "all?format=csv", (400, "/format")),
        (&itabashi(), "facilities?format=long", (400, "/format")),
        (&itabashi(), "vacancies?format=opendata", (400, "/format")),
        (&itabashi(), "change_requests?format=long", (400, "/format")),
        (&itabashi(), "facilities?format=xlsx", (400, "/format")),
        (&itabashi(), "procedures?base_month=2026-12", (400, "/base_month")),
        (&itabashi(), "vacancies?base_month=12", (400, "/base_month")),
    ] {
        let (code, pointer) = expected;
        assert_eq!(status(who, path).await, (code, pointer.to_owned()), "{path}");
    }
    let both = "facilities?municipality=131199&municipality=131211";
    let both = export_as(&world, &As::Operator, both, &[]).await;
    let codes = column(both.text(), "全国地方公共団体コード");
    assert!(codes.contains(&"131199".to_owned()) && codes.contains(&"131211".to_owned()));
    let own = export(&world, "facilities").await;
    assert!(column(own.text(), "市区町村").iter().all(|name| name == "板橋区"));
    for heading in ITEMS.iter().filter(|item| item.field != "location").map(|item| item.heading) {
        column(own.text(), heading);
    }
}
