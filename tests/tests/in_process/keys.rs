//! The hub's own keys: what each of them opens, what none of them opens, and how they are rotated.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{ReservationNumber, Slot, keys::KeyRing, visit_token::TokenKind};
use http::Method;
use local::HubKeys;
use serde_json::json;
use tests::{Answer, As, World, site};

const SLOT: &str = "2026-12-10T10:00:00+09:00";

/// The same family asks, under whichever key.
async fn asks(world: &World, slot: &Slot, key: &str) -> Answer {
    world.request_with(slot, key, json!({})).await
}

/// The number that it gets.
async fn number(world: &World, slot: &Slot, key: &str) -> ReservationNumber {
    let answer = asks(world, slot, key).await;
    assert_eq!(answer.status, 201, "{}", answer.shown());
    answer.body["reservation_number"].as_str().unwrap().parse().unwrap()
}

/// The hub after its keys were rotated, all at once.
async fn rotate(world: &mut World) {
    world.keys = HubKeys::made_of(&[[7; 32], [8; 32]]).unwrap();
    world.app = local::serve(&world.needs()).await.unwrap();
}

#[tokio::test]
async fn a_rotation_breaks_nothing_that_is_valid() {
    let mut world = World::new().await;
    let slot = world.slot(SLOT, 9).await;
    world.slot("2026-12-11T10:00:00+09:00", 9).await;
    let asked = number(&world, &slot, "k1").await;
    let mails = world.send_mails().await;
    let link = mails.iter().find(|mail| mail.text.contains("/visit#")).unwrap();
    let session = world.follow(link).await;
    let list = format!("/v1/facilities/{}/slots?limit=1", world.facility.facility_id);
    let cursor =
        world.get(&As::Anyone, &list).await.body["next_cursor"].as_str().unwrap().to_owned();
    let (address, now) = ("gone@example.jp".parse().unwrap(), world.hub.clock.now());
    let fingerprint = world.keys.addresses.ring().await.address_fingerprint(&address, now);
    let reason = domain::suppression::Suppression::Complaint;
    world.store().suppress(&fingerprint, reason, "report", now).await.unwrap();

    rotate(&mut world).await;

    let repeat = asks(&world, &slot, "k1").await;
    assert_eq!(repeat.body["reservation_number"], asked.as_str(), "{}", repeat.shown());
    assert_eq!(repeat.headers["idempotency-replayed"], "true");
    let reused = world.request_with(&slot, "k1", json!({"party_size": 5})).await;
    assert_eq!(reused.problem(), "idempotency-key-reused");
    let again = asks(&world, &slot, "k2").await;
    assert_eq!(again.body["possible_duplicate"], true, "the same family: {}", again.shown());

    world.follow(link).await;
    assert_eq!(world.as_parent(&session, Method::GET, "").await.status, 200);
    let page = world.get(&As::Anyone, &format!("{list}&cursor={cursor}")).await;
    assert_eq!(page.body["items"].as_array().unwrap().len(), 1, "{}", page.shown());
    let fingerprints = [world.keys.addresses.ring().await.every_fingerprint_of(&address)];
    assert_eq!(world.store().suppressed(&fingerprints, now).await.unwrap(), [true]);
}

#[tokio::test]
async fn a_link_opens_until_a_day_after_the_visit_whatever_its_token_says() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 3).await;
    let asked = number(&world, &slot, "k1").await;
    let keys = world.keys.links.ring().await;
    // Whoever has the key can write any time into a token, but not into the reservation.
    let forged = |at: &str| keys.token(TokenKind::Link, &asked, at.parse().unwrap()).to_string();
    let path = "/v1/visits/session";
    for (now, status) in [("2026-12-11T10:44:59+09:00", 204), ("2026-12-11T10:45:00+09:00", 401)] {
        world.set(now);
        for issued in ["2026-12-01T10:00:00+09:00", "2099-12-31T00:00:00+09:00"] {
            let opened = world.post(&As::Anyone, path, json!({"token": forged(issued)})).await;
            assert_eq!(opened.status, status, "{issued} at {now}: {}", opened.shown());
        }
    }
}

/// Everything in a value that is a text or bytes.
fn contents(value: &AttributeValue, all: &mut Vec<Vec<u8>>) {
    match value {
        AttributeValue::S(text) => all.push(text.clone().into_bytes()),
        AttributeValue::Ss(texts) => all.extend(texts.iter().map(|text| text.clone().into_bytes())),
        AttributeValue::B(bytes) => all.push(bytes.clone().into_inner()),
        AttributeValue::L(values) => values.iter().for_each(|value| contents(value, all)),
        AttributeValue::M(values) => values.values().for_each(|value| contents(value, all)),
        _ => {}
    }
}

/// The whole table, as a thief would have it.
async fn dump(world: &World) -> Vec<Vec<u8>> {
    let table = world.raw().scan().table_name(local::embedded::TABLE).send().await.unwrap();
    let mut all = Vec::new();
    for item in table.items.unwrap() {
        item.values().for_each(|value| contents(value, &mut all));
    }
    all
}

/// Whether a guess is right as far as the table tells: one of these marks is in it, as bytes or written.
fn tells(dump: &[Vec<u8>], fingerprints: &[[u8; 16]]) -> bool {
    let forms = |fingerprint: &[u8; 16]| {
        let written = [
            data_encoding::BASE64URL_NOPAD.encode(fingerprint),
            data_encoding::HEXLOWER.encode(fingerprint),
            data_encoding::BASE32_NOPAD.encode(fingerprint),
        ];
        written
            .map(String::into_bytes)
            .into_iter()
            .chain([fingerprint.to_vec()])
            .collect::<Vec<_>>()
    };
    let forms: Vec<_> = fingerprints.iter().flat_map(forms).collect();
    dump.iter().any(|value| forms.iter().any(|form| value.windows(form.len()).any(|w| w == form)))
}

/// What a guess of a telephone number, or of all that was typed, would leave in the table by a key.
fn guesses(fingerprint: impl Fn(&[&[u8]]) -> Vec<[u8; 16]>, body: &[u8]) -> Vec<[u8; 16]> {
    let phone: &[u8] = b"09000000000";
    let tried: [&[&[u8]]; 6] = [
        &[b"family", b"phone", phone],
        &[b"address", phone],
        &[b"phone", phone],
        &[phone],
        &[b"body", body],
        &[b"body", b"k1", body],
    ];
    tried.into_iter().flat_map(fingerprint).collect()
}

fn by<P>(ring: &KeyRing<P>) -> impl Fn(&[&[u8]]) -> Vec<[u8; 16]> {
    |parts| ring.fingerprints(parts)
}

#[tokio::test]
async fn the_table_and_the_keys_of_all_other_functions_give_no_telephone_number() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 3).await;
    number(&world, &slot, "k1").await;
    let dump = dump(&world).await;
    let body = local::api::visit_request(slot.facility_id.as_str(), slot.slot_id.as_str());
    let body: domain::reservation::RequestVisit =
        deserr::deserialize::<_, _, domain::invalid::InputErrors>(body).unwrap();
    let body = serde_json::to_vec(&body).unwrap();

    let keys = &world.keys;
    let families = keys.families.ring().await;
    let phone: &[&[u8]] = &[b"family", b"phone", b"09000000000"];
    assert!(
        tells(&dump, &families.fingerprints(phone)),
        "who takes requests knows the family again"
    );
    assert!(
        tells(&dump, &families.fingerprints(&[b"body", b"k1", &body])),
        "and a repeated request"
    );

    let (links, cursors) = (keys.links.ring().await, keys.cursors.ring().await);
    let addresses = keys.addresses.ring().await;
    for (key, fingerprints) in [
        ("links", guesses(by(&links), &body)),
        ("cursors", guesses(by(&cursors), &body)),
        ("addresses", guesses(by(&addresses), &body)),
        ("ids", guesses(|parts| vec![keys.ids.fingerprint(parts)], &body)),
    ] {
        assert!(!tells(&dump, &fingerprints), "{key}");
    }
}

#[tokio::test]
async fn a_place_that_is_released_leaves_no_mark_of_its_family() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 9).await;
    let phone = &[b"family".as_slice(), b"phone", b"09000000000"];
    let fingerprints = world.keys.families.ring().await.fingerprints(phone);
    for (key, end) in [("k1", "decline"), ("k2", "cancel")] {
        let asked = number(&world, &slot, key).await;
        assert!(tells(&dump(&world).await, &fingerprints), "{end}");
        if end == "cancel" {
            assert_eq!(world.act(&asked, "approve", json!({})).await.status, 200);
        }
        let ended = world.act(&asked, end, json!({})).await;
        assert_eq!(ended.status, 200, "{}", ended.shown());
        assert!(!tells(&dump(&world).await, &fingerprints), "{end}");
    }
    let asked = number(&world, &slot, "k3").await;
    let path = format!("/v1/reservations/{asked}/cancel");
    assert_eq!(world.post(&site(), &path, json!({})).await.status, 200);
    assert!(!tells(&dump(&world).await, &fingerprints), "cancelled by the parent");
    number(&world, &slot, "k4").await;
    world.settle_at("2026-12-10T09:00:00+09:00").await;
    assert!(!tells(&dump(&world).await, &fingerprints), "expired");
}
