//! The local hub over HTTP: the tour, lists, retries, dead letters, faults and limits.

use std::{fmt::Write, fs, num::NonZeroU32, path::PathBuf};

use domain::municipality;
use local::{
    LocalHub, Options,
    api::{Api, visit_request},
    receiver::Receiver,
    tour,
};
use serde_json::{Value, json};
use tests::contract;

async fn hub(options: Options) -> (LocalHub, Api) {
    let hub = LocalHub::start(options).await.unwrap();
    // What is not of the contract is of this hub alone.
    let api = Api::new(hub.url()).unwrap().watched(|method, path, answer| {
        if path.starts_with("/v1/") {
            contract::check(method, path, answer.status, &answer.headers, &answer.body);
        }
    });
    (hub, api)
}

pub(crate) fn directory(name: &str) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    if dir.exists() {
        fs::remove_dir_all(&dir).unwrap();
    }
    fs::create_dir_all(&dir).unwrap();
    dir
}

/// How many facilities a search finds, page by page.
async fn count(api: &Api, query: &str) -> usize {
    let (mut found, mut cursor) = (0, String::new());
    loop {
        let path = format!("/v1/facilities?limit=100{query}{cursor}");
        let page = api.get(&path).await.unwrap().body;
        found += page["items"].as_array().unwrap().len();
        let Some(next) = page["next_cursor"].as_str() else { return found };
        cursor = format!("&cursor={next}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tour_comes_out_as_it_should() {
    let mut printed = Vec::new();
    let result = tour::run(&mut printed).await;
    let printed = String::from_utf8(printed).unwrap();
    assert!(result.is_ok(), "{printed}\n{}", result.unwrap_err());
    assert!(printed.ends_with("Everything came out as it should.\n"));
    assert!(printed.starts_with("hokatsu is a hub for finding a nursery"), "{printed}");
    let lines: Vec<&str> = printed.lines().collect();
    for (place, line) in lines.iter().enumerate() {
        if line.starts_with("== ") {
            let shows = lines[place + 1];
            assert!(shows.starts_with("   ") && shows.ends_with('.'), "{line}: {shows}");
        }
        for bare in ["200 OK", "201 Created", "202 Accepted", "204 No Content"] {
            assert_ne!(line.trim_start(), format!("-> {bare}"), "{}", lines[place - 1]);
        }
        assert!(!line.ends_with("null") && !line.contains("whsec_"), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn its_address_leads_to_a_page_that_says_where_to_go() {
    let (_hub, api) = hub(Options { demo: false, ..Options::default() }).await;
    let page = api.file("/").await.unwrap();
    let links: Vec<&str> =
        page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    for wanted in ["/openapi.json", "/_local/credentials", "/_local/mail", "/v1/facilities"] {
        assert!(links.contains(&wanted), "{wanted}: {links:?}");
    }
    for link in links.iter().filter(|link| link.starts_with('/')) {
        assert_eq!(api.get(link).await.unwrap().status, 200, "{link}");
    }
    assert!(page.contains("lang=\"ja\"") && page.contains("lang=\"en\""), "both languages");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pilot_is_built_in_and_found_however_it_is_typed() {
    let (_hub, api) = hub(Options { demo: false, ..Options::default() }).await;
    for (code, facilities) in [("131199", 45), ("131211", 45), ("132080", 36), ("13119", 45)] {
        assert_eq!(count(&api, &format!("&municipality={code}")).await, facilities, "{code}");
    }
    assert_eq!(count(&api, "&municipality=131199&municipality=132080").await, 81);
    for (query, facilities) in [
        ("%E3%81%8B%E3%81%AA%E3%81%84%E3%81%8F%E3%81%BC", 1), // かないくぼ
        ("%E3%82%AB%E3%83%8A%E3%82%A4%E3%82%AF%E3%83%9C", 1), // カナイクボ
        ("%EF%BD%B6%EF%BE%85%EF%BD%B2%EF%BD%B8%EF%BE%8E%EF%BE%9E", 1), // ｶﾅｲｸﾎﾞ
        ("%E9%AB%98%E5%B3%B6%E5%B9%B3", 8),                   // 高島平
        ("%E3%81%A8%E3%81%8D%E3%82%8F%E5%8F%B0", 1),          // ときわ台
    ] {
        assert_eq!(count(&api, &format!("&q={query}")).await, facilities, "{query}");
    }
    assert_eq!(count(&api, "&type=small_a&establishment_body=private").await, 6);
    assert_eq!(count(&api, "&bookable=true").await, 0, "no slots without the demonstration");
    let credentials = api.get("/_local/credentials").await.unwrap().body;
    assert_eq!(credentials, json!({"clients": [], "users": []}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_thousands_is_imported_in_one_start_and_doubled_by_none() {
    let dir = directory("import");
    let mut list = String::from("事業所番号,施設の名称,都道府県,市区町村,合計_利用定員数\n");
    let tokyo: Vec<_> =
        municipality::known().iter().filter(|known| known.prefecture == "東京都").collect();
    for number in 0..2573 {
        let place = tokyo[number % tokyo.len()];
        writeln!(list, ",第{number}保育園,{},{},60", place.prefecture, place.name).unwrap();
    }
    let file = dir.join("list.csv");
    fs::write(&file, list).unwrap();
    let options = Options {
        data_dir: Some(dir.join("data")),
        facilities: vec![file],
        demo: false,
        ..Options::default()
    };
    let ids = |body: Value| -> Vec<String> {
        let items = body["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["facility_id"].to_string()).collect()
    };
    let (first, api) = hub(options.clone()).await;
    assert_eq!(count(&api, "").await, 2573);
    let before = ids(api.get("/v1/facilities?limit=100").await.unwrap().body);
    drop(first);
    let (_second, api) = hub(options).await;
    assert_eq!(count(&api, "").await, 2573);
    assert_eq!(ids(api.get("/v1/facilities?limit=100").await.unwrap().body), before);
}

/// A site with a receiver, and a nursery with a slot.
pub(crate) async fn site(api: &Api) -> (Api, Receiver, String, Value) {
    let site = api.as_client("search_site", 0).await.unwrap();
    let receiver = Receiver::start().await.unwrap();
    let body = json!({"url": receiver.url()});
    let endpoint = site.create("/v1/webhook-endpoints", "endpoint", body).await.unwrap();
    receiver.trust(endpoint.body["secret"].as_str().unwrap());
    let (_, facility) = api.as_user("facility", 0).await.unwrap();
    let slot = api.open_slot(&facility).await.unwrap();
    (site, receiver, facility, slot)
}

pub(crate) fn request(facility: &str, slot: &Value) -> Value {
    visit_request(facility, slot["slot_id"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_is_not_received_comes_again_with_the_same_id() {
    let (_hub, api) = hub(Options::default()).await;
    let (site, receiver, facility, slot) = site(&api).await;
    receiver.answer_with(http::StatusCode::from_u16(500).ok());
    site.create("/v1/reservations", "k", request(&facility, &slot)).await.unwrap();
    api.post("/_local/drain", json!({})).await.unwrap();
    assert_eq!(receiver.received().len(), 1);
    receiver.answer_with(None);
    api.move_clock(json!({"advance": "PT3S"})).await.unwrap();
    assert_eq!(receiver.received().len(), 1, "not before its time");
    api.move_clock(json!({"advance": "PT3S"})).await.unwrap();
    let received = receiver.received();
    assert_eq!(received.len(), 2);
    assert_eq!((&received[0].id, &received[0].body), (&received[1].id, &received[1].body));
    api.move_clock(json!({"advance": "PT24H"})).await.unwrap();
    let requested = |r: &&local::receiver::Received| r.event["type"] == "reservation.requested";
    assert_eq!(receiver.received().iter().filter(requested).count(), 2, "received is received");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_receives_ends_in_the_dead_letters_and_its_owner_is_mailed() {
    let (_hub, api) = hub(Options::default()).await;
    let (site, _receiver, facility, slot) = site(&api).await;
    api.post("/_local/fault", json!({"dependency": "webhook", "fail": "all"})).await.unwrap();
    site.create("/v1/reservations", "k", request(&facility, &slot)).await.unwrap();
    for _ in 0..14 {
        api.move_clock(json!({"advance": "PT13H30M"})).await.unwrap();
    }
    let queues = api.get("/_local/queues").await.unwrap().body;
    assert_eq!(queues["push"], json!({"waiting": 0, "dead": 1}));
    let mails = api.mails().await.unwrap();
    let told = |mail: &&Value| mail["to"] == json!(["search-site-1@example.jp"]);
    assert_eq!(mails.iter().filter(told).count(), 1);
    let endpoints = site.get("/v1/webhook-endpoints").await.unwrap().body;
    assert_eq!(endpoints["items"][0]["status"], "disabled");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_faults_everywhere_a_repeated_request_is_one_reservation() {
    let (_hub, api) = hub(Options::default()).await;
    let (site, receiver, facility, slot) = site(&api).await;
    for dependency in ["store", "queue", "mail", "webhook"] {
        let fault = json!({"dependency": dependency, "fail": "30%"});
        assert_eq!(api.post("/_local/fault", fault).await.unwrap().status, 200);
    }
    let mut tries = 0;
    let number = loop {
        let answer = site.create("/v1/reservations", "k", request(&facility, &slot)).await.unwrap();
        tries += 1;
        match answer.status.as_u16() {
            201 => break answer.body["reservation_number"].as_str().unwrap().to_owned(),
            status => assert_eq!(status, 503, "{}", answer.body),
        }
        assert!(tries < 100);
    };
    for dependency in ["store", "queue", "mail", "webhook"] {
        let fault = json!({"dependency": dependency, "fail": "none"});
        api.post("/_local/fault", fault).await.unwrap();
    }
    // What failed before its mail or webhook went out does so when its time comes again.
    api.move_clock(json!({"advance": "PT1H"})).await.unwrap();
    let mails = api.mails().await.unwrap();
    let to_parent = |mail: &&Value| mail["to"] == json!(["hanako@example.jp"]);
    assert!(mails.iter().filter(to_parent).count() >= 1);
    let told = receiver.received();
    assert!(told.iter().any(|event| event.event["data"]["reservation_number"] == number.as_str()));
    let slots = api.get(&format!("/v1/facilities/{facility}/slots?limit=100")).await.unwrap().body;
    let slots = slots["items"].as_array().unwrap();
    let held: u64 = slots
        .iter()
        .map(|slot| slot["capacity"].as_u64().unwrap() - slot["remaining"].as_u64().unwrap())
        .sum();
    assert_eq!(held, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn past_its_rate_a_client_is_asked_to_wait() {
    let rate_limit = NonZeroU32::new(5).unwrap();
    let (_hub, api) = hub(Options { rate_limit, demo: false, ..Options::default() }).await;
    let mut limited = None;
    for _ in 0..50 {
        let answer = api.get("/v1/facilities").await.unwrap();
        if answer.status == 429 {
            limited = Some(answer);
            break;
        }
        assert_eq!(answer.headers["ratelimit-policy"], "\"default\";q=5;w=1");
    }
    let limited = limited.unwrap();
    assert_eq!(limited.headers["retry-after"], "1");
    assert_eq!(limited.body["type"], "/problems/rate-limited");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_for_those_who_have_the_secret() {
    let (_hub, api) = hub(Options::default()).await;
    let forged = api.with_token("e30.e30.AAAA").get("/v1/reservations").await.unwrap();
    assert_eq!(
        (forged.status.as_u16(), &forged.body["type"]),
        (401, &json!("/problems/unauthorized"))
    );
    let keys = api.get("/.well-known/jwks.json").await.unwrap().body;
    assert_eq!(keys["keys"][0]["kid"], "local");
    let clock = api.move_clock(json!({"set": "2020-01-01T00:00:00+09:00"})).await.unwrap();
    assert_eq!(clock.status, 400, "the clock moves forward only");
}
