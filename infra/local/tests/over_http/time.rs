//! What waits for its time: the clock that is moved makes it happen, and nobody waits for another.

use jiff::SignedDuration;
use local::{LocalHub, Options, api::Api, receiver::Receiver};
use serde_json::json;
use tokio::{io::AsyncReadExt, net::TcpListener};

use crate::hub::{request, site};

#[tokio::test(flavor = "multi_thread")]
async fn moving_the_clock_makes_every_attempt_on_the_way() {
    let hub = LocalHub::start(Options::default()).await.unwrap();
    let api = Api::new(hub.url()).unwrap();
    let (site, receiver, facility, slot) = site(&api).await;
    receiver.answer_with(http::StatusCode::from_u16(500).ok());
    site.create("/v1/reservations", "k", request(&facility, &slot)).await.unwrap();
    api.post("/_local/drain", json!({})).await.unwrap();
    assert_eq!(receiver.received().len(), 1);
    // At 5 s, 5 min and 30 min after the one before, a tenth more at most.
    api.move_clock(json!({"advance": "PT1H"})).await.unwrap();
    assert_eq!(receiver.received().len(), 4);
    api.move_clock(json!({"advance": "P5D"})).await.unwrap();
    let requested = |r: &&local::receiver::Received| r.event["type"] == "reservation.requested";
    assert_eq!(receiver.received().iter().filter(requested).count(), 10);
    let queues = api.get("/_local/queues").await.unwrap().body;
    assert_eq!(queues["push"]["waiting"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_clock_passes_happens_in_order() {
    let hub = LocalHub::start(Options::default()).await.unwrap();
    let api = Api::new(hub.url()).unwrap();
    let (site, _receiver, facility, slot) = site(&api).await;
    api.post("/_local/fault", json!({"dependency": "mail", "fail": "all"})).await.unwrap();
    site.create("/v1/reservations", "k", request(&facility, &slot)).await.unwrap();
    api.post("/_local/drain", json!({})).await.unwrap();
    api.post("/_local/fault", json!({"dependency": "mail", "fail": "none"})).await.unwrap();
    let before: domain::Timestamp =
        api.get("/_local/clock").await.unwrap().body["now"].as_str().unwrap().parse().unwrap();
    // The mail that failed comes a minute later, before the nursery is asked again after a day.
    api.move_clock(json!({"advance": "P5D"})).await.unwrap();
    let mails = api.mails().await.unwrap();
    let at: Vec<domain::Timestamp> =
        mails.iter().map(|mail| mail["sent_at"].as_str().unwrap().parse().unwrap()).collect();
    assert!(at.is_sorted(), "{at:?}");
    let late =
        at.iter().filter(|at| **at > before && **at < before + SignedDuration::from_hours(1));
    assert_eq!(late.count(), 2, "the mails to the parent and to the nursery: {at:?}");
    assert!(
        at.last().unwrap() > &(before + SignedDuration::from_hours(24)),
        "it was asked: {at:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_hangs_holds_up_nobody_else() {
    let hub = LocalHub::start(Options::default()).await.unwrap();
    let api = Api::new(hub.url()).unwrap();
    let (_, facility) = api.as_user("facility", 0).await.unwrap();
    let slot = api.open_slot(&facility).await.unwrap();

    // One site takes every connection and never answers.
    let deaf = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/hook", deaf.local_addr().unwrap());
    let first = api.as_client("search_site", 0).await.unwrap();
    first.create("/v1/webhook-endpoints", "e", json!({"url": url})).await.unwrap();
    first.create("/v1/reservations", "k", request(&facility, &slot)).await.unwrap();
    let (mut hung, _) = deaf.accept().await.unwrap();
    let hung = tokio::spawn(async move {
        let mut sink = [0; 4096];
        while hung.read(&mut sink).await.is_ok_and(|read| read > 0) {}
    });

    let other = api.as_client("search_site", 1).await.unwrap();
    let receiver = Receiver::start().await.unwrap();
    let endpoint = json!({"url": receiver.url()});
    let endpoint = other.create("/v1/webhook-endpoints", "e", endpoint).await.unwrap();
    receiver.trust(endpoint.body["secret"].as_str().unwrap());
    other.create("/v1/reservations", "k", request(&facility, &slot)).await.unwrap();
    receiver.receives(1).await;
    assert!(!hung.is_finished(), "the hub gave up on the one before it told the other");
}
