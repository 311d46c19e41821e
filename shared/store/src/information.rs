//! What people were reminded of about the information of facilities: an item for each mail, so that two runs of the job
//! send once, and the stream tells the mailer.

use domain::{
    FacilityId, MunicipalityCode, Timestamp,
    information::{FacilityDue, OverdueChange},
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{
    Store, StoreError,
    item::{epoch_ms, from_item, to_item},
    keys::Key,
    notice::kept,
    write::Write,
};

/// One mail to a facility about its information.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InformationReminder {
    /// The facility.
    pub facility_id: FacilityId,
    /// When it was looked at.
    #[serde(with = "epoch_ms")]
    pub at: Timestamp,
    /// What it is about.
    pub due: FacilityDue,
}

/// A mail to a municipality that lists the change requests that it left undecided: all of them, or a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeDigest {
    /// The municipality.
    pub municipality_code: MunicipalityCode,
    /// When they were looked at.
    #[serde(with = "epoch_ms")]
    pub at: Timestamp,
    /// What it lists, oldest first.
    pub changes: Vec<OverdueChange>,
    /// Which part it is, counted from 1.
    pub part: usize,
    /// How many parts there are.
    pub parts: usize,
}

/// One mail lists this many change requests at most: an item may have 400 KB, and one of them takes about 150 bytes. The
/// parts of a digest are written in one transaction, of 100 items and 4 MB at most.
const LISTED_AT_MOST: usize = 500;

impl Store {
    /// Reminds a facility of its information, once a day; tells whether this call did it.
    pub async fn remind_of_information(
        &self,
        facility: &FacilityId,
        mut due: FacilityDue,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        if let FacilityDue::Drafts(drafts) = &mut due {
            drafts.truncate(LISTED_AT_MOST);
        }
        let key = Key::InformationReminder(facility.clone(), now.date());
        let reminder = InformationReminder { facility_id: facility.clone(), at: now, due };
        self.add_notice(key, to_item(&reminder)?, now).await
    }

    /// Records which change requests a municipality left undecided, once a day, in as many parts as it takes; tells whether
    /// this call did it.
    pub async fn add_change_digest(
        &self,
        code: MunicipalityCode,
        undecided: &[OverdueChange],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let chunks = undecided.chunks(LISTED_AT_MOST);
        let parts = chunks.len();
        let writes: Result<Vec<_>, StoreError> = chunks
            .zip(1..)
            .map(|(changes, part)| {
                let changes = changes.to_vec();
                let digest =
                    ChangeDigest { municipality_code: code, at: now, changes, part, parts };
                let key = Key::change_digest(code, now.date(), part);
                Ok(Write::create(key, kept(to_item(&digest)?, now)))
            })
            .collect();
        Ok(self.transact(writes?).await?.is_done())
    }

    /// What a facility was reminded of on a day.
    pub async fn information_reminder(
        &self,
        facility: &FacilityId,
        day: Date,
    ) -> Result<Option<InformationReminder>, StoreError> {
        let key = Key::InformationReminder(facility.clone(), day);
        self.get_item(key, false).await?.map(from_item).transpose()
    }

    /// A part of what a municipality was told on a day.
    pub async fn change_digest(
        &self,
        code: MunicipalityCode,
        day: Date,
        part: usize,
    ) -> Result<Option<ChangeDigest>, StoreError> {
        let key = Key::change_digest(code, day, part);
        self.get_item(key, false).await?.map(from_item).transpose()
    }
}
