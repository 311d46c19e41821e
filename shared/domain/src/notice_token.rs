//! The link in the mail to a new notice address of a nursery: who follows it wants the nursery's mails.

use std::{fmt, str::FromStr};

use jiff::SignedDuration;

use crate::{
    FacilityId, Invalid, Timestamp,
    applicant::Email,
    id::crockford,
    keys::{KeyRing, Notices},
    token::Token,
};

/// How long the link opens.
pub const LINK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What the link carries.
pub type NoticeToken = Token<NoticeAddress>;

/// A nursery and a keyed hash of the address: a link that leaks names nobody, and one that is forged is known without
/// the nursery's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeAddress {
    /// The nursery.
    pub facility: FacilityId,
    address: String,
}

impl fmt::Display for NoticeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.facility, self.address)
    }
}

impl FromStr for NoticeAddress {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (facility, address) = text.split_once('-').ok_or(Invalid::Format("a token"))?;
        Ok(Self { facility: facility.parse()?, address: address.to_owned() })
    }
}

impl NoticeAddress {
    fn parts(&self) -> [&[u8]; 3] {
        [b"notice", self.facility.as_str().as_bytes(), self.address.as_bytes()]
    }
}

impl KeyRing<Notices> {
    /// Makes a token for an address of a nursery.
    pub fn notice_token(
        &self,
        facility: &FacilityId,
        address: &Email,
        now: Timestamp,
    ) -> NoticeToken {
        let (_, hash) = self.hash(now, &parts(address));
        let subject = NoticeAddress { facility: facility.clone(), address: crockford(&hash, 32) };
        Token::signed(self, subject.clone(), &subject.parts(), now)
    }

    /// Whether a token is ours, and not over.
    pub fn proves_notice(&self, token: &NoticeToken, now: Timestamp) -> bool {
        now.since(token.issued_at) < LINK && token.is_signed(self, &token.subject.parts())
    }

    /// Whether a token was made for this address.
    pub fn is_meant(&self, token: &NoticeToken, address: &Email) -> bool {
        let hash = self.hash_by(token.key, &parts(address));
        hash.is_some_and(|hash| crockford(&hash, 32) == token.subject.address)
    }
}

fn parts(address: &Email) -> [&[u8]; 2] {
    [b"notice address", address.reveal().as_bytes()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::tests::ring;

    #[test]
    fn a_link_is_good_for_its_address_and_nursery_for_seven_days() {
        let keys = ring::<Notices>(&[(0, "a")]);
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let email = |text: &str| text.parse::<Email>().unwrap();
        let facility = "fac_7k3m9qxd2abc".parse().unwrap();
        let token =
            keys.notice_token(&facility, &email("n@example.jp"), at("2026-12-01T10:00:00+09:00"));
        let written = token.to_string();
        assert!(!written.contains("example"), "it names nobody");
        assert_eq!(written.parse(), Ok(token.clone()));
        let last = at("2026-12-08T09:59:59+09:00");
        assert!(keys.proves_notice(&token, last));
        assert!(!keys.proves_notice(&token, at("2026-12-08T10:00:00+09:00")));
        assert!(keys.is_meant(&token, &email("n@example.jp")));
        assert!(!keys.is_meant(&token, &email("m@example.jp")));
        let other = keys.notice_token(&facility, &email("m@example.jp"), token.issued_at);
        for forged in [
            written.replace("fac_7k3m9qxd2abc", "fac_000000000000"),
            written.replace(&token.subject.to_string(), &other.subject.to_string()),
        ] {
            assert!(!keys.proves_notice(&forged.parse().unwrap(), last), "{forged}");
        }
        let other_keys = ring::<Notices>(&[(0, "b")]);
        assert!(!other_keys.proves_notice(&token, last));
    }

    #[test]
    fn a_link_outlives_a_rotation_and_dies_with_its_key() {
        let (facility, address) =
            ("fac_7k3m9qxd2abc".parse().unwrap(), "n@example.jp".parse().unwrap());
        let now = "2026-12-01T10:00:00+09:00".parse().unwrap();
        let token = ring::<Notices>(&[(0, "a")]).notice_token(&facility, &address, now);
        let rotated = ring::<Notices>(&[(0, "a"), (1_700_000_000, "b")]);
        assert!(rotated.proves_notice(&token, now) && rotated.is_meant(&token, &address));
        let newer = rotated.notice_token(&facility, &address, now);
        assert_ne!(newer.key, token.key);
        assert!(rotated.proves_notice(&newer, now) && rotated.is_meant(&newer, &address));
        assert!(!ring::<Notices>(&[(1_700_000_000, "b")]).proves_notice(&token, now));
    }
}
