//! Lists and where they go on.

use std::str::FromStr;

use chacha20poly1305::{
    ChaCha20Poly1305, KeyInit,
    aead::{Aead, Payload},
};
use data_encoding::BASE64URL_NOPAD;
use deserr::Deserr;
use domain::{
    Invalid,
    invalid::InputErrors,
    keys::{Cursors, KeyId},
};
use runtime::{Keys, Start, StartError, machine_time};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::{IntoParams, ToSchema};

use crate::{Problem, QueryParams};

/// A page of a list.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct List<T> {
    /// The items.
    pub items: Vec<T>,
    /// Give it back as `cursor` for the next page; `null` at the end.
    pub next_cursor: Option<String>,
}

/// Which page of a list that has no filters.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = InputErrors, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// 1 to 100.
    #[deserr(default, try_from(String) = Limit::try_from -> Invalid)]
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    pub limit: Limit,
    /// `next_cursor` of the page before.
    #[deserr(default)]
    pub cursor: Option<String>,
}

impl QueryParams for PageQuery {}

/// How many items a page has: 1 to 100, 20 where it is not said.
#[derive(Debug, Clone, Copy)]
pub struct Limit(usize);

impl Limit {
    /// The number of items.
    pub fn get(self) -> usize {
        self.0
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(20)
    }
}

impl FromStr for Limit {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let limit = text.parse().map_err(|_| Invalid::OutOfRange(1, 100))?;
        domain::invalid::within::<1, 100, usize>(limit).map(Self)
    }
}

impl TryFrom<String> for Limit {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

/// Seals cursors, so that they show no keys and cannot be altered, and ties each to the list it belongs to, so
/// that one caller's is of no use to another.
#[derive(Debug, Clone)]
pub struct CursorSeal(pub Keys<Cursors>);

impl<Source: Sync> Start<Source> for CursorSeal
where
    Keys<Cursors>: Start<Source>,
{
    async fn start(source: &Source) -> Result<Self, StartError> {
        Keys::start(source).await.map(Self)
    }
}

impl CursorSeal {
    /// Seals a position in a list. `list` names caller, path and filters.
    pub async fn seal(
        &self,
        list: &impl Serialize,
        position: &impl Serialize,
    ) -> Result<String, Problem> {
        let internal = |_| Problem::Internal;
        let plain = serde_json::to_vec(position).map_err(internal)?;
        let aad = serde_json::to_vec(list).map_err(internal)?;
        let (KeyId(id), key) = self.0.ring().await.hash(machine_time(), &[b"cursor"]);
        let nonce: [u8; 12] = rand::random();
        let sealed = ChaCha20Poly1305::new(&key.into())
            .encrypt(&nonce.into(), Payload { msg: &plain, aad: &aad })
            .map_err(|_| Problem::Internal)?;
        Ok(BASE64URL_NOPAD.encode(&[&id.to_be_bytes()[..], &nonce, &sealed].concat()))
    }

    /// Opens a cursor of the same list.
    pub async fn open<T: DeserializeOwned>(
        &self,
        list: &impl Serialize,
        cursor: &str,
    ) -> Result<T, Problem> {
        let wrong = || Problem::input("/cursor", Invalid::Cursor);
        let aad = serde_json::to_vec(list).map_err(|_| Problem::Internal)?;
        let bytes = BASE64URL_NOPAD.decode(cursor.as_bytes()).map_err(|_| wrong())?;
        let (id, rest) = bytes.split_first_chunk::<4>().ok_or_else(wrong)?;
        let (nonce, sealed) = rest.split_first_chunk::<12>().ok_or_else(wrong)?;
        let id = KeyId(u32::from_be_bytes(*id));
        let key = self.0.ring_with(id).await.hash_by(id, &[b"cursor"]).ok_or_else(wrong)?;
        let plain = ChaCha20Poly1305::new(&key.into())
            .decrypt(&(*nonce).into(), Payload { msg: sealed, aad: &aad })
            .map_err(|_| wrong())?;
        serde_json::from_slice(&plain).map_err(|_| wrong())
    }

    /// Opens a cursor, if the caller sent one.
    pub async fn open_some<T: DeserializeOwned>(
        &self,
        list: &impl Serialize,
        cursor: Option<String>,
    ) -> Result<Option<T>, Problem> {
        match cursor {
            Some(cursor) => self.open(list, &cursor).await.map(Some),
            None => Ok(None),
        }
    }

    /// Seals a position, if the list goes on.
    pub async fn seal_some(
        &self,
        list: &impl Serialize,
        position: Option<impl Serialize>,
    ) -> Result<Option<String>, Problem> {
        match position {
            Some(position) => self.seal(list, &position).await.map(Some),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_one_to_a_hundred() {
        assert_eq!("100".parse::<Limit>().unwrap().get(), 100);
        for wrong in ["0", "101", "-1", "x", ""] {
            assert!(wrong.parse::<Limit>().is_err(), "{wrong}");
        }
    }
}
