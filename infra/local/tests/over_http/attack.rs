//! Strangers without a token do what they can to a hub that runs. Afterwards every slot is as it was, nobody was
//! mailed more often than the contract allows, no mail carries what they typed, and a family booked beside them.
//!
//! `ATTACK_ROUNDS=50` goes on for longer.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
};

use local::{
    LocalHub, Options,
    api::{Answer, Api, visit_request},
};
use serde_json::{Value, json};

/// What no mail may carry before an address is confirmed.
const TYPED: &str = "evil.example";
const NAME: &str = "重要：https://evil.example/pay";
const VICTIM: &str = "victim@example.com";

/// What the contract allows.
const UNCONFIRMED_AT_A_NURSERY: usize = 3;
const UNCONFIRMED_IN_ALL: usize = 20;
const A_DAY_AT_A_NURSERY: usize = 10;
const A_DAY_IN_ALL: usize = 100;
const UNCONFIRMED_AN_ADDRESS: usize = 3;
const MAILS_AN_ADDRESS: usize = 5;

/// Each has an address of its own on this machine.
const SOURCES: u8 = 3;

/// A stranger, and what the hub granted to their source.
struct Stranger {
    api: Api,
    source: u8,
    asked: usize,
    /// How often what they held has lapsed.
    lapsed: usize,
    /// The slots that were held for them, by the nursery, each with how often they had let others lapse.
    held: BTreeMap<String, Vec<(String, usize)>>,
}

impl Stranger {
    fn new(hub: &LocalHub, source: u8) -> Self {
        let address = IpAddr::V4(Ipv4Addr::new(127, 0, 66, source));
        let api = Api::from_source(hub.url(), address).unwrap();
        Self { api, source, asked: 0, lapsed: 0, held: BTreeMap::new() }
    }

    /// Asks for a slot, for somebody else's address.
    async fn ask(&mut self, nursery: &str, slot: &str, email: &str) -> Answer {
        self.asked += 1;
        let key = format!("{}-{}", self.source, self.asked);
        let mut body = visit_request(nursery, slot);
        body["applicant"] = json!({
            "name": NAME, "email": email,
            "phone": format!("090-{:04}-{:04}", self.source, self.asked % 10_000),
        });
        body["message_to_facility"] = format!("https://{TYPED}/message").into();
        body["waiting_list"] = true.into();
        let answer = self.api.create("/v1/portal/reservations", &key, body).await.unwrap();
        match answer.status.as_u16() {
            202 => {
                assert_eq!(answer.body["status"], "unconfirmed");
                assert!(answer.body.get("possible_duplicate").is_none(), "{}", answer.body);
                self.held
                    .entry(nursery.to_owned())
                    .or_default()
                    .push((slot.to_owned(), self.lapsed));
            }
            409 => {}
            429 => assert!(answer.headers.contains_key("retry-after")),
            status => unreachable!("{status}: {}", answer.body),
        }
        answer
    }

    fn granted(&self) -> usize {
        self.held.values().map(Vec::len).sum()
    }

    /// Knocks where no door is: forged links, broken, wrong and oversized bodies.
    async fn knock(&self, hub: &LocalHub, nursery: &str, slot: &str) {
        let link = format!("R-7K3M-9QXD.4102444800.{}", "A".repeat(43));
        for token in ["", "none", &link, &"x".repeat(5000), "../../v1/staff"] {
            let answer =
                self.api.post("/v1/visits/session", json!({"token": token})).await.unwrap();
            assert!(matches!(answer.status.as_u16(), 400 | 401), "{token}: {}", answer.status);
            let path = "/v1/notice-addresses/confirm";
            let notice = token.replace("R-7K3M-9QXD", nursery);
            let answer = self.api.post(path, json!({"token": notice})).await.unwrap();
            assert!(matches!(answer.status.as_u16(), 400 | 401), "{notice}: {}", answer.status);
        }
        let mut long = visit_request(nursery, slot);
        long["applicant"]["name"] = "長".repeat(100_000).into();
        let mut misspelt = visit_request(nursery, slot);
        misspelt["confirmed"] = true.into();
        let mut lines = visit_request(nursery, slot);
        lines["applicant"]["email"] = "a@example.com\r\nBcc: b@example.com".into();
        // The hub may hang up on a body that is too long while it is still being sent: on a connection of its own.
        let alone = Stranger::new(hub, self.source).api;
        if let Ok(answer) = alone.create("/v1/portal/reservations", "l", long).await {
            assert!(matches!(answer.status.as_u16(), 400 | 413), "{}", answer.status);
        }
        for (key, body) in [("m", misspelt), ("n", lines), ("o", json!([])), ("p", json!({}))] {
            let answer = self.api.create("/v1/portal/reservations", key, body).await.unwrap();
            assert_eq!(answer.status, 400, "{key}");
        }
        for path in
            ["/v1/reservations", "/v1/staff/dashboard", "/v1/events", "/v1/webhook-endpoints"]
        {
            let answer = self.api.with_token("e30.e30.AAAA").get(path).await.unwrap();
            assert!(matches!(answer.status.as_u16(), 401 | 404), "{path}: {}", answer.status);
        }
    }
}

/// Each slot of these nurseries from next week on, as anyone sees it.
async fn slots(api: &Api, nurseries: &[String]) -> BTreeMap<String, Value> {
    let from = now(api).await.date().saturating_add(jiff::Span::new().days(7));
    let mut all = BTreeMap::new();
    for nursery in nurseries {
        let path = format!("/v1/facilities/{nursery}/slots?from={from}&limit=100");
        let page = api.get(&path).await.unwrap().body;
        for slot in page["items"].as_array().unwrap() {
            let id = slot["slot_id"].as_str().unwrap().to_owned();
            all.insert(id, json!({"nursery": nursery, "remaining": slot["remaining"], "status": slot["status"]}));
        }
    }
    all
}

/// A family asks for a time that is free, follows the link in its mail and confirms.
async fn family_books(hub: &LocalHub, api: &Api, nursery: &str) -> (String, String) {
    let family = Stranger::new(hub, 200).api;
    let slot = api.open_slot(nursery).await.unwrap();
    let slot = slot["slot_id"].as_str().expect("a slot is free").to_owned();
    let asked = family.create("/v1/portal/reservations", "family", visit_request(nursery, &slot));
    let asked = asked.await.unwrap();
    assert_eq!(asked.status, 202, "{}", asked.body);
    let number = asked.body["reservation_number"].as_str().unwrap().to_owned();
    let mails = api.mails().await.unwrap();
    let mail = mails.iter().rev().find(|mail| mail["to"][0] == "hanako@example.jp").unwrap();
    let link = mail["text"].as_str().unwrap().split("/visit#").nth(1).unwrap();
    let token = json!({"token": link.split_whitespace().next()});
    let opened = family.post("/v1/visits/session", token).await.unwrap();
    assert_eq!(opened.status, 204);
    let cookie = opened.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap();
    let headers = [("cookie", cookie), ("origin", &hub.url())];
    let path = format!("/v1/visits/{number}/confirm");
    let confirmed =
        family.send(http::Method::POST, &path, Some(&json!({})), &headers).await.unwrap();
    assert_eq!((confirmed.status.as_u16(), &confirmed.body["status"]), (200, &json!("pending")));
    (slot, number)
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_without_a_token_change_nothing() {
    let rounds = std::env::var("ATTACK_ROUNDS").map_or(5, |rounds| rounds.parse().unwrap());
    let hub = LocalHub::start(Options::default()).await.unwrap();
    let api = Api::new(hub.url()).unwrap();
    let (staff, nursery) = api.as_user("facility", 0).await.unwrap();
    let found = api.get("/v1/facilities?bookable=true&limit=30").await.unwrap().body;
    let found = found["items"].as_array().unwrap().iter();
    let others = found.map(|one| one["facility_id"].as_str().unwrap().to_owned());
    let nurseries: Vec<String> =
        [nursery.clone()].into_iter().chain(others.filter(|id| *id != nursery)).collect();

    let morning = json!({"set": next_morning(&api).await});
    api.move_clock(morning).await.unwrap();

    // A slot is full, by families of a search site.
    let site = api.as_client("search_site", 0).await.unwrap();
    let full = slots(&api, &nurseries[..1]).await.into_keys().next().unwrap();
    for family in 0..3 {
        let mut body = visit_request(&nursery, &full);
        body["applicant"]["phone"] = format!("03-0000-000{family}").into();
        body["applicant"]["email"] = format!("family-{family}@example.jp").into();
        let asked = site.create("/v1/reservations", &family.to_string(), body).await.unwrap();
        assert_eq!(asked.status, 201);
    }
    let mut before = slots(&api, &nurseries).await;
    assert_eq!(before[&full]["status"], "full");
    let mailed_before = api.mails().await.unwrap().len();

    let mut strangers: Vec<Stranger> =
        (1..=SOURCES).map(|source| Stranger::new(&hub, source)).collect();
    let mut family = None;
    for round in 0..rounds {
        let open: Vec<(String, String)> = before
            .iter()
            .map(|(slot, shown)| (slot.clone(), shown["nursery"].as_str().unwrap().to_owned()))
            .collect();
        let at_the_nursery: Vec<&String> =
            open.iter().filter(|(_, of)| *of == nursery).map(|(slot, _)| slot).collect();
        for stranger in &mut strangers {
            let (source, already) = (stranger.source, stranger.granted());
            let there = stranger.held.get(&nursery).map_or(0, Vec::len);
            for (count, slot) in
                [&full].into_iter().chain(at_the_nursery.iter().copied()).enumerate()
            {
                // Many addresses at one nursery, and one address at all of them.
                let many = format!("r{round}-{source}-{count}@example.com");
                stranger.ask(&nursery, slot, &many).await;
                stranger.ask(&nursery, slot, VICTIM).await;
            }
            let held = stranger.held.get(&nursery).map_or(0, Vec::len) - there;
            assert!(held <= UNCONFIRMED_AT_A_NURSERY, "{held} at the nursery at a time");
            for (count, (slot, of)) in open.iter().step_by(7).take(30).enumerate() {
                let email = format!("o{round}-{source}-{count}@example.com");
                stranger.ask(of, slot, &email).await;
            }
            let held = stranger.granted() - already;
            assert!(held <= UNCONFIRMED_IN_ALL, "{held} in all at a time");
            stranger.knock(&hub, &nursery, &full).await;
        }
        if family.is_none() {
            family = Some(family_books(&hub, &api, &nursery).await);
        }
        let unconfirmed = mails_to(&api, mailed_before).await.remove(VICTIM).unwrap_or_default();
        assert!(
            round > 0 || unconfirmed.len() <= UNCONFIRMED_AN_ADDRESS,
            "{} unconfirmed for one address",
            unconfirmed.len()
        );
        // What nobody confirms is over in a quarter of an hour. All of it is on one day.
        if round < 4 || round + 1 == rounds {
            api.move_clock(json!({"advance": "PT16M"})).await.unwrap();
            strangers.iter_mut().for_each(|stranger| stranger.lapsed += 1);
        }
    }

    let (slot, number) = family.unwrap();
    let places = before[&slot]["remaining"].as_u64().unwrap();
    before.get_mut(&slot).unwrap()["remaining"] = (places - 1).into();
    assert_eq!(slots(&api, &nurseries).await, before, "a slot is not as it was");

    for stranger in &strangers {
        for (at, held) in &stranger.held {
            assert!(held.len() <= A_DAY_AT_A_NURSERY, "{} a day at {at}", held.len());
            let times: BTreeSet<&(String, usize)> = held.iter().collect();
            let slots: BTreeSet<&String> = held.iter().map(|(slot, _)| slot).collect();
            assert_eq!(slots.len(), times.len(), "the same slot again on a day on which it lapsed");
        }
        assert!(stranger.granted() <= A_DAY_IN_ALL, "{} a day in all", stranger.granted());
        assert!(stranger.granted() > 0, "the attack was one");
    }
    for (address, texts) in mails_to(&api, mailed_before).await {
        assert!(texts.len() <= MAILS_AN_ADDRESS || !address.ends_with("@example.com"), "{address}");
        for text in &texts {
            assert!(!text.contains(TYPED) && !text.contains("重要"), "to {address}: {text}");
        }
    }

    // The nursery knows of the families, and of nobody else.
    let path = format!("/v1/staff/facilities/{nursery}/reservations?limit=100");
    let listed = staff_list(&staff, &path).await;
    assert_eq!(listed.len(), 4, "{listed:?}");
    assert!(listed.contains(&number), "{listed:?}");
}

async fn next_morning(api: &Api) -> domain::Timestamp {
    let day = now(api).await.date().saturating_add(jiff::Span::new().days(1));
    domain::Timestamp::at(day, jiff::civil::time(9, 0, 0, 0))
}

async fn now(api: &Api) -> domain::Timestamp {
    let now = api.get("/_local/clock").await.unwrap().body;
    now["now"].as_str().unwrap().parse().unwrap()
}

async fn staff_list(staff: &Api, path: &str) -> Vec<String> {
    let listed = staff.get(path).await.unwrap().body;
    let items = listed["items"].as_array().unwrap().iter();
    items.map(|one| one["reservation_number"].as_str().unwrap().to_owned()).collect()
}

/// What each address was mailed since then: subject, text and HTML.
async fn mails_to(api: &Api, since: usize) -> BTreeMap<String, Vec<String>> {
    let mut by_address = BTreeMap::<String, Vec<String>>::new();
    for mail in api.mails().await.unwrap().drain(since..) {
        let to = mail["to"][0].as_str().unwrap().to_owned();
        by_address.entry(to).or_default().push(mail.to_string());
    }
    by_address
}
