//! What was asked for on the portal, by keyed hashes of where from and for whom: kept for two days, and written in
//! the transaction that makes the request, so that no number of calls at once passes a limit.

use domain::attempt::{Attempt, Attempts};
use serde::{Deserialize, Serialize};

use crate::{
    Store, StoreError,
    condition::Condition,
    item::{Item, from_item, number, to_item},
    keys::Key,
    write::{Found, Write},
};

#[derive(Default, Serialize, Deserialize)]
struct AttemptsItem {
    attempts: Attempts,
    version: u32,
    /// As DynamoDB removes items by it: `schema::EXPIRES_AT`.
    expires_at: i64,
}

/// What was asked for under one mark, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedAttempts {
    fingerprint: [u8; 16],
    /// Those of the last day.
    pub attempts: Attempts,
    version: u32,
    expires_at: i64,
}

/// They count for a day.
const KEPT_SECONDS: i64 = 48 * 3600;

impl SavedAttempts {
    fn of(fingerprint: [u8; 16], item: Option<Item>) -> Result<Self, StoreError> {
        let item: AttemptsItem = item.map(from_item).transpose()?.unwrap_or_default();
        let AttemptsItem { attempts, version, expires_at } = item;
        Ok(Self { fingerprint, attempts, version, expires_at })
    }

    /// What stood there instead when it was to be written over.
    pub(crate) fn newer(&self, found: Found) -> Result<Self, StoreError> {
        Self::of(self.fingerprint, found.item())
    }

    pub(crate) fn key(&self) -> Key {
        Key::Attempts(self.fingerprint)
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
    ) -> Result<Write, StoreError> {
        let expires_at = attempt.at.epoch_ms() / 1000 + KEPT_SECONDS;
        let key = Key::Attempts(read.fingerprint);
        let attempts = read.attempts.clone().with(attempt.clone());
        let next = AttemptsItem { attempts, version: read.version + 1, expires_at };
        if read.version == 0 {
            return Ok(Write::create(key, to_item(&next)?));
        }
        let (attempts, version) = (read.attempts.clone(), read.version);
        let before = AttemptsItem { attempts, version, expires_at: read.expires_at };
        let unchanged = Condition::Is("version".into(), number(version));
        Ok(Write::change(key, &to_item(&before)?, &to_item(&next)?, unchanged))
    }
}
