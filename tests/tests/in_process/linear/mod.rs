//! The hub under contention: histories of sixteen clients at once over one slot, each checked for
//! linearizability against the contract, and for places that were sold twice or lost.
//!
//! `SEED=7 HISTORIES=20000 cargo test --workspace --test in_process linear:: -- --nocapture` runs others, or more. The seed says
//! what the clients do; the machine, how they meet.

mod client;
mod door;
mod history;
mod model;
mod planted;
mod runs;
mod verdict;
mod witness;

use std::time::Instant;

use runs::{Kind, in_process, over_http};
use verdict::Totals;

/// A number of the environment.
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

fn seed() -> u64 {
    setting("SEED", 1)
}

fn close(what: &str, started: Instant, totals: &Totals) {
    println!("{what}, seed {}: {totals}, all in {:.1?}", seed(), started.elapsed());
    for wrong in &totals.not_linearizable {
        println!("not linearizable: {wrong}");
    }
    assert!(totals.are_right(), "{:?} {:?}", totals.oversold, totals.disagree);
    assert!(totals.conflicts > totals.histories, "clients met");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_process_every_history_is_linearizable() {
    let (started, histories) = (Instant::now(), setting("HISTORIES", 1000) as usize);
    let mut totals = Totals::default();
    let mut nth = 0;
    while totals.histories < histories {
        let wanted = runs::IN_A_WORLD.min(histories - totals.histories);
        totals += in_process(Kind::of_world(nth), seed() + nth, wanted).await;
        nth += 1;
    }
    close("in process", started, &totals);
    assert!(totals.by_time > 0, "time did something");
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http_every_history_is_linearizable() {
    let started = Instant::now();
    let totals = over_http(seed(), setting("HTTP_HISTORIES", 100) as usize).await;
    close("over HTTP", started, &totals);
    assert!(totals.by_time > 0, "time did something");
}
