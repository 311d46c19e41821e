//! The search against a second, independent writing of the contract: the same set, in the same order, with the same
//! counts, page by page, for any combination of filters.
//!
//! With as many nurseries as the country has, and every item of them stated (0; 4: one in four is not):
//! `SEED=7 FACILITIES=40000 NOT_STATED=0 FILTERS=60 cargo test --workspace --test rules api_01`

mod generate;
mod oracle;

use std::{collections::HashSet, fs, path::Path, sync::Arc};

use domain::{
    Timestamp,
    import::{Findings, facilities},
    search::{Entry, Feature, Filter, Index, Request, Sort},
    text,
};
use jiff::SignedDuration;
use serde_json::{Value, json};

use generate::{Known, NOW, Odd, STATIONS, known, place};
use oracle::Seen;

fn from_env(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// A filter of a few conditions, taken from what one of the nurseries has, so that something is found.
fn filter(odd: &mut Odd, all: &[Known]) -> Filter {
    let like = &odd.pick(all).facility.clone();
    let time = |odd: &mut Odd, hour: u64| {
        let text = format!("{:02}:{:02}", hour + odd.below(3), 15 * odd.below(4));
        text.parse().ok()
    };
    let now: Timestamp = NOW.parse().unwrap();
    let mut filter = Filter::default();
    for _ in 0..odd.below(5) {
        match odd.below(15) {
            0 => filter.municipalities.push(like.municipality_code),
            1 => {
                let name: Vec<char> = text::fold(&like.facility_name).chars().collect();
                let from = odd.below(name.len() as u64) as usize;
                let to = name.len().min(from + 1 + odd.below(4) as usize);
                filter.terms.push(name[from..to].iter().collect());
            }
            2 => filter.terms.extend(text::terms(odd.pick::<&str>(&STATIONS))),
            3 => filter.terms.extend(text::terms(&like.municipality)),
            4 => filter.facility_type = like.facility_type,
            5 => filter.establishment_body = like.establishment_body,
            6 => filter.open_at = time(odd, 6),
            7 => filter.close_at = time(odd, 17),
            8 => filter.saturday = Some(!odd.one_in(3)),
            9 => filter.sunday_holiday = Some(odd.one_in(2)),
            10 => filter.accepts_age_months = Some(odd.below(90) as u16),
            11 => filter.features.push(*odd.pick(Feature::ALL)),
            12 => filter.vacancy_age = Some(odd.below(6) as u8),
            13 => filter.bookable = Some(!odd.one_in(3)),
            _ => {
                let from = Timestamp::midnight(now.date())
                    + SignedDuration::from_hours(24 * odd.below(40) as i64);
                let days = odd.below(10) as i64 + 1;
                filter.visit = Some((from, from + SignedDuration::from_hours(24 * days)));
            }
        }
    }
    if odd.one_in(2) {
        filter.near = (0..=odd.below(3)).map(|_| place(odd)).collect();
        filter.radius_m = odd.one_in(2).then(|| 500 + odd.below(20_000) as u32);
    }
    filter
}

fn listed(entry: &Entry, distance: Option<u32>, now: Timestamp) -> Value {
    let mut json = String::new();
    entry.write_json(distance, now, &mut json);
    serde_json::from_str(&json).unwrap()
}

/// A list is read in so many pages at most: each looks at all nurseries.
const PAGES: usize = 20;

/// Looks for the same in both ways.
fn compare(odd: &mut Odd, all: &[Known], filters: u64) {
    let now: Timestamp = NOW.parse().unwrap();
    let seen: Vec<Seen> = all.iter().map(Seen::new).collect();
    let entries: Vec<_> = all.iter().map(|known| Arc::new(known.entry())).collect();
    // One is made when somebody looks, and one was made before what is past by now.
    let earlier = now - SignedDuration::from_hours(50);
    let [index, held] = [now, earlier].map(|at| Index::new(entries.clone(), at));
    let (mut found_something, mut shown_before) = (0, HashSet::new());
    for _ in 0..filters {
        let filter = filter(odd, all);
        let sort = match *odd.pick(Sort::ALL) {
            Sort::Distance if filter.near.is_empty() => Sort::Name,
            sort => sort,
        };
        let expected = oracle::search(&seen, &filter, sort, now);
        found_something += u64::from(!expected.is_empty());
        let limit = (1 + odd.below(100) as usize).max(expected.len() / PAGES);
        let counts = odd.one_in(3).then(|| oracle::facets(&expected));
        let (mut after, mut place) = (None, 0);
        loop {
            let facets = counts.is_some();
            let request = Request { filter: &filter, sort, after: after.clone(), limit, facets };
            // Time goes on while somebody turns pages.
            let later = now + SignedDuration::from_hours(if after.is_some() { 30 } else { 0 });
            let page = if odd.one_in(2) { &index } else { &held }.search(&request, later);
            for (entry, distance) in &page.page {
                let Some((one, metres)) = expected.get(place) else {
                    panic!("too much is found by {filter:?} {sort:?}");
                };
                let found = (entry.facility_id().unwrap(), distance.map(u64::from));
                assert_eq!(found, (one.id(), *metres), "{place} of {filter:?} {sort:?}");
                // What a list shows does not depend on what was asked for, so it is compared once.
                if shown_before.insert(one.id()) {
                    // Numbers are read from JSON alike.
                    let expected: Value =
                        serde_json::from_str(&one.listed(*metres, now).to_string()).unwrap();
                    assert_eq!(listed(entry, *distance, now), expected);
                }
                place += 1;
            }
            assert_eq!(page.facets.map(|facets| json!(facets)), counts, "{filter:?}");
            after = page.next;
            assert!(after.is_none() || page.page.len() == limit);
            if after.is_none() {
                break;
            }
        }
        assert_eq!(place, expected.len(), "too little is found by {filter:?} {sort:?}");
    }
    assert!(found_something * 5 > filters, "{found_something} of {filters} found something");
}

#[test]
fn api_01_search_finds_what_the_contract_says_for_any_combination_of_filters() {
    let mut odd = Odd(from_env("SEED", 1));
    let not_stated = from_env("NOT_STATED", 4);
    let all: Vec<Known> =
        (0..from_env("FACILITIES", 200)).map(|_| known(&mut odd, not_stated, 40)).collect();
    compare(&mut odd, &all, from_env("FILTERS", 300));
}

#[test]
fn search_finds_what_the_contract_says_among_the_nurseries_of_tokyo() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/tokyo-2017.csv");
    let Ok(bytes) = fs::read(file) else { return };
    let now = NOW.parse().unwrap();
    let (rows, _) = facilities::read(&bytes, None).unwrap();
    let planned = facilities::plan(&rows, &[], now, &mut Findings::default());
    let known = |facility| Known { facility, free: vec![], vacancy: None };
    let all: Vec<_> = planned.into_iter().map(|planned| known(planned.after)).collect();
    assert!(all.len() > 2000, "{}", all.len());
    compare(&mut Odd(1), &all, 30);
}

#[test]
fn a_list_shows_every_item_but_the_long_texts() {
    let mut known = known(&mut Odd(3), 0, 3);
    known.facility.details.accepts_text = Some("生後57日～就学前".into());
    known.facility.derive_items();
    let shown = listed(&known.entry(), None, NOW.parse().unwrap());
    assert!(oracle::details() > 40);
    for item in domain::facility::ITEMS {
        let nested = item.field.strip_prefix("capacity_").map(|age| &shown["capacity"][age]);
        let value = nested.unwrap_or(&shown[item.field]);
        assert_eq!(value.is_null(), !item.one_line, "{}", item.field);
    }
}
