//! What a link or a cookie carries: what it is for, when it was made, and a signature by one of the hub's keys.

use std::{fmt, str::FromStr};

use crate::{
    Invalid, Timestamp,
    id::crockford,
    keys::{KeyId, KeyRing},
};

/// What a token says, which nobody has proved yet. It has no end of its own: whoever could forge one could forge that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token<S> {
    /// What it is for.
    pub subject: S,
    /// When it was made, to the second.
    pub issued_at: Timestamp,
    /// The key that it was signed with.
    pub key: KeyId,
    signature: String,
}

impl<S: fmt::Display> fmt::Display for Token<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, issued_at, key, signature } = self;
        write!(f, "{subject}.{}.{key}.{signature}", issued_at.epoch_ms() / 1000)
    }
}

impl<S: FromStr> FromStr for Token<S> {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let parse = || {
            let [subject, issued_at, key, signature] =
                text.split('.').collect::<Vec<_>>().try_into().ok()?;
            let issued_at = issued_at.parse::<i64>().ok()?.checked_mul(1000)?;
            Some(Self {
                subject: subject.parse().ok()?,
                issued_at: Timestamp::from_epoch_ms(issued_at)?,
                key: key.parse().ok()?,
                signature: signature.to_owned(),
            })
        };
        parse().ok_or(Invalid::Format("a token"))
    }
}

impl<S> Token<S> {
    /// Signs these parts and the time with the key that is used now.
    pub(crate) fn signed<P>(
        keys: &KeyRing<P>,
        subject: S,
        parts: &[&[u8]],
        now: Timestamp,
    ) -> Self {
        let seconds = now.epoch_ms() / 1000;
        let time = seconds.to_be_bytes();
        let (key, hash) = keys.hash(now, &[parts, &[&time]].concat());
        Self {
            subject,
            issued_at: Timestamp::from_epoch_ms(seconds * 1000).unwrap_or(now),
            key,
            signature: crockford(&hash, 32),
        }
    }

    /// Whether the hub signed these parts and the time.
    pub(crate) fn is_signed<P>(&self, keys: &KeyRing<P>, parts: &[&[u8]]) -> bool {
        let time = (self.issued_at.epoch_ms() / 1000).to_be_bytes();
        let Some(hash) = keys.hash_by(self.key, &[parts, &[&time]].concat()) else {
            return false;
        };
        let ours = crockford(&hash, 32);
        // Every byte is compared, so that the time taken tells nothing.
        ours.len() == self.signature.len()
            && ours.bytes().zip(self.signature.bytes()).fold(0, |d, (a, b)| d | (a ^ b)) == 0
    }
}
