//! A nursery, and what the hub knows of it.

mod age;
mod codes;
mod items;
mod location;
mod notes;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use codes::{AcceptsDisabled, AcceptsUntil, EstablishmentBody, FacilityType};
pub use items::{Details, ITEMS, named};
pub use location::Location;
pub use notes::{ItemNotes, Provenance, Source};

use crate::{
    FacilityId, MunicipalityCode, Timestamp,
    settings::{BookingUrl, MessageToParents},
    slot::gives_up,
};

/// Places for children by age class on 1 April; `null` is "not stated", never zero.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ChildCapacity {
    pub age_0: Option<u32>,
    pub age_1: Option<u32>,
    pub age_2: Option<u32>,
    pub age_3: Option<u32>,
    pub age_4: Option<u32>,
    pub age_5: Option<u32>,
    pub total: Option<u32>,
}

/// A nursery. `None` is "not stated".
#[derive(Debug, Clone, PartialEq)]
pub struct Facility {
    /// The hub's id.
    pub facility_id: FacilityId,
    /// 事業所番号.
    pub office_number: Option<String>,
    /// 施設の名称.
    pub facility_name: String,
    /// 施設の名称（ふりがな）.
    pub facility_name_kana: Option<String>,
    /// 施設類型.
    pub facility_type: Option<FacilityType>,
    /// 施設の設置主体.
    pub establishment_body: Option<EstablishmentBody>,
    /// The national code of the municipality.
    pub municipality_code: MunicipalityCode,
    /// 市区町村.
    pub municipality: String,
    /// 都道府県.
    pub prefecture: String,
    /// Seven digits without a hyphen.
    pub postal_code: Option<String>,
    /// 町名・番地.
    pub street_address: Option<String>,
    /// The nursery's own telephone number.
    pub phone: Option<String>,
    /// Where it is.
    pub location: Option<Location>,
    /// 利用定員数.
    pub capacity: ChildCapacity,
    /// Takes visit requests through this hub (POR-04).
    pub bookable: bool,
    /// The nursery's word to every parent (SLOT-09).
    pub message_to_parents: Option<MessageToParents>,
    /// Where the nursery takes bookings itself, instead of here (RSV-21).
    pub external_booking_url: Option<BookingUrl>,
    /// Visits are asked for until this many hours before they start, and never in the last hour.
    pub booking_closes_hours_before: u16,
    /// What is known beyond that.
    pub details: Details,
    /// What is known of the items beside their values.
    pub notes: ItemNotes,
    /// When one of these values last changed.
    pub updated_at: Timestamp,
}

impl Facility {
    /// Whether families ask here for visits: not at a nursery that takes bookings itself.
    pub fn takes_requests(&self) -> bool {
        self.bookable && self.external_booking_url.is_none()
    }

    /// Whether a visit that starts then can still be asked for.
    pub fn still_takes(&self, starts_at: Timestamp, now: Timestamp) -> bool {
        still_takes(self.booking_closes_hours_before, starts_at, now)
    }

    /// Whether anything that people see differs, the time of the change aside.
    pub fn has_same_content_as(&self, other: &Self) -> bool {
        Self { updated_at: other.updated_at, ..self.clone() } == *other
    }
}

/// Whether a visit that starts then can still be asked for, where requests close so many hours before.
fn still_takes(closes_hours_before: u16, starts_at: Timestamp, now: Timestamp) -> bool {
    now + SignedDuration::from_hours(closes_hours_before.into()) <= starts_at
        && now < gives_up(starts_at)
}

/// Which visits can still be asked for at an instant: [`still_takes`] for who compares thousands. In milliseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Takes {
    now: i64,
    /// Each is given up so long before it starts.
    given_up: i64,
}

impl Takes {
    pub(crate) fn at(now: Timestamp) -> Self {
        let given_up = now.since(gives_up(now)).as_millis() as i64;
        Self { now: now.epoch_ms(), given_up }
    }

    /// The start of the first one, where requests close so many hours before, since 1970.
    pub(crate) fn from(self, closes_hours_before: u16) -> i64 {
        // At the instant at which it is given up it is taken no more: a millisecond later is the first.
        self.now + (self.given_up + 1).max(i64::from(closes_hours_before) * 3_600_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_visit_that_can_be_asked_for_is_the_first_that_is_taken() {
        let now: Timestamp = "2026-12-01T10:00:00+09:00".parse().unwrap();
        for closes in [0, 1, 2, 72] {
            let first = Timestamp::from_epoch_ms(Takes::at(now).from(closes)).unwrap();
            assert!(still_takes(closes, first, now), "{closes}");
            assert!(!still_takes(closes, first - SignedDuration::from_millis(1), now), "{closes}");
        }
    }
}
