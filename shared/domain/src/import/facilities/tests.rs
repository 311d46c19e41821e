use super::plan;
use crate::{
    Facility, Timestamp, export,
    facility::{FacilityType, Source},
    import::{Findings, Planned, Row, RowError},
    sheet::is_formula,
};

const LIST: &str = "事業所番号,施設の名称,施設類型,施設_設置主体,郵便番号,都道府県,市区町村,町名・番地,施設の連絡先_電話番号,合計_利用定員数,緯度,経度
,かないくぼ保育園,保育所,公立,173-0004,東京都,板橋区,板橋2-21-1,03-0000-0000,103,35.75,139.71
";

fn now() -> Timestamp {
    "2026-12-01T10:00:00+09:00".parse().unwrap()
}

fn read(list: &[u8]) -> Result<(Vec<Row<Facility>>, Findings), Findings> {
    super::read(list, None)
}

fn drafts(list: &str) -> Vec<Facility> {
    let (rows, _) = read(list.as_bytes()).unwrap_or_else(|f| panic!("{:?}", f.errors));
    rows.into_iter().map(|row| row.draft).collect()
}

/// Line and column of each error.
fn errors(list: &str) -> Vec<(u64, String)> {
    let findings = read(list.as_bytes()).err().unwrap_or_default();
    findings.errors.into_iter().map(|RowError { line, column, .. }| (line, column)).collect()
}

fn planned(list: &str, known: &[Facility]) -> Vec<Planned<Facility>> {
    let (rows, mut findings) = read(list.as_bytes()).unwrap();
    let planned = plan(&rows, known, now(), &mut findings);
    assert!(findings.errors.is_empty(), "{:?}", findings.errors);
    planned
}

fn created(list: &str) -> Vec<Facility> {
    let planned = planned(list, &[]);
    assert!(planned.iter().all(Planned::is_new));
    planned.into_iter().map(|planned| planned.after).collect()
}

#[test]
fn same_list_twice_changes_nothing() {
    let known = created(LIST);
    assert_eq!(known[0].capacity.total, Some(103));
    assert_eq!(known[0].notes.provenance_of("phone").unwrap().source, Source::Import);
    let [again] = &planned(LIST, &known)[..] else { panic!() };
    assert!(!again.is_changed() && again.proposed.is_empty());
}

#[test]
fn row_states_what_it_says_and_leaves_the_rest() {
    let known = created(LIST);
    let list = "施設の名称,都道府県,市区町村,施設の連絡先_電話番号,最寄り駅からの徒歩\nかないくぼ保育園,東京都,板橋区,,徒歩10分\n";
    let changed = planned(list, &known).remove(0);
    let fields: Vec<_> = changed.told().diff.into_iter().map(|change| change.field).collect();
    assert_eq!(fields, ["walk_minutes_from_station"]);
    let (before, after) = (changed.before.unwrap(), changed.after);
    assert_eq!(before, known[0]);
    assert_eq!(after.phone, before.phone, "an empty cell states nothing");
    assert_eq!(after.details.walk_minutes_from_station, Some(10));
    assert_eq!(after.notes.as_written["walk_minutes_from_station"], "徒歩10分");
}

#[test]
fn what_a_municipality_approved_is_proposed_and_not_overwritten() {
    let mut known = created(LIST);
    known[0].phone = Some("03-1111-1111".into());
    known[0].notes.state(["phone".into()].into(), Source::Facility, now());
    let list = LIST.replace("103", "90");
    let planned = planned(&list, &known).remove(0);
    assert_eq!(planned.after.phone, known[0].phone);
    assert_eq!(planned.after.capacity.total, Some(90));
    let proposed: Vec<_> =
        planned.proposed.iter().map(|(item, value)| (item.field, value.as_str())).collect();
    assert_eq!(proposed, [("phone", Some("03-0000-0000"))]);
}

#[test]
fn code_prefecture_and_name_agree_and_a_lost_zero_is_put_back() {
    let list =
        |row: &str| format!("施設の名称,都道府県,市区町村,全国地方公共団体コード\n園,{row}\n");
    assert_eq!(errors(&list("東京都,板橋区,271004")), [(2, "全国地方公共団体コード".into())]);
    let sent = list("北海道,札幌市,11002");
    let (rows, findings) = read(sent.as_bytes()).unwrap();
    assert_eq!(rows[0].draft.municipality_code.to_string(), "011002");
    assert_eq!(findings.warnings[0].taken_as, "011002");
    for name in ["葛󠄀飾区", "葛飾区"] {
        assert_eq!(drafts(&list(&format!("東京都,{name},")))[0].municipality, "葛飾区");
    }
    assert_eq!(drafts(&list("東京都,青ケ島村,"))[0].municipality, "青ヶ島村");
    let ward = &drafts(&list("北海道,札幌市中央区,"))[0];
    assert_eq!(
        (ward.municipality.as_str(), ward.municipality_code.to_string().as_str()),
        ("札幌市", "011002")
    );
}

#[test]
fn one_number_is_one_facility_and_two_numbers_are_two() {
    let list = |rows: &str| format!("事業所番号,施設の名称,都道府県,市区町村\n{rows}");
    let same = "13,あ園,東京都,板橋区\n";
    assert_eq!(drafts(&list(&same.repeat(2))).len(), 1);
    assert_eq!(
        errors(&list("13,あ園,東京都,板橋区\n13,い園,東京都,板橋区\n")),
        [(3, "事業所番号".into())]
    );
    assert_eq!(drafts(&list("13,あ園,東京都,板橋区\n14,あ園,東京都,板橋区\n")).len(), 2);
    let corrected = "施設の名称,都道府県,市区町村,合計_利用定員数\nあ園,東京都,板橋区,9\nあ園,東京都,板橋区,10\n";
    assert_eq!(errors(corrected), [(3, "施設の名称".into())]);
}

#[test]
fn row_that_fits_two_facilities_is_told() {
    let numbered =
        "事業所番号,施設の名称,都道府県,市区町村\n13,あ園,東京都,板橋区\n14,あ園,東京都,板橋区\n";
    let known = created(numbered);
    let (rows, mut findings) =
        read("施設の名称,都道府県,市区町村\nあ園,東京都,板橋区\n".as_bytes()).unwrap();
    assert!(plan(&rows, &known, now(), &mut findings).is_empty());
    assert_eq!((findings.errors[0].line, findings.errors[0].column.as_str()), (2, "施設の名称"));
}

#[test]
fn cell_of_one_line_is_put_on_one_and_that_is_told() {
    let list = LIST.replace("かないくぼ保育園", "\"相生保育園\r\n（分園）\"");
    let (rows, Findings { warnings, .. }) = read(list.as_bytes()).unwrap();
    assert_eq!(rows[0].draft.facility_name, "相生保育園 （分園）");
    assert_eq!((warnings[0].line, warnings[0].column.as_str()), (2, "施設の名称"));
}

#[test]
fn forty_kinds_of_fault_are_each_told_by_line_and_column() {
    const HEAD: &str = "事業所番号,施設の名称,施設類型,施設_設置主体,郵便番号,都道府県,市区町村,全国地方公共団体コード,町名・番地,施設の連絡先_電話番号,合計_利用定員数,緯度,経度,開所日_開所曜日,開所日_平日開所時間,開所日_平日閉所時間,保育士_従業者数_常勤,利用料_実費徴収_実費徴収の有無,障害児の受け入れ体制,最寄り駅からの徒歩,公式サイトURL,関連ページ（SNS）のURL,法人番号,駐車場の台数,アレルギー対応の有無";
    let columns: Vec<_> = HEAD.split(',').collect();
    let faults = [
        ("事業所番号", "13-1"),
        ("事業所番号", "123456789012345678901"),
        ("施設の名称", ""),
        ("施設の名称", "かな\u{202e}いくぼ"),
        ("施設の名称", "かな\0いくぼ"),
        ("施設類型", "学校"),
        ("施設_設置主体", "都立"),
        ("郵便番号", "173"),
        ("郵便番号", "173-00040"),
        ("都道府県", ""),
        ("都道府県", "東京"),
        ("市区町村", ""),
        ("市区町村", "板橋村"),
        ("全国地方公共団体コード", "271004"),
        ("全国地方公共団体コード", "131198"),
        ("全国地方公共団体コード", "板橋"),
        ("施設の連絡先_電話番号", "x"),
        ("施設の連絡先_電話番号", "123"),
        ("合計_利用定員数", "-1"),
        ("合計_利用定員数", "4294967295"),
        ("合計_利用定員数", "約100"),
        ("緯度", "北緯35度"),
        ("緯度", "0"),
        ("経度", ""),
        ("緯度", ""),
        ("開所日_開所曜日", "毎日"),
        ("開所日_平日開所時間", "25:00"),
        ("開所日_平日閉所時間", "夕方"),
        ("保育士_従業者数_常勤", "NaN"),
        ("利用料_実費徴収_実費徴収の有無", "時々"),
        ("障害児の受け入れ体制", "たぶん"),
        ("最寄り駅からの徒歩", "5〜7分"),
        ("公式サイトURL", "javascript:alert(1)"),
        ("公式サイトURL", "nursery.example.jp"),
        ("関連ページ（SNS）のURL", "https://a.example ftp://b.example"),
        ("法人番号", "6000020131198"),
        ("駐車場の台数", "1.5"),
        ("アレルギー対応の有無", "要相談"),
    ];
    let mut list = format!("{HEAD}\n");
    let mut expected = Vec::new();
    for (nth, (column, wrong)) in faults.iter().enumerate() {
        let cell = |name: &&str| match *name {
            name if name == *column => (*wrong).to_owned(),
            "施設の名称" => format!("園{nth}"),
            "都道府県" => "東京都".into(),
            "市区町村" => "板橋区".into(),
            "緯度" => "35.75".into(),
            "経度" => "139.71".into(),
            _ => String::new(),
        };
        list += &(columns.iter().map(cell).collect::<Vec<_>>().join(",") + "\n");
        expected.push((nth as u64 + 2, (*column).to_owned()));
    }
    let line = faults.len() as u64 + 2;
    list += &format!("{}\n{}\n", "短い,行", ",".repeat(columns.len()) + "長い");
    expected.extend([(line, String::new()), (line + 1, String::new())]);
    let mut told = errors(&list);
    told.sort();
    assert_eq!(told, expected);
    assert!(expected.len() >= 40);
}

#[test]
fn open_data_of_both_layouts_is_recognised() {
    let present = "全国地方公共団体コード,ID,地方公共団体名,名称,名称_カナ,種別,所在地_都道府県,所在地_市区町村,所在地_町字,所在地_番地以下,建物名等(方書),緯度,経度,電話番号,収容定員,受入年齢,利用可能曜日,開始時間,終了時間,一時預かりの有無,URL\n131199,1,東京都板橋区,あ園,アエン,認可保育所,東京都,板橋区,板橋二丁目,21-1,,35.75,139.71,03-0000-0000,60,生後57日～就学前,月火水木金土,7:15,18:15,有,https://nursery.example.jp/\n";
    let facility = &drafts(present)[0];
    assert_eq!(facility.street_address.as_deref(), Some("板橋二丁目21-1"));
    assert_eq!(facility.facility_type, Some(FacilityType::Nursery));
    assert_eq!(facility.details.accepts_from_age_months, Some(1));
    assert_eq!(facility.details.temporary_care, Some(true));
    let older = "都道府県コード又は市区町村コード,NO,都道府県名,市区町村名,名称,住所,緯度,経度\n131199,1,東京都,板橋区,あ園,東京都板橋区板橋2-21-1,35.75,139.71\n";
    assert_eq!(drafts(older)[0].street_address.as_deref(), Some("板橋2-21-1"));
}

#[test]
fn columns_that_are_no_item_are_kept() {
    let list = LIST.replace("経度\n", "経度,園舎面積\n").replace("139.71\n", "139.71,500㎡\n");
    assert_eq!(created(&list)[0].notes.other_columns["園舎面積"], "500㎡");
}

#[test]
fn imp_05_what_an_export_writes_changes_nothing() {
    let list = LIST
        .replace("経度\n", "経度,提供内容の特色,園舎面積\n")
        .replace("139.71\n", "139.71,\"一行目\n\u{3000}二行目\",\"500㎡\n（うち園庭　100㎡）\"\n");
    let mut known = created(&list);
    known[0].details.care_content = Some("=SUM(1)\n'-持ち物\n".into());
    known[0].details.playground_note = Some("'=1".into());
    let mut file = String::new();
    for row in export::facilities(&known) {
        let cell = |cell: String| {
            let quote = if is_formula(&cell) { "'" } else { "" };
            format!("\"{quote}{}\"", cell.replace('"', "\"\""))
        };
        file += &(row.into_iter().map(cell).collect::<Vec<_>>().join(",") + "\r\n");
    }
    let [again] = &planned(&file, &known)[..] else { panic!() };
    assert!(!again.is_changed() && again.proposed.is_empty(), "{:?}", again.told());
    let changed = planned(&file.replace("500㎡", "501㎡"), &known).remove(0);
    assert_eq!(changed.after.notes.other_columns["園舎面積"], "501㎡ （うち園庭 100㎡）");
}

#[test]
fn imp_05_open_data_of_an_export_is_read_again() {
    let known = created(LIST);
    let table = export::open_data(&known);
    let file: Vec<_> = table.iter().map(|row| row.join(",") + "\n").collect();
    assert_eq!(table[0].len(), 53);
    let again = &drafts(&file.concat())[0];
    assert_eq!(again.street_address, known[0].street_address);
    assert_eq!((again.location, again.capacity.total), (known[0].location, Some(103)));
    assert!(again.notes.other_columns.is_empty());
}
