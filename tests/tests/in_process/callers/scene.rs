//! What the operations are tried on: a reservation with its slot, its nursery and an endpoint, and as much of others.

use axum::body::Body;
use domain::{
    Facility, ImportId, ReservationNumber, Slot,
    import::{Counts, Dataset, Import, ImportStatus},
    vendor::{VendorKind, VendorStatus},
    visit_token::TokenKind,
};
use http::{Method, Request};
use serde_json::{Value, json};
use store::{Once, VendorRecord};
use tests::{Answer, As, World, facility, family, site};

use super::{operation::Operation, who::Who};

/// When the visits are.
const VISIT: &str = "2026-12-10T10:00:00+09:00";

/// Where a site asks for a visit.
const REQUESTS: &str = "/v1/reservations";

/// Where a parent asks for one.
const PORTAL: &str = "/v1/portal/reservations";

/// A world in which an operation does what it says.
pub struct Scene {
    pub world: World,
    /// A nursery in the same municipality.
    pub neighbour: Facility,
    /// A nursery in another municipality.
    pub other: Facility,
    /// The reservation.
    pub number: ReservationNumber,
    /// A reservation of the other nursery, made by another site.
    pub other_number: ReservationNumber,
    /// A reservation of the nursery that the family has not confirmed: nobody may see it but the family.
    unconfirmed: ReservationNumber,
    slot: Slot,
    other_slot: Slot,
    endpoint: String,
    /// An import that the municipality of the nursery sent.
    import: ImportId,
    /// What the nursery asks its municipality to change, and the ETag that it read.
    change_request: String,
    base_etag: String,
}

impl Scene {
    pub async fn of(operation: &Operation) -> Self {
        let world = World::new().await;
        let neighbour = facility("となり保育園", "131199", "板橋区");
        let other = facility("よその保育園", "131211", "足立区");
        for one in [&neighbour, &other] {
            world.add_facility(one).await;
        }
        add_ict(&world, "ict-2", Some(&other)).await;
        add_ict(&world, "ict-3", None).await;
        let slot = world.slot(VISIT, 9).await;
        let other_slot = world.slot_of(&other, VISIT, 9).await;

        // A parent confirms what was asked for on the portal; all else is done to what a site asked for.
        let (who, path) = match &*operation.id {
            "confirm_visit" => (As::Anyone, PORTAL),
            _ => (site(), REQUESTS),
        };
        let number = reserve(&world, &who, path, visit(&slot)).await;
        let other_site = As::Site("site-2");
        let other_number = reserve(&world, &other_site, REQUESTS, visit(&other_slot)).await;
        let mut by_other_family = visit(&slot);
        by_other_family["applicant"] = family("other");
        let unconfirmed = reserve(&world, &As::Anyone, PORTAL, by_other_family).await;
        let created = create(&world, &site(), "/v1/webhook-endpoints", endpoint()).await;
        let endpoint = created["id"].as_str().unwrap().to_owned();
        if matches!(&*operation.id, "staff_complete" | "staff_no_show") {
            assert_eq!(world.act(&number, "approve", json!({})).await.status, 200);
            world.set(VISIT);
        }
        if operation.of_municipality {
            world.relay_changes().await;
        }
        let import = import(&world).await;
        // A draft is edited, all else is done to what was submitted.
        let submit = operation.id != "edit_change_request";
        let changes = json!({"weekday_closes_at": "19:15"});
        let change_request = world.change_asked(changes, submit, "scene").await;
        let base_etag = world.shown().await.headers["etag"].to_str().unwrap().to_owned();
        world.store().meter().take();
        Self {
            world,
            neighbour,
            other,
            number,
            other_number,
            unconfirmed,
            slot,
            other_slot,
            endpoint,
            import,
            change_request,
            base_etag,
        }
    }

    /// Calls the operation on this path.
    pub async fn call(&self, who: Who, operation: &Operation, path: &str) -> Answer {
        let browser = who.browser(self).await;
        let mut headers = vec![("idempotency-key", "key"), ("if-match", "*")];
        if let Some((cookie, page)) = &browser {
            headers.extend([("cookie", &**cookie), ("origin", page)]);
        }
        let method = operation.method.clone();
        let body = match method {
            Method::GET => None,
            _ if operation.id == "request_import" => {
                let list = "施設の名称,都道府県,市区町村\n新しい保育園,東京都,板橋区\n";
                return self.send_list(who, operation, path, list).await;
            }
            _ => Some(self.body(operation).await),
        };
        self.world.call(&who.token(self, operation), method, path, body, &headers).await
    }

    /// A list is no JSON. Without one, it comes later.
    pub async fn send_list(
        &self,
        who: Who,
        operation: &Operation,
        path: &str,
        list: &'static str,
    ) -> Answer {
        let request = Request::post(format!("{path}?dataset=facilities"));
        let request = request.header("idempotency-key", "key").header("content-type", "text/csv");
        let request = request.body(Body::from(list)).unwrap();
        self.world.send(&who.token(self, operation), request).await
    }

    /// A body that the operation takes.
    async fn body(&self, operation: &Operation) -> Value {
        let slot = self.slot.slot_id.as_str();
        let open = json!({"starts_at": "2026-12-11T10:00:00+09:00",
            "ends_at": "2026-12-11T10:45:00+09:00", "capacity": 3});
        match &*operation.id {
            "request_reservation" | "request_on_portal" => visit(&self.slot),
            "open_session" => {
                let (kind, now) = (TokenKind::Link, runtime::machine_time());
                json!({"token": self.visit_token(kind, &self.number, now).await})
            }
            "confirm_address" => {
                let hub = &self.world.hub;
                let settings = hub.store.settings(&self.world.facility.facility_id).await.unwrap();
                let (facility, address) =
                    (&self.world.facility.facility_id, &settings.notice_addresses[0]);
                let keys = self.world.keys.notices.ring().await;
                json!({"token": keys.notice_token(facility, address, hub.clock.now()).to_string()})
            }
            "create_webhook_endpoint" => endpoint(),
            "book" => json!({"slot_id": slot, "party_size": 2}),
            "staff_memo" => json!({"memo": "電話で確認した。"}),
            "open_slot" => open,
            "open_slots" => json!({"from": "2026-12-14", "to": "2026-12-18", "weekdays": ["tue"],
                "times": [{"starts": "10:00", "ends": "10:45"}], "capacity": 3}),
            "confirm_information" => json!({"base_etag": self.base_etag}),
            "create_change_request" => json!({"base_etag": self.base_etag,
                "changes": {"weekday_opens_at": "07:15"}, "submit": true}),
            "edit_change_request" | "correct_change_request" => {
                json!({"changes": {"weekday_opens_at": "07:15"}})
            }
            "reject_change_request" => json!({"reason": "時刻を確認してください。"}),
            "approve_change_requests" => json!({"ids": [self.change_request]}),
            "put_slot" => json!({"capacity": 5}),
            "copy_slot" => json!({"starts_at": open["starts_at"]}),
            _ => json!({}),
        }
    }

    /// The path of the thing that is there.
    pub fn path(&self, operation: &Operation) -> String {
        self.path_with(operation, "", "")
    }

    /// Paths of things that are not there: with each parameter in turn naming nothing.
    pub fn missing(&self, operation: &Operation) -> Vec<String> {
        let of_parameter = |name: &String| {
            let (_, missing) = self.values(name);
            let paths = missing.into_iter().map(|value| self.path_with(operation, name, value));
            paths.collect::<Vec<_>>()
        };
        operation.parameters.iter().flat_map(of_parameter).collect()
    }

    fn path_with(&self, operation: &Operation, name: &str, value: &str) -> String {
        let mut path = operation.path.clone();
        for parameter in &operation.parameters {
            let there = self.values(parameter).0;
            let value = if parameter == name { value } else { there };
            path = path.replace(&format!("{{{parameter}}}"), value);
        }
        if operation.of_municipality { path + "?municipality=131199" } else { path }
    }

    /// What a parameter of a path is called that is there, and what none is called that is.
    fn values(&self, parameter: &str) -> (&str, Vec<&str>) {
        match parameter {
            "facility_id" => {
                (self.world.facility.facility_id.as_str(), vec!["fac_000000000000", "nothing"])
            }
            "reservation_number" => {
                (self.number.as_str(), vec!["R-0000-0000", self.unconfirmed.as_str(), "nothing"])
            }
            "slot_id" => (
                self.slot.slot_id.as_str(),
                vec!["slt_0wx4n07k3m9qxd", self.other_slot.slot_id.as_str(), "nothing"],
            ),
            "id" => (&self.endpoint, vec!["whe_000000000000", "nothing"]),
            "import_id" => (self.import.as_str(), vec!["imp_000000000000", "nothing"]),
            "code" => ("131199", vec!["132080", "131198", "nothing"]),
            "change_request_id" => (&self.change_request, vec!["chg_000000000000", "nothing"]),
            "dataset" => ("facilities", vec!["nothing"]),
            "report" => ("REP-05", vec!["REP-03"]),
            "name" => ("slot-full", vec!["nothing"]),
            _ => panic!("{{{parameter}}} needs values in {}", file!()),
        }
    }
}

async fn add_ict(world: &World, id: &str, linked: Option<&Facility>) {
    let vendor = VendorRecord {
        client_id: id.parse().unwrap(),
        kind: VendorKind::Ict,
        name: id.into(),
        contact: format!("{id}@example.jp").parse().unwrap(),
        status: VendorStatus::Active,
    };
    let linked = linked.map(|facility| facility.facility_id.clone());
    world.store().add_vendor(&vendor, linked.as_slice()).await.unwrap();
}

/// An import of the municipality, that it has not run yet.
async fn import(world: &World) -> ImportId {
    let now = world.hub.clock.now();
    let import = Import {
        import_id: "imp_7k3m9qxd2abc".parse().unwrap(),
        dataset: Dataset::Facilities,
        dry_run: true,
        municipality: Some("131199".parse().unwrap()),
        requested_by: "staff".into(),
        created_at: now,
        status: ImportStatus::Running,
        counts: Counts::default(),
    };
    let once = Once { key: [9; 16], body: [9; 16] };
    world.store().request_import(&import, b"", &once, String::new()).await.unwrap();
    import.import_id
}

fn visit(slot: &Slot) -> Value {
    local::api::visit_request(slot.facility_id.as_str(), slot.slot_id.as_str())
}

fn endpoint() -> Value {
    json!({"url": "http://127.0.0.1:9/events"})
}

async fn create(world: &World, who: &As, path: &str, body: Value) -> Value {
    let key = [("idempotency-key", "scene")];
    let created = world.call(who, Method::POST, path, Some(body), &key).await;
    assert!(created.status.is_success(), "{path}: {}", created.shown());
    created.body
}

async fn reserve(world: &World, who: &As, path: &str, visit: Value) -> ReservationNumber {
    let created = create(world, who, path, visit).await;
    created["reservation_number"].as_str().unwrap().parse().unwrap()
}
