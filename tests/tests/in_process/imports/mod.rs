//! Lists through the API, as offices send them.

mod cut_off;
mod encodings;
mod facilities;
mod procedures;
mod uploads;
mod vacancies;

use axum::body::Body;
use domain::ImportId;
use http::Request;
use run_import::Importer;
use serde_json::Value;
use tests::{Answer, As, World};

fn itabashi() -> As {
    As::Municipality("131199")
}

/// Sends a list of a dataset, such as `vacancies&dry_run=true`.
async fn send(world: &World, who: &As, dataset: &str, key: &str, file: impl Into<Body>) -> Answer {
    send_as(world, who, dataset, key, file, &[("content-type", "text/csv")]).await
}

async fn send_as(
    world: &World,
    who: &As,
    dataset: &str,
    key: &str,
    file: impl Into<Body>,
    headers: &[(&str, &str)],
) -> Answer {
    let uri = format!("/v1/staff/imports?dataset={dataset}");
    let mut request = Request::post(uri).header("idempotency-key", key);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    world.send(who, request.body(file.into()).unwrap()).await
}

fn id(sent: &Answer) -> ImportId {
    assert_eq!(sent.status, 202, "{}", sent.shown());
    sent.body["import_id"].as_str().unwrap().parse().unwrap()
}

/// Sends a list, runs the import, and looks at it.
pub async fn imported(world: &World, dataset: &str, file: impl Into<Body>) -> Value {
    imported_by(world, &As::Operator, dataset, file).await
}

async fn imported_by(world: &World, who: &As, dataset: &str, file: impl Into<Body>) -> Value {
    let import = imported_unseen(world, who, dataset, file).await;
    world.relay_changes().await;
    import
}

/// The same before the stream has been read, so that lists and tables show it and a search does not yet.
async fn imported_unseen(world: &World, who: &As, dataset: &str, file: impl Into<Body>) -> Value {
    let key = format!("{:032x}", rand::random::<u128>());
    let id = id(&send(world, who, dataset, &key, file).await);
    Importer { hub: world.hub.clone() }.run(&id).await.unwrap();
    world.get(who, &format!("/v1/staff/imports/{id}")).await.body
}

/// Rows, and things that are new, changed, unchanged, proposed.
fn counts(import: &Value) -> [&Value; 5] {
    ["rows", "created", "updated", "unchanged", "proposed"].map(|name| &import[name])
}

/// The same of an import that succeeded.
fn succeeded(import: &Value) -> [u64; 4] {
    assert_eq!(import["status"], "succeeded", "{}", import["errors"]);
    ["rows", "created", "updated", "unchanged"].map(|name| import[name].as_u64().unwrap())
}

/// Line, column and value of each error of an import that failed.
fn errors(import: &Value) -> Vec<(u64, &str, &str)> {
    assert_eq!(import["status"], "failed");
    let errors = import["errors"].as_array().unwrap().iter();
    let told = errors.map(|error| (&error["line"], &error["column"], &error["value"]));
    told.map(|(line, column, value)| {
        (line.as_u64().unwrap(), column.as_str().unwrap(), value.as_str().unwrap())
    })
    .collect()
}
