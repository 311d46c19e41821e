//! Where clients reach a hub: the routers in this process, or the local hub over HTTP.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
    sync::Arc,
};

use async_trait::async_trait;
use domain::{
    FacilityId, Reservation, ReservationNumber, SlotId, Timestamp, visit_token::TokenKind,
};
use http::Method;
use jiff::SignedDuration;
use local::api::Api;
use runtime::machine_time;
use serde_json::{Value, json};
use tests::{As, World};

/// Who calls.
#[derive(Debug, Clone)]
pub enum Who {
    Anybody,
    Site,
    Ict,
    Staff,
    /// The parent of this reservation.
    Parent(ReservationNumber),
}

/// What was answered.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub etag: String,
    pub replayed: bool,
    pub body: Value,
}

/// A hub, and a nursery of it.
#[async_trait]
pub trait Door: Send + Sync {
    /// Sends a request.
    async fn call(
        &self,
        who: &Who,
        method: Method,
        path: &str,
        body: Option<Value>,
        header: Option<(&str, &str)>,
    ) -> Reply;

    /// Opens a slot of the nursery.
    async fn open(&self, starts_at: Timestamp, capacity: usize) -> SlotId;

    /// Lets time do its work.
    async fn keep_deadlines(&self);

    /// Lets everybody be told of what happened.
    async fn relay_changes(&self);

    /// The slot's own set of those that hold a place, where the table can be read.
    async fn holding(&self, slot: &SlotId) -> Option<BTreeSet<ReservationNumber>>;

    /// A reservation of the portal as it stands in the table: no list has it before it is confirmed.
    async fn of_portal(&self, number: &ReservationNumber) -> Option<Reservation>;

    fn facility(&self) -> &FacilityId;

    /// Whether a parent's session can be had, so that requests of the portal can be confirmed.
    fn has_parents(&self) -> bool;
}

/// What the feed of slots says when all is told: each slot that is in it.
pub async fn feed(door: &dyn Door) -> BTreeMap<SlotId, Value> {
    door.relay_changes().await;
    let (mut slots, mut after) = (BTreeMap::new(), 0);
    loop {
        let path = format!("/v1/feeds/slots?afterChangeNumber={after}");
        let page = door.call(&Who::Anybody, Method::GET, &path, None, None).await.body;
        let items = page["items"].as_array().unwrap();
        let Some(last) = items.last() else { return slots };
        after = last["modified"].as_u64().unwrap();
        let updated = items.iter().filter(|item| item["state"] == "updated");
        slots.extend(
            updated
                .map(|item| (item["id"].as_str().unwrap().parse().unwrap(), item["data"].clone())),
        );
    }
}

/// The routers in this process.
pub struct InProcess(pub Arc<World>);

#[async_trait]
impl Door for InProcess {
    async fn call(
        &self,
        who: &Who,
        method: Method,
        path: &str,
        body: Option<Value>,
        header: Option<(&str, &str)>,
    ) -> Reply {
        let (caller, session) = match who {
            // Each from somewhere else, for the limits are not what is checked here.
            Who::Anybody => (As::From(Ipv4Addr::from(rand::random::<u32>()).to_string()), None),
            Who::Site => (tests::site(), None),
            Who::Ict => (As::Ict("ict-1"), None),
            Who::Staff => (self.0.staff(), None),
            Who::Parent(number) => {
                let keys = self.0.keys.links.ring().await;
                let token = keys.token(TokenKind::Session, number, machine_time());
                (As::Anyone, Some(format!("__Host-visit={token}")))
            }
        };
        let cookie = session.as_deref().map(|session| ("cookie", session));
        let origin = ("origin", &*self.0.hub.base_url);
        let headers: Vec<_> = header.into_iter().chain(cookie).chain([origin]).collect();
        let answer = self.0.call(&caller, method, path, body, &headers).await;
        let header = |name| answer.headers.get(name).and_then(|value| value.to_str().ok());
        Reply {
            status: answer.status.as_u16(),
            etag: header("etag").unwrap_or_default().into(),
            replayed: header("idempotency-replayed").is_some(),
            body: answer.body,
        }
    }

    async fn open(&self, starts_at: Timestamp, capacity: usize) -> SlotId {
        self.0.slot(&starts_at.to_string(), capacity as i64).await.slot_id
    }

    async fn keep_deadlines(&self) {
        self.0.relay_changes().await;
        let now = self.0.hub.clock.now();
        let report = keep_deadlines::run(self.0.store(), now).await.unwrap();
        assert_eq!(report.failed, 0);
    }

    async fn relay_changes(&self) {
        self.0.relay_changes().await;
    }

    async fn holding(&self, slot: &SlotId) -> Option<BTreeSet<ReservationNumber>> {
        let slot = self.0.store().slot(self.facility(), slot, true).await.unwrap();
        slot.map(|slot| slot.holding)
    }

    async fn of_portal(&self, number: &ReservationNumber) -> Option<Reservation> {
        self.0.store().reservation(number, true).await.unwrap()
    }

    fn facility(&self) -> &FacilityId {
        &self.0.facility.facility_id
    }

    fn has_parents(&self) -> bool {
        true
    }
}

/// The local hub, over HTTP.
pub struct OverHttp {
    anybody: Api,
    site: Api,
    ict: Api,
    staff: Api,
    facility: FacilityId,
}

impl OverHttp {
    /// With the demonstration's vendors, and the nursery that has a user.
    pub async fn new(url: &str) -> Self {
        let anybody = Api::new(url).unwrap();
        let (staff, facility) = anybody.as_user("facility", 0).await.unwrap();
        Self {
            site: anybody.as_client("search_site", 0).await.unwrap(),
            ict: anybody.as_client("ict", 0).await.unwrap(),
            staff,
            facility: facility.parse().unwrap(),
            anybody,
        }
    }

    /// What the hub's clock shows.
    pub async fn now(&self) -> Timestamp {
        let clock = self.anybody.get("/_local/clock").await.unwrap().body;
        clock["now"].as_str().unwrap().parse().unwrap()
    }
}

#[async_trait]
impl Door for OverHttp {
    async fn call(
        &self,
        who: &Who,
        method: Method,
        path: &str,
        body: Option<Value>,
        header: Option<(&str, &str)>,
    ) -> Reply {
        let api = match who {
            Who::Anybody => &self.anybody,
            Who::Site => &self.site,
            Who::Ict => &self.ict,
            Who::Staff => &self.staff,
            Who::Parent(_) => panic!("no parent calls over HTTP"),
        };
        let headers: Vec<_> = header.into_iter().collect();
        let answer = api.send(method, path, body.as_ref(), &headers).await.unwrap();
        let header = |name| answer.headers.get(name).and_then(|value| value.to_str().ok());
        Reply {
            status: answer.status.as_u16(),
            etag: header("etag").unwrap_or_default().into(),
            replayed: header("idempotency-replayed").is_some(),
            body: answer.body,
        }
    }

    async fn open(&self, starts_at: Timestamp, capacity: usize) -> SlotId {
        let ends_at = starts_at + SignedDuration::from_mins(45);
        let body = json!({"starts_at": starts_at, "ends_at": ends_at, "capacity": capacity});
        let path = format!("/v1/staff/facilities/{}/slots", self.facility);
        let key = format!("open {starts_at}");
        let opened = self.staff.create(&path, &key, body).await.unwrap();
        assert_eq!(opened.status, 201, "{}", opened.body);
        opened.body["slot_id"].as_str().unwrap().parse().unwrap()
    }

    /// A day passes, and all that is scheduled or due in it is done.
    async fn keep_deadlines(&self) {
        let moved = self.anybody.move_clock(json!({"advance": "PT24H30M"})).await.unwrap();
        assert_eq!(moved.status, 200, "{}", moved.body);
    }

    async fn relay_changes(&self) {
        let drained = self.anybody.post("/_local/drain", json!({})).await.unwrap();
        assert_eq!(drained.status, 200, "{}", drained.body);
    }

    async fn holding(&self, _: &SlotId) -> Option<BTreeSet<ReservationNumber>> {
        None
    }

    async fn of_portal(&self, _: &ReservationNumber) -> Option<Reservation> {
        None
    }

    fn facility(&self) -> &FacilityId {
        &self.facility
    }

    fn has_parents(&self) -> bool {
        false
    }
}
