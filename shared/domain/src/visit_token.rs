//! What lets its holder act for the parent of a reservation: the link in a mail, and the session that it opens.

use jiff::SignedDuration;

use crate::{
    ReservationNumber, Timestamp,
    keys::{KeyRing, Links},
    token::Token,
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

/// What lets its holder act for the parent of a reservation.
pub type VisitToken = Token<ReservationNumber>;

impl KeyRing<Links> {
    /// Makes a token.
    pub fn token(&self, kind: TokenKind, number: &ReservationNumber, now: Timestamp) -> VisitToken {
        Token::signed(self, number.clone(), &parts(kind, number), now)
    }

    /// Whether a token is ours, and a session not over.
    pub fn proves(&self, kind: TokenKind, token: &VisitToken, now: Timestamp) -> bool {
        let age = now.since(token.issued_at);
        token.is_signed(self, &parts(kind, &token.subject))
            && (kind == TokenKind::Link || (-CLOCKS_DIFFER <= age && age < SESSION))
    }
}

fn parts(kind: TokenKind, number: &ReservationNumber) -> [&[u8]; 3] {
    [b"visit", kind.as_str().as_bytes(), number.as_str().as_bytes()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::tests::ring;

    const NUMBER: &str = "R-7K3M-9QXD";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn proves(ring: &KeyRing<Links>, kind: TokenKind, token: &str, now: Timestamp) -> bool {
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
