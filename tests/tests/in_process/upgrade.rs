//! Two versions of the hub on one table: what a newer one wrote survives an older one, and keeps it from nothing else.

use std::{collections::BTreeMap, io::Write as _, sync::Mutex};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    Facility, ReservationNumber, Slot,
    suppression::Suppression,
    vendor::{Breaker, WebhookEndpoint},
};
use flate2::write::DeflateEncoder;
use http::Method;
use local::embedded::TABLE;
use serde_json::json;
use store::{Key, item::Item, keys::Prefecture};
use tests::{As, FACILITY, World, family, site};

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
    let later = world.slot("2026-12-11T11:00:00+09:00", 3).await;

    Box::pin(reservations(&world, &newer, &slot, &later)).await;
    Box::pin(portal(&world, &newer)).await;
    Box::pin(time(&world, &newer)).await;
    Box::pin(vendors(&world, &newer)).await;
    // All kinds of items were there at one time or another.
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
        "SearchEntry",
        "SearchGroupVersions",
        "SearchComplete",
        "ListedFacility",
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

/// A family with two requests, of which one is approved and cancelled and one declined; another one waits.
async fn reservations(world: &World, newer: &Newer<'_>, slot: &Slot, later: &Slot) {
    let same = json!({"applicant": family("same")});
    let asked = async |slot: &Slot, key: &str, more| {
        let answer = world.request_with(slot, key, more).await;
        assert_eq!(answer.status, 201, "{}", answer.shown());
        answer.body["reservation_number"].as_str().unwrap().parse::<ReservationNumber>().unwrap()
    };
    let first = asked(slot, "k1", same.clone()).await;
    newer.after("a request").await;
    let second = asked(later, "k2", same).await;
    world.settle().await;
    newer.after("a second request").await;
    let more = json!({"applicant": family("third"), "waiting_list": true});
    let waiting = asked(slot, "k3", more).await;
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
}

/// The portal: twice for one address.
async fn portal(world: &World, newer: &Newer<'_>) {
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
}

/// Time passes: reminders, a digest, visits that nobody answered, and the end of a month's plan.
async fn time(world: &World, newer: &Newer<'_>) {
    for at in
        ["2026-12-02T11:00:00+09:00", "2026-12-03T11:00:00+09:00", "2026-12-04T08:00:00+09:00"]
    {
        world.ping(at).await;
        world.send_mails().await;
        newer.after("an hour of reminders").await;
    }
    world.save_settings(json!({"notice_addresses": ["n@example.jp"]})).await;
    world.settle().await;
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
}

/// Webhook endpoints, and addresses that are written to no longer.
async fn vendors(world: &World, newer: &Newer<'_>) {
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
}

/// Gives an item a value that no version before knows.
async fn newer_value(world: &World, key: Key, name: &str, value: AttributeValue) -> Item {
    let set = world.raw().update_item().table_name(TABLE).set_key(Some(key.attributes()));
    let set = set.update_expression("SET #name = :value").expression_attribute_names("#name", name);
    let set = set.expression_attribute_values(":value", value);
    let set = set.return_values(aws_sdk_dynamodb::types::ReturnValue::AllNew);
    set.send().await.unwrap().attributes.unwrap()
}

async fn raw(world: &World, key: &Key) -> Item {
    let get = world.raw().get_item().table_name(TABLE).set_key(Some(key.attributes()));
    get.send().await.unwrap().item.unwrap()
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.into())
}

#[tokio::test]
async fn reservation_in_an_unknown_status_is_neither_written_nor_in_anybody_s_way() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 3).await;
    let (unknown, other) = (world.requested(&slot, "k1").await, world.requested(&slot, "k2").await);
    world.send_mails().await;
    let key = Key::Reservation(unknown.clone());
    let newer = newer_value(&world, key.clone(), "status", text("postponed")).await;

    // Whoever asks for it alone comes again when the upgrade is over.
    for (who, path) in [
        (site(), format!("/v1/reservations/{unknown}")),
        (world.staff(), format!("/v1/staff/reservations/{unknown}")),
    ] {
        let answer = world.get(&who, &path).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (503, "unavailable"), "{path}");
        assert_eq!(answer.headers["retry-after"], "60");
    }
    for verb in ["approve", "decline", "cancel"] {
        assert_eq!(world.act(&unknown, verb, json!({})).await.status, 503, "{verb}");
    }
    let cancel = format!("/v1/reservations/{unknown}/cancel");
    assert_eq!(world.post(&site(), &cancel, json!({})).await.status, 503);
    assert_eq!(world.request(&slot, "k1").await.status, 503, "nor does a repeat write it");

    // Lists are without it.
    let of_facility = format!("/v1/staff/facilities/{}/reservations", slot.facility_id);
    for (who, path) in [(site(), "/v1/reservations"), (world.staff(), &of_facility)] {
        let list = world.get(&who, path).await;
        let items = list.body["items"].as_array().unwrap();
        let numbers: Vec<_> = items.iter().map(|item| &item["reservation_number"]).collect();
        assert_eq!(numbers, [&json!(other)], "{}", list.shown());
    }

    // The relay parks its change with the reason, and tells the others.
    let approved = world.act(&other, "approve", json!({})).await;
    assert_eq!(approved.status, 200, "{}", approved.shown());
    let mails = world.send_mails().await;
    assert!(!mails.is_empty(), "of the other one");
    let parked = std::mem::take(&mut *world.parked.0.lock().unwrap());
    assert_eq!(parked.len(), 1);
    assert!(parked[0]["reason"].as_str().unwrap().contains("unknown form"));

    // The jobs pass over it.
    assert_eq!(world.ping("2026-12-02T11:00:00+09:00").await.reminded, 0);
    world.set("2026-12-12T10:00:00+09:00");
    let report = keep_deadlines::run(world.store(), world.hub.clock.now()).await.unwrap();
    assert_eq!((report.failed, report.completed), (1, 1), "{report:?}");

    assert_eq!(raw(&world, &key).await, newer, "nobody wrote it");
    newer_value(&world, key, "status", text("pending")).await;
    assert_eq!(world.settle_at("2026-12-12T10:30:00+09:00").await.expired, 1, "afterwards");
}

#[tokio::test]
async fn slot_in_an_unknown_form_is_neither_written_nor_in_anybody_s_way() {
    let world = World::new().await;
    let unknown = world.slot(SLOT, 3).await;
    let other = world.slot("2026-12-11T10:00:00+09:00", 3).await;
    let held = world.requested(&unknown, "held").await;
    world.settle().await;
    let key = Key::Slot(unknown.facility_id.clone(), unknown.slot_id.clone());
    let newer = newer_value(&world, key.clone(), "disabled", text("for_a_while")).await;

    assert_eq!(world.request(&unknown, "k1").await.status, 503);
    let path = format!("/v1/staff/facilities/{}/slots/{}", unknown.facility_id, unknown.slot_id);
    let (body, any) = (json!({"capacity": 1}), [("if-match", "*")]);
    let put = world.call(&world.staff(), Method::PUT, &path, Some(body), &any).await;
    assert_eq!((put.status.as_u16(), &put.headers["retry-after"]), (503, &"60".parse().unwrap()));
    let list = world.get(&As::Anyone, &format!("/v1/facilities/{}/slots", other.facility_id)).await;
    let items = list.body["items"].as_array().unwrap();
    let ids: Vec<_> = items.iter().map(|item| &item["slot_id"]).collect();
    assert_eq!(ids, [&json!(other.slot_id)]);
    assert_eq!(world.request(&other, "k2").await.status, 201);

    world.settle().await;
    assert_eq!(world.parked.0.lock().unwrap().drain(..).count(), 1, "the slot's own change");
    check_slot_plans::run(world.store(), "2026-12-10T09:00:00+09:00".parse().unwrap())
        .await
        .unwrap();
    // Its last place in the feed is tried again later.
    world.set("2027-01-10T10:00:00+09:00");
    let report = keep_deadlines::run(world.store(), world.hub.clock.now()).await.unwrap();
    assert!(report.failed >= 1 && report.feed_turns == 1, "{report:?}");
    let mut found = raw(&world, &key).await;
    // Who leaves a slot takes what is theirs out of it, and leaves it otherwise as it is.
    found.remove("holding");
    let mut newer = newer;
    newer.remove("holding");
    assert_eq!(found, newer, "nobody wrote it but {held}, who left");
}

#[tokio::test]
async fn nursery_of_an_unknown_type_keeps_nobody_from_finding_the_others() {
    let world = World::new().await;
    let other = tests::facility("もうひとつ保育園", "131199", "板橋区");
    world.add_facility(&other).await;
    world.settle().await;
    let unknown = Key::Facility(world.facility.facility_id.clone());
    let newer =
        newer_value(&world, unknown.clone(), "facility_type", text("forest_kindergarten")).await;
    world.settle().await;
    assert_eq!(world.parked.0.lock().unwrap().drain(..).count(), 1);
    let path = format!("/v1/facilities/{}", world.facility.facility_id);
    assert_eq!(world.get(&As::Anyone, &path).await.status, 503);
    let ids = [other.facility_id.clone(), world.facility.facility_id.clone()];
    assert_eq!(world.store().facilities(&ids, false).await.unwrap(), [other]);
    assert_eq!(raw(&world, &unknown).await, newer);
}

/// The names that a search finds, in a hub that runs all the while.
async fn found(world: &World) -> Vec<String> {
    let page = world.get(&As::Anyone, "/v1/facilities").await.body;
    let names = page["items"].as_array().unwrap().iter();
    names.map(|one| one["facility_name"].as_str().unwrap().to_owned()).collect()
}

/// A nursery gets another name.
async fn rename(world: &World, from: &Facility, name: &str) -> Facility {
    let updated_at = from.updated_at + jiff::SignedDuration::from_secs(1);
    let renamed = Facility { facility_name: name.into(), updated_at, ..from.clone() };
    world.store().put_facilities(&[(Some(from.clone()), renamed.clone())]).await.unwrap();
    world.relay_changes().await;
    renamed
}

/// What the relay of the version before writes: an item for a municipality, and its version.
async fn write_old_search(world: &World, facility: &Facility, version: u32) {
    let summary = domain::search::FacilitySummary::new(facility.clone());
    let entries = json!({"entries": [{"facility": summary, "free": [1_796_800_000_000_i64]}]});
    let mut packed = DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(entries.to_string().as_bytes()).unwrap();
    let packed = AttributeValue::B(packed.finish().unwrap().into());
    let (code, number) = (facility.municipality_code, AttributeValue::N(version.to_string()));
    let mut shard = Key::OldSearchShard(code).attributes();
    shard.extend([("version".into(), number.clone()), ("entries".into(), packed)]);
    let mut versions = Key::OldSearchVersions(Prefecture::of(code)).attributes();
    versions.insert(code.to_string(), number);
    for item in [shard, versions] {
        world.raw().put_item().table_name(TABLE).set_item(Some(item)).send().await.unwrap();
    }
}

#[tokio::test]
async fn search_finds_what_the_relay_of_the_version_before_wrote_until_all_is_written_anew() {
    let world = World::new().await;
    write_old_search(&world, &world.facility, 1).await;
    assert_eq!(found(&world).await, [FACILITY]);
    let next_slot = world.get(&As::Anyone, "/v1/facilities").await.body;
    assert_eq!(next_slot["items"][0]["next_slot_at"], "2026-12-09T16:06:40+09:00");

    // This version's relay tells a change of another nursery, and makes the entry of this one beside it.
    world.relay_changes().await;
    assert_eq!(found(&world).await, [FACILITY], "once, not from both");
    assert!(world.store().search_gaps().await.unwrap().is_none());
    let shown = world.get(&As::Anyone, "/v1/facilities").await.body;
    assert_eq!(shown["items"][0]["next_slot_at"], json!(null), "as the table has it");
}

#[tokio::test]
async fn what_a_relay_of_the_version_before_told_in_between_is_found() {
    let world = World::new().await;
    world.relay_changes().await;
    assert_eq!(found(&world).await, [FACILITY]);
    // Somebody goes back: the relay of the version before tells of a new name.
    let renamed = Facility {
        facility_name: "一".into(),
        updated_at: world.facility.updated_at + jiff::SignedDuration::from_secs(1),
        ..world.facility.clone()
    };
    let changed = (Some(world.facility.clone()), renamed.clone());
    world.store().put_facilities(&[changed]).await.unwrap();
    world.unrelayed().await;
    write_old_search(&world, &renamed, 7).await;

    // This version comes again, and has heard of nothing.
    let relay = fan_out::Relay { search: Default::default(), ..world.relay() };
    assert!(relay.handle(Default::default()).await.batch_item_failures.is_empty());
    assert_eq!(found(&world).await, ["一"]);
    rename(&world, &renamed, "二").await;
    assert_eq!(found(&world).await, ["二"]);
}

#[tokio::test]
async fn facility_from_before_its_later_attributes_is_shown() {
    let world = World::new().await;
    let key = Key::Facility(world.facility.facility_id.clone()).attributes();
    let without = world.raw().update_item().table_name(TABLE).set_key(Some(key)).update_expression(
        "REMOVE message_to_parents, external_booking_url, booking_closes_hours_before",
    );
    without.send().await.unwrap();
    let path = format!("/v1/facilities/{}", world.facility.facility_id);
    let shown = world.get(&As::Anyone, &path).await;
    assert_eq!(shown.body["booking_closes_hours_before"], 24, "{}", shown.shown());
    world.relay_changes().await;
    assert_eq!(found(&world).await, [FACILITY]);
}
