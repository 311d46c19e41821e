//! The link in the mail to a new notice address of a nursery: who follows it wants the nursery's mails.

use jiff::SignedDuration;

use crate::{
    FacilityId, Timestamp,
    applicant::Email,
    keys::{KeyRing, Notices},
    token::Token,
};

/// How long the link opens.
pub const LINK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What the link carries. The address stands only in its signature: a link that leaks names nobody.
pub type NoticeToken = Token<FacilityId>;

impl KeyRing<Notices> {
    /// Makes a token for an address of a nursery.
    pub fn notice_token(
        &self,
        facility: &FacilityId,
        address: &Email,
        now: Timestamp,
    ) -> NoticeToken {
        Token::signed(self, facility.clone(), &parts(facility, address), now)
    }

    /// Whether a token was made for this address of the nursery that it names, and is not over.
    pub fn proves_notice(&self, token: &NoticeToken, address: &Email, now: Timestamp) -> bool {
        now.since(token.issued_at) < LINK && token.is_signed(self, &parts(&token.subject, address))
    }
}

fn parts<'a>(facility: &'a FacilityId, address: &'a Email) -> [&'a [u8]; 3] {
    [b"notice", facility.as_str().as_bytes(), address.reveal().as_bytes()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::tests::ring;

    #[test]
    fn a_link_is_good_for_its_address_and_nursery_for_seven_days() {
        let keys = ring::<Notices>(&[(0, "a")]);
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (facility, address) = ("fac_7k3m9qxd2abc".parse().unwrap(), "n@example.jp".parse());
        let address: Email = address.unwrap();
        let token = keys.notice_token(&facility, &address, at("2026-12-01T10:00:00+09:00"));
        assert!(!token.to_string().contains("example"), "it names nobody");
        let last = at("2026-12-08T09:59:59+09:00");
        let proves = |token: &str, address: &Email, now| {
            token.parse().is_ok_and(|token| keys.proves_notice(&token, address, now))
        };
        let token = token.to_string();
        assert!(proves(&token, &address, last));
        assert!(!proves(&token, &address, at("2026-12-08T10:00:00+09:00")));
        assert!(!proves(&token, &"m@example.jp".parse().unwrap(), last));
        let elsewhere = token.replace("fac_7k3m9qxd2abc", "fac_000000000000");
        assert!(!proves(&elsewhere, &address, last));
        let other_keys = ring::<Notices>(&[(0, "b")]);
        assert!(!other_keys.proves_notice(&token.parse().unwrap(), &address, last));
    }
}
