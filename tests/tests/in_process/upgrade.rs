//! Two versions of the hub on one table: what a newer one wrote survives an older one, and keeps it from nothing else.

use std::{collections::BTreeMap, sync::Mutex};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    Facility, ReservationNumber, Slot,
    suppression::Suppression,
    vendor::{Breaker, WebhookEndpoint},
};
use http::Method;
use local::embedded::TABLE;
use serde_json::json;
use store::{Key, item::Item};
use tests::{As, World, family, site};

const SLOT: &str = "2026-12-10T10:00:00+09:00";

/// The attribute that a newer version writes.
const NEWER: &str = "of_a_newer_version";

/// Writes it to every item, and to every entry of a list that grows; nothing that was written before is gone.
struct Newer<'a> {
    world: &'a World,
    /// How often it stood in each item.
    seen: Mutex<BTreeMap<(String, String), usize>>,
}

fn value() -> AttributeValue {
    AttributeValue::S("kept".into())
}

/// The entries of the lists that only grow at their ends.
fn entries(item: &mut Item) -> impl Iterator<Item = &mut Item> {
    let lists = item.iter_mut().filter(|(name, _)| ["history", "memos"].contains(&name.as_str()));
    let entries = lists.flat_map(|(_, list)| match list {
        AttributeValue::L(entries) => entries.iter_mut(),
        _ => Default::default(),
    });
    entries.filter_map(|entry| match entry {
        AttributeValue::M(entry) => Some(entry),
        _ => None,
    })
}

/// How often an item says it.
fn count(item: &mut Item) -> usize {
    let nested = entries(item).filter(|entry| entry.contains_key(NEWER)).count();
    nested + usize::from(item.contains_key(NEWER))
}

impl<'a> Newer<'a> {
    fn of(world: &'a World) -> Self {
        Self { world, seen: Mutex::default() }
    }

    /// Looks after an older version has done something, and writes again.
    async fn after(&self, what: &str) {
        let mut pages = self.world.raw().scan().table_name(TABLE).into_paginator().items().send();
        let mut found = BTreeMap::new();
        while let Some(item) = pages.next().await {
            let mut item = item.unwrap();
            let text = |name: &str| item[name].as_s().unwrap().clone();
            let key = (text("pk"), text("sk"));
            let before = self.seen.lock().unwrap().get(&key).copied().unwrap_or_default();
            assert!(count(&mut item) >= before, "{what}: {key:?} lost what a newer version wrote");
            item.insert(NEWER.into(), value());
            entries(&mut item).for_each(|entry| drop(entry.insert(NEWER.into(), value())));
            found.insert(key, count(&mut item));
            let put = self.world.raw().put_item().table_name(TABLE).set_item(Some(item));
            put.send().await.unwrap();
        }
        *self.seen.lock().unwrap() = found;
    }

    /// The kinds of items that were there, by the grammar of their keys.
    fn kinds(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        let parsed = seen.keys().map(|(pk, sk)| Key::parse(pk, sk).unwrap());
        let names = parsed.map(|key| format!("{key:?}").split('(').next().unwrap().to_owned());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names.dedup();
        names
    }
}

async fn change_slot(world: &World, slot: &Slot, what: &str) {
    let path = format!("/v1/staff/facilities/{}/slots/{}", slot.facility_id, slot.slot_id);
    let changed = match what {
        "capacity" => {
            let (body, any) = (json!({"capacity": 2, "note": "玄関へ"}), [("if-match", "*")]);
            world.call(&world.staff(), Method::PUT, &path, Some(body), &any).await
        }
        verb => world.post(&world.staff(), &format!("{path}/{verb}"), json!({})).await,
    };
    assert_eq!(changed.status, 200, "{what}: {}", changed.shown());
}

#[tokio::test]
async fn what_a_newer_version_wrote_survives_all_that_an_older_one_does() {
    let world = World::new().await;
    let newer = Newer::of(&world);
    newer.after("a facility with settings").await;
    world.save_settings(json!({"message_to_parents": "お待ちしています。", "notice_addresses": ["n@example.jp"]})).await;
    newer.after("settings").await;
    let known = world.store().facility(&world.facility.facility_id).await.unwrap().unwrap();
    let imported = Facility {
        phone: Some("03-0000-0000".parse().unwrap()),
        updated_at: world.hub.clock.now() + jiff::SignedDuration::from_secs(1),
        ..known.clone()
    };
    world.store().put_facilities(&[(Some(known), imported)]).await.unwrap();
    newer.after("an import").await;

    let slot = world.slot(SLOT, 1).await;
    let later = world.slot("2026-12-11T10:00:00+09:00", 3).await;
    newer.after("slots").await;
    world.settle().await;
    newer.after("their feed").await;
    change_slot(&world, &later, "capacity").await;
    world.settle().await;
    newer.after("a change of a slot").await;
    change_slot(&world, &later, "disable").await;
    world.settle().await;
    newer.after("a slot that is disabled").await;
    change_slot(&world, &later, "enable").await;
    world.settle().await;
    newer.after("a slot that is enabled").await;

    // A family with two requests, of which one is approved and one cancelled; another one waits.
    let same = json!({"applicant": family("same")});
    let asked = async |slot: &Slot, key: &str, more| {
        let answer = world.request_with(slot, key, more).await;
        assert_eq!(answer.status, 201, "{}", answer.shown());
        answer.body["reservation_number"].as_str().unwrap().parse::<ReservationNumber>().unwrap()
    };
    let first = asked(&slot, "k1", same.clone()).await;
    newer.after("a request").await;
    let second = asked(&later, "k2", same).await;
    world.settle().await;
    newer.after("a second request").await;
    let more = json!({"applicant": family("third"), "waiting_list": true});
    let waiting = asked(&slot, "k3", more).await;
    newer.after("a request that waits for a place").await;
    let memo = Some(json!({"memo": "電話済み"}));
    let path = format!("/v1/staff/reservations/{second}/memo");
    for _ in 0..2 {
        world.call(&world.staff(), Method::PUT, &path, memo.clone(), &[]).await;
        newer.after("a memo").await;
    }
    assert_eq!(world.act(&second, "approve", json!({"comment": "どうぞ"})).await.status, 200);
    newer.after("an approval").await;
    assert_eq!(world.act(&second, "cancel", json!({})).await.status, 200);
    world.send_mails().await;
    newer.after("a cancellation").await;
    assert_eq!(world.act(&first, "decline", json!({})).await.status, 200);
    newer.after("a refusal").await;
    world.send_mails().await;
    newer.after("an offer").await;
    assert_eq!(world.seen(&waiting).await["status"], "offered");

    // The portal: twice for one address.
    for (key, starts) in [("p1", "2026-12-14T10:00:00+09:00"), ("p2", "2026-12-15T10:00:00+09:00")]
    {
        let slot = world.slot(starts, 3).await;
        let body = local::api::visit_request(slot.facility_id.as_str(), slot.slot_id.as_str());
        let (path, key) = ("/v1/portal/reservations", [("idempotency-key", key)]);
        let made = world.call(&As::Anyone, Method::POST, path, Some(body), &key).await;
        assert_eq!(made.status, 202, "{}", made.shown());
        newer.after("a request on the portal").await;
        let mails = world.send_mails().await;
        let letter = mails.iter().find(|mail| mail.text.contains("/visit#")).unwrap();
        let session = world.follow(letter).await;
        let confirmed = world.as_parent(&session, Method::POST, "/confirm").await;
        assert_eq!(confirmed.status, 200, "{}", confirmed.shown());
        newer.after("its confirmation").await;
    }

    // Time passes: reminders, a digest, visits that nobody answered, and the end of a month's plan.
    for at in
        ["2026-12-02T11:00:00+09:00", "2026-12-03T11:00:00+09:00", "2026-12-04T08:00:00+09:00"]
    {
        world.ping(at).await;
        world.send_mails().await;
        newer.after("an hour of reminders").await;
    }
    check_slot_plans::run(world.store(), "2026-12-10T09:00:00+09:00".parse().unwrap())
        .await
        .unwrap();
    newer.after("a reminder to open slots").await;
    for at in
        ["2026-12-10T09:30:00+09:00", "2026-12-16T10:00:00+09:00", "2026-12-31T10:00:00+09:00"]
    {
        world.settle_at(at).await;
        newer.after("what is due").await;
    }

    // Vendors.
    for key in ["e1", "e2"] {
        let (body, key) =
            (json!({"url": "https://site.example.jp/hook"}), [("idempotency-key", key)]);
        let path = "/v1/webhook-endpoints";
        let made = world.call(&site(), Method::POST, path, Some(body), &key).await;
        assert_eq!(made.status, 201, "{}", made.shown());
        newer.after("an endpoint").await;
    }
    let client = "site-1".parse().unwrap();
    let made = world.store().endpoints(&client).await.unwrap().remove(0);
    let (store, now) = (world.store(), world.hub.clock.now());
    store.note_failure(&made).await.unwrap();
    newer.after("a delivery that failed").await;
    assert!(store.take_try(&made, now).await.unwrap());
    newer.after("a try").await;
    let failing = WebhookEndpoint { breaker: Breaker { failures: 1, next_try_at: None }, ..made };
    store.note_success(&failing).await.unwrap();
    store.disable_endpoint(&client, &failing.id).await.unwrap();
    newer.after("an endpoint that is disabled").await;
    for (reason, report) in [(Suppression::Bounce, "r1"), (Suppression::Complaint, "r2")] {
        assert!(store.suppress(&[7; 16], reason, report, now).await.unwrap());
        newer.after("an address that is written to no longer").await;
    }

    // All kinds of items were there at one time or another; what is over takes those of its family with it.
    let kinds = newer.kinds();
    for kind in [
        "Facility",
        "Settings",
        "Slot",
        "Over",
        "Reservation",
        "Attempts",
        "Fact",
        "FeedPlace",
        "FeedCount",
        "SearchShard",
        "SearchVersions",
        "SlotCount",
        "PendingCount",
        "PendingReminder",
        "SlotPlanReminder",
        "EndpointsAdded",
        "WebhookEndpoint",
        "Suppression",
        "Once",
        "Vendor",
    ] {
        assert!(kinds.iter().any(|name| name == kind), "{kind} is not among {kinds:?}");
    }
}
