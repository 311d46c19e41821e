//! The state's rules for machine-readable data (機械可読性ルール of 2026-03-31), by their numbers, as far as a table alone can
//! keep them: what people wrote stays as they wrote it, and the national layout has its own headings.

use std::collections::{BTreeSet, HashSet};

use domain::{export, sheet::Sheet};
use tests::World;

use super::{export as file_of, municipalities, say_much};

/// A file, and what is asked of it beyond what is asked of all.
struct Table<'a> {
    path: &'a str,
    /// For programs: names in ASCII, a row for each observation, codes that are told.
    is_long: bool,
}

const TABLES: [Table<'_>; 7] = [
    Table { path: "facilities?format=csv", is_long: false },
    Table { path: "facilities?format=opendata", is_long: false },
    Table { path: "procedures?format=csv", is_long: false },
    Table { path: "procedures?format=long", is_long: true },
    Table { path: "vacancies?format=csv", is_long: false },
    Table { path: "vacancies?format=long", is_long: true },
    Table { path: "change_requests?format=csv", is_long: false },
];

fn is_number(cell: &str) -> bool {
    !cell.is_empty() && cell.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

/// What a table breaks, by the numbers of the rules.
fn broken(file: &[u8], is_long: bool) -> BTreeSet<&'static str> {
    let mut broken = BTreeSet::new();
    let mut keep = |rule, holds: bool| {
        if !holds {
            broken.insert(rule);
        }
    };
    // L1-08, L3-08: the encoding is one, and is said by its mark.
    keep("L1-08", file.starts_with(b"\xef\xbb\xbf") && str::from_utf8(file).is_ok());
    let text = String::from_utf8_lossy(file);
    let text = text.trim_start_matches('\u{feff}');
    // L1-14: a record is a line, and all lines end alike.
    keep("L1-14", text.split("\r\n").all(|line| !line.contains(['\r', '\n'])));
    let Ok(sheet) = Sheet::open(file) else {
        return BTreeSet::from(["L1-05"]);
    };
    // L1-05, L2-03, L3-01: the first line are the headings, each there once.
    keep("L3-01", sheet.line() == 1);
    let headings: Vec<_> = sheet.columns().map(|column| sheet.heading(column)).collect();
    keep("L2-03", headings.iter().collect::<HashSet<_>>().len() == headings.len());
    // L1-15: every record has as many cells as there are headings.
    let records: Vec<_> = sheet.records().filter_map(Result::ok).collect();
    keep("L1-15", records.len() + 1 == text.trim_end().split("\r\n").count());
    let rows: Vec<Vec<&str>> = records
        .iter()
        .map(|record| sheet.columns().map(|column| record.cell(column)).collect())
        .collect();
    for cell in rows.iter().flatten().chain(&headings) {
        // L1-06: no white space for the looks of it.
        keep("L1-06", *cell == cell.split_whitespace().collect::<Vec<_>>().join(" "));
        if is_long {
            // L1-07: one datum.
            keep("L1-07", !cell.contains([',', '、', '・']));
        }
    }
    for (nth, heading) in headings.iter().enumerate() {
        let cells: Vec<_> =
            rows.iter().map(|row| row[nth]).filter(|cell| !cell.is_empty()).collect();
        let numbers = cells.iter().filter(|cell| is_number(cell)).count();
        let is_numeric = numbers > 0 && numbers * 10 >= cells.len() * 8;
        // L2-01: what is a number is one in each row.
        keep("L2-01", !is_numeric || numbers == cells.len());
        // L3-05: days and months of the Christian era, in one form.
        if heading.ends_with("_month") || *heading == "基準年月" || *heading == "公表日" {
            keep(
                "L3-05",
                cells.iter().all(|cell| cell.len() == cells[0].len() && cell.starts_with("20")),
            );
        }
        if is_long {
            // L3-08: names that a program takes. L3-04: what is counted, or that it is none.
            keep("L3-08", heading.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
            let says_what = ["_code", "_year", "_count"].iter().any(|end| heading.ends_with(end));
            keep("L3-04", !is_numeric || says_what);
            // L3-02: a code is in the code table.
            let codes = export::codes();
            let mut known = codes.iter().filter(|code| code.field == **heading).peekable();
            if known.peek().is_some() {
                let known: HashSet<_> = known.map(|code| code.code).collect();
                keep("L3-02", cells.iter().all(|cell| known.contains(cell)));
            }
            // L2-02: what says whose a row is stands in each row.
            let says_whose = ["_id", "_code", "_class"].iter().any(|end| heading.ends_with(end));
            keep("L2-02", !says_whose || cells.len() == rows.len());
        }
    }
    if is_long {
        // L3-06: the national code of the municipality. L3-09: no column for each age or month.
        keep("L3-06", headings.contains(&"municipality_code"));
        keep(
            "L3-09",
            !headings.iter().any(|heading| heading.ends_with(|c: char| c.is_ascii_digit())),
        );
    }
    broken
}

async fn full() -> World {
    let world = municipalities().await;
    say_much(&world).await;
    world.change_asked(serde_json::json!({"features": "一行目\n　二行目"}), true, "1").await;
    world
}

#[tokio::test]
async fn imp_06_every_export_keeps_the_rules_for_machine_readable_data() {
    let world = full().await;
    for Table { path, is_long } in TABLES {
        let file = file_of(&world, path).await;
        assert!(file.text().lines().count() > 1, "{path}");
        assert_eq!(broken(&file.bytes, is_long), BTreeSet::new(), "{path}");
    }
}

#[test]
fn a_table_that_breaks_a_rule_is_found_out() {
    let good = "municipality_code,age_class,vacancy_count\r\n131199,age_0,2\r\n131199,age_1,0\r\n";
    let with_mark = |table: &str| format!("\u{feff}{table}").into_bytes();
    assert_eq!(broken(&with_mark(good), true), BTreeSet::new());
    for (rule, from, to) in [
        ("L1-06", "age_0", " age_0"),
        ("L1-06", "age_0", "age\u{3000}0"),
        ("L1-07", "age_0,2", "\"age_0、age_1\",2"),
        ("L1-14", "age_0,", "\"age_0\n\","),
        ("L1-15", "age_0,2", "age_0,2,3"),
        ("L2-02", "131199,age_0", "131199,"),
        ("L2-03", "vacancy_count", "age_class"),
        ("L3-02", "age_0", "zero"),
        ("L3-04", "vacancy_count", "vacancy"),
        ("L3-06", "municipality_code", "town_code"),
        ("L3-08", "vacancy_count", "空き_count"),
        ("L3-09", "vacancy_count", "vacancy_1"),
    ] {
        let found = broken(&with_mark(&good.replacen(from, to, 1)), true);
        let repeated = rule == "L2-03" && found.contains("L1-05");
        assert!(found.contains(rule) || repeated, "{rule}: {found:?}");
    }
    let rows = "131199,age_0,2\r\n".repeat(8) + "131199,age_0,2人\r\n";
    assert!(broken(&with_mark(&(good.to_owned() + &rows)), true).contains("L2-01"));
    assert!(broken(good.as_bytes(), true).contains("L1-08"));
}
