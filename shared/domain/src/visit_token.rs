//! What lets its holder act for the parent of a reservation: the link in a mail, and the session that it opens.

use std::{fmt, str::FromStr};

use jiff::SignedDuration;

use crate::{
    Instant, Invalid, ReservationNumber,
    id::crockford,
    keys::{KeyId, KeyRing, Links},
};

/// How long a session lasts.
pub const SESSION: SignedDuration = SignedDuration::from_mins(30);

/// How far the clocks of two machines may differ.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(1);

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// The link in a mail. The reservation itself says until when it opens: [`Reservation::link_ends_at`](crate::Reservation::link_ends_at).
    Link,
    /// The cookie of a session.
    Session,
}

impl TokenKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Session => "session",
        }
    }
}

/// What a token says, which nobody has proved yet. It has no end of its own: whoever could forge one could forge that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisitToken {
    /// The reservation.
    pub number: ReservationNumber,
    /// When it was made, to the second.
    pub issued_at: Instant,
    /// The key that it was signed with.
    pub key: KeyId,
    signature: String,
}

impl fmt::Display for VisitToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, issued_at, key, signature } = self;
        write!(f, "{number}.{}.{key}.{signature}", issued_at.epoch_ms() / 1000)
    }
}

impl FromStr for VisitToken {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let parse = || {
            let [number, issued_at, key, signature] =
                text.split('.').collect::<Vec<_>>().try_into().ok()?;
            let issued_at = issued_at.parse::<i64>().ok()?.checked_mul(1000)?;
            Some(Self {
                number: number.parse().ok()?,
                issued_at: Instant::from_epoch_ms(issued_at)?,
                key: key.parse().ok()?,
                signature: signature.to_owned(),
            })
        };
        parse().ok_or(Invalid::Format("a token"))
    }
}

impl KeyRing<Links> {
    /// Makes a token.
    pub fn token(&self, kind: TokenKind, number: &ReservationNumber, now: Instant) -> VisitToken {
        let seconds = now.epoch_ms() / 1000;
        let (key, hash) = self.hash(now, &signed(kind, number, &seconds.to_be_bytes()));
        VisitToken {
            number: number.clone(),
            issued_at: Instant::from_epoch_ms(seconds * 1000).unwrap_or(now),
            key,
            signature: crockford(&hash, 32),
        }
    }

    /// Whether a token is ours, and a session not over.
    pub fn proves(&self, kind: TokenKind, token: &VisitToken, now: Instant) -> bool {
        let seconds = (token.issued_at.epoch_ms() / 1000).to_be_bytes();
        let Some(hash) = self.hash_by(token.key, &signed(kind, &token.number, &seconds)) else {
            return false;
        };
        let ours = crockford(&hash, 32);
        // Every byte is compared, so that the time taken tells nothing.
        let same = ours.len() == token.signature.len()
            && ours.bytes().zip(token.signature.bytes()).fold(0, |d, (a, b)| d | (a ^ b)) == 0;
        let age = now.since(token.issued_at);
        same && (kind == TokenKind::Link || (-CLOCKS_DIFFER <= age && age < SESSION))
    }
}

fn signed<'a>(
    kind: TokenKind,
    number: &'a ReservationNumber,
    issued_at: &'a [u8],
) -> [&'a [u8]; 4] {
    [b"visit", kind.as_str().as_bytes(), number.as_str().as_bytes(), issued_at]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::tests::ring;

    const NUMBER: &str = "R-7K3M-9QXD";

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    fn proves(ring: &KeyRing<Links>, kind: TokenKind, token: &str, now: Instant) -> bool {
        token.parse().is_ok_and(|token| ring.proves(kind, &token, now))
    }

    #[test]
    fn a_token_is_good_for_its_kind_and_reservation_alone() {
        let (keys, now) = (ring::<Links>(&[(0, "a")]), at("2026-12-01T10:00:00+09:00"));
        let token = keys.token(TokenKind::Link, &NUMBER.parse().unwrap(), now).to_string();
        assert!(proves(&keys, TokenKind::Link, &token, now));
        assert!(!proves(&keys, TokenKind::Session, &token, now));
        assert!(!proves(&ring(&[(0, "b")]), TokenKind::Link, &token, now));
        for altered in [
            token.replace("7K3M", "7K3N"),
            token.replace(".0.", ".1."),
            token.replace('.', ""),
            format!("{token}0"),
            token.to_lowercase(),
        ] {
            assert!(!proves(&keys, TokenKind::Link, &altered, now), "{altered}");
        }
    }

    #[test]
    fn no_session_lasts_longer_than_half_an_hour_whatever_its_token_says() {
        let keys = ring::<Links>(&[(0, "a")]);
        let made_at = |time: &str| {
            keys.token(TokenKind::Session, &NUMBER.parse().unwrap(), at(time)).to_string()
        };
        let now = at("2026-12-01T10:30:00+09:00");
        for (issued_at, good) in [
            ("2026-12-01T10:30:00+09:00", true),
            ("2026-12-01T10:00:01+09:00", true),
            ("2026-12-01T10:00:00+09:00", false),
            // Clocks differ; but whoever has the key makes no session for later.
            ("2026-12-01T10:31:00+09:00", true),
            ("2026-12-01T10:31:01+09:00", false),
            ("2099-12-31T00:00:00+09:00", false),
        ] {
            let token = made_at(issued_at);
            assert_eq!(proves(&keys, TokenKind::Session, &token, now), good, "{issued_at}");
        }
    }

    #[test]
    fn a_link_outlives_a_rotation_and_dies_with_its_key() {
        let (before, now) = (ring::<Links>(&[(0, "a")]), at("2026-12-01T10:00:00+09:00"));
        let token = before.token(TokenKind::Link, &NUMBER.parse().unwrap(), now).to_string();
        let rotated = ring::<Links>(&[(0, "a"), (1_700_000_000, "b")]);
        assert!(proves(&rotated, TokenKind::Link, &token, now));
        assert_ne!(
            rotated.token(TokenKind::Link, &NUMBER.parse().unwrap(), now).key,
            token.parse::<VisitToken>().unwrap().key
        );
        let removed = ring::<Links>(&[(1_700_000_000, "b")]);
        assert!(!proves(&removed, TokenKind::Link, &token, now));
    }
}
