//! Many at once: no place is sold twice, of two answers one wins, and a repeat meets the first.

use std::{collections::HashSet, sync::Arc};

use domain::slot::Standing;
use futures::future::join_all;
use serde_json::json;
use tests::{World, site};

const SLOT: &str = "2026-12-10T10:00:00+09:00";

#[tokio::test(flavor = "multi_thread")]
async fn three_hundred_requests_for_three_places() {
    let world = Arc::new(World::new().await);
    let slot = world.slot(SLOT, 3).await;
    let requests = (0..300).map(|key| {
        let (world, slot) = (world.clone(), slot.clone());
        tokio::spawn(async move { world.request(&slot, &format!("k{key}")).await })
    });
    let answers: Vec<_> = join_all(requests).await.into_iter().map(Result::unwrap).collect();
    let granted: HashSet<_> = answers
        .iter()
        .filter(|answer| answer.status == 201)
        .map(|answer| answer.body["reservation_number"].to_string())
        .collect();
    let full = answers.iter().filter(|a| a.status == 409 && a.problem() == "slot-full").count();
    assert_eq!((granted.len(), full), (3, 297));
    let slot = world.store().slot(&slot.facility_id, &slot.slot_id, true).await.unwrap().unwrap();
    assert_eq!((slot.remaining(), slot.holding.len()), (0, 3));
    let (waiting, _) = world.store().pending_count(&slot.facility_id).await.unwrap();
    assert_eq!(waiting, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_approval_and_a_decline_at_once_one_wins() {
    let world = Arc::new(World::new().await);
    let slot = world.slot(SLOT, 50).await;
    for round in 0..25 {
        let number = world.requested(&slot, &format!("k{round}")).await;
        let answer = |verb: &str| {
            let (world, path) = (world.clone(), format!("/v1/staff/reservations/{number}/{verb}"));
            tokio::spawn(async move { world.post(&world.staff(), &path, json!({})).await })
        };
        let (approve, decline) = (answer("approve"), answer("decline"));
        let (approve, decline) = (approve.await.unwrap(), decline.await.unwrap());
        let (winner, loser, state) = if approve.status == 200 {
            (&approve, &decline, "approved")
        } else {
            (&decline, &approve, "declined")
        };
        assert_eq!((winner.status.as_u16(), loser.status.as_u16()), (200, 409));
        assert_eq!(winner.body["status"], state);
        assert_eq!(loser.problem(), "state-conflict");
        assert_eq!(loser.body["current_status"], state, "the state that it lost to");
        let path = format!("/v1/reservations/{number}");
        assert_eq!(world.get(&site(), &path).await.body["status"], state);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_twice_at_once_is_one_reservation() {
    let world = Arc::new(World::new().await);
    let slot = world.slot(SLOT, 50).await;
    for round in 0..20 {
        let ask = || {
            let (world, slot) = (world.clone(), slot.clone());
            tokio::spawn(async move { world.request(&slot, &format!("same-{round}")).await })
        };
        let (one, two) = (ask(), ask());
        let (one, two) = (one.await.unwrap(), two.await.unwrap());
        assert_eq!((one.status.as_u16(), two.status.as_u16()), (201, 201));
        assert_eq!(one.body, two.body);
        let replayed = [&one, &two].map(|a| a.headers.contains_key("idempotency-replayed"));
        assert_eq!(replayed.iter().filter(|replayed| **replayed).count(), 1);
    }
    let slot = world.store().slot(&slot.facility_id, &slot.slot_id, true).await.unwrap().unwrap();
    assert_eq!(slot.holding.len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_places_and_reservations_agree() {
    let world = Arc::new(World::new().await);
    let slot = world.slot(SLOT, 5).await;
    let families = (0..16).map(|family| {
        let (world, slot) = (world.clone(), slot.clone());
        tokio::spawn(async move {
            for round in 0..6 {
                let answer = world.request(&slot, &format!("{family}-{round}")).await;
                if answer.status != 201 {
                    assert_eq!(answer.problem(), "slot-full");
                    continue;
                }
                let number = answer.body["reservation_number"].as_str().unwrap().to_owned();
                let (who, path) = match (family + round) % 3 {
                    0 => (site(), format!("/v1/reservations/{number}/cancel")),
                    1 => (world.staff(), format!("/v1/staff/reservations/{number}/decline")),
                    _ => (world.staff(), format!("/v1/staff/reservations/{number}/approve")),
                };
                assert_eq!(world.post(&who, &path, json!({})).await.status, 200);
                if (family + round) % 3 == 2 && round < 5 {
                    let path = format!("/v1/staff/reservations/{number}/cancel");
                    assert_eq!(world.post(&world.staff(), &path, json!({})).await.status, 200);
                }
            }
        })
    });
    join_all(families).await.into_iter().for_each(|joined| joined.unwrap());
    let slot = world.store().slot(&slot.facility_id, &slot.slot_id, true).await.unwrap().unwrap();
    let day = (slot.starts_at, slot.ends_at);
    let list = world.store().reservations_of_facility(&slot.facility_id, day, None, 1000, None);
    let (reservations, _) = list.await.unwrap();
    assert!(reservations.len() > slot.holding.len(), "the list has those that are over too");
    let mut holding = slot.holding.clone();
    for reservation in reservations {
        let holds = holding.remove(&reservation.reservation_number);
        assert_eq!(holds, reservation.standing() == Standing::HoldsPlace);
    }
    assert!(holding.is_empty() && slot.holding.len() <= 5);
}
