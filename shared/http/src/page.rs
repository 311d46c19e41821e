//! Lists and where they go on.

use std::str::FromStr;

use chacha20poly1305::{
    ChaCha20Poly1305, KeyInit,
    aead::{Aead, Payload},
};
use data_encoding::BASE64URL_NOPAD;
use domain::{Invalid, Secret};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::ToSchema;

use crate::Problem;

/// A page of a list.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct List<T> {
    /// The items.
    pub items: Vec<T>,
    /// Give it back as `cursor` for the next page; `null` at the end.
    pub next_cursor: Option<String>,
}

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

/// Cursors: sealed, so that they show no keys and cannot be altered, and tied to the list they
/// belong to, so that one caller's is of no use to another.
pub mod cursor {
    use super::*;

    fn cipher(secret: &Secret) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new(&secret.derive(&[b"cursor"]).into())
    }

    /// Seals a position in a list. `list` names caller, path and filters.
    pub fn seal(
        secret: &Secret,
        list: &impl Serialize,
        position: &impl Serialize,
    ) -> Result<String, Problem> {
        let internal = |_| Problem::Internal;
        let plain = serde_json::to_vec(position).map_err(internal)?;
        let aad = serde_json::to_vec(list).map_err(internal)?;
        let nonce: [u8; 12] = rand::random();
        let sealed = cipher(secret)
            .encrypt(&nonce.into(), Payload { msg: &plain, aad: &aad })
            .map_err(|_| Problem::Internal)?;
        Ok(BASE64URL_NOPAD.encode(&[&nonce, sealed.as_slice()].concat()))
    }

    /// Opens a cursor of the same list.
    pub fn open<T: DeserializeOwned>(
        secret: &Secret,
        list: &impl Serialize,
        cursor: &str,
    ) -> Result<T, Problem> {
        let wrong = || Problem::input("/cursor", Invalid::Cursor);
        let aad = serde_json::to_vec(list).map_err(|_| Problem::Internal)?;
        let bytes = BASE64URL_NOPAD.decode(cursor.as_bytes()).map_err(|_| wrong())?;
        let (nonce, sealed) = bytes.split_first_chunk::<12>().ok_or_else(wrong)?;
        let plain = cipher(secret)
            .decrypt(&(*nonce).into(), Payload { msg: sealed, aad: &aad })
            .map_err(|_| wrong())?;
        serde_json::from_slice(&plain).map_err(|_| wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_opaque_and_belongs_to_one_list() {
        let secret = Secret::new([1; 32]).unwrap();
        let sealed = cursor::seal(&secret, &"mine", &"R-7K3M-9QXD").unwrap();
        assert!(!sealed.contains("7K3M"));
        let opened: String = cursor::open(&secret, &"mine", &sealed).unwrap();
        assert_eq!(opened, "R-7K3M-9QXD");
        assert!(cursor::open::<String>(&secret, &"another", &sealed).is_err());
        for place in 0..sealed.len() {
            let mut altered = sealed.clone().into_bytes();
            altered[place] = if altered[place] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert!(cursor::open::<String>(&secret, &"mine", &altered).is_err());
        }
    }

    #[test]
    fn a_limit_is_one_to_a_hundred() {
        assert_eq!("100".parse::<Limit>().unwrap().get(), 100);
        for wrong in ["0", "101", "-1", "x", ""] {
            assert!(wrong.parse::<Limit>().is_err(), "{wrong}");
        }
    }
}
