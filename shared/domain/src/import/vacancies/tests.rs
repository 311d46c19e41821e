use super::{Facilities, months, plan, read, resolve};
use crate::{
    Facility, FacilityId, MunicipalityCode, Timestamp,
    facility::FacilityType,
    import::{Findings, Planned, RowError},
    search::tests::facility,
    vacancy::Vacancy,
};

fn now() -> Timestamp {
    "2026-11-10T10:00:00+09:00".parse().unwrap()
}

fn code(text: &str) -> MunicipalityCode {
    text.parse().unwrap()
}

fn one(name: &str, number: Option<&str>) -> Facility {
    let facility_id = FacilityId::derive(number, &code("131199"), name);
    Facility { facility_id, office_number: number.map(str::to_owned), ..facility(name, "") }
}

/// Two with numbers, one without; one name is in two of them.
fn itabashi() -> Facilities {
    let all = [
        one("ひまわり保育園", Some("0131")),
        one("つくし保育園", Some("0132")),
        one("つくし保育園", Some("0133")),
    ];
    [(code("131199"), all.to_vec())].into()
}

fn planned_of(
    list: &str,
    facilities: &Facilities,
    known: &[Vacancy],
    only: Option<&str>,
) -> Result<(Vec<Planned<Vacancy>>, Findings), Findings> {
    let only = only.map(code);
    let (rows, mut findings) = read(list.as_bytes(), only)?;
    let rows = resolve(&rows, facilities, only, &mut findings);
    let planned = plan(&rows, known, now());
    if findings.errors.is_empty() { Ok((planned, findings)) } else { Err(findings) }
}

fn planned(list: &str, known: &[Vacancy]) -> Vec<Planned<Vacancy>> {
    planned_of(list, &itabashi(), known, None).unwrap_or_else(|f| panic!("{:?}", f.errors)).0
}

/// Line, column and value of each error.
fn errors(list: &str, facilities: &Facilities, only: Option<&str>) -> Vec<(u64, String, String)> {
    let findings = planned_of(list, facilities, &[], only).err().unwrap_or_default();
    let told = |RowError { line, column, value, .. }| (line, column, value);
    findings.errors.into_iter().map(told).collect()
}

fn error(line: u64, column: &str, value: &str) -> Vec<(u64, String, String)> {
    vec![(line, column.into(), value.into())]
}

#[test]
fn vac_01_a_row_names_its_facility_by_number_or_by_municipality_and_name() {
    let by_number = "事業所番号,基準年月,0歳クラス空き人数\n0131,2026-12,△2\n";
    let by_name =
        "区市町村,施設の名称,基準年月,0歳クラス空き人数\n板橋区,ヒマワリ保育園,R8.12,△2\n";
    let [first] = &planned(by_number, &[])[..] else { panic!() };
    assert_eq!(first.after.facility_name, "ひまわり保育園");
    assert_eq!(first.after.base_month.to_string(), "2026-12");
    let [second] = &planned(by_name, &[])[..] else { panic!() };
    assert_eq!(first.after, second.after);
    let both = "事業所番号,区市町村,施設の名称,基準年月\n0132,板橋区,つくし保育園,2026-12\n";
    assert_eq!(planned(both, &[])[0].after.office_number.as_deref(), Some("0132"));
}

#[test]
fn vac_01_a_facility_that_is_not_known_or_not_the_only_one_is_an_error() {
    let here = itabashi();
    let by_number = |row: &str| format!("事業所番号,基準年月\n{row}\n");
    let by_name = |row: &str| format!("区市町村,名称,基準年月\n{row}\n");
    assert_eq!(errors(&by_number("0139,2026-12"), &here, None), error(2, "事業所番号", "0139"));
    assert_eq!(errors(&by_number("131,2026-12"), &here, None), error(2, "事業所番号", "131"));
    for name in ["つくし保育園", "ない保育園"] {
        let told = errors(&by_name(&format!("板橋区,{name},2026-12")), &here, None);
        assert_eq!(told, error(2, "名称", name));
    }
    let elsewhere = by_name("足立区,ひまわり保育園,2026-12");
    assert_eq!(errors(&elsewhere, &here, None), error(2, "名称", "ひまわり保育園"));
    assert_eq!(
        errors(&by_number(",2026-12"), &here, None),
        [(2, "施設の名称".into(), String::new()), (2, "区市町村".into(), String::new()),]
    );
    assert_eq!(errors("基準年月\n2026-12\n", &here, None), error(1, "事業所番号", ""));
    assert_eq!(errors("施設の名称,基準年月\nあ,2026-12\n", &here, None), error(1, "区市町村", ""));
}

#[test]
fn a_facility_of_another_municipality_is_an_error() {
    let mut all = itabashi();
    let adachi =
        Facility { municipality_code: code("131211"), ..one("あだち保育園", Some("0200")) };
    all.insert(code("131211"), vec![adachi]);
    let list = "事業所番号,基準年月\n0200,2026-12\n";
    assert_eq!(errors(list, &all, None), []);
    assert_eq!(errors(list, &all, Some("131199")), error(2, "事業所番号", "0200"));
    let named = "事業所番号,区市町村,基準年月\n0200,板橋区,2026-12\n";
    let told = planned_of(named, &all, &[], None).unwrap_err().errors.remove(0);
    assert_eq!(
        (told.column.as_str(), told.detail.as_str()),
        ("事業所番号", "他の区市町村のものです。")
    );
    let named = "区市町村,施設の名称,基準年月\n足立区,あだち保育園,2026-12\n";
    assert_eq!(errors(named, &all, Some("131199")), error(2, "区市町村", "足立区"));
}

#[test]
fn a_municipality_whose_name_is_in_two_prefectures_needs_its_own() {
    let list = "区市町村,施設の名称,基準年月\n府中市,ひまわり保育園,2026-12\n";
    assert_eq!(errors(list, &itabashi(), None), error(2, "区市町村", "府中市"));
    let own = errors(list, &itabashi(), Some("132063"));
    assert_eq!(own, error(2, "施設の名称", "ひまわり保育園"), "the caller's, which has none");
    let coded = "全国地方公共団体コード,区市町村,施設の名称,基準年月\n342084,府中市,ひまわり保育園,2026-12\n";
    assert_eq!(errors(coded, &itabashi(), None), error(2, "施設の名称", "ひまわり保育園"));
}

#[test]
fn the_base_month_is_stated() {
    let here = itabashi();
    let of = |month: &str| format!("事業所番号,基準年月\n0131,{month}\n");
    for wrong in ["", "－", "12月", "2026-13"] {
        let value = if wrong == "－" { "" } else { wrong };
        assert_eq!(errors(&of(wrong), &here, None), error(2, "基準年月", value));
    }
    assert_eq!(errors("事業所番号\n0131\n", &here, None), error(1, "基準年月", ""));
}

#[test]
fn the_same_row_counts_once_and_another_of_the_same_month_is_an_error() {
    let list = |second: &str| {
        format!(
            "事業所番号,区市町村,施設の名称,基準年月,0歳クラス空き人数\n0131,,,2026-12,1\n{second}\n"
        )
    };
    for same in ["0131,,,2026年12月,１", ",板橋区,ひまわり保育園,2026-12,1"] {
        assert_eq!(planned(&list(same), &[]).len(), 1, "{same}");
    }
    assert_eq!(
        errors(&list(",板橋区,ひまわり保育園,2026-12,2"), &itabashi(), None),
        error(3, "施設の名称", "ひまわり保育園")
    );
    assert_eq!(planned(&list("0131,,,2027-01,2"), &[]).len(), 2);
}

#[test]
fn an_empty_cell_states_nothing_and_a_column_that_is_not_there_leaves_the_old_value() {
    let whole = "事業所番号,基準年月,0歳クラス空き人数,1歳クラス空き人数,月次空き枠情報_備考\n0131,2026-12,2,○,\"一行目\n二行目\"\n";
    let known = vec![planned(whole, &[]).remove(0).after];
    assert!(!planned(whole, &known)[0].is_changed());
    let on_one_line = whole.replace("\"一行目\n二行目\"", "一行目 二行目");
    assert!(!planned(&on_one_line, &known)[0].is_changed(), "as an export writes it");

    let part = "事業所番号,基準年月,0歳クラス空き人数\n0131,2026-12,－\n";
    let changed = planned(part, &known).remove(0);
    assert_eq!(changed.after.places.age_0, None);
    assert_eq!(changed.after.places.age_1, known[0].places.age_1);
    assert_eq!(changed.after.vacancy_note, known[0].vacancy_note);
    let told = changed.told();
    assert_eq!(told.name, "ひまわり保育園（2026年12月）");
    assert_eq!(told.diff.iter().map(|change| &*change.field).collect::<Vec<_>>(), ["age_0"]);
}

#[test]
fn a_vacancy_takes_the_name_that_its_facility_has_today() {
    let list = "事業所番号,基準年月,0歳クラス空き人数\n0131,2026-12,2\n";
    let known = planned(list, &[]).remove(0).after;
    let renamed = one("ひまわりこども園", Some("0131"));
    let renamed = Facility { facility_id: known.facility_id.clone(), ..renamed };
    let facilities = [(code("131199"), vec![renamed])].into();
    let (planned, _) = planned_of(list, &facilities, &[known], None).unwrap();
    assert_eq!(planned[0].after.facility_name, "ひまわりこども園");
    assert_eq!(planned[0].told().diff[0].field, "facility_name");
}

#[test]
fn what_the_facility_says_otherwise_and_columns_without_a_place_are_told() {
    let mut facilities = itabashi();
    facilities.get_mut(&code("131199")).unwrap()[0].facility_type = Some(FacilityType::Nursery);
    let list = "事業所番号,施設の名称,施設類型,担当,基準年月\n0131,ひまわり園,小規模保育A型,保育課,2026-12\n";
    let (_, findings) = planned_of(list, &facilities, &[], None).unwrap();
    let told = findings.warnings.iter().map(|w| (w.line, &*w.column, &*w.taken_as));
    assert_eq!(
        told.collect::<Vec<_>>(),
        [(1, "担当", ""), (2, "施設の名称", "ひまわり保育園"), (2, "施設類型", "保育所")]
    );
    let same = list.replace("ひまわり園,小規模保育A型,保育課", "ﾋﾏﾜﾘ保育園,認可保育所,");
    let (_, findings) = planned_of(&same, &facilities, &[], None).unwrap();
    assert_eq!(findings.warnings.len(), 1);
}

#[test]
fn months_are_those_that_the_rows_are_of() {
    let list = "事業所番号,基準年月\n0131,2026-12\n0132,2026-12\n0133,2027-01\n";
    let (rows, mut findings) = read(list.as_bytes(), None).unwrap();
    let rows = resolve(&rows, &itabashi(), None, &mut findings);
    let months: Vec<_> = months(&rows).into_iter().map(|(_, month)| month.to_string()).collect();
    assert_eq!(months, ["2026-12", "2027-01"]);
}
