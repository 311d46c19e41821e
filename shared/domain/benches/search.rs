//! What a search costs, with as many facilities as the country has and every item of them stated.
//!
//! `cargo bench --workspace --bench search`, or with `FACILITIES=1100` before it.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot be made fails")]

#[path = "../tests/rules/search/generate.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod generate;

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{
    Timestamp,
    facility::Details,
    search::{Entry, FacilitySummary, Feature, Filter, Index, Request, Sort},
    text,
};
use generate::{Known, NOW, Odd, known, place};
use serde::{Deserialize, Serialize};

/// A facility as its own page shows it.
#[derive(Serialize, Deserialize)]
struct Full {
    #[serde(flatten)]
    summary: FacilitySummary,
    #[serde(flatten)]
    details: Details,
}

/// The shortest of several runs: what disturbs one only makes it longer.
fn shortest<T>(runs: usize, mut run: impl FnMut() -> T) -> Duration {
    let time = |_| {
        let started = Instant::now();
        let value = black_box(run());
        let elapsed = started.elapsed();
        drop(value);
        elapsed
    };
    (0..runs).map(time).min().unwrap()
}

type Stored = (Vec<u8>, Vec<u8>, Option<Vec<u8>>);

fn stored(entry: &Entry) -> Stored {
    let vacancy = entry.vacancy_bytes().map(<[u8]>::to_vec);
    (entry.facility_bytes().to_vec(), entry.free_bytes().to_vec(), vacancy)
}

fn load(stored: Vec<Stored>, now: Timestamp) -> Index {
    let entry = |(facility, free, vacancy): Stored| {
        Arc::new(Entry::of_stored(facility, free, vacancy).unwrap())
    };
    Index::new(stored.into_iter().map(entry), now)
}

fn main() {
    let count = std::env::var("FACILITIES").map_or(40_000, |text| text.parse().unwrap());
    let now: Timestamp = NOW.parse().unwrap();
    let mut odd = Odd(1);
    let (mut documents, mut entries) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let Known { facility, .. } = &known(&mut odd, 0, 0);
        let known = Known { facility: facility.clone(), ..known(&mut odd, 0, 80) };
        entries.push(stored(&known.entry()));
        let full = Full {
            summary: FacilitySummary::new(known.facility.clone()),
            details: known.facility.details,
        };
        documents.push(serde_json::to_string(&full).unwrap());
    }
    let bytes = |all: usize| all / count;
    let json = documents.iter().map(String::len).sum();
    let packed = entries.iter().map(|(a, b, c)| a.len() + b.len() + c.as_ref().map_or(0, Vec::len));
    println!("{count} facilities, every item stated");
    println!("JSON of one, bytes                  {:>8}", bytes(json));
    println!("its entry, bytes                    {:>8}", bytes(packed.sum()));

    let parsing = shortest(3, || {
        documents.iter().map(|json| serde_json::from_str::<Full>(json).unwrap()).collect::<Vec<_>>()
    });
    // Reading the table hands over the bytes; to copy them for each run is no part of loading.
    let mut copies: Vec<_> = (0..5).map(|_| entries.clone()).collect();
    let loading = shortest(5, || load(copies.pop().unwrap(), now));
    println!("parsing the JSON of all, ms         {:>8.1}", parsing.as_secs_f64() * 1e3);
    println!("loading the index, ms               {:>8.1}", loading.as_secs_f64() * 1e3);
    println!(
        "the former by the latter            {:>8.1}",
        parsing.as_secs_f64() / loading.as_secs_f64()
    );

    let index = load(entries, now);
    println!("the index in memory, MB             {:>8.1}", index.weight() as f64 / 1e6);

    println!("\na search, ns a facility, all of them looked at:");
    let terms = |query: &str| Filter { terms: text::terms(query), ..Filter::default() };
    let offers = Filter {
        open_at: "07:30".parse().ok(),
        close_at: "18:00".parse().ok(),
        features: vec![Feature::Playground, Feature::AllergySupport],
        saturday: Some(true),
        accepts_age_months: Some(14),
        ..Filter::default()
    };
    let near = Filter { near: vec![place(&mut odd), place(&mut odd)], ..Filter::default() };
    let within = Filter { radius_m: Some(1500), ..near.clone() };
    let days = |from: i64, until: i64| {
        let midnight = |days: i64| {
            Timestamp::midnight(now.date()) + jiff::SignedDuration::from_hours(24 * days)
        };
        Filter { visit: Some((midnight(from), midnight(until))), ..Filter::default() }
    };
    let cases = [
        ("a rare term", terms("ふぐぼ保育園"), Sort::Name),
        (
            "filters and a rare term",
            Filter { terms: text::terms("ふぐぼ"), ..offers.clone() },
            Sort::Name,
        ),
        (
            "filters and a term of half of all",
            Filter { terms: text::terms("園"), ..offers.clone() },
            Sort::Name,
        ),
        ("a term that a fifth has", terms("保育園"), Sort::Name),
        ("filters", offers, Sort::Name),
        ("a visit within a week", days(0, 7), Sort::Name),
        ("a visit in three days, six weeks ahead", days(42, 45), Sort::Name),
        ("within 1,500 m of two places", within, Sort::Distance),
        ("all, by distance from two places", near, Sort::Distance),
        ("all, by the next slot", Filter::default(), Sort::NextSlot),
    ];
    for (name, filter, sort) in cases {
        // Facets count, so that no search ends with its first page.
        let request = Request { filter: &filter, sort, after: None, limit: 20, facets: true };
        let time = shortest(9, || index.search(&request, now));
        let found = index.search(&request, now).facets.unwrap().total;
        let each = time.as_secs_f64() * 1e9 / count as f64;
        println!("{each:>8.1}  {name} ({found} found)");
    }
    let all = Filter::default();
    let request = Request { filter: &all, sort: Sort::Name, after: None, limit: 20, facets: false };
    let page = index.search(&request, now).page;
    let writing = shortest(99, || {
        let mut json = String::new();
        page.iter().for_each(|(entry, distance)| entry.write_json(*distance, now, &mut json));
        json
    });
    println!("\nwriting a page of twenty as JSON, µs {:>7.1}", writing.as_secs_f64() * 1e6);
}
