//! Strangers read every open route with whatever they like: what it tells, changes, mails and costs.
//!
//! `STRANGER_CALLS=10000` goes on for longer.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::Value;
use tests::{As, World};

use crate::{procedures::procedure, vacancies::vacancy};

/// What they write where a value is expected, beside what is right.
const WILD: [&str; 24] = [
    "",
    "0",
    "-1",
    "1",
    "9007199254740991",
    "9007199254740992",
    "18446744073709551616",
    "1e9",
    "NaN",
    "null",
    "true",
    "131199",
    "999999",
    "2026-13-45",
    "2026-12-01",
    "9999-12-31",
    "35.7,139.7",
    "90,181",
    "' OR 1=1 --",
    "../../etc/passwd",
    "\u{0}",
    "😀",
    "FAC#fac_000000000000",
    "json",
];

/// How many read units a call may take here, with a nursery or two: what a real hub takes stands in `docs/cost.md`.
const READ_AT_MOST: f64 = 30.0;

/// What an answer would say of our inside.
const INSIDE: [&str; 9] = [
    "dynamo",
    "panicked",
    ".rs:",
    "RUST",
    "FAC#fac_7",
    "CLI#",
    "nursery@example.jp",
    "hoiku-131199@",
    "花子",
];

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The open routes that are read, each with the names of its query and header-free parameters.
fn open_routes() -> Vec<(String, Vec<String>)> {
    let document = local::document();
    let paths = document["paths"].as_object().unwrap();
    let open = paths.iter().filter(|(_, item)| {
        item["get"].is_object() && item["get"]["security"].as_array().is_none_or(Vec::is_empty)
    });
    let names = |operation: &Value| {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let of_query = parameters.filter(|parameter| parameter["in"] == "query");
        of_query.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect()
    };
    open.map(|(path, item)| (path.clone(), names(&item["get"]))).collect()
}

/// A path with values for what stands in braces, and some of the parameters, right or wild.
fn call(route: &(String, Vec<String>), ids: &[String], rng: &mut StdRng) -> String {
    let value = |rng: &mut StdRng| match rng.random_range(0..10) {
        0 => encoded(&"あ".repeat(rng.random_range(1..900))),
        1..4 => ids.choose(rng).unwrap().clone(),
        _ => encoded(WILD.choose(rng).unwrap()),
    };
    let mut path = String::new();
    for part in route.0.split_inclusive('/') {
        let name = part.trim_end_matches('/');
        match name.starts_with('{') {
            true => {
                let value = value(rng);
                path += if value.is_empty() { "x" } else { &value };
                path += &part[name.len()..];
            }
            false => path += part,
        }
    }
    let mut query = Vec::new();
    for name in &route.1 {
        for _ in 0..*[0, 0, 1, 1, 1, 2, 60].choose(rng).unwrap() {
            query.push(format!("{name}={}", value(rng)));
        }
    }
    if rng.random_bool(0.1) {
        query.push("unknown=1".to_owned());
    }
    // API Gateway takes no longer request line.
    while path.len() + query.iter().map(|one| one.len() + 1).sum::<usize>() > 10_000 {
        query.pop();
    }
    format!("{path}?{}", query.join("&"))
}

/// Everything in the table.
async fn items(world: &World) -> Vec<store::item::Item> {
    let table = world.raw().scan().table_name(local::embedded::TABLE).send().await.unwrap();
    assert!(table.last_evaluated_key.is_none(), "more than a page");
    table.items.unwrap()
}

#[tokio::test]
async fn whatever_strangers_read_changes_tells_and_mails_nothing_and_costs_little() {
    let world = World::new().await;
    let slot = world.slot("2026-12-10T10:00:00+09:00", 3).await;
    let number = world.requested(&slot, "k1").await;
    let now = world.hub.clock.now();
    world.store().put_vacancies(&[(None, vacancy(&world.facility, now, &[]))]).await.unwrap();
    let procedure = procedure(&world, &[]);
    world.store().put_procedures(&[(None, procedure.clone())]).await.unwrap();
    world.send_mails().await;
    world.pushes.0.lock().unwrap().clear();
    let ids = [
        world.facility.facility_id.to_string(),
        slot.slot_id.to_string(),
        number.to_string(),
        procedure.procedure_id.to_string(),
        "131199".into(),
        "2026-12".into(),
        "2027".into(),
    ];
    let before = items(&world).await;

    let calls = std::env::var("STRANGER_CALLS").ok().and_then(|calls| calls.parse().ok());
    let (routes, mut rng) = (open_routes(), StdRng::seed_from_u64(7));
    assert!(routes.len() >= 15, "{routes:?}");
    let mut statuses = BTreeMap::<u16, usize>::new();
    world.store().meter().take();
    for round in 0..calls.unwrap_or(600) {
        let path = call(&routes[round % routes.len()], &ids, &mut rng);
        let answer = world.get(&As::Anyone, &path).await;
        let used = world.store().meter().take();
        assert!(answer.status.as_u16() < 500, "{} {path}", answer.status);
        assert_eq!(used.write, 0.0, "{path}");
        assert!(used.read <= READ_AT_MOST, "{} read units: {path}", used.read);
        let said = answer.body.to_string();
        let inside = INSIDE.iter().find(|inside| said.contains(*inside));
        assert!(inside.is_none() || path.starts_with("/openapi.json"), "{inside:?}: {path}");
        *statuses.entry(answer.status.as_u16()).or_default() += 1;
    }
    assert!(statuses[&200] > 20 && statuses[&400] > 20 && statuses[&404] > 5, "{statuses:?}");
    assert!(world.send_mails().await.is_empty() && world.pushes.0.lock().unwrap().is_empty());
    assert!(items(&world).await == before, "the table is as it was");
}
