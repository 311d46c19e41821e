//! A world for tests: every router and handler on an embedded store, a clock that stands still, and
//! keys that are always the same, so that ids and answers are too.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod acts;
mod caller;
pub mod contract;
mod run;
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

pub use acts::Session;
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
