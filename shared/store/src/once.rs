//! Requests that create something, made once however often they are sent.
//!
//! The first answer is written in the transaction that creates, so there is one exactly where there is something to
//! answer with, and a request that failed has left nothing.

use domain::Timestamp;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::{
    Store, StoreError,
    item::{Item, from_item, to_item},
    keys::Key,
    transaction::Refusals,
    write::{Found, Write},
};

/// For how long a first answer is kept, in seconds: two days.
const KEPT_FOR: i64 = 48 * 3600;

/// By what a repeated request is known. Keyed hashes, so they tell nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// Of caller, route and idempotency key.
    pub key: [u8; 16],
    /// Of the body.
    pub body: [u8; 16],
}

/// What an earlier request under the same key left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Earlier {
    /// It was the same request: its answer, as it was.
    Answer(String),
    /// It had another body.
    OtherBody,
}

#[derive(Serialize, Deserialize)]
struct OnceItem {
    #[serde(rename = "body_mark")]
    body_fingerprint: ByteBuf,
    answer: String,
    expires_at: i64,
}

impl Once {
    fn earlier(&self, item: Item) -> Result<Earlier, StoreError> {
        let item: OnceItem = from_item(item)?;
        let same = item.body_fingerprint.as_slice() == self.body;
        Ok(if same { Earlier::Answer(item.answer) } else { Earlier::OtherBody })
    }

    /// The earlier request that stood in the way of a transaction, if one did.
    pub(crate) fn met(&self, refusals: &Refusals) -> Result<Option<Earlier>, StoreError> {
        let found = refusals.of(&Key::Once(self.key)).and_then(Found::item);
        found.map(|item| self.earlier(item)).transpose()
    }
}

impl Store {
    /// What an earlier request under this key left, if there was one and it succeeded.
    pub async fn earlier(&self, once: &Once) -> Result<Option<Earlier>, StoreError> {
        let item = self.get_item(Key::Once(once.key), true).await?;
        item.map(|item| once.earlier(item)).transpose()
    }

    /// The first answer, to be written with what it tells of.
    pub(crate) fn answered(
        &self,
        once: &Once,
        answer: String,
        now: Timestamp,
    ) -> Result<Write, StoreError> {
        let item = OnceItem {
            body_fingerprint: ByteBuf::from(once.body),
            answer,
            expires_at: now.epoch_ms() / 1000 + KEPT_FOR,
        };
        Ok(Write::create(Key::Once(once.key), to_item(&item)?))
    }
}
