//! Whom the hub writes to no longer. An address is known here by its mark alone.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::{
    Timestamp,
    applicant::Email,
    keys::{Addresses, KeyRing},
};

/// Why nothing is sent to an address any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Suppression {
    /// No mailbox took a mail to it, for good.
    Bounce,
    /// Somebody called a mail to it spam.
    Complaint,
}

impl Suppression {
    /// Until when. A mailbox may come back, so a bounce is forgotten after a year; whoever complained
    /// is not written to again.
    pub fn until(self, since: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Bounce => Some(since + SignedDuration::from_hours(366 * 24)),
            Self::Complaint => None,
        }
    }
}

impl KeyRing<Addresses> {
    /// The mark of an address, to be kept: the same for the same mailbox, and no way back to it without
    /// the key.
    pub fn address_fingerprint(&self, address: &Email, now: Timestamp) -> [u8; 16] {
        self.fingerprint(now, &[b"address", address.reveal().to_ascii_lowercase().as_bytes()])
    }

    /// Every mark under which the address may have been kept, to find it by.
    pub fn every_fingerprint_of(&self, address: &Email) -> Vec<[u8; 16]> {
        self.fingerprints(&[b"address", address.reveal().to_ascii_lowercase().as_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::tests::ring;

    #[test]
    fn an_address_has_one_mark_however_it_is_written_and_is_found_after_a_rotation() {
        let now = "2026-12-01T10:00:00+09:00".parse().unwrap();
        let before = ring::<Addresses>(&[(0, "a")]);
        let rotated = ring::<Addresses>(&[(0, "a"), (1_700_000_000, "b")]);
        let address = |text: &str| text.parse::<Email>().unwrap();
        let fingerprint = before.address_fingerprint(&address("Hanako@Example.jp"), now);
        assert_eq!(fingerprint, before.address_fingerprint(&address("hanako@example.jp"), now));
        assert_ne!(fingerprint, before.address_fingerprint(&address("taro@example.jp"), now));
        assert_ne!(fingerprint, rotated.address_fingerprint(&address("hanako@example.jp"), now));
        assert!(rotated.every_fingerprint_of(&address("hanako@example.jp")).contains(&fingerprint));
    }
}
