//! Bugs that are planted, on the wire between the hub and its table, so that production code stays as it is: each
//! must be found. A checker that finds nothing in a broken hub would show nothing about a sound one.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector},
    orchestrator::HttpRequest,
};
use serde_json::Value;
use tests::{
    World,
    wire::{self, Wire},
};

use super::{
    runs::{Kind, in_world},
    seed,
    verdict::Totals,
};

/// Writes in which these words are replaced by others.
#[derive(Debug, Clone)]
struct Planted {
    words: &'static str,
    by: &'static str,
    /// They wait until everybody else had a turn, many times: what was true when they were sent no longer is.
    late: bool,
    /// How many writes were changed.
    writes: Arc<AtomicUsize>,
}

impl Wire for Planted {
    fn carry(&self, call: HttpRequest, line: &SharedHttpConnector) -> HttpConnectorFuture {
        let mut body: Value = serde_json::from_str(wire::body(&call)).unwrap();
        if !wire::writes(&call) || !self.plant(&mut body) {
            return line.call(call);
        }
        self.writes.fetch_add(1, Ordering::SeqCst);
        let body = body.to_string();
        let (call, line, turns) =
            (wire::with_body(call, body), line.clone(), if self.late { TURNS } else { 0 });
        HttpConnectorFuture::new(async move {
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
            line.call(call).await
        })
    }
}

impl Planted {
    /// Where the words stand: conditions and what is set may have the same.
    fn place(&self) -> &'static str {
        if self.words.starts_with("DELETE") { "UpdateExpression" } else { "ConditionExpression" }
    }

    /// Replaces the words in a call. Whether any were there.
    fn plant(&self, call: &mut Value) -> bool {
        match call {
            Value::Object(fields) => fields.iter_mut().fold(false, |planted, (name, value)| {
                let expression = (name == self.place()).then(|| value.as_str()).flatten();
                match expression.filter(|expression| expression.contains(self.words)) {
                    Some(expression) => {
                        *value = expression.replace(self.words, self.by).into();
                        true
                    }
                    None => self.plant(value) | planted,
                }
            }),
            Value::Array(items) => {
                items.iter_mut().fold(false, |planted, item| self.plant(item) | planted)
            }
            _ => false,
        }
    }
}

/// A bug is found within this many worlds of so many histories.
const WORLDS: u64 = 20;
const HISTORIES: usize = 20;

/// Turns that everybody else has before a write that is late.
const TURNS: usize = 300;

/// Runs histories with a bug until one of them shows it.
async fn found(words: &'static str, by: &'static str, kind: Kind) -> Totals {
    found_in(Planted { words, by, late: false, writes: Arc::default() }, kind).await
}

async fn found_in(planted: Planted, kind: Kind) -> Totals {
    let Planted { words, by, .. } = planted;
    for nth in 0..WORLDS {
        let world = Arc::new(World::through(planted.clone(), RetryConfig::disabled()).await);
        let totals = in_world(&world, kind, seed() + nth, HISTORIES).await;
        println!("with {by:?} for {words:?}: {totals}");
        // An oversold slot alone says that the bug is there, not that the histories show it.
        if !totals.not_linearizable.is_empty() {
            totals.not_linearizable.iter().for_each(|wrong| println!("not linearizable: {wrong}"));
            return totals;
        }
    }
    panic!("not found, with {} writes changed", planted.writes.load(Ordering::SeqCst));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_is_taken_whether_it_is_free_or_not_is_found() {
    let oversell = "size(#holding) < #capacity OR attribute_exists(pk)";
    let totals = found("size(#holding) < #capacity", oversell, Kind::default()).await;
    assert!(!totals.not_linearizable.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_is_not_given_back_is_found() {
    // Every name that a call defines has to stand in it.
    let another = "SET planted = #holding DELETE asking";
    let totals = found("DELETE #holding", another, Kind::default()).await;
    assert!(!totals.not_linearizable.is_empty() && !totals.disagree.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_over_what_somebody_else_changed_is_found() {
    let any = "#sequence = :v0 OR attribute_exists(pk)";
    let totals = found("#sequence = :v0", any, Kind::default()).await;
    assert!(!totals.not_linearizable.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_a_slot_over_another_is_found() {
    let any = "#version = :v0 OR attribute_exists(pk)";
    let totals = found("#version = :v0", any, Kind::default()).await;
    assert!(!totals.not_linearizable.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capacity_below_the_places_that_are_held_is_found() {
    let any = "size(#holding) < :v1 OR attribute_exists(pk)";
    let totals = found("size(#holding) < :v1", any, Kind::default()).await;
    assert!(!totals.not_linearizable.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_a_slot_that_was_closed_is_found() {
    let any = "#disabled = :v0 OR attribute_exists(pk)";
    let totals = found("#disabled = :v0", any, Kind::default()).await;
    assert!(!totals.not_linearizable.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_is_taken_from_those_who_wait_is_found() {
    let words = "(attribute_not_exists(#waiting)) AND ";
    let by = "(attribute_not_exists(#waiting) OR attribute_exists(pk)) AND ";
    let totals =
        found_in(Planted { words, by, late: true, writes: Arc::default() }, Kind::default()).await;
    assert!(!totals.not_linearizable.is_empty());
}
