use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Capacity, ClientId, Facility, FacilityId, MunicipalityCode, Settings, Slot, Timestamp,
    applicant::Email,
    keys::IdKey,
    slot::{DayOfWeek, OpenSlot, OpenSlots, TimeOfDay},
    vendor::{VendorKind, VendorStatus},
};
use jiff::{ToSpan, civil::time};
use runtime::Hub;
use serde::Serialize;
use store::{MunicipalityContact, Once, SavedSettings, Store, StoreError, VendorRecord};

use crate::credentials::{Client, Role, User};

/// The municipalities of the pilot, and the nursery of each that has a demonstration user.
const PILOT: [(&str, &str); 3] =
    [("131199", "かないくぼ保育園"), ("131211", "伊興保育園"), ("132080", "富士見保育園")];

/// Slots are opened for this many facilities at most.
const FACILITIES_WITH_SLOTS: usize = 300;

/// The vendors of the demonstration.
const VENDORS: [(VendorKind, &str); 4] = [
    (VendorKind::SearchSite, "search-site-1"),
    (VendorKind::SearchSite, "search-site-2"),
    (VendorKind::Ict, "ict-1"),
    (VendorKind::Ict, "ict-2"),
];

/// Who may try the hub.
#[derive(Debug, Default, Serialize)]
pub struct Demo {
    pub(crate) clients: Vec<Client>,
    pub(crate) users: Vec<User>,
}

/// The facilities by their municipality, each municipality's by name.
async fn facilities(
    store: &Store,
) -> Result<BTreeMap<MunicipalityCode, Vec<Facility>>, StoreError> {
    let mut by_municipality = BTreeMap::new();
    for (code, ids) in store.facilities_by_municipality().await? {
        let mut facilities = store.facilities(&ids, true).await?;
        facilities.sort_by(|a, b| a.facility_name.cmp(&b.facility_name));
        by_municipality.insert(code, facilities);
    }
    Ok(by_municipality)
}

/// Opens slots on Tuesdays and Thursdays of the next five weeks, and makes users and clients to try
/// the hub with. All addresses are under `example.jp`. Clients are known by `client_ids`, in the order of
/// the vendors, where an issuer chose them; else by their names.
pub(crate) async fn demo(
    hub: &Hub,
    ids: &IdKey,
    client_ids: &[ClientId],
) -> Result<Demo, SeedError> {
    let mut demo = Demo::default();
    let mut by_municipality = facilities(&hub.store).await?;
    let pilot: Vec<MunicipalityCode> =
        PILOT.iter().filter_map(|(code, _)| code.parse().ok()).collect();
    if pilot.iter().any(|code| by_municipality.contains_key(code)) {
        by_municipality.retain(|code, _| pilot.contains(code));
    }
    let facilities: Vec<&Facility> =
        by_municipality.values().flatten().take(FACILITIES_WITH_SLOTS).collect();
    for facility in &facilities {
        open_slots(hub, ids, facility).await?;
        let address: Email =
            format!("{}@example.jp", facility.facility_id.as_str().replace('_', "-")).parse()?;
        let settings = Settings { notice_addresses: vec![address], ..Settings::default() };
        let (id, never) = (&facility.facility_id, SavedSettings::default());
        hub.store.save_settings(id, &never, never.with(settings), hub.clock.now()).await?;
    }

    let mut staffed: Vec<FacilityId> = Vec::new();
    for (code, facilities) in by_municipality.iter().take(PILOT.len()) {
        let named =
            |facility: &&Facility| PILOT.iter().any(|(_, name)| facility.facility_name == *name);
        let Some(facility) = facilities.iter().find(named).or(facilities.first()) else { continue };
        staffed.push(facility.facility_id.clone());
        let contact = MunicipalityContact {
            notice_addresses: vec![format!("hoiku-{code}@example.jp").parse()?],
        };
        hub.store.add_municipality_contact(*code, &contact).await?;
        demo.users.push(User {
            subject: format!("facility-{code}"),
            role: Role::Facility,
            email: format!("staff-{code}@example.jp").parse()?,
            facility_ids: vec![facility.facility_id.clone()],
            municipality: Some(*code),
        });
        demo.users.push(User {
            subject: format!("municipality-{code}"),
            role: Role::Municipality,
            email: format!("city-{code}@example.jp").parse()?,
            facility_ids: Vec::new(),
            municipality: Some(*code),
        });
    }
    for count in 1..=2 {
        demo.users.push(User {
            subject: format!("operator-{count}"),
            role: Role::Operator,
            email: format!("operator-{count}@example.jp").parse()?,
            facility_ids: Vec::new(),
            municipality: None,
        });
    }
    // The first ICT system serves all but the last of the staffed nurseries, the second the last.
    let (first, last) = staffed.split_at(staffed.len().saturating_sub(1));
    for (place, (kind, name)) in VENDORS.into_iter().enumerate() {
        let facilities = match name {
            "ict-1" => first,
            "ict-2" => last,
            _ => &[],
        };
        let client_id = client_ids.get(place).cloned().map_or_else(|| name.parse(), Ok)?;
        let client = Client::new(kind, client_id, facilities.to_vec());
        let record = VendorRecord {
            client_id: client.client_id.clone(),
            kind,
            name: name.into(),
            contact: format!("{name}@example.jp").parse()?,
            status: VendorStatus::Active,
        };
        hub.store.add_vendor(&record, facilities).await?;
        demo.clients.push(client);
    }
    Ok(demo)
}

/// Why the demonstration data could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// One of our own names is not what it should be.
    #[error("a name of the demonstration is not valid")]
    Name(#[from] domain::Invalid),
}

async fn open_slots(hub: &Hub, ids: &IdKey, facility: &Facility) -> Result<(), SeedError> {
    let now: Timestamp = hub.clock.now();
    let today = now.date();
    let pattern = OpenSlots {
        from: today.saturating_add(2.days()),
        to: today.saturating_add(37.days()),
        weekdays: vec![DayOfWeek::Tue, DayOfWeek::Thu],
        times: vec![TimeOfDay { starts: time(10, 0, 0, 0), ends: time(10, 45, 0, 0) }],
        capacity: Capacity::new(3)?,
        note: Some("玄関のインターホンでお知らせください。".parse()?),
        include_holidays: false,
    };
    let plan = pattern.plan(now, &BTreeSet::new()).0.into_iter();
    let id = |open: &OpenSlot| ids.slot_id(&facility.facility_id, "demo", "demo", open.starts_at);
    let plan = plan.map(|open| (id(&open), open));
    let key = ids.fingerprint(&[b"demo", facility.facility_id.as_str().as_bytes()]);
    let once = Once { key, body: [0; 16] };
    let answer = |_: &[Slot]| Ok(String::new());
    hub.store.open_slots(facility, plan.collect(), &once, &answer, now).await?;
    Ok(())
}
