//! The parts of a key, and how each is written.

use domain::{
    ChangeRequestId, ClientId, EventId, FacilityId, ImportId, MunicipalityCode, ProcedureId,
    ReservationNumber, SlotId, Timestamp, WebhookEndpointId,
    applicant::FamilyFingerprint,
    calendar::{self, FiscalYear},
    change_request::ChangeStatus,
    feed::Feed,
    vendor::VendorKind,
};
use jiff::civil::Date;

/// A part of a key. What is read is written as it was read.
pub(super) trait Part: Sized {
    fn write(&self) -> String;
    fn read(text: &str) -> Option<Self>;
}

/// The hour of a run, written as people read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hour(pub Timestamp);

/// A month, by its first day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month(pub Date);

/// A prefecture, by its national code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefecture(u8);

impl Prefecture {
    /// That of a municipality.
    pub fn of(code: MunicipalityCode) -> Self {
        Self(code.prefecture())
    }
}

/// The search entries of the facilities whose ids begin with this letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SearchGroup(char);

/// Those whose ids begin with the letter of a group and this one: one in a thousand, which are read together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SearchBucket(pub SearchGroup, pub char);

/// What ids of facilities are made of.
const LETTERS: &str = "0123456789abcdefghjkmnpqrstvwxyz";

impl SearchGroup {
    /// Every group.
    pub fn all() -> impl Iterator<Item = Self> {
        LETTERS.chars().map(Self)
    }
}

impl SearchBucket {
    /// That of a facility.
    pub fn of(facility: &FacilityId) -> Self {
        let mut letters = facility.as_str().chars().skip("fac_".len());
        // An id has twelve.
        let mut next = || letters.next().unwrap_or('0');
        Self(SearchGroup(next()), next())
    }
}

macro_rules! written_as_text {
    ($($type:ty),*) => {
        $(impl Part for $type {
            fn write(&self) -> String {
                self.to_string()
            }
            fn read(text: &str) -> Option<Self> {
                text.parse().ok()
            }
        })*
    };
}
written_as_text!(
    ChangeRequestId,
    ChangeStatus,
    ClientId,
    Date,
    EventId,
    FacilityId,
    ImportId,
    FiscalYear,
    MunicipalityCode,
    ProcedureId,
    ReservationNumber,
    SlotId,
    WebhookEndpointId,
    calendar::Month,
    String,
    usize
);

impl Part for Timestamp {
    /// Milliseconds since 1970, so that keys are in the order of time.
    fn write(&self) -> String {
        format!("{:013}", self.epoch_ms())
    }
    fn read(text: &str) -> Option<Self> {
        Self::from_epoch_ms(text.parse().ok()?)
    }
}

impl Part for Hour {
    fn write(&self) -> String {
        self.0.to_string()
    }
    fn read(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

impl Part for Month {
    fn write(&self) -> String {
        self.0.strftime("%Y-%m").to_string()
    }
    fn read(text: &str) -> Option<Self> {
        format!("{text}-01").parse().ok().map(Self)
    }
}

impl Part for Prefecture {
    fn write(&self) -> String {
        format!("{:02}", self.0)
    }
    fn read(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

impl Part for SearchGroup {
    fn write(&self) -> String {
        self.0.into()
    }
    fn read(text: &str) -> Option<Self> {
        let mut letters = text.chars();
        let letter = letters.next().filter(|letter| LETTERS.contains(*letter))?;
        letters.next().is_none().then_some(Self(letter))
    }
}

impl Part for u64 {
    /// As many digits for each, so that keys are in the order of the numbers.
    fn write(&self) -> String {
        format!("{self:016}")
    }
    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Part for Feed {
    fn write(&self) -> String {
        self.name().to_owned()
    }
    fn read(text: &str) -> Option<Self> {
        Self::named(text)
    }
}

impl Part for VendorKind {
    fn write(&self) -> String {
        self.as_str().to_owned()
    }
    fn read(text: &str) -> Option<Self> {
        Self::named(text)
    }
}

impl Part for FamilyFingerprint {
    fn write(&self) -> String {
        self.as_str().to_owned()
    }
    fn read(text: &str) -> Option<Self> {
        Some(Self(text.to_owned()))
    }
}

impl Part for [u8; 16] {
    fn write(&self) -> String {
        self.iter().map(|byte| format!("{byte:02x}")).collect()
    }
    fn read(text: &str) -> Option<Self> {
        let hexadecimal = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = hexadecimal.then(|| u128::from_str_radix(text, 16))?;
        number.ok().map(u128::to_be_bytes)
    }
}
