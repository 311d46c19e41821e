//! The same list in every encoding and with every line end.

use std::{fs, path::Path};

use serde_json::Value;
use tests::{As, World};

use super::{counts, imported, imported_unseen, succeeded};

/// As UTF-8, UTF-8 with a mark, CP932 and UTF-16, each with LF, CRLF and CR.
fn writings(text: &str) -> Vec<Vec<u8>> {
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let mut writings = Vec::new();
    for newline in ["\n", "\r\n", "\r"] {
        let text = text.replace('\n', newline);
        let marked = format!("\u{feff}{text}");
        let cp932 = encoding_rs::SHIFT_JIS.encode(&text).0.into_owned();
        let utf16 = marked.encode_utf16().flat_map(u16::to_le_bytes).collect();
        writings.extend([text.into(), marked.into(), cp932, utf16]);
    }
    writings
}

/// A list that may be here: what is not ours to publish lies beside the project, if anywhere.
fn beside_the_project(name: &str) -> Option<String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    here.map(|dir| dir.join("shared/data").join(name))
        .find_map(|file| fs::read_to_string(file).ok())
}

/// Imports every writing into a hub that has one nursery already, with the same name as one of the list.
async fn imported_in_each_writing(list: &str, rows: u64) {
    let world = World::new().await;
    let mut created = rows - 1;
    for file in writings(list) {
        let import = imported_unseen(&world, &As::Operator, "facilities", file).await;
        let [read, new, updated, unchanged] = succeeded(&import);
        assert_eq!((read, new, updated + unchanged), (rows, created, rows - created));
        assert!(created > 0 || updated == 0, "the list is imported already");
        created = 0;
    }
    let listed = world.store().facilities_by_municipality().await.unwrap();
    assert_eq!(listed.values().map(Vec::len).sum::<usize>() as u64, rows);
}

#[tokio::test]
async fn imp_01_pilot_and_tokyo_are_imported_in_each_encoding_twice_without_a_duplicate() {
    imported_in_each_writing(include_str!("../../../../infra/local/data/pilot.csv"), 126).await;
    for (name, rows) in [("pilot-126.csv", 126), ("tokyo-2017.csv", 2573)] {
        if let Some(list) = beside_the_project(name) {
            imported_in_each_writing(&list, rows).await;
        }
    }
}

#[tokio::test]
async fn imp_01_procedures_and_vacancies_are_read_in_each_encoding_and_with_tabs() {
    let world = World::new().await;
    let procedures =
        "都道府県名,区市町村名,年度,手続き名,公開開始日\n東京都,板橋区,2027,4月入園,2026-11-01\n";
    let vacancies = "区市町村,施設の名称,基準年月,0～2歳クラス空き人数,月次空き枠情報_備考\n板橋区,かないくぼ保育園,2026年12月,△2,\"一行目\n二行目\"\n";
    for (dataset, list) in [("procedures", procedures), ("vacancies", vacancies)] {
        let mut expected = [1, 1, 0, 0];
        for file in writings(list).into_iter().chain(writings(&list.replace(',', "\t"))) {
            assert_eq!(succeeded(&imported(&world, dataset, file).await), expected, "{dataset}");
            expected = [1, 0, 0, 1];
        }
    }
    let table = "/v1/vacancies?municipality=131199";
    let found = world.get(&As::Anyone, table).await.body["items"][0].clone();
    assert_eq!((&found["age_0_2"], &found["mark_0_2"]), (&2.into(), &"few".into()));
    assert_eq!(found["vacancy_note"], "一行目\n二行目");
}

#[tokio::test]
async fn imp_01_errors_stand_on_the_line_that_an_editor_shows() {
    let world = World::new().await;
    let list = "基準年月,事業所番号,月次空き枠情報_備考\r\n\r\n2026-12,1,\"一行目\r\n二行目\"\r\n2026-12,2,\r\n";
    let import = imported(&world, "vacancies", list).await;
    let lines: Vec<_> = super::errors(&import).into_iter().map(|(line, ..)| line).collect();
    assert_eq!(lines, [3, 5]);
    assert_eq!(counts(&import)[0], &Value::from(2));
}
