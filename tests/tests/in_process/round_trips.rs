//! How often a caller waits for the way to the table, or to the seal, and back.

use std::time::Duration;

use http::Method;
use search_facilities::HeldIndex;
use serde_json::{Value, json};
use tests::{Answer, As, World, site, waves::Waves, wire};

const SLOT: &str = "2026-12-10T10:00:00+09:00";

struct Distant {
    world: World,
    waves: Waves,
}

impl Distant {
    /// With table and seal at the end of a wire that answers in waves.
    async fn new() -> Self {
        let waves = Waves::default();
        let world = World::through(waves.clone(), wire::retries()).await;
        Self { world: world.with_distant_seal(&waves).await, waves }
    }

    async fn trips(&self, who: &As, method: Method, path: &str, body: Option<Value>) -> usize {
        let headers = [("idempotency-key", "counted")];
        let call = self.world.call(who, method, path, body, &headers);
        let (answer, waves): (Answer, usize) = self.waves.count(call).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.shown());
        waves
    }

    async fn read(&self, who: &As, path: &str) -> usize {
        self.trips(who, Method::GET, path, None).await
    }

    async fn done(&self, who: &As, path: &str, body: Value) -> usize {
        self.trips(who, Method::POST, path, Some(body)).await
    }
}

#[tokio::test]
async fn what_anybody_reads_takes_one_round_trip() {
    let distant = Distant::new().await;
    let slot = distant.world.slot(SLOT, 3).await;
    let facility = format!("/v1/facilities/{}", slot.facility_id);
    assert_eq!(distant.read(&As::Anyone, &facility).await, 1);
    assert_eq!(distant.read(&As::Anyone, &format!("{facility}/slots")).await, 1);
    let procedures = "/v1/procedures?municipality=131199&fiscal_year=2027";
    assert_eq!(distant.read(&As::Anyone, procedures).await, 1);
    assert_eq!(distant.read(&As::Anyone, "/v1/municipalities").await, 1);
    let vacancies = "/v1/vacancies?municipality=131199&base_month=2026-12";
    assert_eq!(distant.read(&As::Anyone, vacancies).await, 1);
}

#[tokio::test]
async fn search_takes_no_round_trip_while_its_index_is_fresh() {
    let distant = Distant::new().await;
    distant.world.relay_changes().await;
    let (index, store) = (HeldIndex::new(Duration::from_hours(1)), distant.world.store());
    store.meter().take();
    for (round_trips, read) in [(2, 1.5), (0, 0.0)] {
        let (found, waves) =
            distant.waves.count(index.get(store, distant.world.hub.clock.now())).await;
        assert_eq!((found.unwrap().len(), waves), (1, round_trips));
        assert_eq!(store.meter().take().read, read);
    }
}

#[tokio::test]
async fn request_takes_two_round_trips_and_its_status_one() {
    let distant = Distant::new().await;
    let slot = distant.world.slot(SLOT, 3).await;
    let body = local::api::visit_request(slot.facility_id.as_str(), slot.slot_id.as_str());
    assert_eq!(distant.done(&site(), "/v1/reservations", body.clone()).await, 2);
    let mut on_the_portal = body;
    on_the_portal["applicant"] = tests::family("portal");
    assert_eq!(distant.done(&As::Anyone, "/v1/portal/reservations", on_the_portal).await, 2);
    let number = distant.world.requested(&slot, "k1").await;
    assert_eq!(distant.read(&site(), &format!("/v1/reservations/{number}")).await, 1);
}

#[tokio::test]
async fn booking_by_telephone_takes_two_round_trips() {
    let distant = Distant::new().await;
    let (world, slot) = (&distant.world, distant.world.slot(SLOT, 3).await);
    let path = format!("/v1/staff/facilities/{}/off-system-reservations", slot.facility_id);
    let booking = json!({"slot_id": slot.slot_id, "party_size": 2, "note": "電話で受付"});
    assert_eq!(distant.done(&world.staff(), &path, booking).await, 2);
}

#[tokio::test]
async fn answer_of_the_nursery_takes_two_round_trips_and_its_words_one_more() {
    let distant = Distant::new().await;
    let (world, slot) = (&distant.world, distant.world.slot(SLOT, 9).await);
    for (action, key) in [("approve", "k1"), ("decline", "k2"), ("cancel", "k3")] {
        let number = world.requested(&slot, key).await;
        let path = format!("/v1/staff/reservations/{number}/{action}");
        assert_eq!(distant.done(&world.staff(), &path, json!({})).await, 2, "{action}");
    }
    let number = world.requested(&slot, "k4").await;
    let path = format!("/v1/staff/reservations/{number}/decline");
    let words = json!({"comment": "満席のため、ほかの日をお選びください。"});
    assert_eq!(distant.done(&world.staff(), &path, words).await, 3);
}

/// Until when a family may cancel is the nursery's setting of today, which only the reservation leads to.
#[tokio::test]
async fn cancellation_by_a_site_takes_three_round_trips() {
    let distant = Distant::new().await;
    let (world, slot) = (&distant.world, distant.world.slot(SLOT, 3).await);
    let number = world.requested(&slot, "k1").await;
    let path = format!("/v1/reservations/{number}/cancel");
    assert_eq!(distant.done(&site(), &path, json!({"reason": "熱が出たため"})).await, 3);
}
