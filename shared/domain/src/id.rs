//! The names by which the hub and its callers mean the same thing.

use std::{fmt, str::FromStr, sync::LazyLock};

use data_encoding::{Encoding, Specification};
use serde::{Deserialize, Serialize};

use crate::{
    Invalid, MunicipalityCode, Timestamp, calendar::FiscalYear, keys::IdKey, text::text_conversions,
};

/// Crockford's base 32: no letter that could be read as another one over the telephone.
static CROCKFORD: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("0123456789ABCDEFGHJKMNPQRSTVWXYZ");
    #[expect(clippy::expect_used, reason = "the alphabet is a constant; every test passes here")]
    specification.encoding().expect("32 distinct symbols")
});

/// A type around a string that only its parser makes.
macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, example: $example:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[derive(utoipa::ToSchema)]
        #[schema(value_type = String, examples($example))]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The id as it is written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl FromStr for $name {
            type Err = Invalid;
            fn from_str(text: &str) -> Result<Self, Invalid> {
                let valid: fn(&str) -> Option<String> = $valid;
                valid(text).map(Self).ok_or(Invalid::Format($example))
            }
        }
        text_conversions!($name);
    };
}

text_type!(
    /// A nursery.
    FacilityId, example: "fac_7k3m9qxd2abc", |text| prefixed(text, "fac_", 12)
);
text_type!(
    /// A bookable time of a nursery. Ids of one facility sort by the time the slot starts.
    SlotId, example: "slt_0wx4n07k3m9qxd", |text| prefixed(text, "slt_", 14)
);
text_type!(
    /// The number of a slot that people use (SLOT-04).
    SlotNumber, example: "TS-00002790", |text| {
        let digits = text.strip_prefix("TS-")?;
        (digits.len() >= 8 && digits.bytes().all(|b| b.is_ascii_digit())).then(|| text.into())
    }
);
text_type!(
    /// What a nursery asks its municipality to change of its data.
    ChangeRequestId, example: "chg_7k3m9qxd2abc", |text| prefixed(text, "chg_", 12)
);
text_type!(
    /// The number of a change request that people use (FAC-03).
    ChangeRequestNumber, example: "ACR-0000000002", |text| {
        let digits = text.strip_prefix("ACR-")?;
        (digits.len() >= 10 && digits.bytes().all(|b| b.is_ascii_digit())).then(|| text.into())
    }
);
text_type!(
    /// The number of a reservation, given out in place of personal data (RSV-07). 40 bits that
    /// cannot be guessed, readable over the telephone.
    ReservationNumber, example: "R-7K3M-9QXD", |text| {
        let text = text.to_ascii_uppercase();
        let (first, second) = text.strip_prefix("R-")?.split_once('-')?;
        let valid = [first, second].iter().all(|part| part.len() == 4 && part.bytes().all(is_crockford));
        valid.then_some(text)
    }
);
text_type!(
    /// A client of the API: a search site or an ICT system, as the token issuer names it.
    ClientId, example: "1example23456789", |text| {
        let valid = (1..=128).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        valid.then(|| text.into())
    }
);
text_type!(
    /// A receiver of webhooks.
    WebhookEndpointId, example: "whe_7k3m9qxd2abc", |text| prefixed(text, "whe_", 12)
);
text_type!(
    /// A file that is imported.
    ImportId, example: "imp_7k3m9qxd2abc", |text| prefixed(text, "imp_", 12)
);
text_type!(
    /// A procedure of a municipality in one fiscal year.
    ProcedureId, example: "prc_7k3m9qxd2abc", |text| prefixed(text, "prc_", 12)
);
text_type!(
    /// An event; the same for every delivery of it.
    EventId, example: "evt_R7K3M9QXD_2", |text| {
        let rest = text.strip_prefix("evt_")?;
        let valid = !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        valid.then(|| text.into())
    }
);

text_type!(
    /// What caused a change: the gateway's id of the request, or the name and time of a scheduled
    /// run. Everything that follows from it is logged under the same id.
    CorrelationId, example: "JKJaXmPLvHcESHA=", |text| {
        let valid = (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        valid.then(|| text.into())
    }
);

impl CorrelationId {
    /// The run of a job that was scheduled for this time; the same for every repetition of it.
    pub fn of_run(job: &str, scheduled_at: Timestamp) -> Self {
        Self(format!("{job}@{scheduled_at}"))
    }
}

impl SlotNumber {
    /// The number after the given count of slots, padded to eight digits.
    pub fn nth(count: u64) -> Self {
        Self(format!("TS-{count:08}"))
    }
}

impl ChangeRequestNumber {
    /// The number after the given count of change requests, padded to ten digits.
    pub fn nth(count: u64) -> Self {
        Self(format!("ACR-{count:010}"))
    }

    /// How many change requests there were with it; none if it is larger than any hub's.
    pub fn count(&self) -> Option<u64> {
        self.0.strip_prefix("ACR-")?.parse().ok()
    }
}

impl ChangeRequestId {
    /// The id of what an import proposes to change of a facility, so that the same import proposes it once.
    pub fn of_import(import: &str, facility: &FacilityId) -> Self {
        use sha2::{Digest, Sha256};
        let digest = Sha256::digest(format!("import\n{import}\n{facility}"));
        Self(format!("chg_{}", crockford(&digest, 12).to_ascii_lowercase()))
    }
}

impl EventId {
    /// The id of the change of a thing, such as a reservation, that has this sequence number.
    pub fn of(thing: &impl std::fmt::Display, sequence: u64) -> Self {
        Self(format!("evt_{}_{sequence}", thing.to_string().replace('-', "")))
    }
}

impl FacilityId {
    /// The id of a facility that enters the hub: from its office number, or while it has none, from
    /// its municipality and name, so that the same list imported twice makes the same ids.
    pub fn derive(office_number: Option<&str>, code: &MunicipalityCode, name: &str) -> Self {
        use sha2::{Digest, Sha256};
        let key = match office_number {
            Some(number) => format!("office\n{number}"),
            None => format!("name\n{code}\n{}", crate::text::identity(name)),
        };
        Self(format!("fac_{}", crockford(&Sha256::digest(key), 12).to_ascii_lowercase()))
    }
}

impl ProcedureId {
    /// The id of a procedure, of what there is one alone: its name in a municipality and fiscal year.
    pub fn derive(code: MunicipalityCode, year: FiscalYear, name: &str) -> Self {
        use sha2::{Digest, Sha256};
        let key = format!("procedure\n{code}\n{year}\n{}", crate::text::identity(name));
        Self(format!("prc_{}", crockford(&Sha256::digest(key), 12).to_ascii_lowercase()))
    }
}

impl IdKey {
    /// The number of the reservation that a client asks for under an idempotency key.
    ///
    /// `attempt` is 0, and counts up when the number turns out to belong to another request: with
    /// ten million reservations a year that happens some dozens of times.
    pub fn reservation_number(&self, client: &str, key: &str, attempt: u8) -> ReservationNumber {
        let digest = self.0.hash(&[b"reservation", client.as_bytes(), key.as_bytes(), &[attempt]]);
        let text = crockford(&digest, 8);
        ReservationNumber(format!("R-{}-{}", &text[..4], &text[4..]))
    }

    /// The id of the slot that a caller opens for a facility under an idempotency key.
    pub fn slot_id(
        &self,
        facility: &FacilityId,
        caller: &str,
        key: &str,
        starts_at: Timestamp,
    ) -> SlotId {
        let minutes = starts_at.epoch_ms().div_euclid(60_000).clamp(0, (1 << 30) - 1) as u64;
        // Six base-32 digits of the minute of the start, so that ids sort by time until 4011.
        let time = crockford(&(minutes << 34).to_be_bytes(), 6);
        let digest = self.0.hash(&[
            b"slot",
            facility.as_str().as_bytes(),
            caller.as_bytes(),
            key.as_bytes(),
            &starts_at.epoch_ms().to_be_bytes(),
        ]);
        SlotId(format!("slt_{time}{}", crockford(&digest, 8)).to_ascii_lowercase())
    }

    /// The id of the import that somebody requests under an idempotency key.
    pub fn import_id(&self, caller: &str, key: &str) -> ImportId {
        let digest = self.0.hash(&[b"import", caller.as_bytes(), key.as_bytes()]);
        ImportId(format!("imp_{}", crockford(&digest, 12).to_ascii_lowercase()))
    }

    /// The id of the change request that is made under an idempotency key.
    pub fn change_request_id(&self, key: &str) -> ChangeRequestId {
        let digest = self.0.hash(&[b"change-request", key.as_bytes()]);
        ChangeRequestId(format!("chg_{}", crockford(&digest, 12).to_ascii_lowercase()))
    }

    /// The id of the webhook endpoint that a client creates under an idempotency key.
    pub fn webhook_endpoint_id(&self, client: &ClientId, key: &str) -> WebhookEndpointId {
        let digest = self.0.hash(&[b"webhook-endpoint", client.0.as_bytes(), key.as_bytes()]);
        WebhookEndpointId(format!("whe_{}", crockford(&digest, 12).to_ascii_lowercase()))
    }
}

impl SlotId {
    /// When the slot starts, to the minute: the id says it.
    pub fn starts_at(&self) -> Option<Timestamp> {
        let time = self.0.strip_prefix("slt_")?.get(..6)?.to_ascii_uppercase();
        // Six digits are 30 bits; two more make whole bytes.
        let bytes = CROCKFORD.decode(format!("{time}00").as_bytes()).ok()?;
        let bits = bytes.iter().fold(0_i64, |bits, byte| bits << 8 | i64::from(*byte));
        Timestamp::from_epoch_ms((bits >> 10) * 60_000)
    }

    /// Ids of slots that start at or after this instant are greater or equal.
    pub fn first_at(instant: Timestamp) -> String {
        let minutes = instant.epoch_ms().div_euclid(60_000).clamp(0, (1 << 30) - 1) as u64;
        format!("slt_{}", crockford(&(minutes << 34).to_be_bytes(), 6).to_ascii_lowercase())
    }
}

pub(crate) fn crockford(bytes: &[u8], digits: usize) -> String {
    let mut text = CROCKFORD.encode(&bytes[..(digits * 5).div_ceil(8)]);
    text.truncate(digits);
    text
}

fn is_crockford(byte: u8) -> bool {
    byte.is_ascii_digit() || (byte.is_ascii_uppercase() && !b"ILOU".contains(&byte))
}

fn prefixed(text: &str, prefix: &str, length: usize) -> Option<String> {
    let rest = text.strip_prefix(prefix)?;
    let valid = rest.len() == length
        && rest.bytes().all(|b| !b.is_ascii_uppercase() && is_crockford(b.to_ascii_uppercase()));
    valid.then(|| text.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id_key() -> IdKey {
        format!("{{\"0\": \"{}\"}}", "k".repeat(64)).parse().unwrap()
    }

    fn facility() -> FacilityId {
        "fac_7k3m9qxd2abc".parse().unwrap()
    }

    #[test]
    fn a_reservation_number_is_read_in_any_case_and_refuses_ambiguous_letters() {
        let number: ReservationNumber = "r-7k3m-9qxd".parse().unwrap();
        assert_eq!(number.as_str(), "R-7K3M-9QXD");
        for wrong in ["R-7K3M9QXD", "R-7K3M-9QXO", "R-7K3M-9QX", "", "R-7K3M-9QXD-", "R-あ-9QXD"] {
            assert!(wrong.parse::<ReservationNumber>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn derived_ids_are_valid_and_repeatable(client in "[a-z0-9]{1,20}", key in "[ -~]{1,255}", minute in 0i64..1_000_000_000) {
            let number = id_key().reservation_number(&client, &key, 0);
            prop_assert_eq!(number.as_str().parse::<ReservationNumber>().unwrap(), number.clone());
            prop_assert_eq!(id_key().reservation_number(&client, &key, 0), number.clone());
            prop_assert_ne!(id_key().reservation_number(&client, &key, 1), number);
            let start = Timestamp::from_epoch_ms(minute * 60_000).unwrap();
            let slot = id_key().slot_id(&facility(), &client, &key, start);
            prop_assert_eq!(slot.starts_at(), Some(start));
            prop_assert_eq!(slot.as_str().parse::<SlotId>().unwrap(), slot);
        }

        #[test]
        fn slots_sort_by_their_start(a in 0i64..500_000_000, b in 0i64..500_000_000) {
            let (a, b) = (Timestamp::from_epoch_ms(a * 60_000).unwrap(), Timestamp::from_epoch_ms(b * 60_000).unwrap());
            let (slot_a, slot_b) = (
                id_key().slot_id(&facility(), "x", "1", a),
                id_key().slot_id(&facility(), "x", "1", b),
            );
            prop_assert_eq!(a.cmp(&b), slot_a.cmp(&slot_b));
            prop_assert_eq!(a <= b, SlotId::first_at(a).as_str() <= slot_b.as_str());
        }
    }
}
