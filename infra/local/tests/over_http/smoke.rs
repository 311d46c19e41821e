//! `hokatsu smoke`: it passes where a hub works, names what does not, and changes nothing that it was not asked to.

use std::{net::SocketAddr, process::Stdio};

use axum::{Json, Router, http::StatusCode, routing::get};
use local::{LocalHub, Options, api::Api};
use serde_json::{Value, json};
use tokio::{net::TcpListener, process::Command};

/// What it printed, and whether it succeeded.
async fn smoke(arguments: &[&str], secret: &str) -> (String, bool) {
    let output = Command::new(env!("CARGO_BIN_EXE_hokatsu"))
        .arg("smoke")
        .args(arguments)
        .env("CLIENT_SECRET", secret)
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let mut printed = String::from_utf8(output.stdout).unwrap();
    printed.push_str(&String::from_utf8(output.stderr).unwrap());
    (printed, output.status.success())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_works_passes_and_is_left_as_it_was() {
    let hub = LocalHub::start(Options::default()).await.unwrap();
    let (api, url) = (Api::new(hub.url()).unwrap(), hub.url());
    let (printed, passed) = smoke(&["--url", &url], "").await;
    assert!(passed, "{printed}");
    assert!(printed.ends_with("All 11 checks came out as they should.\n"), "{printed}");
    assert!(!printed.contains("FAIL"), "{printed}");

    let clients = api.get("/_local/credentials").await.unwrap().body["clients"].clone();
    let of = |kind: &str| {
        clients.as_array().unwrap().iter().find(|one| one["kind"] == kind).cloned().unwrap()
    };
    let text = |client: &Value, field: &str| client[field].as_str().unwrap().to_owned();
    let issuer = format!("{url}/oauth2/token");
    for kind in ["search_site", "ict"] {
        let client = of(kind);
        let (id, secret) = (text(&client, "client_id"), text(&client, "client_secret"));
        let arguments = ["--url", &url, "--token-url", &issuer, "--client-id", &id];
        let (printed, passed) = smoke(&arguments, &secret).await;
        assert!(passed, "{printed}");
        assert!(!printed.contains(&secret), "{printed}");
        let (printed, passed) = smoke(&arguments, "wrong").await;
        assert!(!passed && printed.contains("FAIL  a token for the vendor"), "{printed}");
    }
    assert!(api.mails().await.unwrap().is_empty());

    let (_, facility) = api.as_user("facility", 0).await.unwrap();
    let site = of("search_site");
    let (id, secret) = (text(&site, "client_id"), text(&site, "client_secret"));
    let arguments = ["--url", &url, "--token-url", &issuer, "--client-id", &id];
    let reserve = ["--reserve", "duty@city.example", "--facility", &facility];
    let (printed, passed) = smoke(&[&arguments[..], &reserve].concat(), &secret).await;
    assert!(passed, "{printed}");
    let own = api.as_client("search_site", 0).await.unwrap();
    let own = own.get("/v1/reservations").await.unwrap().body;
    assert_eq!(own["items"].as_array().unwrap().len(), 1);
    assert_eq!(own["items"][0]["status"], "cancelled_by_parent");
    let mails = api.mails().await.unwrap();
    assert_eq!(mails.iter().filter(|mail| mail["to"][0] == "duty@city.example").count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_work_is_named() {
    let answer = async || (StatusCode::OK, Json(json!({"items": [], "next": "/"})));
    let broken = Router::new().fallback(get(answer).post(answer));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, broken).await.unwrap() });
    let (printed, passed) = smoke(&["--url", &format!("http://{address}")], "").await;
    assert!(!passed, "{printed}");
    for named in [
        "FAIL  the document                          it is no OpenAPI 3.1",
        "FAIL  headers of an answer                  no nosniff",
        "FAIL  asking again for what one has         no ETag",
        "FAIL  reservations without a token          GET /v1/reservations answers 200 OK",
        "FAIL  reservations with a forged token      it is answered 200 OK",
        "9 of 11 checks failed",
    ] {
        assert!(printed.contains(named), "{named}: {printed}");
    }
    let (printed, passed) = smoke(&["--url", "http://127.0.0.1:1"], "").await;
    assert!(!passed && printed.contains("11 of 11 checks failed"), "{printed}");
}
