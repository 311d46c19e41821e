//! Lists of vacancies through the API (VAC-01 to VAC-04).

use serde_json::{Value, json};
use tests::{As, World};

use super::{errors, imported, imported_by, itabashi, send, succeeded};

const FACILITIES: &str = "事業所番号,施設の名称,都道府県,市区町村\n\
    1311900001,ひまわり保育園,東京都,板橋区\n\
    1311900002,つくし保育園,東京都,板橋区\n\
    1312100001,あだち保育園,東京都,足立区\n";

const LIST: &str = "事業所番号,基準年月,0歳クラス空き人数,1歳クラス空き人数,0～2歳クラス空き人数,月次空き枠情報_備考,公表日\r\n\
    1311900001,2026年12月,△２,0,○,一時保育もあります。,2026/11/10\r\n\
    1311900002,2026年12月,×,-,,,2026/11/10\r\n";

/// With nurseries of two municipalities.
async fn world() -> World {
    let world = World::new().await;
    assert_eq!(succeeded(&imported(&world, "facilities", FACILITIES).await), [3, 3, 0, 0]);
    world
}

/// What a municipality's nurseries have free in its latest month, by name.
async fn shown(world: &World, municipality: &str) -> Vec<Value> {
    let path = format!("/v1/municipalities/{municipality}/vacancies.json");
    world.get(&As::Anyone, &path).await.body["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn imp_01_vac_01_a_list_of_vacancies_is_imported_with_numbers_marks_and_the_combined_class() {
    let world = world().await;
    assert_eq!(succeeded(&imported(&world, "vacancies", LIST).await), [2, 2, 0, 0]);
    let [tsukushi, himawari] = &shown(&world, "131199").await[..] else { panic!() };
    assert_eq!(
        (&himawari["facility_name"], &himawari["base_month"]),
        (&json!("ひまわり保育園"), &json!("2026-12"))
    );
    assert_eq!((&himawari["age_0"], &himawari["mark_0"]), (&json!(2), &json!("few")));
    assert_eq!((&himawari["age_1"], &himawari["mark_0_2"]), (&json!(0), &json!("open")));
    assert_eq!(himawari["vacancy_note"], "一時保育もあります。");
    assert_eq!((&tsukushi["mark_0"], &tsukushi["age_1"]), (&json!("none"), &Value::Null));
}

#[tokio::test]
async fn vac_02_vac_03_what_is_imported_is_shown_at_once_wherever_families_look() {
    let world = world().await;
    imported(&world, "vacancies", LIST).await;
    let search = "/v1/facilities?municipality=131199&q=%E3%81%B2%E3%81%BE%E3%82%8F%E3%82%8A";
    let found = world.get(&As::Anyone, search).await.body["items"][0].clone();
    let page = format!("/v1/facilities/{}", found["facility_id"].as_str().unwrap());
    let page = world.get(&As::Anyone, &page).await.body;
    let list = world.get(&As::Anyone, "/v1/vacancies?municipality=131199").await.body;
    for shown in [&found["vacancy"], &page["vacancy"], &list["items"][0], &list["items"][1]] {
        assert_eq!(shown["base_month"], "2026-12");
    }
    assert_eq!((&found["vacancy"]["age_0"], &page["vacancy"]["age_0"]), (&json!(2), &json!(2)));
    assert_eq!(page["vacancy"]["published_on"], "2026-11-10");
    assert_eq!(list["items"].as_array().unwrap().len(), 2);

    let next = LIST.replace("2026年12月", "2027-01").replace("△２", "5");
    assert_eq!(succeeded(&imported(&world, "vacancies", next).await), [2, 2, 0, 0]);
    let found = world.get(&As::Anyone, search).await.body["items"][0]["vacancy"].clone();
    assert_eq!((&found["base_month"], &found["age_0"]), (&json!("2027-01"), &json!(5)));
}

#[tokio::test]
async fn imp_04_the_same_vacancies_again_change_nothing_and_nothing_is_deleted() {
    let world = world().await;
    imported(&world, "vacancies", LIST).await;
    let before = shown(&world, "131199").await;
    world.set("2026-12-01T11:00:00+09:00");
    assert_eq!(succeeded(&imported(&world, "vacancies", LIST).await), [2, 0, 0, 2]);
    assert_eq!(shown(&world, "131199").await, before, "not even the time");

    // One nursery is left out, of the other a cell is empty and columns are missing.
    let part = "事業所番号,基準年月,0歳クラス空き人数,1歳クラス空き人数\n1311900001,2026-12,,1\n";
    let dry = imported(&world, "vacancies&dry_run=true", part).await;
    assert_eq!(succeeded(&dry), [1, 0, 1, 0]);
    let change = &dry["changes"][0];
    assert_eq!(change["name"], "ひまわり保育園（2026年12月）");
    let fields = change["diff"].as_array().unwrap().iter().map(|item| item["field"].clone());
    assert_eq!(fields.collect::<Vec<_>>(), ["age_0", "age_1"]);
    assert_eq!(shown(&world, "131199").await, before, "a dry run writes nothing");
    imported(&world, "vacancies", part).await;
    let [tsukushi, himawari] = &shown(&world, "131199").await[..] else { panic!() };
    assert_eq!(tsukushi, &before[0], "left out");
    assert_eq!((&himawari["age_0"], &himawari["age_1"]), (&Value::Null, &json!(1)));
    assert_eq!(himawari["vacancy_note"], "一時保育もあります。");
}

#[tokio::test]
async fn imp_01_a_facility_that_cannot_be_told_is_an_error_and_nothing_is_imported() {
    let world = world().await;
    for _ in 0..2 {
        let twin =
            "事業所番号,施設の名称,都道府県,市区町村\n1311900003,つくし保育園,東京都,板橋区\n";
        imported(&world, "facilities", twin).await;
    }
    let list = "事業所番号,区市町村,施設の名称,基準年月,担当\n\
        1311900001,,,2026-12,\n\
        ,板橋区,つくし保育園,2026-12,\n\
        ,板橋区,ない保育園,2026-12,\n\
        99,,,2026-12,\n\
        1312100001,板橋区,,2026-12,保育課\n";
    let import = imported(&world, "vacancies", list).await;
    assert_eq!(
        errors(&import),
        [
            (3, "施設の名称", "つくし保育園"),
            (4, "施設の名称", "ない保育園"),
            (5, "事業所番号", "99"),
            (6, "事業所番号", "1312100001"),
        ]
    );
    let details: Vec<_> =
        import["errors"].as_array().unwrap().iter().map(|e| e["detail"].clone()).collect();
    assert_eq!(
        details,
        [
            "該当する施設が2件あります。事業所番号を入力してください。",
            "該当する施設がありません。",
            "該当する施設がありません。",
            "他の区市町村のものです。",
        ]
    );
    assert_eq!(import["warnings"][0]["column"], "担当", "a column that is kept nowhere");
    assert!(shown(&world, "131199").await.is_empty());
    let path = format!("/v1/staff/imports/{}/errors.csv", import["import_id"].as_str().unwrap());
    let rows = world.get(&As::Operator, &path).await.body.as_str().unwrap().to_owned();
    assert_eq!(rows.lines().count(), 5, "{rows}");
}

#[tokio::test]
async fn vac_01_a_number_finds_a_facility_that_came_into_the_hub_without_one() {
    let world = world().await;
    let without = "施設の名称,都道府県,市区町村\nかえで保育園,東京都,板橋区\n";
    imported(&world, "facilities", without).await;
    let with = "事業所番号,施設の名称,都道府県,市区町村\n1311900009,かえで保育園,東京都,板橋区\n";
    assert_eq!(succeeded(&imported(&world, "facilities", with).await), [1, 0, 1, 0]);
    let list = "事業所番号,基準年月,3歳クラス空き人数\n1311900009,2026-12,4\n";
    for who in [As::Operator, itabashi()] {
        imported_by(&world, &who, "vacancies", list).await;
        let shown = shown(&world, "131199").await;
        assert_eq!(
            (&shown[0]["facility_name"], &shown[0]["age_3"]),
            (&json!("かえで保育園"), &json!(4))
        );
    }
}

#[tokio::test]
async fn vac_01_a_vacancy_takes_the_name_that_its_facility_has_today() {
    let world = world().await;
    imported(&world, "vacancies", LIST).await;
    let renamed = FACILITIES.replace("ひまわり保育園", "ひまわりこども園");
    imported(&world, "facilities", renamed).await;
    let import = imported(&world, "vacancies", LIST).await;
    assert_eq!(succeeded(&import), [2, 0, 1, 1]);
    assert_eq!(import["changes"][0]["diff"][0]["field"], "facility_name");
    assert_eq!(shown(&world, "131199").await[1]["facility_name"], "ひまわりこども園");
}

#[tokio::test]
async fn imp_01_municipal_staff_import_vacancies_of_their_own_municipality_alone() {
    let world = world().await;
    let other = "事業所番号,基準年月\n1312100001,2026-12\n";
    let named = "区市町村,施設の名称,基準年月\n足立区,あだち保育園,2026-12\n";
    let import = imported_by(&world, &itabashi(), "vacancies", other).await;
    assert_eq!(errors(&import), [(2, "事業所番号", "1312100001")]);
    assert_eq!(import["errors"][0]["detail"], "他の区市町村のものです。");
    let import = imported_by(&world, &itabashi(), "vacancies", named).await;
    assert_eq!(errors(&import), [(2, "区市町村", "足立区")]);
    assert!(shown(&world, "131211").await.is_empty());
    let adachi = As::Municipality("131211");
    for list in [other, named] {
        imported_by(&world, &adachi, "vacancies", list).await;
        assert_eq!(shown(&world, "131211").await.len(), 1);
    }
    let sent =
        send(&world, &As::Staff(world.facility.facility_id.clone()), "vacancies", "1", other).await;
    assert_eq!(sent.status, 403, "nursery staff import nothing");
}

#[tokio::test]
async fn vac_04_add_10_the_table_that_is_published_is_edited_and_imported_as_it_is() {
    let world = world().await;
    imported(&world, "vacancies", LIST).await;
    let table = world.get(&As::Anyone, "/v1/municipalities/131199/vacancies.csv").await;
    let table = table.body.as_str().unwrap().to_owned();
    let same = imported_by(&world, &itabashi(), "vacancies", table.clone()).await;
    assert_eq!(succeeded(&same), [2, 0, 0, 2]);
    assert_eq!(same["warnings"], json!([]));
    let next =
        imported_by(&world, &itabashi(), "vacancies", table.replace("2026-12", "2027-01")).await;
    assert_eq!(succeeded(&next), [2, 2, 0, 0]);
}

#[tokio::test]
async fn a_dataset_is_one_of_those_that_the_hub_knows() {
    let world = World::new().await;
    let unknown = send(&world, &As::Operator, "slots", "1", LIST).await;
    assert_eq!(
        (unknown.status.as_u16(), &unknown.body["errors"][0]["pointer"]),
        (400, &json!("/dataset"))
    );
}
