//! The hub's own keys, one for each purpose, each a type of its own: a function that was not given a key cannot
//! make, or read, what is made with it.
//!
//! A ring is a map of the time from which a key is used, in seconds since 1970, to the key. That time is also the
//! key's name. A new key is added before it is used, so that all know it by then; those before it are still
//! accepted.

use std::{collections::BTreeMap, fmt, marker::PhantomData, str::FromStr};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{Invalid, Timestamp};

/// The name of a key: the second since 1970 from which it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyId(pub u32);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for KeyId {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        text.parse().map(Self).map_err(|_| Invalid::Format("0"))
    }
}

/// What a key is for.
pub trait Purpose: fmt::Debug + Clone + Copy + Send + Sync + 'static {
    /// The variable of the environment that says where the keys are.
    const VARIABLE: &'static str;
}

macro_rules! purposes {
    ($($(#[$doc:meta])* $name:ident = $variable:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name;
        impl Purpose for $name {
            const VARIABLE: &'static str = $variable;
        }
    )*};
}

purposes! {
    /// Signs what lets a parent act: the links in mails, and sessions.
    Links = "LINK_KEYS";
    /// Signs the links in mails to new notice addresses of nurseries.
    Notices = "NOTICE_KEYS";
    /// Hashes by what a family is known, and what it typed.
    Families = "FAMILY_KEYS";
    /// Seals cursors of lists.
    Cursors = "CURSOR_KEYS";
    /// Hashes the mail addresses that are written to no longer.
    Addresses = "ADDRESS_KEYS";
}

/// Why keys cannot be read. It quotes nothing of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the keys are not a JSON object of times to keys of 32 characters or more")]
pub struct NoKeys;

/// A keyed hash function.
#[derive(Clone)]
pub(crate) struct Key(Vec<u8>);

impl Key {
    /// HMAC-SHA-256 over the parts, each preceded by its length so that no two lists agree.
    pub(crate) fn hash(&self, parts: &[&[u8]]) -> [u8; 32] {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("any length");
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// Half of that: enough to find something by, and half as long.
    pub(crate) fn fingerprint(&self, parts: &[&[u8]]) -> [u8; 16] {
        let mut fingerprint = [0; 16];
        fingerprint.copy_from_slice(&self.hash(parts)[..16]);
        fingerprint
    }
}

fn read(json: &str) -> Result<BTreeMap<KeyId, Key>, NoKeys> {
    let texts: BTreeMap<String, String> = serde_json::from_str(json).map_err(|_| NoKeys)?;
    let keys = texts.into_iter().map(|(id, key)| {
        let key = Some(key.into_bytes()).filter(|key| key.len() >= 32).ok_or(NoKeys)?;
        Ok((id.parse().map_err(|_| NoKeys)?, Key(key)))
    });
    let keys: BTreeMap<_, _> = keys.collect::<Result<_, NoKeys>>()?;
    if keys.is_empty() { Err(NoKeys) } else { Ok(keys) }
}

/// The keys of one purpose. Its `Debug` shows their names alone.
#[derive(Clone)]
pub struct KeyRing<P> {
    keys: BTreeMap<KeyId, Key>,
    purpose: PhantomData<P>,
}

impl<P> fmt::Debug for KeyRing<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyRing").field(&self.keys.keys()).finish()
    }
}

impl<P: Purpose> FromStr for KeyRing<P> {
    type Err = NoKeys;
    fn from_str(json: &str) -> Result<Self, NoKeys> {
        Ok(Self { keys: read(json)?, purpose: PhantomData })
    }
}

impl<P> KeyRing<P> {
    /// The key that is used now: the newest whose time has come.
    fn current(&self, now: Timestamp) -> (KeyId, &Key) {
        let has_come = |id: &KeyId| i64::from(id.0) * 1000 <= now.epoch_ms();
        let newest = self.keys.iter().rev().find(|(id, _)| has_come(id));
        let (id, key) = newest
            .or_else(|| self.keys.first_key_value())
            .unwrap_or_else(|| unreachable!("no ring is empty"));
        (*id, key)
    }

    /// Whether it has the key of this name.
    pub fn knows(&self, id: KeyId) -> bool {
        self.keys.contains_key(&id)
    }

    /// A keyed hash by the key that is used now, and that key's name.
    pub fn hash(&self, now: Timestamp, parts: &[&[u8]]) -> (KeyId, [u8; 32]) {
        let (id, key) = self.current(now);
        (id, key.hash(parts))
    }

    /// The same by the key of this name, if the ring has it.
    pub fn hash_by(&self, id: KeyId, parts: &[&[u8]]) -> Option<[u8; 32]> {
        Some(self.keys.get(&id)?.hash(parts))
    }

    /// A mark by the key that is used now: to be kept.
    pub fn fingerprint(&self, now: Timestamp, parts: &[&[u8]]) -> [u8; 16] {
        self.current(now).1.fingerprint(parts)
    }

    /// The marks by every key: to find what was kept under any of them.
    pub fn fingerprints(&self, parts: &[&[u8]]) -> Vec<[u8; 16]> {
        self.keys.values().map(|key| key.fingerprint(parts)).collect()
    }
}

/// What numbers, ids and the marks of idempotency keys are derived from. It is one key for ever: a repeated
/// request is known by what is derived from it, and whoever has it can foretell the number of a reservation whose
/// client and idempotency key they know, which opens nothing.
#[derive(Clone)]
pub struct IdKey(pub(crate) Key);

impl IdKey {
    /// The variable of the environment that says where it is.
    pub const VARIABLE: &'static str = "ID_KEY";

    /// A keyed hash of what a request is known by.
    pub fn fingerprint(&self, parts: &[&[u8]]) -> [u8; 16] {
        self.0.fingerprint(parts)
    }
}

impl FromStr for IdKey {
    type Err = NoKeys;
    fn from_str(json: &str) -> Result<Self, NoKeys> {
        read(json)?.into_values().next().map(Self).ok_or(NoKeys)
    }
}

impl fmt::Debug for IdKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdKey")
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A ring of keys, each of one letter repeated.
    pub(crate) fn ring<P: Purpose>(keys: &[(u32, &str)]) -> KeyRing<P> {
        let keys: BTreeMap<String, String> =
            keys.iter().map(|(id, letter)| (id.to_string(), letter.repeat(64))).collect();
        serde_json::to_string(&keys).unwrap().parse().unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_epoch_ms(seconds * 1000).unwrap()
    }

    #[test]
    fn a_key_is_used_from_its_time_on_and_accepted_before_and_after() {
        let before = ring::<Cursors>(&[(0, "a")]);
        let rotated = ring::<Cursors>(&[(0, "a"), (2_000_000_000, "b")]);
        let text: &[&[u8]] = &[b"text"];
        let old = before.hash(at(1_999_999_999), text);
        assert_eq!(rotated.hash(at(1_999_999_999), text), old);
        let (id, new) = rotated.hash(at(2_000_000_000), text);
        assert_eq!(id, KeyId(2_000_000_000));
        assert_ne!(new, old.1);
        assert_eq!(rotated.hash_by(old.0, text), Some(old.1));
        assert_eq!(before.hash_by(id, text), None);
        assert!(rotated.fingerprints(text).contains(&before.fingerprint(at(0), text)));
    }

    #[test]
    fn nothing_else_is_a_ring_and_an_error_quotes_no_key() {
        let key = "k".repeat(64);
        for wrong in [
            "".into(),
            "{}".into(),
            format!("[\"{key}\"]"),
            format!("{{\"first\": \"{key}\"}}"),
            format!("{{\"-1\": \"{key}\"}}"),
            format!("{{\"0\": \"{}\"}}", &key[..31]),
        ] {
            let error = wrong.parse::<KeyRing<Links>>().unwrap_err();
            assert!(!error.to_string().contains("kkk"), "{wrong}");
            assert!(wrong.parse::<IdKey>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_debug_text_shows_no_key() {
        let shown = format!("{:?}", ring::<Links>(&[(0, "a"), (7, "b")]));
        assert_eq!(shown, "KeyRing([KeyId(0), KeyId(7)])");
    }
}
