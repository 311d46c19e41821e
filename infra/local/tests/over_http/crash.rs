//! A hub that is killed in the middle of a burst: what it answered 201 to is there, and its mail and webhook
//! go out. And nothing of it shows who asked.

use std::{fs, path::Path, process::Stdio, sync::Arc};

use local::{
    api::{Api, visit_request},
    receiver::Receiver,
};
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::Semaphore,
    task::JoinSet,
};

use crate::hub::directory;

/// The hub as a process of its own.
struct Process {
    child: Child,
    api: Api,
}

async fn start(dir: &Path, log: &Path) -> Process {
    let log = fs::File::options().create(true).append(true).open(log).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_hokatsu"))
        .args(["--port", "0", "--data-dir"])
        .arg(dir)
        .env("RUST_LOG", "info")
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = lines.next_line().await.unwrap().expect("the hub says that it is ready");
    let url = ready.strip_prefix("ready ").unwrap().to_owned();
    Process { child, api: Api::new(url).unwrap() }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_survives_a_kill_and_is_told() {
    let dir = directory("crash");
    let (data, log) = (dir.join("data"), dir.join("log"));
    let mut hub = start(&data, &log).await;
    let site = hub.api.as_client("search_site", 0).await.unwrap();
    let receiver = Receiver::start().await.unwrap();
    let endpoint = json!({"url": receiver.url()});
    let endpoint = site.create("/v1/webhook-endpoints", "endpoint", endpoint).await.unwrap();
    receiver.trust(endpoint.body["secret"].as_str().unwrap());

    // A burst over many nurseries; the hub is killed when sixty requests are answered.
    let facilities = hub.api.get("/v1/facilities?limit=100").await.unwrap().body;
    let answered = Arc::new(Semaphore::new(0));
    let mut burst = JoinSet::new();
    for (count, facility) in facilities["items"].as_array().unwrap().iter().enumerate() {
        let facility = facility["facility_id"].as_str().unwrap().to_owned();
        let slot = hub.api.open_slot(&facility).await.unwrap();
        let slot = slot["slot_id"].as_str().unwrap().to_owned();
        let (site, answered) = (site.clone(), answered.clone());
        burst.spawn(async move {
            let mut granted = Vec::new();
            for party in 0..3 {
                let key = format!("burst-{count}-{party}");
                let body = visit_request(&facility, &slot);
                // No answer is no promise.
                let Ok(answer) = site.create("/v1/reservations", &key, body).await else { break };
                if answer.status == 201 {
                    granted.push(answer.body["reservation_number"].as_str().unwrap().to_owned());
                    answered.add_permits(1);
                }
            }
            granted
        });
    }
    answered.acquire_many(60).await.unwrap().forget();
    hub.child.kill().await.unwrap();
    let granted: Vec<String> = burst.join_all().await.into_iter().flatten().collect();
    assert!(granted.len() >= 60);
    assert!(granted.len() < 300, "the kill came in the middle of the burst");

    let hub = start(&data, &log).await;
    let site = hub.api.as_client("search_site", 0).await.unwrap();
    let mails = hub.api.mails().await.unwrap();
    let texts: Vec<&str> = mails.iter().map(|mail| mail["text"].as_str().unwrap()).collect();
    let events = receiver.received();
    for number in &granted {
        let found = site.get(&format!("/v1/reservations/{number}")).await.unwrap();
        assert_eq!((found.status.as_u16(), &found.body["status"]), (200, &json!("pending")));
        let mailed = texts.iter().filter(|text| text.contains(number) && text.contains("様\n"));
        assert!(mailed.count() >= 1, "{number} was mailed");
        let pushed =
            events.iter().filter(|event| event.event["data"]["reservation_number"] == *number);
        assert!(pushed.count() >= 1, "{number} was pushed");
    }
    assert_eq!(receiver.refused(), 0);

    // Nothing that is kept, logged or pushed shows who asked.
    drop(hub);
    let mut dump = fs::read(&log).unwrap();
    for event in &events {
        dump.extend(&event.body);
    }
    for file in fs::read_dir(&data).unwrap() {
        dump.extend(fs::read(file.unwrap().path()).unwrap());
    }
    let holds = |text: &str| dump.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds(&granted[0]), "the dump is one of this hub");
    for personal in ["花子", "090-0000-0000", "hanako@example.jp", "について相談したい"]
    {
        assert!(!holds(personal), "the dump shows {personal}");
    }
}
