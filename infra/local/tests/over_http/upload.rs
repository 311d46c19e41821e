//! A list that is larger than a request, over HTTP.

use std::fmt::Write;

use data_encoding::BASE64;
use http::Method;
use local::{LocalHub, Options, api::Api};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

const PATH: &str = "/v1/staff/imports?dataset=facilities";

async fn city() -> (LocalHub, Api, Api) {
    let hub = LocalHub::start(Options::default()).await.unwrap();
    let api = Api::new(hub.url()).unwrap();
    let (city, _) = api.as_user("municipality", 0).await.unwrap();
    (hub, api, city)
}

async fn expect(city: &Api, key: &str) -> Value {
    let sent = city.send(Method::POST, PATH, None, &[("idempotency-key", key)]).await.unwrap();
    assert_eq!(sent.status, 202, "{}", sent.body);
    sent.body
}

/// Sends a file to an address, as anybody can who knows it.
async fn put(address: &str, file: impl Into<reqwest::Body>) -> u16 {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    http.put(address).body(file).send().await.unwrap().status().as_u16()
}

async fn status(api: &Api, city: &Api, id: &Value) -> Value {
    api.post("/_local/drain", json!({})).await.unwrap();
    let path = format!("/v1/staff/imports/{}", id.as_str().unwrap());
    city.get(&path).await.unwrap().body
}

/// Rows that no packing makes small, each with a note in a column of the office's own.
fn list(rows: usize) -> String {
    let mut random = StdRng::seed_from_u64(1);
    let mut list = String::from("施設の名称,都道府県,市区町村,備考\n");
    for number in 0..rows {
        let note: Vec<u8> = (0..30_000).map(|_| random.random()).collect();
        writeln!(list, "第{number}保育園,東京都,板橋区,{}", BASE64.encode(&note)).unwrap();
    }
    list
}

#[tokio::test(flavor = "multi_thread")]
async fn list_over_four_megabytes_is_imported_from_its_own_address() {
    let (_hub, api, city) = city().await;
    let list = list(160);
    assert!(list.len() > 6_000_000);
    let refused = city.send_list(PATH, "body", list.clone()).await.unwrap();
    assert_eq!(refused.status, 413);
    let sent = expect(&city, "upload").await;
    assert_eq!(status(&api, &city, &sent["import_id"]).await["status"], "expecting");
    assert_eq!(put(sent["upload_url"].as_str().unwrap(), list).await, 200);
    let import = status(&api, &city, &sent["import_id"]).await;
    assert_eq!(import["status"], "succeeded", "{}", import["errors"]);
    assert_eq!((&import["rows"], &import["created"]), (&json!(160), &json!(160)));
}

#[tokio::test(flavor = "multi_thread")]
async fn address_takes_the_file_of_its_own_import_until_it_is_over() {
    let (_hub, api, city) = city().await;
    let (mine, other) = (expect(&city, "mine").await, expect(&city, "other").await);
    let address = mine["upload_url"].as_str().unwrap();
    let id = |sent: &Value| sent["import_id"].as_str().unwrap().to_owned();
    let file = "施設の名称,都道府県,市区町村\nある保育園,東京都,板橋区\n";
    let later = address.replace("until=", "until=9");
    for wrong in [address.replace(&id(&mine), &id(&other)), later, format!("{address}0")] {
        assert_eq!(put(&wrong, file).await, 403, "{wrong}");
    }
    assert_eq!(put(address.split('?').next().unwrap(), file).await, 403);
    api.move_clock(json!({"advance": "PT1H"})).await.unwrap();
    assert_eq!(put(address, file).await, 403, "it is over");
    for sent in [&mine, &other] {
        assert_eq!(status(&api, &city, &sent["import_id"]).await["status"], "expecting");
    }
    let again = expect(&city, "mine").await;
    assert_eq!(again["import_id"], mine["import_id"]);
    assert_eq!(put(again["upload_url"].as_str().unwrap(), file).await, 200);
    assert_eq!(status(&api, &city, &mine["import_id"]).await["status"], "succeeded");
}
