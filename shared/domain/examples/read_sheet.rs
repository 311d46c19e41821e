//! How long a large list takes to read, and how much memory: `cargo run --release -p domain --example read_sheet`.
//! 40,000 rows of 100 columns, about as much as all nurseries of the country with every item.

use std::{fs, hint::black_box, time::Instant};

use domain::{municipality, sheet::Sheet};
use encoding_rs::SHIFT_JIS;

const ROWS: usize = 40_000;
const COLUMNS: usize = 100;

fn main() {
    let list = list();
    println!("encoding  rows    bytes/row  ns/row  MB read  MB at most");
    read("UTF-8", list.as_bytes());
    let cp932 = SHIFT_JIS.encode(&list).0.into_owned();
    drop(list);
    read("CP932", &cp932);

    let started = Instant::now();
    for _ in 0..ROWS {
        black_box(municipality::agree("11011", "北海道", "札幌市中央区")).ok();
    }
    println!("municipality::agree: {} ns", started.elapsed().as_nanos() as usize / ROWS);
}

fn list() -> String {
    let mut list = (0..COLUMNS).map(|place| format!("列{place}")).collect::<Vec<_>>().join(",");
    for row in 0..ROWS {
        list.push_str("\r\n");
        for place in 0..COLUMNS {
            let cell = match place % 10 {
                0 => format!("第{row}保育園,"),
                1 => "\"提供内容の特色,\n二行目\",".into(),
                _ => format!("{place}人,"),
            };
            list.push_str(&cell);
        }
    }
    list
}

fn read(encoding: &str, bytes: &[u8]) {
    // The peak counts from here on.
    fs::write("/proc/self/clear_refs", "5").ok();
    let started = Instant::now();
    let mut rows = 0;
    if let Ok(sheet) = Sheet::open(bytes) {
        let columns: Vec<_> = sheet.columns().collect();
        for record in sheet.records().flatten() {
            let length: usize = columns.iter().map(|column| record.cell(*column).len()).sum();
            black_box(length);
            rows += 1;
        }
    }
    let each = started.elapsed().as_nanos() as usize / rows.max(1);
    let (megabytes, peak) = (bytes.len() / 1_000_000, peak_megabytes());
    println!("{encoding:8}  {rows:6}  {:9}  {each:6}  {megabytes:7}  {peak}", bytes.len() / ROWS);
}

/// The most memory that this program has had since its peak was cleared, where Linux tells it.
fn peak_megabytes() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = peak.and_then(|peak| peak.split_whitespace().next()?.parse::<usize>().ok());
    kilobytes.unwrap_or(0) / 1000
}
