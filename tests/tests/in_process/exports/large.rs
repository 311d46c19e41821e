//! An answer of a function has a limit; what is larger is packed, or refused with a word.

use std::io::Read;

use domain::{Facility, facility::ITEMS, item::Item};
use flate2::read::GzDecoder;
use hub_http::ANSWER_AT_MOST;
use serde_json::Value;
use tests::{World, facility};

use super::{export, export_as, itabashi};

/// A city as large as the largest.
const NURSERIES: usize = 2_000;

/// A hundred characters of seven bits each, as many as Japanese prose takes in gzip (5.6 to 7.2, measured).
fn words(seed: usize) -> String {
    let mut state = seed as u64;
    let character = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from_u32(0x4e00 + (state >> 33) as u32 % 128).unwrap()
    };
    (0..100).map(character).collect()
}

/// What may stand in the cells of a nursery: each item takes one of them.
fn cells(nth: usize) -> [String; 13] {
    [
        (1_311_900_000 + nth).to_string(),
        "有".into(),
        "保育所".into(),
        "公立".into(),
        "1730004".into(),
        format!("03-3961-{nth:04}"),
        "6000020131199".into(),
        "月火水木金土".into(),
        format!("{:02}:15", 7 + nth % 12),
        (nth % 90).to_string(),
        "35.7512,139.7123".into(),
        format!("https://nursery{nth}.example.jp/"),
        words(nth),
    ]
}

/// Which of the cells an item takes.
fn kind(item: &Item<Facility>) -> usize {
    let takes = |cell: &String| item.read(&mut facility("あ", "131199", "板橋区"), cell).is_ok();
    cells(0).iter().position(takes).unwrap()
}

async fn city() -> World {
    let world = World::new().await;
    let items = ITEMS.iter().filter(|item| item.field != "facility_name");
    let items: Vec<_> = items.map(|item| (item, kind(item))).collect();
    let mut nurseries = Vec::new();
    for nth in 0..NURSERIES {
        let mut of = facility(&format!("第{nth}ひまわり保育園"), "131199", "板橋区");
        let cells = cells(nth);
        for (place, (item, kind)) in items.iter().enumerate() {
            let text = words(nth * items.len() + place);
            item.read(&mut of, if item.one_line { &cells[*kind] } else { &text }).unwrap();
        }
        nurseries.push((None, of));
    }
    world.store().put_facilities(&nurseries).await.unwrap();
    world
}

#[tokio::test]
async fn a_city_of_two_thousand_nurseries_fits_packed_and_is_refused_where_it_would_not() {
    let world = city().await;
    for (path, fits_plain) in
        [("all", false), ("facilities?format=csv", false), ("facilities?format=opendata", true)]
    {
        let gzip = [("accept-encoding", "gzip, br")];
        let packed = export_as(&world, &itabashi(), path, &gzip).await;
        assert_eq!((packed.status.as_u16(), packed.header("content-encoding")), (200, "gzip"));
        assert_eq!(packed.header("vary"), "accept-encoding");
        let mut whole = Vec::new();
        GzDecoder::new(packed.bytes.as_slice()).read_to_end(&mut whole).unwrap();
        println!("{path}: {} bytes, packed {}", whole.len(), packed.bytes.len());
        assert_eq!(whole.len() <= ANSWER_AT_MOST, fits_plain, "{path}: {}", whole.len());

        let plain = export(&world, path).await;
        if fits_plain {
            assert_eq!((plain.header("content-encoding"), &plain.bytes), ("identity", &whole));
        } else {
            let problem: Value = serde_json::from_slice(&plain.bytes).unwrap();
            assert_eq!(plain.status, 400);
            assert_eq!(problem["type"], "/problems/answer-too-large");
        }
    }
}
