//! What the feeds tell of, and how an entry of each feed holds it.

use domain::{
    Capacity, FacilityId, MunicipalityCode, ProcedureId, SlotId, SlotNumber, Timestamp,
    calendar::{FiscalYear, Month},
    feed::{Feed, PublicFacility, SlotView},
    item::Visibility,
    procedure::Procedure,
    slot::{Note, SlotStatus},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    StoreError, facility,
    item::Item,
    keys::Key,
    procedure::{self, StoredProcedure},
    slot,
    vacancy::{self, StoredVacancy},
};

/// A thing that a feed tells of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum FeedThing {
    /// A slot of a facility.
    Slot(FacilityId, SlotId),
    /// A facility.
    Facility(FacilityId),
    /// What a facility has free in a month.
    Vacancy(FacilityId, Month),
    /// A procedure of a municipality.
    Procedure(MunicipalityCode, FiscalYear, ProcedureId),
}

impl FeedThing {
    /// A procedure.
    pub(crate) fn of_procedure(procedure: &Procedure) -> Self {
        Self::Procedure(
            procedure.municipality_code,
            procedure.fiscal_year,
            procedure.procedure_id.clone(),
        )
    }

    /// The thing that has this key.
    pub(crate) fn at(key: Key) -> Option<Self> {
        match key {
            Key::Slot(facility, slot) => Some(Self::Slot(facility, slot)),
            Key::Facility(facility) => Some(Self::Facility(facility)),
            Key::FacilityVacancy(facility, month) => Some(Self::Vacancy(facility, month)),
            Key::Procedure(code, year, id) => Some(Self::Procedure(code, year, id)),
            _ => None,
        }
    }

    /// The same of an item.
    pub(super) fn of_item(item: &Item) -> Option<Self> {
        Self::at(Key::of(item)?)
    }

    pub(super) fn key(&self) -> Key {
        match self.clone() {
            Self::Slot(facility, slot) => Key::Slot(facility, slot),
            Self::Facility(facility) => Key::Facility(facility),
            Self::Vacancy(facility, month) => Key::FacilityVacancy(facility, month),
            Self::Procedure(code, year, id) => Key::Procedure(code, year, id),
        }
    }

    /// The entry by time that has what the feed says of it looked at again; nothing changes a facility by time alone.
    pub(crate) fn turn(&self, at: Timestamp) -> Option<Key> {
        match self.clone() {
            Self::Slot(facility, slot) => Some(Key::SlotLeaves(at, facility, slot)),
            Self::Facility(_) => None,
            Self::Vacancy(facility, month) => Some(Key::VacancyLeaves(at, facility, month)),
            Self::Procedure(code, year, id) => Some(Key::ProcedureTurns(at, code, year, id)),
        }
    }

    /// The feed that tells of it.
    pub fn feed(&self) -> Feed {
        match self {
            Self::Slot(..) => Feed::Slots,
            Self::Facility(_) => Feed::Facilities,
            Self::Vacancy(..) => Feed::Vacancies,
            Self::Procedure(..) => Feed::Procedures,
        }
    }

    /// What the feed calls it.
    pub fn id(&self) -> String {
        match self {
            Self::Slot(_, slot) => slot.to_string(),
            Self::Facility(facility) => facility.to_string(),
            Self::Vacancy(facility, month) => format!("{facility}-{month}"),
            Self::Procedure(_, _, id) => id.to_string(),
        }
    }
}

/// A thing as the entries of its feed hold it.
pub(super) trait Published: Serialize + DeserializeOwned + PartialEq {
    /// What the feed says of the thing of this item now, and when time alone changes that.
    fn of(item: Item, now: Timestamp) -> Result<InFeed<Self>, StoreError>;
}

/// What a feed says of a thing.
pub(super) struct InFeed<T> {
    /// What it is; `None`: it is not in the feed.
    pub(super) data: Option<T>,
    /// When time alone changes that.
    pub(super) turns_at: Option<Timestamp>,
}

/// A slot as its feed holds it. Serde sees to it that it has the fields of what is shown.
#[derive(Serialize, Deserialize)]
#[serde(remote = "SlotView")]
struct PublishedSlotItem {
    slot_id: SlotId,
    slot_number: SlotNumber,
    facility_id: FacilityId,
    starts_at: Timestamp,
    ends_at: Timestamp,
    capacity: Capacity,
    remaining: u8,
    status: SlotStatus,
    note: Option<Note>,
}

#[derive(PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct PublishedSlot(#[serde(with = "PublishedSlotItem")] pub(super) SlotView);

impl Published for PublishedSlot {
    fn of(item: Item, now: Timestamp) -> Result<InFeed<Self>, StoreError> {
        let slot = slot::from_table(item)?;
        let turns_at = Some(slot.leaves_feed_at());
        Ok(InFeed { data: slot.in_feed(now).map(Self), turns_at })
    }
}

/// That a facility is in its feed, and which of its states was told last.
#[derive(PartialEq, Serialize, Deserialize)]
pub(super) struct PublishedFacility {
    fingerprint: String,
}

impl Published for PublishedFacility {
    fn of(item: Item, _: Timestamp) -> Result<InFeed<Self>, StoreError> {
        let shown = PublicFacility::new(facility::from_table(item)?, Visibility::Public);
        let fingerprint =
            shown.fingerprint().map_err(|error| StoreError::Rejected(error.into()))?;
        Ok(InFeed { data: Some(Self { fingerprint }), turns_at: None })
    }
}

impl Published for StoredVacancy {
    fn of(item: Item, now: Timestamp) -> Result<InFeed<Self>, StoreError> {
        let vacancy = vacancy::from_table(item)?;
        let turns_at = Some(vacancy.leaves_feed_at());
        Ok(InFeed { data: vacancy.in_feed(now).map(Self), turns_at })
    }
}

impl Published for StoredProcedure {
    fn of(item: Item, now: Timestamp) -> Result<InFeed<Self>, StoreError> {
        let procedure = procedure::from_table(item)?;
        let turns_at = procedure.turns_at(now);
        Ok(InFeed { data: procedure.in_feed(now).map(Self), turns_at })
    }
}
