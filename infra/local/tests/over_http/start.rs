//! Starting: what it says, and what it says to do where it cannot; whom the local doors answer.

use std::{fs, io::Read, process::Stdio};

use local::{LocalHub, Options, api::Api};
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

use crate::hub::directory;

async fn refused(options: Options) -> String {
    LocalHub::start(options).await.unwrap_err().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_belongs_to_one_hub_at_a_time() {
    let dir = directory("one-at-a-time");
    let options = Options { data_dir: Some(dir.clone()), demo: false, ..Options::default() };
    let first = LocalHub::start(options.clone()).await.unwrap();
    let said = refused(options.clone()).await;
    assert_eq!(
        said,
        format!(
            "{} is in use by another hub: stop that one, or name another --data-dir",
            dir.display()
        )
    );
    drop(first);
    LocalHub::start(options).await.unwrap();
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn only_their_owner_reads_the_keys() {
    use std::os::unix::fs::PermissionsExt;

    let dir = directory("keys");
    let options = Options { data_dir: Some(dir.clone()), demo: false, ..Options::default() };
    drop(LocalHub::start(options.clone()).await.unwrap());
    let keys = dir.join("keys");
    assert_eq!(fs::metadata(&keys).unwrap().permissions().mode() & 0o777, 0o600);
    fs::write(&keys, "cut off").unwrap();
    let said = refused(options).await;
    assert!(said.starts_with(&format!("{} is damaged", keys.display())), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_fails_names_the_cause_and_what_to_do() {
    let dir = directory("no-start");
    let file = dir.join("file");
    fs::write(&file, "").unwrap();
    let said = refused(Options { data_dir: Some(file.clone()), ..Options::default() }).await;
    let needs = "is a file: --data-dir needs a directory, which may be new";
    assert_eq!(said, format!("{} {needs}", file.display()));

    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let said = refused(Options { port, demo: false, ..Options::default() }).await;
    let advice = "stop what listens there, or choose another with --port (0 picks a free one)";
    assert_eq!(said, format!("port {port} is in use: {advice}"));

    let missing = dir.join("missing.csv");
    let said = refused(Options { facilities: vec![missing.clone()], ..Options::default() }).await;
    assert!(
        said.starts_with(&format!("the list {} cannot be read: ", missing.display())),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_error_of_a_list_is_told_and_nothing_imported() {
    let dir = directory("wrong-list");
    let (good, wrong, data) = (dir.join("good.csv"), dir.join("wrong.csv"), dir.join("data"));
    fs::write(&good, "施設の名称,都道府県,市区町村\n見本保育園,東京都,板橋区\n").unwrap();
    let list = "施設の名称,都道府県,市区町村\n見本保育園,東京都,板橋村\n,東京都,板橋区\n";
    fs::write(&wrong, list).unwrap();
    let both = vec![good, wrong.clone()];
    let options = Options {
        facilities: both,
        data_dir: Some(data.clone()),
        demo: false,
        ..Options::default()
    };
    let said = refused(options).await;
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].contains(&wrong.display().to_string()), "{said}");
    assert!(lines[1].starts_with("  line 2, 市区町村 \"板橋村\": "), "{said}");
    assert!(lines[2].starts_with("  line 3, 施設の名称 \"\": "), "{said}");
    assert_eq!(lines.len(), 3);
    assert!(!data.exists(), "a hub was begun");
}

#[tokio::test(flavor = "multi_thread")]
async fn starting_says_what_it_does() {
    let mut hub = Command::new(env!("CARGO_BIN_EXE_hokatsu"))
        .args(["--port", "0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(hub.stdout.take().unwrap()).lines();
    let ready = lines.next_line().await.unwrap().unwrap();
    assert!(ready.starts_with("ready http://127.0.0.1:"), "{ready}");
    hub.kill().await.unwrap();
    let mut said = String::new();
    let stderr = hub.stderr.take().unwrap().into_owned_fd().unwrap();
    fs::File::from(stderr).read_to_string(&mut said).unwrap();
    let said: Vec<&str> = said.lines().collect();
    assert!(said[0].starts_with("keeping everything in memory"), "{said:?}");
    assert_eq!(said[1], "importing 126 facilities of the pilot");
    assert!(said[2].contains("demonstration"), "{said:?}");
    assert_eq!(said.len(), 3, "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn local_doors_answer_to_loopback_names_alone() {
    let hub = LocalHub::start(Options { demo: false, ..Options::default() }).await.unwrap();
    let api = Api::new(hub.url()).unwrap();
    let port = hub.address.port();
    let asked_as = async |host: &str, path: &str| {
        let headers = [("host", host)];
        api.send(http::Method::GET, path, None, &headers).await.unwrap()
    };
    for host in ["127.0.0.1", "localhost", "LocalHost", "[::1]"] {
        let answer = asked_as(&format!("{host}:{port}"), "/_local/credentials").await;
        assert_eq!(answer.status, 200, "{host}");
    }
    for host in ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example", ""] {
        for door in ["credentials", "mail", "clock", "queues"] {
            let answer = asked_as(&format!("{host}:{port}"), &format!("/_local/{door}")).await;
            assert_eq!(answer.status, 403, "{door} for {host}");
            assert_eq!(answer.body["type"], json!("/problems/forbidden"));
        }
    }
    let public = asked_as(&format!("hub.example:{port}"), "/v1/facilities").await;
    assert_eq!(public.status, 200, "what is public has any name");
}
