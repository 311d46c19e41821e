//! Facilities, their settings, and whom the hub writes to in a municipality.

use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::{Facility, FacilityId, MunicipalityCode, Settings, applicant::Email};
use serde::{Deserialize, Serialize};

use crate::{
    Store, StoreError,
    item::{Item, from_item, number, put, to_item},
    keys,
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
    version: u32,
}

/// Counts how often the settings of a facility were saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettingsVersion(u32);

impl SettingsVersion {
    /// Of a facility that never saved any.
    pub const NEVER_SAVED: Self = Self(0);
}

/// A facility from its item, as the table or its stream gives it.
pub fn from_table(item: Item) -> Result<Facility, StoreError> {
    from_item(item)
}

impl Store {
    /// One facility.
    pub async fn facility(&self, id: &FacilityId) -> Result<Option<Facility>, StoreError> {
        let item = self.get_item(keys::facility(id), false).await?;
        item.map(from_table).transpose()
    }

    /// The settings of a facility; the defaults if it never saved any.
    pub async fn settings(&self, id: &FacilityId) -> Result<Settings, StoreError> {
        let item = self.get_item(keys::settings(id), false).await?;
        Ok(item.map(from_item).transpose()?.unwrap_or_default())
    }

    /// The settings of a facility and their version, to save others over them.
    pub async fn settings_to_change(
        &self,
        id: &FacilityId,
    ) -> Result<(Settings, SettingsVersion), StoreError> {
        let item = self.get_item(keys::settings(id), true).await?;
        let item: SettingsItem = item.map(from_item).transpose()?.unwrap_or_default();
        Ok((item.settings, SettingsVersion(item.version)))
    }

    /// Writes the settings over those of a version; [`StoreError::Changed`] if somebody else saved
    /// others meanwhile.
    pub async fn save_settings(
        &self,
        id: &FacilityId,
        SettingsVersion(over): SettingsVersion,
        settings: Settings,
    ) -> Result<(), StoreError> {
        let item = to_item(keys::settings(id), &SettingsItem { settings, version: over + 1 })?;
        let written = match over {
            0 => self.put_if(item, "attribute_not_exists(pk)", []).await?,
            over => self.put_if(item, "version = :over", [(":over", number(over))]).await?,
        };
        written.map_err(|_| StoreError::Changed)
    }

    /// Facility, settings and slot at once: what a request for a visit is judged by.
    pub async fn facility_for_request(
        &self,
        id: &FacilityId,
        slot: &domain::SlotId,
    ) -> Result<(Option<Facility>, Settings, Option<domain::Slot>), StoreError> {
        let wanted = [keys::facility(id), keys::settings(id), keys::slot(id, slot)];
        let (mut facility, mut settings, mut found) = (None, Settings::default(), None);
        for item in self.get_items(wanted).await? {
            match crate::item::sort_key(&item) {
                Some("FAC") => facility = Some(from_table(item)?),
                Some("SET") => settings = from_item(item)?,
                _ => found = Some(crate::slot::from_table(item)?),
            }
        }
        Ok((facility, settings, found))
    }

    /// Writes facilities that are new or changed, each over the one that was read. All or none of
    /// every hundred; [`StoreError::Changed`] if somebody else changed one meanwhile.
    pub async fn put_facilities(
        &self,
        facilities: &[(Option<Facility>, Facility)],
    ) -> Result<(), StoreError> {
        for chunk in facilities.chunks(100) {
            let writes: Result<Vec<TransactWriteItem>, StoreError> = chunk
                .iter()
                .map(|(known, facility)| {
                    let item = to_item(keys::facility(&facility.facility_id), facility)?;
                    match known {
                        None => put(&self.table, item, "attribute_not_exists(pk)", []),
                        Some(known) => {
                            let read = serde_dynamo::to_attribute_value(known.updated_at)?;
                            put(&self.table, item, "updated_at = :read", [(":read", read)])
                        }
                    }
                })
                .collect();
            self.transact(writes?).await?.map_err(|_| StoreError::Changed)?;
        }
        Ok(())
    }

    /// These facilities, in no order.
    pub async fn facilities(&self, ids: &[FacilityId]) -> Result<Vec<Facility>, StoreError> {
        let items = self.get_items(ids.iter().map(keys::facility)).await?;
        items.into_iter().map(from_table).collect()
    }

    /// Whom the hub writes to in a municipality.
    pub async fn municipality_contact(
        &self,
        code: MunicipalityCode,
    ) -> Result<MunicipalityContact, StoreError> {
        let item = self.get_item(keys::municipality(code), false).await?;
        Ok(item.map(from_item).transpose()?.unwrap_or_default())
    }

    /// Says whom the hub writes to in a municipality, unless somebody said so before.
    pub async fn add_municipality_contact(
        &self,
        code: MunicipalityCode,
        contact: &MunicipalityContact,
    ) -> Result<(), StoreError> {
        self.add(to_item(keys::municipality(code), contact)?).await
    }

    /// Writes an item that must not exist yet; one that does is left as it is.
    pub(crate) async fn add(&self, item: Item) -> Result<(), StoreError> {
        self.put_if(item, "attribute_not_exists(pk)", []).await.map(drop)
    }
}
