//! Lists of procedures: a row for each fiscal year, or one for two years.

use super::{
    locality::Localities,
    planned::Planned,
    row::{Columns, Findings, Row},
    whole::{self, Named},
};
use crate::{
    Invalid, MunicipalityCode, ProcedureId, Timestamp,
    calendar::{Day, FiscalYear},
    item::Item,
    municipality::{self, Locality},
    procedure::{self, Column, ITEMS, OfYear, Procedure, ResultsByAge},
    sheet::{Record, Sheet},
};

/// What names a procedure: a list has these columns, and no row leaves them empty.
const KEY: [&str; 2] = ["fiscal_year", "procedure_name"];

/// What a procedure has. A list that has no column for it says nothing of it.
const REQUIRED: [&str; 3] = ["fiscal_year", "procedure_name", "publish_from"];

/// What a row of two years says of both.
const OF_BOTH_YEARS: [&str; 4] =
    ["procedure_name", "publish_from", "publish_to", "application_url"];

/// The columns of a list, by the year that they are about.
struct Years {
    this: Columns<Procedure>,
    next: Columns<Procedure>,
}

impl Years {
    fn of(sheet: &Sheet<'_>, locality: &Localities, findings: &mut Findings) -> Self {
        let of_year = |of| {
            let columns = procedure::columns().filter(move |column| column.of == of);
            columns.map(|Column { heading, item, .. }| (heading, item))
        };
        let mut special: Vec<_> = locality.columns().collect();
        let next = Columns::of(sheet, of_year(OfYear::Next), &special, findings);
        special.extend(next.columns());
        let this = Columns::of(sheet, of_year(OfYear::Row), &special, findings);
        this.require_columns(sheet, &KEY, ITEMS, findings);
        this.warn_of_others(sheet, findings);
        Self { this, next }
    }
}

/// Reads a list of procedures. Every row is good, or each wrong value is told; nothing in between. Of a caller who works
/// for one municipality alone, every row of another is an error.
pub fn read(
    bytes: &[u8],
    only: Option<MunicipalityCode>,
) -> Result<(Vec<Row<Procedure>>, Findings), Findings> {
    let mut findings = Findings::default();
    let sheet = match Sheet::open(bytes) {
        Ok(sheet) => sheet,
        Err(errors) => return Err(Findings { errors, ..findings }),
    };
    let locality = Localities::of(&sheet, only);
    locality.require(&sheet, &mut findings);
    let years = Years::of(&sheet, &locality, &mut findings);
    if !findings.errors.is_empty() {
        return Err(findings);
    }
    let mut rows = Vec::new();
    for record in sheet.records() {
        findings.rows += 1;
        match record {
            Ok(record) => {
                let errors_before = findings.errors.len();
                let locality = locality.read(&sheet, &record, &mut findings);
                let of_row = of_row(&sheet, &years, &record, locality, &mut findings);
                rows.extend(of_row.into_iter().filter(|_| findings.errors.len() == errors_before));
            }
            Err(errors) => findings.errors.extend(errors),
        }
    }
    let named = |row: Row<Procedure>| {
        let value = row.draft.procedure_name.clone();
        (Named { column: heading("procedure_name").into(), value }, row)
    };
    let rows = rows.into_iter().map(named).collect();
    let rows = whole::once_each(rows, |of| of.procedure_id.clone(), &mut findings);
    if findings.errors.is_empty() { Ok((rows, findings)) } else { Err(findings) }
}

/// The procedures of a row: that of its year, and that of the next where the row says something of it.
fn of_row(
    sheet: &Sheet<'_>,
    years: &Years,
    record: &Record<'_>,
    locality: Option<Locality>,
    findings: &mut Findings,
) -> Vec<Row<Procedure>> {
    let Years { this, next } = years;
    this.require(sheet, record, &REQUIRED, findings);
    let mut row = this.read_whole(sheet, record, blank(), findings);
    let Some(Locality { municipality, .. }) = locality else { return Vec::new() };
    let draft = &mut row.draft;
    draft.municipality_code = municipality.code;
    draft.prefecture = municipality.prefecture.into();
    draft.municipality = municipality.name.into();
    draft.procedure_id =
        ProcedureId::derive(municipality.code, draft.fiscal_year, &draft.procedure_name);
    if ends_before_it_starts(draft) {
        refuse_end(row.line, draft, findings);
    }

    let Some(following) = row.draft.next_year() else {
        if next.columns().any(|column| !record.cell(column).trim().is_empty()) {
            let year = row.draft.fiscal_year.to_string();
            let known = Invalid::OutOfRange(2020, 2099);
            findings.error(row.line, heading("fiscal_year"), &year, &known);
        }
        return vec![row];
    };
    let mut of_next = next.read_whole(sheet, record, following.clone(), findings);
    if of_next.draft == following {
        return vec![row];
    }
    let of_both = row.stated.iter().filter(|item| OF_BOTH_YEARS.contains(&item.field));
    of_next.stated.extend(of_both);
    vec![row, of_next]
}

/// What the rows change of the procedures that the hub has in their municipalities. A period that ends before it starts
/// is told, and a new procedure of which nobody says when it is published.
pub fn plan(
    rows: &[Row<Procedure>],
    known: &[Procedure],
    now: Timestamp,
    findings: &mut Findings,
) -> Vec<Planned<Procedure>> {
    let planned = whole::plan(rows, known, |of| of.procedure_id.clone(), now);
    for (row, planned) in rows.iter().zip(&planned) {
        let says_when = row.stated.iter().any(|item| item.field == "publish_from");
        if planned.before.is_none() && !says_when {
            findings.error(row.line, heading("publish_from"), "", &Invalid::Missing);
        } else if ends_before_it_starts(&planned.after) {
            refuse_end(row.line, &planned.after, findings);
        }
    }
    planned
}

fn ends_before_it_starts(procedure: &Procedure) -> bool {
    procedure.publish_to.is_some_and(|last| last < procedure.publish_from)
}

fn refuse_end(line: u64, procedure: &Procedure, findings: &mut Findings) {
    let last = procedure.publish_to.as_ref().map(Day::to_string).unwrap_or_default();
    findings.error(line, heading("publish_to"), &last, &Invalid::EndsBeforeStart);
}

fn heading(field: &str) -> &'static str {
    ITEMS.iter().find(|item| item.field == field).map_or("", |item: &Item<_>| item.heading)
}

/// A procedure of which nothing is stated. Where it is comes from the row.
fn blank() -> Procedure {
    let nowhere = municipality::known()[0].code;
    Procedure {
        procedure_id: ProcedureId::derive(nowhere, FiscalYear::FIRST, ""),
        municipality_code: nowhere,
        prefecture: String::new(),
        municipality: String::new(),
        fiscal_year: FiscalYear::FIRST,
        procedure_name: String::new(),
        publish_from: Day::FIRST,
        publish_to: None,
        site_label: None,
        site_url: None,
        file_label: None,
        file_url: None,
        result_month: None,
        results: ResultsByAge::default(),
        result_note: None,
        application_url: None,
        updated_at: Timestamp::EPOCH,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "都道府県名,区市町村名,年度,手続き名,公開開始日";

    fn now() -> Timestamp {
        "2026-12-01T10:00:00+09:00".parse().unwrap()
    }

    fn rows(list: &str) -> Vec<Row<Procedure>> {
        read(list.as_bytes(), None).unwrap_or_else(|found| panic!("{:?}", found.errors)).0
    }

    /// Line and column of each error of reading, or of what it would change.
    fn errors(list: &str, known: &[Procedure]) -> Vec<(u64, String)> {
        let findings = match read(list.as_bytes(), None) {
            Err(findings) => findings,
            Ok((rows, mut findings)) => {
                plan(&rows, known, now(), &mut findings);
                findings
            }
        };
        findings.errors.into_iter().map(|error| (error.line, error.column)).collect()
    }

    fn planned(list: &str, known: &[Procedure]) -> Vec<Planned<Procedure>> {
        let mut findings = Findings::default();
        let planned = plan(&rows(list), known, now(), &mut findings);
        assert!(findings.errors.is_empty(), "{:?}", findings.errors);
        planned
    }

    fn after(planned: Vec<Planned<Procedure>>) -> Vec<Procedure> {
        planned.into_iter().map(|planned| planned.after).collect()
    }

    fn list(columns: &str, cells: &str) -> String {
        format!("{HEAD}{columns}\n東京都,板橋区,2027年度,4月入園,2026/10/1{cells}\n")
    }

    #[test]
    fn an_empty_cell_states_nothing_and_a_column_that_is_not_there_leaves_the_old_value() {
        let whole = list(",公開終了日,保育園申込URL", ",2027-03-31,https://apply.example.jp/");
        let known = after(planned(&whole, &[]));
        assert_eq!(known[0].updated_at, now());
        let [again] = &planned(&whole, &known)[..] else { panic!() };
        assert!(!again.is_changed());

        let emptied = planned(&list(",公開終了日", ","), &known).remove(0);
        assert_eq!(emptied.after.publish_to, None);
        assert_eq!(emptied.after.application_url, known[0].application_url);
        let told = emptied.told();
        assert_eq!((told.name.as_str(), told.created), ("4月入園（2027年度）", false));
        let diff: Vec<_> = told.diff.iter().map(|change| (&*change.field, &change.from)).collect();
        assert_eq!(diff, [("publish_to", &"2027-03-31".into())]);
    }

    #[test]
    fn a_list_without_the_first_day_changes_what_is_there_and_makes_nothing_new() {
        let known = after(planned(&list("", ""), &[]));
        let list =
            "都道府県名,区市町村名,年度,手続き名,備考\n東京都,板橋区,2027,4月入園,一次選考\n";
        let changed = planned(list, &known).remove(0).after;
        assert_eq!(changed.publish_from, known[0].publish_from);
        assert_eq!(changed.result_note.as_deref(), Some("一次選考"));
        assert_eq!(errors(list, &[]), [(2, "公開開始日".into())]);
    }

    #[test]
    fn a_period_that_ends_before_it_starts_is_an_error_at_its_end() {
        let column = [(2, "公開終了日".to_owned())];
        assert_eq!(errors(&list(",公開終了日", ",2026-09-30"), &[]), column);
        let known = after(planned(&list(",公開終了日", ",2026-10-31"), &[]));
        let later = list("", "").replace("2026/10/1", "2026/11/1");
        assert_eq!(errors(&later, &known), column, "the end is the one that the hub has");
        assert_eq!(errors(&later, &[]), []);
    }

    #[test]
    fn what_names_a_procedure_is_stated_in_every_row() {
        for (column, sent) in [
            ("区市町村名", "東京都,,2027,4月入園,2026-10-01"),
            ("年度", "東京都,板橋区,,4月入園,2026-10-01"),
            ("年度", "東京都,板橋区,N,4月入園,2026-10-01"),
            ("手続き名", "東京都,板橋区,2027,－,2026-10-01"),
            ("公開開始日", "東京都,板橋区,2027,4月入園,"),
            ("公開開始日", "東京都,板橋区,2027,4月入園,いつか"),
        ] {
            let told = errors(&format!("{HEAD}\n{sent}\n"), &[]);
            assert_eq!(told, [(2, column.to_owned())], "{sent}");
        }
        let without = "都道府県名,区市町村名\n東京都,板橋区\n";
        assert_eq!(errors(without, &[]), [(1, "年度".into()), (1, "手続き名".into())]);
    }

    #[test]
    fn the_same_row_counts_once_and_another_of_the_same_procedure_is_an_error() {
        let one = "東京都,板橋区,2027,4月入園,2026-10-01\n";
        let list = |second: &str| format!("{HEAD}\n{one}{second}");
        assert_eq!(rows(&list(one)).len(), 1);
        assert_eq!(rows(&list("東京都,板橋区,令和9年度,4月入園,2026/10/1\n")).len(), 1);
        let other = one.replace("2026-10-01", "2026-10-02");
        assert_eq!(errors(&list(&other), &[]), [(3, "手続き名".into())]);
        for beside in [one.replace("2027", "2028"), one.replace("板橋", "足立")] {
            assert_eq!(rows(&list(&beside)).len(), 2);
        }
    }

    #[test]
    fn prc_01_a_row_of_two_years_is_two_procedures_where_it_says_something_of_the_second() {
        let columns = ",N年度分 保育施設案内サイト,N+1年度分 手続きファイルURL,備考";
        let two = list(columns, ",https://a.example/,https://b.example/2028.pdf,実績");
        let known = after(planned(&two, &[]));
        let [this, next] = &known[..] else { panic!("{known:?}") };
        assert_eq!(this.site_url.as_deref(), Some("https://a.example/"));
        assert_eq!((this.file_url.as_ref(), this.result_note.as_deref()), (None, Some("実績")));
        assert_eq!((next.fiscal_year.to_string().as_str(), &next.site_url), ("2028", &None));
        assert_eq!(next.file_url.as_deref(), Some("https://b.example/2028.pdf"));
        assert_eq!((next.publish_from, &next.result_note), (this.publish_from, &None));
        assert!(planned(&two, &known).iter().all(|planned| !planned.is_changed()));

        // Results of the second year, which such a list cannot state, stay; what says nothing of it leaves it alone.
        let with_results = Procedure { result_note: Some("来年".into()), ..next.clone() };
        let moved = two.replace("2028.pdf", "new.pdf");
        let moved = planned(&moved, &[this.clone(), with_results]).remove(1).after;
        assert_eq!(moved.file_url.as_deref(), Some("https://b.example/new.pdf"));
        assert_eq!(moved.result_note.as_deref(), Some("来年"));
        let one = planned(&list(columns, ",https://a.example/,,実績"), &known);
        assert_eq!(one.len(), 1);

        let last = two.replace("2027年度", "2100年度");
        assert_eq!(errors(&last, &[]), [(2, "年度".into())]);
        let twice = format!("{}東京都,板橋区,2028,4月入園,2026-10-01,,,\n", two);
        assert_eq!(errors(&twice, &[]), [(3, "手続き名".into())]);
    }

    #[test]
    fn two_columns_for_one_item_are_an_error_and_a_column_without_a_place_is_told() {
        let twice = list(",保育施設案内サイト,N年度分 保育施設案内サイト", ",,");
        assert_eq!(errors(&twice, &[]), [(1, "N年度分 保育施設案内サイト".into())]);
        let (_, findings) = read(list(",担当課", ",保育課").as_bytes(), None).unwrap();
        let told: Vec<_> =
            findings.warnings.iter().map(|warning| (warning.line, &*warning.column)).collect();
        assert_eq!(told, [(1, "担当課")]);
    }

    #[test]
    fn code_and_name_agree_and_who_works_for_one_municipality_imports_no_other() {
        let head = "全国地方公共団体コード,都道府県名,区市町村名,年度,手続き名,公開開始日";
        let list = |whose: &str| format!("{head}\n{whose},2027,4月入園,2026-10-01\n");
        let (rows, findings) = read(list("11002,北海道,札幌市").as_bytes(), None).unwrap();
        assert_eq!(rows[0].draft.municipality_code.to_string(), "011002");
        assert_eq!(findings.warnings[0].taken_as, "011002");
        assert_eq!(
            errors(&list("131211,東京都,板橋区"), &[]),
            [(2, "全国地方公共団体コード".into())]
        );
        let adachi = "131211".parse().ok();
        let other = read(list("131199,東京都,板橋区").as_bytes(), adachi).unwrap_err().errors;
        assert_eq!((other[0].line, other[0].column.as_str()), (2, "区市町村名"));
        assert!(read(list("131211,東京都,足立区").as_bytes(), adachi).is_ok());
    }
}
