//! A world for tests: every router and handler on an embedded store, a clock that stands still, and
//! keys that are always the same, so that ids and answers are too.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod caller;
pub mod contract;
mod schema;
mod stand_ins;
pub mod waves;
pub mod wire;

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use aws_lambda_events::{dynamodb::Event as StreamEvent, event::streams::DynamoDbEventResponse};
use aws_sdk_dynamodb::config::retry::RetryConfig;
use axum::{Router, body::Body};
use domain::{
    Capacity, Facility, FacilityId, ReservationNumber, Settings, Slot, Timestamp,
    facility::{ChildCapacity, EstablishmentBody, FacilityType},
    slot::{OpenSlot, SlotStatus},
    vendor::{VendorKind, VendorStatus},
};
use fan_out::{Relay, SearchBuild};
use http::{Method, Request};
use http_body_util::BodyExt;
use local::{Faults, HubKeys, LocalSeal, LocalUploads, Needs, Stream, embedded::Embedded};
use notify::{EgressPolicy, order::MailQueues};
use run_import::Importer;
use runtime::{Clock, Hub, Mail, Seal};
use send_mail::{Pace, SendMail};
use serde_json::{Value, json};
use stand_ins::embedded;
use store::{MunicipalityContact, Once, OpenSlotsOutcome, SavedSettings, Store, VendorRecord};
use take_upload::TakeUpload;
use tower::ServiceExt;

pub use caller::{Answer, As, client, context, site};
pub use local::api::family;
pub use stand_ins::{Mailbox, Messages, queue_event};

/// A Tuesday, in business hours, with no holiday near.
pub const NOW: &str = "2026-12-01T10:00:00+09:00";

/// The nursery of the tests.
pub const FACILITY: &str = "かないくぼ保育園";

/// Everything, without HTTP and without waiting.
pub struct World {
    /// The table and the time.
    pub hub: Hub,
    /// The keys for every purpose.
    pub keys: HubKeys,
    /// What opens applicants.
    pub seal: Arc<dyn Seal>,
    /// The large files that came.
    pub uploads: LocalUploads,
    /// What is served.
    pub app: Router,
    /// The mails that were sent.
    pub mailbox: Arc<Mailbox>,
    /// The queue of mails.
    pub mails: Arc<Messages>,
    /// The queue of webhooks.
    pub pushes: Arc<Messages>,
    /// What could not be told.
    pub parked: Arc<Messages>,
    /// How far the relay is with the search entries.
    pub search: Arc<SearchBuild>,
    /// The nursery.
    pub facility: Facility,
    now: Arc<AtomicI64>,
    embedded: Embedded,
    stream: tokio::sync::Mutex<Stream>,
    import_stream: tokio::sync::Mutex<Stream>,
    /// How often in a row the stream delivers what is not told: once, where nothing is in the way.
    deliveries: usize,
}

/// What functions need.
fn needs(hub: &Hub, seal: &Arc<dyn Seal>, keys: &HubKeys, uploads: &LocalUploads) -> Needs {
    Needs {
        hub: hub.clone(),
        seal: seal.clone(),
        keys: keys.clone(),
        egress: EgressPolicy::ThisMachine,
        uploads: Arc::new(uploads.clone()),
    }
}

impl World {
    /// What its functions need.
    pub fn needs(&self) -> Needs {
        needs(&self.hub, &self.seal, &self.keys, &self.uploads)
    }

    /// With one nursery, linked to the ICT system `ict-1`, at [`NOW`].
    pub async fn new() -> Self {
        Self::on(Embedded::store).await
    }

    /// With nothing in the table.
    pub async fn empty() -> Self {
        Self::bare(Embedded::store).await
    }

    /// The same, with the table at the end of such a wire.
    pub async fn through(wire: impl wire::Wire, retries: RetryConfig) -> Self {
        let world = Self::on(|embedded| wire::store(&embedded.steady, wire, retries)).await;
        Self { deliveries: 10, ..world }
    }

    /// The same, with a seal that is as far away as the table.
    pub async fn with_distant_seal(self, waves: &waves::Waves) -> Self {
        let (seal, waves) = (self.seal.clone(), waves.clone());
        let seal: Arc<dyn Seal> = Arc::new(waves::DistantSeal { seal, waves });
        let app = local::serve(&needs(&self.hub, &seal, &self.keys, &self.uploads)).await.unwrap();
        Self { seal, app, ..self }
    }

    async fn bare(store: impl FnOnce(&Embedded) -> Store) -> Self {
        let embedded = Embedded::start(None, Faults::default()).await.expect("an embedded store");
        let now = Arc::new(AtomicI64::new(NOW.parse::<Timestamp>().unwrap().epoch_ms()));
        let clock = {
            let now = now.clone();
            Clock::new(move || Timestamp::from_epoch_ms(now.load(Ordering::SeqCst)).unwrap())
        };
        let hub = Hub { store: store(&embedded), clock, base_url: "https://hub.example.jp".into() };
        let keys = HubKeys::made_of(&[[7; 32]]).unwrap();
        let seal: Arc<dyn Seal> = Arc::new(LocalSeal::new([9; 32]));
        let uploads = LocalUploads::new(&hub, keys.ids.clone());
        let app = local::serve(&needs(&hub, &seal, &keys, &uploads)).await.unwrap();
        let facility = facility(FACILITY, "131199", "板橋区");
        Self {
            hub,
            keys,
            seal,
            uploads,
            app,
            mailbox: Arc::default(),
            mails: Arc::default(),
            pushes: Arc::default(),
            parked: Arc::default(),
            search: Arc::default(),
            facility,
            now,
            stream: Stream::open(embedded.database.clone(), None).unwrap().into(),
            import_stream: Stream::open(embedded.database.clone(), None).unwrap().into(),
            deliveries: 1,
            embedded,
        }
    }

    async fn on(store: impl FnOnce(&Embedded) -> Store) -> Self {
        let world = Self::bare(store).await;
        let facility = world.facility.clone();
        world.add_facility(&facility).await;
        let vendor = VendorRecord {
            client_id: "ict-1".parse().unwrap(),
            kind: VendorKind::Ict,
            name: "ict-1".into(),
            contact: "ict-1@example.jp".parse().unwrap(),
            status: VendorStatus::Active,
        };
        world.store().add_vendor(&vendor, &[facility.facility_id]).await.unwrap();
        let contact = MunicipalityContact {
            notice_addresses: vec!["hoiku-131199@example.jp".parse().unwrap()],
        };
        world.store().add_municipality_contact("131199".parse().unwrap(), &contact).await.unwrap();
        world.store().meter().take();
        world
    }

    /// The table, past everything.
    pub fn raw(&self) -> &aws_sdk_dynamodb::Client {
        &self.embedded.steady
    }

    /// Fills the table at once, past the API.
    pub fn fill(&self, items: impl Iterator<Item = store::item::Item>) {
        let items = items.map(|item| item.into_iter().map(|(n, v)| (n, embedded(v))).collect());
        let options = dynoxide::ImportOptions::default();
        let database = &self.embedded.database;
        database.import_items(local::embedded::TABLE, items.collect(), options).unwrap();
    }

    /// Fills the table, past the API, with copies of a reservation under other numbers, each with its
    /// deadline: only their weight matters.
    pub async fn fill_like(&self, like: &ReservationNumber, copies: usize) {
        let key = store::Key::Reservation(like.clone()).attributes();
        let table = local::embedded::TABLE;
        let found = self.raw().get_item().table_name(table).set_key(Some(key)).send().await;
        let item = found.unwrap().item.unwrap();
        let due = self.store().reservation(like, true).await.unwrap().unwrap().first_due();
        let number =
            |count: usize| self.keys.ids.reservation_number("filler", &count.to_string(), 0);
        self.fill((0..copies).map(|count| {
            let mut copy = item.clone();
            copy.extend(store::Key::Reservation(number(count)).attributes());
            copy
        }));
        if let Some(at) = due {
            let entries = (0..copies).map(|n| store::Key::Deadline(at, number(n)).attributes());
            self.fill(entries);
        }
    }

    /// The table, for so many calls; then it is as if the function had been killed.
    pub fn dying_after(&self, calls: usize) -> Store {
        wire::store(self.raw(), wire::Dying::after(calls), RetryConfig::disabled())
    }

    /// The table.
    pub fn store(&self) -> &Store {
        &self.hub.store
    }

    /// Adds a nursery with a notice address.
    pub async fn add_facility(&self, facility: &Facility) {
        self.store().put_facilities(&[(None, facility.clone())]).await.unwrap();
        let settings = Settings {
            notice_addresses: vec!["nursery@example.jp".parse().unwrap()],
            ..Settings::default()
        };
        let id = &facility.facility_id;
        let never = SavedSettings::default();
        self.store()
            .save_settings(id, &never, never.with(settings), self.hub.clock.now())
            .await
            .unwrap();
    }

    /// Moves the clock.
    pub fn set(&self, to: &str) {
        self.now.store(to.parse::<Timestamp>().unwrap().epoch_ms(), Ordering::SeqCst);
    }

    /// Opens a slot of the nursery at this time.
    pub async fn slot(&self, starts_at: &str, capacity: i64) -> Slot {
        self.slot_of(&self.facility, starts_at, capacity).await
    }

    /// Opens a slot of a nursery at this time.
    pub async fn slot_of(&self, facility: &Facility, starts_at: &str, capacity: i64) -> Slot {
        let starts_at: Timestamp = starts_at.parse().unwrap();
        let open = OpenSlot {
            starts_at,
            ends_at: starts_at + jiff::SignedDuration::from_mins(45),
            capacity: Capacity::new(capacity).unwrap(),
            note: None,
        };
        let id = self.keys.ids.slot_id(&facility.facility_id, "test", "test", starts_at);
        let once =
            Once { key: self.keys.ids.fingerprint(&[id.as_str().as_bytes()]), body: [0; 16] };
        let answer = |_: &[Slot]| Ok(String::new());
        let opened = self
            .store()
            .open_slots(facility, vec![(id, open)], &once, &answer, self.hub.clock.now())
            .await
            .unwrap();
        let OpenSlotsOutcome::Done(mut slots) = opened else { panic!("a slot of its own key") };
        slots.remove(0)
    }

    /// Sends a request.
    pub async fn call(
        &self,
        who: &As,
        method: Method,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.send(who, request.body(body).unwrap()).await
    }

    /// Sends a request as it is.
    pub async fn send(&self, who: &As, mut request: Request<Body>) -> Answer {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        request.extensions_mut().insert(context(who));
        let response = Box::pin(self.app.clone().oneshot(request)).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            if text.is_empty() { Value::Null } else { text.into() }
        });
        contract::check(&method, &path, parts.status, &parts.headers, &body);
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Reads.
    pub async fn get(&self, who: &As, path: &str) -> Answer {
        self.call(who, Method::GET, path, None, &[]).await
    }

    /// Posts.
    pub async fn post(&self, who: &As, path: &str, body: Value) -> Answer {
        self.call(who, Method::POST, path, Some(body), &[]).await
    }

    /// Asks for a visit as `site-1`, for another family under each key.
    pub async fn request(&self, slot: &Slot, key: &str) -> Answer {
        self.request_with(slot, key, json!({"applicant": family(key)})).await
    }

    /// Asks for a visit and returns its number.
    pub async fn requested(&self, slot: &Slot, key: &str) -> ReservationNumber {
        let answer = self.request(slot, key).await;
        assert_eq!(answer.status, 201, "{}", answer.shown());
        answer.body["reservation_number"].as_str().unwrap().parse().unwrap()
    }

    /// The nursery as anybody sees it.
    pub async fn shown(&self) -> Answer {
        self.get(&As::Anyone, &format!("/v1/facilities/{}", self.facility.facility_id)).await
    }

    /// As staff of the nursery, asks for a change of what it shows now.
    pub async fn ask_for_change(&self, changes: Value, submit: bool, key: &str) -> Answer {
        let etag = self.shown().await.headers["etag"].to_str().unwrap().to_owned();
        let body = json!({"base_etag": etag, "changes": changes, "submit": submit});
        let path = format!("/v1/staff/facilities/{}/change-requests", self.facility.facility_id);
        let key = [("idempotency-key", key)];
        self.call(&self.staff(), Method::POST, &path, Some(body), &key).await
    }

    /// The same, and returns the id of the request.
    pub async fn change_asked(&self, changes: Value, submit: bool, key: &str) -> String {
        let answer = self.ask_for_change(changes, submit, key).await;
        assert_eq!(answer.status, 201, "{}", answer.shown());
        answer.body["change_request_id"].as_str().unwrap().to_owned()
    }

    /// The staff of the nursery.
    pub fn staff(&self) -> As {
        As::Staff(self.facility.facility_id.clone())
    }

    /// Tells all that changed and does all that is due, until there is nothing more.
    pub async fn settle(&self) -> keep_deadlines::Report {
        let mut total = keep_deadlines::Report::default();
        loop {
            // Boxed: what a test waits for is part of its own future, and a test's stack is small.
            Box::pin(self.relay_changes()).await;
            let now = self.hub.clock.now();
            let report = Box::pin(keep_deadlines::run(self.store(), now)).await.unwrap();
            if report.due == 0 {
                return total;
            }
            total.add(&report);
        }
    }

    /// The next changes that were not told.
    pub async fn unrelayed(&self) -> StreamEvent {
        self.stream.lock().await.next().unwrap()
    }

    /// Tells all that changed, as the stream does.
    pub async fn relay_changes(&self) {
        let mut stream = self.stream.lock().await;
        let mut failed = 0;
        loop {
            let event = stream.next().unwrap();
            if event.records.is_empty() {
                return;
            }
            let read = Stream::numbers(&event);
            let response = Box::pin(self.relay().handle(event)).await;
            stream.acknowledge(&read, &response);
            let told = response.batch_item_failures.is_empty();
            failed = if told { 0 } else { failed + 1 };
            assert!(failed < self.deliveries, "not told, delivered {failed} times");
        }
    }

    /// Runs the imports of which the stream tells: of each change once.
    pub async fn run_imports(&self) {
        let mut stream = self.import_stream.lock().await;
        let importer = Importer { hub: self.hub.clone() };
        loop {
            let event = stream.next().unwrap();
            if event.records.is_empty() {
                return;
            }
            importer.handle(&event).await.unwrap();
            stream.acknowledge(&Stream::numbers(&event), &DynamoDbEventResponse::default());
        }
    }

    /// What takes the files that came.
    pub fn taker(&self) -> TakeUpload {
        TakeUpload { hub: self.hub.clone(), uploads: Arc::new(self.uploads.clone()) }
    }

    /// Moves the clock, tells, and does what is due then.
    pub async fn settle_at(&self, to: &str) -> keep_deadlines::Report {
        self.set(to);
        self.settle().await
    }

    /// Tells all that changed, does all that is due, and sends the mails that come of it: those.
    pub async fn send_mails(&self) -> Vec<Mail> {
        Box::pin(self.settle()).await;
        // A mail to several recipients comes back once for each.
        loop {
            let orders = std::mem::take(&mut *self.mails.0.lock().unwrap());
            if orders.is_empty() {
                break;
            }
            for order in orders {
                let event = queue_event(std::slice::from_ref(&order), 1);
                let response = Box::pin(self.send_mail().handle(event)).await.unwrap();
                assert!(response.batch_item_failures.is_empty(), "{order}");
            }
        }
        std::mem::take(&mut *self.mailbox.0.lock().unwrap())
    }

    /// Saves settings of the nursery, whatever they were. Whoever got a link follows it.
    pub async fn save_settings(&self, settings: Value) {
        let path = format!("/v1/staff/facilities/{}/settings", self.facility.facility_id);
        let any = [("if-match", "*")];
        let saved = self.call(&self.staff(), Method::PUT, &path, Some(settings), &any).await;
        assert_eq!(saved.status, 200, "{}", saved.shown());
        let (id, now) = (&self.facility.facility_id, self.hub.clock.now());
        self.store().confirm_notice_address(id, |_| true, now).await.unwrap();
    }

    /// Asks for a visit as `site-1`, with other fields than usual.
    pub async fn request_with(&self, slot: &Slot, key: &str, more: Value) -> Answer {
        let mut body = local::api::visit_request(slot.facility_id.as_str(), slot.slot_id.as_str());
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let headers = [("idempotency-key", key)];
        self.call(&site(), Method::POST, "/v1/reservations", Some(body), &headers).await
    }

    /// What the nursery's staff do to a reservation.
    pub async fn act(&self, number: &ReservationNumber, verb: &str, body: Value) -> Answer {
        self.post(&self.staff(), &format!("/v1/staff/reservations/{number}/{verb}"), body).await
    }

    /// A reservation as the staff see it.
    pub async fn seen(&self, number: &ReservationNumber) -> Value {
        self.get(&self.staff(), &format!("/v1/staff/reservations/{number}")).await.body
    }

    /// A slot as anybody would count it: places free, places in all, and its state.
    pub async fn places(&self, slot: &Slot) -> (u8, u8, SlotStatus) {
        let slot = self.store().slot(&slot.facility_id, &slot.slot_id, true).await;
        let slot = slot.unwrap().unwrap();
        (slot.remaining(), slot.capacity.get(), slot.status(self.hub.clock.now()))
    }

    /// A parent who follows the link of a mail.
    pub async fn follow(&self, mail: &Mail) -> Session {
        self.follow_in(mail, "").await
    }

    /// The same in a browser that has a session already.
    pub async fn follow_in(&self, mail: &Mail, cookie: &str) -> Session {
        let token = mail.text.split("/visit#").nth(1).unwrap().split_whitespace().next().unwrap();
        let (path, body) = ("/v1/visits/session", Some(json!({"token": token})));
        let cookie = [("cookie", cookie)];
        let opened = self.call(&As::Anyone, Method::POST, path, body, &cookie).await;
        assert_eq!(opened.status, 204, "{}", opened.shown());
        let cookie = opened.headers["set-cookie"].to_str().unwrap();
        assert!(cookie.starts_with("__Host-visit="), "{cookie}");
        assert!(cookie.ends_with("Path=/; Max-Age=1800; HttpOnly; Secure; SameSite=Strict"));
        Session {
            cookie: cookie.split(';').next().unwrap().to_owned(),
            number: token.split('.').next().unwrap().parse().unwrap(),
        }
    }

    /// What a parent with a session does or reads, on the hub's own page.
    pub async fn as_parent(&self, session: &Session, method: Method, what: &str) -> Answer {
        let path = format!("/v1/visits/{}{what}", session.number);
        let body = (method == Method::POST).then(|| json!({}));
        let headers = [("cookie", session.cookie.as_str()), ("origin", &*self.hub.base_url)];
        self.call(&As::Anyone, method, &path, body, &headers).await
    }

    /// Runs the hourly job.
    pub async fn ping(&self, at: &str) -> ping_pending::Report {
        self.set(at);
        ping_pending::run(self.store(), at.parse().unwrap()).await.unwrap()
    }

    /// The handler of the stream.
    pub fn relay(&self) -> Relay {
        Relay {
            store: self.store().clone(),
            clock: self.hub.clock.clone(),
            mails: self.mail_queues(),
            pushes: self.pushes.clone(),
            parked: self.parked.clone(),
            search: self.search.clone(),
        }
    }

    /// The queues of mails: one, for both kinds.
    pub fn mail_queues(&self) -> MailQueues {
        MailQueues { awaited: self.mails.clone(), routine: self.mails.clone() }
    }

    /// The handler of mails.
    pub fn send_mail(&self) -> SendMail {
        SendMail {
            hub: self.hub.clone(),
            seal: self.seal.clone(),
            links: self.keys.links.clone(),
            notices: self.keys.notices.clone(),
            addresses: self.keys.addresses.clone(),
            mailer: self.mailbox.clone(),
            queues: self.mail_queues(),
            pace: Arc::new(Pace::unlimited()),
        }
    }
}

/// What a parent's browser keeps, and the reservation whose link was followed last.
#[derive(Debug, Clone)]
pub struct Session {
    /// The cookie, as it is sent back.
    pub cookie: String,
    /// The reservation.
    pub number: ReservationNumber,
}

/// A nursery with this name.
pub fn facility(name: &str, code: &str, municipality: &str) -> Facility {
    let municipality_code = code.parse().unwrap();
    Facility {
        facility_id: FacilityId::derive(None, &municipality_code, name),
        office_number: None,
        facility_name: name.into(),
        facility_name_kana: None,
        facility_type: Some(FacilityType::Nursery),
        establishment_body: Some(EstablishmentBody::Public),
        municipality_code,
        municipality: municipality.into(),
        prefecture: "東京都".into(),
        postal_code: None,
        street_address: None,
        phone: None,
        location: None,
        capacity: ChildCapacity::default(),
        bookable: true,
        message_to_parents: None,
        external_booking_url: None,
        booking_closes_hours_before: 24,
        details: Default::default(),
        notes: Default::default(),
        updated_at: NOW.parse().unwrap(),
    }
}
