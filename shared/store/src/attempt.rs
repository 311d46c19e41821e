//! What was asked for on the portal, by keyed hashes of where from and for whom: kept for two days, and written in
//! the transaction that makes the request, so that no number of calls at once passes a limit.

use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::attempt::{Attempt, Attempts};
use serde::{Deserialize, Serialize};

use crate::{
    Store, StoreError,
    item::{Item, from_item, number, put, to_item},
    keys::Key,
    schema::EXPIRES_AT,
};

#[derive(Default, Serialize, Deserialize)]
struct AttemptsItem {
    attempts: Attempts,
    version: u32,
}

/// What was asked for under one mark, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedAttempts {
    fingerprint: [u8; 16],
    /// Those of the last day.
    pub attempts: Attempts,
    version: u32,
}

/// They count for a day.
const KEPT_SECONDS: i64 = 48 * 3600;

impl SavedAttempts {
    fn of(fingerprint: [u8; 16], item: Option<Item>) -> Result<Self, StoreError> {
        let item: AttemptsItem = item.map(from_item).transpose()?.unwrap_or_default();
        Ok(Self { fingerprint, attempts: item.attempts, version: item.version })
    }

    /// What stood there instead when it was to be written over.
    pub(crate) fn newer(&self, item: Option<Item>) -> Result<Self, StoreError> {
        Self::of(self.fingerprint, item)
    }
}

impl Store {
    /// What was asked for under a mark.
    pub async fn attempts(&self, fingerprint: [u8; 16]) -> Result<SavedAttempts, StoreError> {
        SavedAttempts::of(fingerprint, self.get_item(Key::Attempts(fingerprint), true).await?)
    }

    /// One more, if nobody else wrote one meanwhile.
    pub(crate) fn add_attempt(
        &self,
        read: &SavedAttempts,
        attempt: &Attempt,
    ) -> Result<TransactWriteItem, StoreError> {
        let attempts = read.attempts.clone().with(attempt.clone());
        let item = AttemptsItem { attempts, version: read.version + 1 };
        let mut item = to_item(Key::Attempts(read.fingerprint), &item)?;
        let until = attempt.at.epoch_ms() / 1000 + KEPT_SECONDS;
        item.insert(EXPIRES_AT.into(), number(until));
        match read.version {
            0 => put(&self.table, item, "attribute_not_exists(pk)", []),
            over => put(&self.table, item, "version = :over", [(":over", number(over))]),
        }
    }
}
