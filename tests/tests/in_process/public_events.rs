//! Events about what anybody may know: who is told of them, and when.

use std::sync::Arc;

use http::Method;
use runtime::{Outgoing, Queue, QueueError};
use serde_json::{Value, json};
use store::VendorRecord;
use tests::{As, World, facility, site};

use crate::{procedures::procedure, vacancies::vacancy};

/// A world in which a search site, the ICT system of the nursery and one of no nursery have an endpoint each.
async fn listening() -> World {
    let world = World::new().await;
    for (id, kind) in [
        ("site-1", domain::vendor::VendorKind::SearchSite),
        ("ict-2", domain::vendor::VendorKind::Ict),
    ] {
        let vendor = VendorRecord {
            client_id: id.parse().unwrap(),
            kind,
            name: id.into(),
            contact: "vendor@example.jp".parse().unwrap(),
            status: domain::vendor::VendorStatus::Active,
        };
        world.store().add_vendor(&vendor, &[]).await.unwrap();
    }
    world.relay_changes().await;
    for who in [site(), As::Ict("ict-1"), As::Ict("ict-2")] {
        let body = json!({"url": "https://vendor.example/hook"});
        let key = [("idempotency-key", "k")];
        let path = "/v1/webhook-endpoints";
        let made = world.call(&who, Method::POST, path, Some(body), &key).await;
        assert_eq!(made.status, 201, "{}", made.shown());
    }
    world
}

/// What was put on the queue since, by who hears it and in the order of the clients.
async fn told(world: &World) -> Vec<(String, Value)> {
    world.relay_changes().await;
    let orders = std::mem::take(&mut *world.pushes.0.lock().unwrap());
    let order =
        |order: Value| (order["client_id"].as_str().unwrap().to_owned(), order["event"].clone());
    let mut told: Vec<_> = orders.into_iter().map(order).collect();
    told.sort_by(|one, other| one.0.cmp(&other.0));
    told
}

/// The clients that were told, and of what.
async fn heard(world: &World) -> Vec<(String, String)> {
    let heard =
        |(client, event): (String, Value)| (client, event["type"].as_str().unwrap().to_owned());
    told(world).await.into_iter().map(heard).collect()
}

fn to(clients: &[&str], event_type: &str) -> Vec<(String, String)> {
    clients.iter().map(|client| ((*client).to_owned(), event_type.to_owned())).collect()
}

#[tokio::test]
async fn fac_05_vendors_hear_of_a_change_after_its_approval_and_not_before() {
    let world = listening().await;
    let asked = world.change_asked(json!({"weekday_closes_at": "19:15"}), true, "k").await;
    assert_eq!(told(&world).await, []);

    let approve = format!("/v1/staff/change-requests/{asked}/approve");
    let approved = world.post(&As::Municipality("131199"), &approve, json!({})).await;
    assert_eq!(approved.status, 200, "{}", approved.shown());
    let told = told(&world).await;
    let clients: Vec<&str> = told.iter().map(|(client, _)| client.as_str()).collect();
    assert_eq!(clients, ["ict-1", "site-1"], "the ICT system of the nursery, and every site");
    let id = world.facility.facility_id.as_str();
    let event = json!({
        "id": format!("evt_{id}_2"),
        "type": "facility.updated",
        "occurred_at": world.hub.clock.now(),
        "sequence": 2,
        "data": {"facility_id": id, "state": "updated"},
    });
    assert!(told.iter().all(|(_, one)| *one == event), "{told:?}");

    // Its sequence is the change number of the feed: what is read from before it says what changed.
    let feed = world.get(&As::Anyone, "/v1/feeds/facilities?afterChangeNumber=1").await.body;
    assert_eq!(feed["items"][0]["modified"], 2);
    assert_eq!(feed["items"][0]["data"]["weekday_closes_at"], "19:15");
}

#[tokio::test]
async fn what_nobody_sees_is_no_vendors_news() {
    let world = listening().await;
    let before = world.store().facility(&world.facility.facility_id).await.unwrap().unwrap();
    let mut noted = before.clone();
    noted.notes.withheld.insert("phone".into());
    world.store().put_facilities(&[(Some(before), noted)]).await.unwrap();
    assert_eq!(told(&world).await, [], "an item without a value is withheld");
    let slot = world.slot("2026-12-10T10:00:00+09:00", 3).await;
    assert_eq!(told(&world).await, [], "a slot is read from its feed");
    world.requested(&slot, "k1").await;
    let kinds: Vec<_> = heard(&world).await.into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(kinds, ["reservation.requested", "reservation.requested"]);
}

#[tokio::test]
async fn vac_03_site_and_ict_system_hear_of_vacancies_once() {
    let world = listening().await;
    let now = world.hub.clock.now();
    let told_first = vacancy(&world.facility, now, &[("1歳クラス空き人数", "2")]);
    world.store().put_vacancies(&[(None, told_first.clone())]).await.unwrap();
    assert_eq!(heard(&world).await, to(&["ict-1", "site-1"], "vacancy.published"));

    let again = vacancy(&world.facility, now, &[("1歳クラス空き人数", "2")]);
    world.store().put_vacancies(&[(Some(told_first.clone()), again)]).await.unwrap();
    assert_eq!(told(&world).await, [], "it says the same");

    let other = facility("ほかの保育園", "131199", "板橋区");
    world.add_facility(&other).await;
    told(&world).await;
    world.store().put_vacancies(&[(None, vacancy(&other, now, &[]))]).await.unwrap();
    let told = told(&world).await;
    assert_eq!(told.len(), 1, "no ICT system is linked to it: {told:?}");
    let about = json!({"facility_id": other.facility_id, "base_month": "2026-12"});
    assert_eq!((told[0].0.as_str(), &told[0].1["data"]), ("site-1", &about));

    // A year after its month it leaves the feed, which is nobody's news.
    world.settle_at("2028-01-01T00:00:00+09:00").await;
    assert_eq!(self::told(&world).await, []);
}

#[tokio::test]
async fn prc_01_sites_hear_of_a_procedure_on_its_first_day_and_after_its_last() {
    let world = listening().await;
    let days = [("公開開始日", "2026-12-10"), ("公開終了日", "2026-12-20")];
    let procedure = procedure(&world, &days);
    world.store().put_procedures(&[(None, procedure.clone())]).await.unwrap();
    for (at, state) in [
        ("2026-12-09T23:59:59+09:00", None),
        ("2026-12-10T00:00:00+09:00", Some("updated")),
        ("2026-12-20T23:59:59+09:00", None),
        ("2026-12-21T00:00:00+09:00", Some("deleted")),
    ] {
        world.settle_at(at).await;
        let about = |state: &str| {
            json!({
                "procedure_id": procedure.procedure_id,
                "municipality_code": "131199",
                "fiscal_year": 2027,
                "state": state,
            })
        };
        let told = told(&world).await;
        let told: Vec<_> = told.iter().map(|(client, event)| (client, &event["data"])).collect();
        let expected = state.map(|state| ("site-1".to_owned(), about(state)));
        assert_eq!(told, expected.iter().map(|(client, data)| (client, data)).collect::<Vec<_>>());
    }
}

/// A queue that is away.
#[derive(Debug)]
struct Away;

#[async_trait::async_trait]
impl Queue for Away {
    async fn send(&self, messages: Vec<Outgoing>) -> Result<(), QueueError> {
        if messages.is_empty() { Ok(()) } else { Err(QueueError("away".into())) }
    }
}

#[tokio::test]
async fn event_is_told_again_where_the_queue_was_away_after_the_feed_had_said_it() {
    let world = listening().await;
    let before = world.store().facility(&world.facility.facility_id).await.unwrap().unwrap();
    let changed = domain::Facility { phone: Some("03-3961-0000".into()), ..before.clone() };
    world.store().put_facilities(&[(Some(before), changed)]).await.unwrap();
    let relay = fan_out::Relay { pushes: Arc::new(Away), ..world.relay() };
    let published = relay.handle(world.unrelayed().await).await;
    assert!(published.batch_item_failures.is_empty(), "the feed says it");
    // The stream goes on with what the feed says.
    let not_sent = relay.handle(world.unrelayed().await).await;
    assert_eq!(not_sent.batch_item_failures.len(), 1);
    assert_eq!(heard(&world).await, to(&["ict-1", "site-1"], "facility.updated"));
}
