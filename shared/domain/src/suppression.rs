//! Whom the hub writes to no longer. An address is known here by its mark alone.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::{Instant, Secret, applicant::Email};

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
    pub fn until(self, since: Instant) -> Option<Instant> {
        match self {
            Self::Bounce => Some(since + SignedDuration::from_hours(366 * 24)),
            Self::Complaint => None,
        }
    }
}

impl Secret {
    /// The mark of an address: the same for the same mailbox, and no way back to it without the
    /// hub's secret.
    pub fn address_mark(&self, address: &Email) -> [u8; 16] {
        let address = address.reveal().to_ascii_lowercase();
        let digest = self.derive(&[b"address", address.as_bytes()]);
        let mut mark = [0; 16];
        mark.copy_from_slice(&digest[..16]);
        mark
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_mark_however_it_is_written_and_another_under_another_secret() {
        let secret = |byte: u8| Secret::new([byte; 32]).unwrap();
        let mark = |byte: u8, address: &str| secret(byte).address_mark(&address.parse().unwrap());
        assert_eq!(mark(1, "Hanako@Example.jp"), mark(1, "hanako@example.jp"));
        assert_ne!(mark(1, "hanako@example.jp"), mark(1, "taro@example.jp"));
        assert_ne!(mark(1, "hanako@example.jp"), mark(2, "hanako@example.jp"));
    }
}
