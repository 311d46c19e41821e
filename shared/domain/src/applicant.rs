//! The only personal data of the hub (SEC-01), and the one form in which it is kept.

use std::{fmt, str::FromStr};

use data_encoding::BASE64URL_NOPAD;
use deserr::Deserr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Timestamp,
    invalid::{InputErrors, Invalid, deserr_from_text},
    keys::{Families, KeyRing},
    text::{free_text, one_line, phone},
};

/// A value about a person: its `Debug` shows nothing, so no log line can.
macro_rules! personal {
    ($(#[$doc:meta])* $name:ident, $parse:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schema(value_type = String)]
        pub struct $name(String);

        impl $name {
            /// The value, for those few who may see it.
            pub fn reveal(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
        impl FromStr for $name {
            type Err = Invalid;
            fn from_str(text: &str) -> Result<Self, Invalid> {
                let parse: fn(&str) -> Result<String, Invalid> = $parse;
                parse(text).map(Self)
            }
        }
        impl TryFrom<String> for $name {
            type Error = Invalid;
            fn try_from(text: String) -> Result<Self, Invalid> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.0
            }
        }
        deserr_from_text!($name);
    };
}

personal!(
    /// The applicant's name on one line, up to 100 characters.
    Name, |text| one_line(text, 100)
);
personal!(
    /// A telephone number in Japan, digits and hyphens.
    Phone, phone
);
personal!(
    /// An e-mail address: one that a mail server of today accepts, no quoted or domain-less forms.
    Email, |text| {
        const FORM: Invalid = Invalid::Format("name@example.jp");
        let text = text.trim();
        let (local, host) = text.rsplit_once('@').ok_or(FORM)?;
        let atom = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b);
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        // Some Japanese carriers handed out addresses with dots in a row or before the @.
        let valid = text.len() <= 254
            && (1..=64).contains(&local.len())
            && local.bytes().all(atom)
            && host.contains('.')
            && host.split('.').all(label);
        valid.then(|| text.to_owned()).ok_or(FORM)
    }
);
personal!(
    /// Words of a parent to the nursery, up to 1,000 characters; may hold personal data typed by hand.
    Message, |text| free_text(text, 1000)
);
personal!(
    /// Words of a nursery's staff for themselves, up to 1,000 characters; they may name the family.
    StaffMemo, |text| free_text(text, 1000)
);
personal!(
    /// The month a child was born in, `YYYY-MM`.
    BirthMonth, |text| {
        let month = (text.len() == 7).then(|| format!("{text}-01").parse::<jiff::civil::Date>());
        month.and_then(Result::ok).map(|_| text.to_owned()).ok_or(Invalid::Format("2025-04"))
    }
);

/// Who asks for a visit, as a request states it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = InputErrors, deny_unknown_fields)]
pub struct Contact {
    /// Name of the parent.
    #[schema(value_type = String, max_length = 100)]
    pub name: Name,
    /// Telephone number, for the day of the visit.
    #[schema(value_type = String, examples("090-1234-5678"))]
    pub phone: Phone,
    /// Where the mails go.
    #[schema(value_type = String, format = Email)]
    pub email: Email,
}

/// By what the hub knows that two requests are of one family: a keyed hash of the telephone number
/// or of the mail address. Only who takes requests has the key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FamilyFingerprint(pub String);

impl FamilyFingerprint {
    fn new(fingerprint: [u8; 16]) -> Self {
        Self(BASE64URL_NOPAD.encode(&fingerprint))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Contact {
    /// What a family is known by: whoever shares the telephone or the mail address is of it.
    fn known_by(&self) -> [(&'static str, String); 2] {
        let digits = self.phone.reveal().chars().filter(char::is_ascii_digit).collect();
        [("phone", digits), ("email", self.email.reveal().to_ascii_lowercase())]
    }
}

impl KeyRing<Families> {
    /// The marks of a family, to be kept.
    pub fn family(&self, contact: &Contact, now: Timestamp) -> Vec<FamilyFingerprint> {
        let fingerprint = |(kind, value): (&str, String)| {
            FamilyFingerprint::new(
                self.fingerprint(now, &[b"family", kind.as_bytes(), value.as_bytes()]),
            )
        };
        contact.known_by().into_iter().map(fingerprint).collect()
    }

    /// Every mark under which the family may have been kept, to find it by.
    pub fn every_fingerprint_of(&self, contact: &Contact) -> Vec<FamilyFingerprint> {
        let fingerprints = |(kind, value): (&str, String)| {
            self.fingerprints(&[b"family", kind.as_bytes(), value.as_bytes()])
        };
        contact.known_by().into_iter().flat_map(fingerprints).map(FamilyFingerprint::new).collect()
    }
}

/// All that the hub knows of a person, sealed as one value before it reaches the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applicant {
    /// Name, telephone and mail.
    #[serde(flatten)]
    pub contact: Contact,
    /// Words to the nursery (RSV-10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_to_facility: Option<Message>,
    /// When the child was born, where the parent says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub child_birth_month: Option<BirthMonth>,
}

/// A value that only the holder of the key can read.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::tests::ring;

    #[test]
    fn telephone_numbers_and_addresses() {
        assert_eq!(
            "０９０－１２３４－５６７８".parse::<Phone>().unwrap().reveal(),
            "090-1234-5678"
        );
        for right in ["a@example.jp", "a..b.@docomo.example", "a+b@x.y-z.example"] {
            assert!(right.parse::<Email>().is_ok(), "{right}");
        }
        for wrong in [
            "a",
            "a@b",
            "a@b..jp",
            "a b@example.jp",
            "a@example.jp\nBcc: b@example.jp",
            "あ@example.jp",
            "@example.jp",
        ] {
            assert!(wrong.parse::<Email>().is_err(), "{wrong}");
        }
        assert!("2025-13".parse::<BirthMonth>().is_err());
    }

    fn hanako() -> Contact {
        Contact {
            name: "保活 花子".parse().unwrap(),
            phone: "090-1234-5678".parse().unwrap(),
            email: "hanako@example.jp".parse().unwrap(),
        }
    }

    #[test]
    fn a_family_is_known_by_telephone_or_address_across_a_rotation() {
        let (before, now) =
            (ring::<Families>(&[(0, "a")]), "2026-12-01T10:00:00+09:00".parse().unwrap());
        let kept = before.family(&hanako(), now);
        assert!(
            kept.iter().all(|fingerprint| fingerprint.as_str().len() == 22),
            "128 bits: {kept:?}"
        );

        let rotated = ring::<Families>(&[(0, "a"), (1_700_000_000, "b")]);
        let same_phone = Contact { email: "taro@example.jp".parse().unwrap(), ..hanako() };
        let same_mail = Contact {
            phone: "03-0000-0000".parse().unwrap(),
            email: "Hanako@Example.jp".parse().unwrap(),
            ..hanako()
        };
        let neither = Contact { email: "taro@example.jp".parse().unwrap(), ..same_mail.clone() };
        let meets = |contact| {
            kept.iter()
                .any(|fingerprint| rotated.every_fingerprint_of(contact).contains(fingerprint))
        };
        assert!(meets(&same_phone) && meets(&same_mail) && !meets(&neither));
        assert!(
            rotated.family(&hanako(), now).iter().all(|fingerprint| !kept.contains(fingerprint))
        );
    }

    #[test]
    fn nothing_of_a_person_is_in_a_debug_text() {
        assert_eq!(
            format!("{:?}", hanako()),
            "Contact { name: Name(…), phone: Phone(…), email: Email(…) }"
        );
    }

    #[test]
    fn every_wrong_field_is_told_at_once_by_its_pointer() {
        let body = serde_json::json!({"name": "", "phone": 3, "email": "x", "age": 3});
        let errors = deserr::deserialize::<Contact, _, InputErrors>(body).unwrap_err();
        let mut told: Vec<_> =
            errors.0.into_iter().map(|error| (error.pointer, error.invalid)).collect();
        told.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(
            told,
            [
                ("/age".into(), Invalid::UnknownField),
                ("/email".into(), Invalid::Format("name@example.jp")),
                ("/name".into(), Invalid::Missing),
                ("/phone".into(), Invalid::WrongType("string")),
            ]
        );
    }
}
