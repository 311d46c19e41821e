//! The notice addresses of a nursery (NTF-02): each is asked by a link before the hub writes to it.

use domain::suppression::Suppression;
use http::Method;
use local::Needs;
use runtime::{Hub, Mail};
use serde_json::{Value, json};
use tests::{Answer, As, World};

const SLOT: &str = "2026-12-10T10:00:00+09:00";
const CONFIRM: &str = "/v1/notice-addresses/confirm";

fn path(world: &World) -> String {
    format!("/v1/staff/facilities/{}/settings", world.facility.facility_id)
}

/// Saves these addresses in place of those before.
async fn save(world: &World, addresses: &[&str]) -> Answer {
    let body = json!({"notice_addresses": addresses});
    world.call(&world.staff(), Method::PUT, &path(world), Some(body), &[("if-match", "*")]).await
}

async fn settings(world: &World) -> Value {
    world.get(&world.staff(), &path(world)).await.body
}

fn token(mail: &Mail) -> String {
    let rest = mail.text.split("https://hub.example.jp/notice#").nth(1).unwrap();
    rest.split_whitespace().next().unwrap().to_owned()
}

async fn follow(world: &World, token: &str) -> u16 {
    world.post(&As::Anyone, CONFIRM, json!({"token": token})).await.status.as_u16()
}

fn recipients(mails: &[Mail]) -> Vec<&str> {
    let mut all: Vec<_> =
        mails.iter().flat_map(|mail| &mail.to).map(|address| address.reveal()).collect();
    all.sort_unstable();
    all
}

#[tokio::test]
async fn new_address_gets_requests_only_after_its_link_was_followed() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 5).await;
    world.send_mails().await;
    let saved = save(&world, &["nursery@example.jp", "new@example.jp", "head@example.jp"]).await;
    let unconfirmed = json!(["new@example.jp", "head@example.jp"]);
    assert_eq!(saved.body["notice_addresses_unconfirmed"], unconfirmed);
    assert_eq!(settings(&world).await, saved.body);

    let asked = world.send_mails().await;
    assert_eq!(recipients(&asked), ["head@example.jp", "new@example.jp"]);
    for mail in &asked {
        assert_eq!(mail.to.len(), 1);
        let others = mail.text.contains("@") || mail.html.contains("@");
        assert!(!others, "nobody sees an address: {}", mail.text);
    }
    world.requested(&slot, "k1").await;
    let is_ours = |mail: &Mail| !mail.text.contains("/visit#");
    let of_request = |mails: Vec<Mail>| mails.into_iter().filter(is_ours).collect::<Vec<_>>();
    let told = of_request(world.send_mails().await);
    assert_eq!(recipients(&told), ["nursery@example.jp"]);

    let new = asked.iter().find(|mail| mail.to[0].reveal() == "new@example.jp").unwrap();
    let page = world.get(&As::Anyone, "/notice").await;
    assert_eq!(page.status, 200, "the link leads somewhere");
    for _ in 0..2 {
        assert_eq!(follow(&world, &token(new)).await, 204, "following it again changes nothing");
    }
    let after = settings(&world).await;
    assert_eq!(after["notice_addresses_unconfirmed"], json!(["head@example.jp"]));
    world.requested(&slot, "k2").await;
    let told = of_request(world.send_mails().await);
    assert_eq!(recipients(&told), ["new@example.jp", "nursery@example.jp"]);

    // One more is asked, and who was asked before is not asked again.
    save(&world, &["new@example.jp", "head@example.jp", "third@example.jp"]).await;
    assert_eq!(recipients(&world.send_mails().await), ["third@example.jp"]);

    // What was read can be saved again as it was read.
    let body = settings(&world).await;
    let answer = world
        .call(&world.staff(), Method::PUT, &path(&world), Some(body.clone()), &[("if-match", "*")])
        .await;
    assert_eq!((answer.status.as_u16(), &answer.body), (200, &body));
    assert!(world.send_mails().await.is_empty(), "nobody new, no mail");
}

#[tokio::test]
async fn forged_late_and_withdrawn_links_confirm_nothing() {
    let world = World::new().await;
    world.send_mails().await;
    save(&world, &["new@example.jp"]).await;
    let link = token(&world.send_mails().await[0]);
    let elsewhere = link.replacen(world.facility.facility_id.as_str(), "fac_000000000000", 1);
    let forged =
        format!("{}{}", &link[..link.len() - 1], if link.ends_with('A') { 'B' } else { 'A' });
    for wrong in ["", "x", &elsewhere, &forged, "R-7K3M-9QXD.1796338800.0.AAAA"] {
        assert_eq!(follow(&world, wrong).await, 401, "{wrong}");
    }
    world.set("2026-12-08T10:00:00+09:00");
    assert_eq!(follow(&world, &link).await, 401, "its seven days are over");
    world.set("2026-12-02T10:00:00+09:00");
    save(&world, &["other@example.jp"]).await;
    assert_eq!(follow(&world, &link).await, 401, "the nursery took the address out");
    save(&world, &["new@example.jp"]).await;
    let unconfirmed = settings(&world).await["notice_addresses_unconfirmed"].clone();
    assert_eq!(unconfirmed, json!(["new@example.jp"]));
    assert_eq!(follow(&world, &link).await, 204);
}

#[tokio::test]
async fn forged_and_late_links_cost_no_read_of_the_table() {
    let mut world = World::new().await;
    world.send_mails().await;
    save(&world, &["new@example.jp"]).await;
    let link = token(&world.send_mails().await[0]);
    let cut = Hub { store: world.dying_after(0), ..world.hub.clone() };
    world.app = local::serve(&Needs { hub: cut, ..world.needs() }).await.unwrap();
    assert_eq!(follow(&world, &link).await, 503, "the table is away");
    let parts: Vec<_> = link.split('.').collect();
    for part in 0..parts.len() {
        let mut forged = parts.clone();
        let other = match part {
            // Another nursery, another time, a key that nobody has, another signature.
            0 => parts[0].replacen(world.facility.facility_id.as_str(), "fac_000000000000", 1),
            1 => (parts[1].parse::<i64>().unwrap() + 1).to_string(),
            2 => "1".into(),
            _ => "0".repeat(parts[part].len()),
        };
        forged[part] = &other;
        assert_eq!(follow(&world, &forged.join(".")).await, 401, "{part}");
    }
    world.set("2026-12-08T10:00:00+09:00");
    assert_eq!(follow(&world, &link).await, 401, "its seven days are over");
}

#[tokio::test]
async fn address_beside_one_that_bounced_still_gets_its_link() {
    let world = World::new().await;
    world.send_mails().await;
    let (keys, now) = (world.keys.addresses.ring().await, world.hub.clock.now());
    let bounced = keys.address_fingerprint(&"gone@example.jp".parse().unwrap(), now);
    world.store().suppress(&bounced, Suppression::Bounce, "report-1", now).await.unwrap();
    save(&world, &["gone@example.jp", "new@example.jp"]).await;
    let asked = world.send_mails().await;
    assert_eq!(recipients(&asked), ["new@example.jp"]);
    assert_eq!(follow(&world, &token(&asked[0])).await, 204);
}

#[tokio::test]
async fn settings_mail_no_strangers_without_end() {
    let world = World::new().await;
    world.send_mails().await;
    let mut statuses = vec![];
    for round in 0..12 {
        let addresses: Vec<_> =
            (0..10).map(|count| format!("stranger-{round}-{count}@example.com")).collect();
        let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
        let answer = save(&world, &addresses).await;
        statuses.push(answer.status.as_u16());
        if answer.status == 429 {
            assert_eq!(answer.headers["retry-after"], (14 * 3600).to_string());
        }
    }
    assert_eq!(statuses, [[200; 3].as_slice(), &[429; 9]].concat());
    assert_eq!(world.send_mails().await.len(), 10, "those that are still wanted");
    // What asks nobody is still saved, and tomorrow there are more.
    assert_eq!(save(&world, &[]).await.status, 200);
    world.set("2026-12-02T00:00:00+09:00");
    assert_eq!(save(&world, &["stranger@example.com"]).await.status, 200);
}
