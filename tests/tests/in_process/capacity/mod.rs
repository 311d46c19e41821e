//! What the operations cost, in capacity units, on the embedded store that counts as DynamoDB does.

mod changes;
mod feeds;
#[path = "../../../../shared/domain/tests/rules/search/generate.rs"]
#[allow(dead_code, reason = "the tests of the search use more of it")]
mod generate;
mod search;

use domain::{Facility, FacilityId, Sealed, Timestamp};
use http::Method;
use serde_json::json;
use store::{ChangeOutcome, Consumed};
use tests::{As, World, site};

use crate::{procedures::procedure, vacancies::vacancy};

const SLOT: &str = "2026-12-10T10:00:00+09:00";

/// What AWS KMS adds to a sealed value, about, beyond what the local seal adds.
const KMS_OVERHEAD: usize = 128;

#[tokio::test]
async fn a_request_costs_ten_write_units() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 3).await;
    world.store().meter().take();
    world.requested(&slot, "k1").await;
    let Consumed { read, write } = world.store().meter().take();
    // Slot, reservation, and what the family has under its telephone and its address: four items in a transaction at
    // two units each, and one for each index.
    assert_eq!(write, 10.0);
    // Facility, settings and slot, each eventually consistent; and what the family has, consistently: nothing, twice.
    assert_eq!(read, 3.5);
}

#[tokio::test]
async fn an_approval_costs_three_write_units() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 3).await;
    let number = world.requested(&slot, "k1").await;
    // As large as it would be in AWS.
    let sealed = |sealed: &Sealed| Sealed([sealed.0.as_slice(), &[0; KMS_OVERHEAD]].concat());
    let grown = world
        .store()
        .change(&number, |current| {
            let mut next = current.clone();
            next.applicant = current.applicant.as_ref().map(sealed);
            next.sequence += 1;
            Ok(domain::reservation::Outcome::Becomes(Box::new(next)))
        })
        .await
        .unwrap();
    assert!(matches!(grown, ChangeOutcome::Done(_)));
    world.store().meter().take();
    let path = format!("/v1/staff/reservations/{number}/approve");
    let comment = json!({"comment": "当日は上履きをお持ちください。お待ちしています。"});
    let answer = world.post(&world.staff(), &path, comment).await;
    assert_eq!(answer.status, 200);
    let Consumed { read, write } = world.store().meter().take();
    // The reservation, its removal from the pending, and its state in the site's list.
    assert_eq!(write, 3.0);
    // Read once, consistently, to see whose it is and to act on it.
    assert_eq!(read, 1.0);
}

#[tokio::test]
async fn a_slot_does_not_grow_with_those_who_come_and_go() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 3).await;
    for round in 0..100 {
        let number = world.requested(&slot, &format!("k{round}")).await;
        let cancel = format!("/v1/reservations/{number}/cancel");
        assert_eq!(world.post(&site(), &cancel, json!({})).await.status, 200);
    }
    let key = store::Key::Slot(slot.facility_id.clone(), slot.slot_id.clone()).attributes();
    let table = local::embedded::TABLE;
    let found = world.raw().get_item().table_name(table).set_key(Some(key)).send().await.unwrap();
    let weight = format!("{:?}", found.item.unwrap()).len();
    assert!(weight < 1024, "{weight} bytes, as text");
    world.store().meter().take();
    world.requested(&slot, "last").await;
    assert_eq!(world.store().meter().take().write, 10.0, "what the first one cost");
    let day = (slot.starts_at, slot.ends_at);
    let list = world.store().reservations_of_facility(&slot.facility_id, day, None, 1000, None);
    assert_eq!(list.await.unwrap().0.len(), 101, "and all are in the lists of the nursery");
}

#[tokio::test]
async fn a_request_on_the_portal_costs_eight_write_units_and_its_refusal_none() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 9).await;
    let ask = |key: &'static str| {
        let mut body = local::api::visit_request(slot.facility_id.as_str(), slot.slot_id.as_str());
        body["applicant"] = tests::family(key);
        let world = &world;
        async move {
            let key = [("idempotency-key", key)];
            let path = "/v1/portal/reservations";
            world.call(&As::Anyone, Method::POST, path, Some(body), &key).await.status.as_u16()
        }
    };
    world.store().meter().take();
    assert_eq!(ask("k1").await, 202);
    // Slot, reservation, what came from the source, what was asked for the address.
    assert_eq!(world.store().meter().take().write, 8.0);
    assert_eq!((ask("k2").await, ask("k3").await, ask("k4").await), (202, 202, 429));
    world.store().meter().take();
    assert_eq!(ask("k5").await, 429);
    let refused = world.store().meter().take();
    assert!(refused.write == 0.0 && refused.read <= 7.0, "{refused:?}");
}

#[tokio::test]
async fn a_status_costs_half_a_read_unit() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 3).await;
    let number = world.requested(&slot, "k1").await;
    world.store().meter().take();
    let answer = world.get(&site(), &format!("/v1/reservations/{number}")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(world.store().meter().take(), Consumed { read: 0.5, write: 0.0 });
}

#[tokio::test]
async fn a_month_of_a_municipality_costs_half_a_read_unit_for_each_dozen_nurseries() {
    let world = World::new().await;
    let code = world.facility.municipality_code;
    let everything = [
        ("0歳クラス空き人数", "△2"),
        ("1歳クラス空き人数", "△2"),
        ("2歳クラス空き人数", "△2"),
        ("3歳クラス空き人数", "△2"),
        ("4歳クラス空き人数", "△2"),
        ("5歳クラス空き人数", "△2"),
        ("0～2歳クラス空き人数", "△2"),
        ("公表日", "2026-11-10"),
    ];
    let now = world.hub.clock.now();
    let of = |n| (None, vacancy(&nursery(&world, n), now, &everything));
    let month = Vec::from_iter((0..120).map(of));
    world.store().meter().take();
    world.store().put_vacancies(&month[..1]).await.unwrap();
    // Under the municipality and under the nursery, in a transaction.
    assert_eq!(world.store().meter().take(), Consumed { read: 0.0, write: 4.0 });
    world.store().put_vacancies(&month[1..]).await.unwrap();
    world.store().meter().take();
    let base_month = month[0].1.base_month;
    let found = world.store().vacancies(code, base_month, None, None).await.unwrap();
    assert_eq!(found.len(), 120);
    let read = world.store().meter().take().read;
    assert!(read <= 10.0, "{read}");
    world.store().latest_month(code).await.unwrap();
    let facility = &month[7].1.facility_id;
    assert!(world.store().latest_vacancy(facility).await.unwrap().is_some());
    // However many months there are.
    assert_eq!(world.store().meter().take(), Consumed { read: 1.0, write: 0.0 });
}

#[tokio::test]
async fn procedures_of_a_municipality_cost_half_a_read_unit() {
    let world = World::new().await;
    let this =
        procedure(&world, &[("0歳_申込数", "95"), ("保育園申込URL", "https://a.example.jp/")]);
    let next = this.next_year().unwrap();
    world.store().meter().take();
    world.store().put_procedures(&[(None, this), (None, next)]).await.unwrap();
    assert_eq!(world.store().meter().take(), Consumed { read: 0.0, write: 4.0 });
    let answer = world.get(&As::Anyone, "/v1/procedures?municipality=131199").await;
    assert_eq!(answer.body["items"].as_array().unwrap().len(), 2);
    assert_eq!(world.store().meter().take(), Consumed { read: 0.5, write: 0.0 });
}

#[tokio::test]
async fn a_count_of_new_requests_costs_what_is_new() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 50).await;
    for key in 0..20 {
        world.requested(&slot, &format!("k{key}")).await;
    }
    world.store().meter().take();
    let (count, _) = world.store().pending_count(&world.facility.facility_id).await.unwrap();
    assert_eq!(count, 20);
    // Twenty entries of the index lie within one half unit of 4 KB; when they last changed is another.
    assert_eq!(world.store().meter().take().read, 1.0);
}

#[tokio::test]
async fn a_fact_costs_a_write_unit_and_a_report_reads_the_facts_of_its_days() {
    let world = World::new().await;
    let slot = world.slot("2027-01-20T10:00:00+09:00", 50).await;
    let number = world.requested(&slot, "k1").await;
    let approve = format!("/v1/staff/reservations/{number}/approve");
    assert_eq!(world.post(&world.staff(), &approve, json!({})).await.status, 200);
    let approved = world.store().reservation(&number, true).await.unwrap().unwrap();
    let requested = approved.as_requested();
    world.store().meter().take();
    world.store().follow_fact(None, &requested).await.unwrap();
    assert_eq!(world.store().meter().take(), Consumed { read: 0.0, write: 1.0 });
    world.store().follow_fact(Some(&requested), &approved).await.unwrap();
    assert_eq!(world.store().meter().take(), Consumed { read: 0.0, write: 1.0 });
    // A reminder changes nothing that is counted.
    let reminded = approved.reminded(world.hub.clock.now());
    world.store().follow_fact(Some(&approved), &reminded).await.unwrap();
    assert_eq!(world.store().meter().take(), Consumed::default());

    // Forty a day over ten days.
    let day = jiff::SignedDuration::from_hours(24);
    for nth in 0..400 {
        let reservation_number = world.keys.ids.reservation_number("filler", &nth.to_string(), 0);
        let requested_at = approved.requested_at + day * (nth / 40 + 1);
        let filler = domain::Reservation { reservation_number, requested_at, ..approved.clone() };
        world.store().follow_fact(None, &filler).await.unwrap();
    }
    world.store().meter().take();
    let read = |days: i32| {
        let (code, from) = (approved.municipality_code, approved.requested_at + day);
        let (store, until) = (world.store(), from + day * days);
        async move {
            let facts = store.facts(code, from, until).await.unwrap();
            (facts.len(), store.meter().take().read)
        }
    };
    let (of_a_day, of_all) = (read(1).await, read(10).await);
    assert_eq!((of_a_day.0, of_all.0), (40, 400));
    // Sixteen facts and more in half a unit.
    assert!(of_a_day.1 <= 1.5 && of_all.1 <= 12.0, "{of_a_day:?} {of_all:?}");
}

/// What one call for a list may read, however long the history is.
const OF_A_LIST: f64 = 30.0;

#[tokio::test(flavor = "multi_thread")]
async fn a_list_under_a_filter_reads_a_bounded_part_of_the_history() {
    let world = World::new().await;
    let slot = world.slot("2027-01-20T10:00:00+09:00", 50).await;
    let number = world.requested(&slot, "k1").await;
    world.fill_like(&number, 10_000).await;
    world.set("2026-12-02T10:00:00+09:00");
    world.act(&number, "approve", json!({})).await;
    let path = "/v1/reservations?limit=100&updated_after=2026-12-01T12:00:00%2B09:00";
    let (mut found, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        world.store().meter().take();
        let page = world.get(&site(), &format!("{path}{cursor}")).await.body;
        let read = world.store().meter().take().read;
        assert!(read <= OF_A_LIST, "{read} for one page");
        found.extend(
            page["items"].as_array().unwrap().iter().map(|one| one["reservation_number"].clone()),
        );
        pages += 1;
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!((found, pages), (vec![json!(number)], 11), "ten thousand, a thousand at a time");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_visits_reads_a_bounded_part_of_the_slots() {
    let world = World::new().await;
    let path = format!("/v1/staff/facilities/{}/slots/bulk", world.facility.facility_id);
    let hours =
        |hour: u8| json!({"starts": format!("{hour:02}:00"), "ends": format!("{hour:02}:45")});
    let pattern = json!({"from": "2026-12-02", "to": "2027-02-28", "capacity": 3,
        "weekdays": ["mon", "tue", "wed", "thu", "fri"], "times": (9..18).map(hours).collect::<Vec<_>>()});
    let headers = [("idempotency-key", "winter")];
    let opened = world.call(&world.staff(), Method::POST, &path, Some(pattern), &headers).await;
    assert!(opened.body["created"].as_u64().unwrap() >= 500, "{}", opened.shown());
    let last = world.slot("2027-03-01T10:00:00+09:00", 3).await;
    let number = world.requested(&last, "k1").await;
    let path =
        format!("/v1/staff/facilities/{}/reservations?from=2026-12-01", world.facility.facility_id);
    let (mut found, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        world.store().meter().take();
        let page = world.get(&world.staff(), &format!("{path}{cursor}")).await.body;
        let read = world.store().meter().take().read;
        assert!(read <= OF_A_LIST, "{read} for one page");
        found.extend(
            page["items"].as_array().unwrap().iter().map(|one| one["reservation_number"].clone()),
        );
        pages += 1;
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!((found, pages), (vec![json!(number)], 3), "two hundred and fifty slots at a time");
}

/// Answered requests that the table is filled with; what waits among them is counted apart.
const ANSWERED: usize = 100_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_ping_reads_what_is_pending_not_what_the_table_holds() {
    let world = World::new().await;
    let slot = world.slot("2027-01-20T10:00:00+09:00", 50).await;
    let first = world.requested(&slot, "first").await;
    fill(&world, &first).await;
    for key in 1..10 {
        world.requested(&slot, &format!("k{key}")).await;
    }
    let now: Timestamp = "2026-12-02T11:00:00+09:00".parse().unwrap();

    world.store().meter().take();
    assert_eq!(world.store().pending().await.unwrap().len(), 10);
    let looked = world.store().meter().take();
    assert!(looked.read <= 1.0, "ten entries of the index: {looked:?}");

    let report = ping_pending::run(world.store(), now).await.unwrap();
    assert_eq!((report.pending, report.reminded, report.facilities), (10, 10, 1));
    let asked = world.store().meter().take();
    assert!(asked.read <= 1.0 + 10.0 * 0.5, "{asked:?}");
    // Ten reservations in a transaction, in both indexes, and the mail, which is within 2 KB.
    assert!(asked.write <= 10.0 * 4.0 + 4.0, "{asked:?}");
}

/// Fills the table with copies of an answered reservation.
async fn fill(world: &World, like: &domain::ReservationNumber) {
    let path = format!("/v1/staff/reservations/{like}/approve");
    assert_eq!(world.call(&world.staff(), Method::POST, &path, None, &[]).await.status, 200);
    world.fill_like(like, ANSWERED).await;
    // The first one waits no longer; ask again so that ten do.
    let slot = world.slot("2027-01-21T10:00:00+09:00", 50).await;
    world.requested(&slot, "k0").await;
}

/// A nursery with an id of its own.
fn nursery(world: &World, n: u64) -> Facility {
    let name = format!("第{n}ひまわり保育園");
    let code = &world.facility.municipality_code;
    let facility_id = FacilityId::derive(None, code, &name);
    let office_number = Some(format!("{n:013}"));
    Facility { facility_id, office_number, facility_name: name, ..world.facility.clone() }
}
