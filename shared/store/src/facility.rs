//! Facilities, their settings, and whom the hub writes to in a municipality.

use domain::{
    Facility, FacilityId, MunicipalityCode, Settings, Timestamp,
    applicant::Email,
    facility::{ChildCapacity, Details, EstablishmentBody, FacilityType, ItemNotes, Location},
    settings::{BookingUrl, MessageToParents, NoticeLinks},
};
use serde::{Deserialize, Serialize};
use serde_dynamo::to_attribute_value;

use crate::{
    Store, StoreError,
    condition::Condition,
    facility_list::listing,
    item::{Item, from_item, known, number, to_item, to_stated_item},
    keys::Key,
    write::Write,
};

/// Whom the hub writes to in a municipality (NTF-04).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MunicipalityContact {
    /// The addresses of the division in charge.
    #[serde(default)]
    pub notice_addresses: Vec<Email>,
}

#[derive(Default, Serialize, Deserialize)]
struct SettingsItem {
    #[serde(flatten)]
    settings: Settings,
    #[serde(default)]
    notice_links: NoticeLinks,
    #[serde(default)]
    unconfirmed: Vec<UnconfirmedAddress>,
    version: u32,
}

/// A notice address that was mailed a link and has not followed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct UnconfirmedAddress {
    address: Email,
    /// The version of the settings that added it.
    version: u32,
}

/// The settings of a facility as they were read, to save others over them. The default is what a
/// facility has that never saved any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SavedSettings {
    /// The settings.
    pub settings: Settings,
    /// How many mails to new addresses they have caused.
    pub notice_links: NoticeLinks,
    unconfirmed: Vec<UnconfirmedAddress>,
    /// How often they were saved.
    version: u32,
}

impl From<SavedSettings> for SettingsItem {
    fn from(saved: SavedSettings) -> Self {
        let SavedSettings { settings, notice_links, unconfirmed, version } = saved;
        Self { settings, notice_links, unconfirmed, version }
    }
}

impl SavedSettings {
    /// Others, to be saved over these.
    pub fn with(&self, settings: Settings) -> Self {
        Self { settings, ..self.clone() }
    }

    /// The addresses that this version of the settings added, and that have not followed their links.
    pub fn added_by(self, version: u32) -> Vec<Email> {
        let added =
            self.unconfirmed.into_iter().filter(|unconfirmed| unconfirmed.version == version);
        added.map(|unconfirmed| unconfirmed.address).collect()
    }
}

/// The version of the settings in an item, if it added notice addresses.
pub(crate) fn version_that_adds_addresses(item: Item) -> Result<Option<u32>, StoreError> {
    let SettingsItem { unconfirmed, version, .. } = from_item(item)?;
    Ok(unconfirmed.iter().any(|unconfirmed| unconfirmed.version == version).then_some(version))
}

/// DynamoDB takes 100 writes in one transaction: the facility, and its places in the list before and after.
const PUT_AT_ONCE: usize = 33;

/// How often a link is tried again that meets somebody else's change of the settings.
const CONFIRM_TRIES: usize = 5;

/// A facility as the table holds it. Serde sees to it that it has the fields of the domain's.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Facility")]
struct FacilityItem {
    facility_id: FacilityId,
    office_number: Option<String>,
    facility_name: String,
    facility_name_kana: Option<String>,
    facility_type: Option<FacilityType>,
    establishment_body: Option<EstablishmentBody>,
    municipality_code: MunicipalityCode,
    municipality: String,
    prefecture: String,
    postal_code: Option<String>,
    street_address: Option<String>,
    phone: Option<String>,
    location: Option<Location>,
    capacity: ChildCapacity,
    bookable: bool,
    message_to_parents: Option<MessageToParents>,
    external_booking_url: Option<BookingUrl>,
    #[serde(default = "default_booking_closes")]
    booking_closes_hours_before: u16,
    #[serde(flatten)]
    details: Details,
    #[serde(flatten)]
    notes: ItemNotes,
    updated_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct StoredFacility(#[serde(with = "FacilityItem")] Facility);

/// Items from before it was stored.
fn default_booking_closes() -> u16 {
    Settings::default().booking_closes_hours_before
}

fn item(facility: &Facility) -> Result<Item, StoreError> {
    to_stated_item(&StoredFacility(facility.clone()))
}

/// A facility from its item, as the table or its stream gives it.
pub fn from_table(item: Item) -> Result<Facility, StoreError> {
    let StoredFacility(facility) = from_item(item)?;
    Ok(facility)
}

/// A facility becomes another, if it is as it was read.
pub(crate) fn change(read: &Facility, after: &Facility) -> Result<Write, StoreError> {
    let unchanged = Condition::Is("updated_at".into(), to_attribute_value(read.updated_at)?);
    let key = Key::Facility(read.facility_id.clone());
    Ok(Write::change(key, &item(read)?, &item(after)?, unchanged))
}

/// A facility as an archive has it, where there is none. An address whose link nobody has followed is mailed another: the
/// links of another hub open nothing here.
pub(crate) fn restored(
    facility: &Facility,
    settings: Option<&Settings>,
) -> Result<Vec<Write>, StoreError> {
    let id = &facility.facility_id;
    let mut writes = vec![Write::create(Key::Facility(id.clone()), item(facility)?)];
    writes.extend(listing(None, facility));
    if let Some(settings) = settings {
        let asked = settings.notice_addresses_unconfirmed.iter().cloned();
        let unconfirmed = asked.map(|address| UnconfirmedAddress { address, version: 1 }).collect();
        let (settings, notice_links) = (settings.clone(), NoticeLinks::default());
        let first = SettingsItem { settings, notice_links, unconfirmed, version: 1 };
        writes.push(Write::create(Key::Settings(id.clone()), to_item(&first)?));
    }
    Ok(writes)
}

impl Store {
    /// One facility.
    pub async fn facility(&self, id: &FacilityId) -> Result<Option<Facility>, StoreError> {
        let item = self.get_item(Key::Facility(id.clone()), false).await?;
        item.map(from_table).transpose()
    }

    /// The same as it is at this moment, for who is about to change it.
    pub async fn facility_to_change(
        &self,
        id: &FacilityId,
    ) -> Result<Option<Facility>, StoreError> {
        let item = self.get_item(Key::Facility(id.clone()), true).await?;
        item.map(from_table).transpose()
    }

    /// The settings of a facility; the defaults if it never saved any.
    pub async fn settings(&self, id: &FacilityId) -> Result<Settings, StoreError> {
        let item = self.get_item(Key::Settings(id.clone()), false).await?;
        Ok(item.map(from_item).transpose()?.unwrap_or_default())
    }

    /// The settings of a facility, to save others over them.
    pub async fn settings_to_change(&self, id: &FacilityId) -> Result<SavedSettings, StoreError> {
        let item = self.get_item(Key::Settings(id.clone()), true).await?;
        let item: SettingsItem = item.map(from_item).transpose()?.unwrap_or_default();
        let SettingsItem { settings, notice_links, unconfirmed, version } = item;
        Ok(SavedSettings { settings, notice_links, unconfirmed, version })
    }

    /// Writes the settings over those that were read, and what the public sees of them to the facility;
    /// [`StoreError::Conflict`] if somebody else saved others meanwhile.
    pub async fn save_settings(
        &self,
        id: &FacilityId,
        over: &SavedSettings,
        SavedSettings { settings, notice_links, .. }: SavedSettings,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let shown = |s: &Settings| {
            let (message, url) = (s.message_to_parents.clone(), s.external_booking_url.clone());
            (message, url, s.booking_closes_hours_before)
        };
        let shows_else = shown(&over.settings) != shown(&settings);
        let show = shows_else.then(|| self.show_settings(id, &settings, now)).transpose()?;
        let version = over.version + 1;
        let unconfirmed = settings.notice_addresses_unconfirmed.iter().map(|address| {
            let before =
                over.unconfirmed.iter().find(|unconfirmed| unconfirmed.address == *address);
            let new = || UnconfirmedAddress { address: address.clone(), version };
            before.cloned().unwrap_or_else(new)
        });
        let unconfirmed = unconfirmed.collect();
        let next = SettingsItem { settings, notice_links, unconfirmed, version };
        let (key, next) = (Key::Settings(id.clone()), to_item(&next)?);
        let save = match over.version {
            0 => Write::replace(key, next, Condition::Absent),
            read => {
                let unchanged = Condition::Is("version".into(), number(read));
                Write::change(key, &to_item(&SettingsItem::from(over.clone()))?, &next, unchanged)
            }
        };
        let writes = [save].into_iter().chain(show).collect();
        self.transact(writes).await?.or_conflict()
    }

    /// Confirms the address of a nursery that is meant; tells whether the nursery has it. To confirm twice is to
    /// confirm once.
    pub async fn confirm_notice_address(
        &self,
        id: &FacilityId,
        is_meant: impl Fn(&Email) -> bool,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        for _ in 0..CONFIRM_TRIES {
            let saved = self.settings_to_change(id).await?;
            if !saved.settings.notice_addresses_unconfirmed.iter().any(&is_meant) {
                return Ok(saved.settings.notice_addresses.iter().any(is_meant));
            }
            let mut settings = saved.settings.clone();
            settings.notice_addresses_unconfirmed.retain(|address| !is_meant(address));
            match self.save_settings(id, &saved, saved.with(settings), now).await {
                Err(StoreError::Conflict) => {}
                saved => return saved.map(|()| true),
            }
        }
        Err(StoreError::Unavailable("the settings change too fast".into()))
    }

    fn show_settings(
        &self,
        id: &FacilityId,
        settings: &Settings,
        now: Timestamp,
    ) -> Result<Write, StoreError> {
        let message = to_attribute_value(&settings.message_to_parents)?;
        Ok(Write::update(Key::Facility(id.clone()), Condition::Present)
            .set("message_to_parents", message)
            .set("external_booking_url", to_attribute_value(&settings.external_booking_url)?)
            .set("booking_closes_hours_before", number(settings.booking_closes_hours_before))
            .set("updated_at", to_attribute_value(now)?))
    }

    /// Facility and settings at once.
    pub async fn facility_and_settings(
        &self,
        id: &FacilityId,
    ) -> Result<(Option<Facility>, Settings), StoreError> {
        let (mut facility, mut settings) = (None, Settings::default());
        for item in
            self.get_items([Key::Facility(id.clone()), Key::Settings(id.clone())], false).await?
        {
            match Key::of(&item) {
                Some(Key::Facility(_)) => facility = Some(from_table(item)?),
                _ => settings = from_item(item)?,
            }
        }
        Ok((facility, settings))
    }

    /// Writes facilities that are new or changed, each over the one that was read, and lists the new ones under their
    /// municipalities. All or none of every few dozen; [`StoreError::Conflict`] if somebody else changed one
    /// meanwhile.
    pub async fn put_facilities(
        &self,
        facilities: &[(Option<Facility>, Facility)],
    ) -> Result<(), StoreError> {
        for chunk in facilities.chunks(PUT_AT_ONCE) {
            let mut writes = Vec::new();
            for (known, facility) in chunk {
                writes.push(match known {
                    None => {
                        Write::create(Key::Facility(facility.facility_id.clone()), item(facility)?)
                    }
                    Some(known) => change(known, facility)?,
                });
                writes.extend(listing(known.as_ref(), facility));
            }
            self.transact(writes).await?.or_conflict()?;
        }
        Ok(())
    }

    /// These facilities, in no order; those that cannot be read are left out. `consistent` as for one slot.
    pub async fn facilities(
        &self,
        ids: &[FacilityId],
        consistent: bool,
    ) -> Result<Vec<Facility>, StoreError> {
        let items = self.get_items(ids.iter().cloned().map(Key::Facility), consistent).await?;
        items.into_iter().filter_map(|item| known(item, from_table).transpose()).collect()
    }

    /// Whom the hub writes to in a municipality.
    pub async fn municipality_contact(
        &self,
        code: MunicipalityCode,
    ) -> Result<MunicipalityContact, StoreError> {
        let item = self.get_item(Key::Municipality(code), false).await?;
        Ok(item.map(from_item).transpose()?.unwrap_or_default())
    }

    /// Says whom the hub writes to in a municipality, unless somebody said so before.
    pub async fn add_municipality_contact(
        &self,
        code: MunicipalityCode,
        contact: &MunicipalityContact,
    ) -> Result<(), StoreError> {
        self.add(Key::Municipality(code), to_item(contact)?).await
    }

    /// Writes an item that must not exist yet; one that does is left as it is.
    pub(crate) async fn add(&self, key: Key, item: Item) -> Result<(), StoreError> {
        self.write(Write::create(key, item)).await.map(drop)
    }
}
