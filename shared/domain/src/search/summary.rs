//! What every list shows of a facility.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Facility, FacilityId, MunicipalityCode, Timestamp,
    facility::{ChildCapacity, EstablishmentBody, FacilityType, Location},
    item::Visibility,
    settings::{BookingUrl, MessageToParents, Settings},
};

/// What every list shows of a facility, and how the search entries of the version before keep it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Facility, description = "A nursery. `null` is \"not stated\".")]
pub struct FacilitySummary {
    /// The hub's id.
    pub facility_id: FacilityId,
    /// 事業所番号.
    #[schema(examples("1311912345678"))]
    pub office_number: Option<String>,
    /// 施設の名称.
    #[schema(examples("かないくぼ保育園"))]
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
    #[schema(examples("板橋区"))]
    pub municipality: String,
    /// 都道府県.
    #[schema(examples("東京都"))]
    pub prefecture: String,
    /// Seven digits without a hyphen.
    #[schema(examples("1730004"))]
    pub postal_code: Option<String>,
    /// 町名・番地.
    pub street_address: Option<String>,
    /// The nursery's own telephone number.
    #[schema(examples("03-3961-0000"))]
    pub phone: Option<String>,
    /// Where it is.
    pub location: Option<Location>,
    /// 利用定員数.
    pub capacity: ChildCapacity,
    /// Takes visit requests through this hub (POR-04).
    pub bookable: bool,
    /// The nursery's word to every parent (SLOT-09).
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub message_to_parents: Option<MessageToParents>,
    /// Where the nursery takes bookings itself, instead of here (RSV-21).
    #[serde(default)]
    pub external_booking_url: Option<BookingUrl>,
    /// Visits are asked for until this many hours before they start, and never in the last hour.
    #[serde(default = "default_closes")]
    #[schema(maximum = 720)]
    pub booking_closes_hours_before: u16,
    /// When one of these values last changed.
    pub updated_at: Timestamp,
}

/// Entries from before it was part of them.
fn default_closes() -> u16 {
    Settings::default().booking_closes_hours_before
}

impl FacilitySummary {
    /// The names of its fields, in the order in which a list shows them.
    pub(super) const FIELDS: &[&str] = &[
        "facility_id",
        "office_number",
        "facility_name",
        "facility_name_kana",
        "facility_type",
        "establishment_body",
        "municipality_code",
        "municipality",
        "prefecture",
        "postal_code",
        "street_address",
        "phone",
        "location",
        "capacity",
        "bookable",
        "message_to_parents",
        "external_booking_url",
        "booking_closes_hours_before",
        "updated_at",
    ];

    /// Of a facility, as the public sees it.
    pub fn new(facility: Facility) -> Self {
        let facility = facility.visible_to(Visibility::Public);
        Self {
            bookable: facility.takes_requests(),
            facility_id: facility.facility_id,
            office_number: facility.office_number,
            facility_name: facility.facility_name,
            facility_name_kana: facility.facility_name_kana,
            facility_type: facility.facility_type,
            establishment_body: facility.establishment_body,
            municipality_code: facility.municipality_code,
            municipality: facility.municipality,
            prefecture: facility.prefecture,
            postal_code: facility.postal_code,
            street_address: facility.street_address,
            phone: facility.phone,
            location: facility.location,
            capacity: facility.capacity,
            message_to_parents: facility.message_to_parents,
            external_booking_url: facility.external_booking_url,
            booking_closes_hours_before: facility.booking_closes_hours_before,
            updated_at: facility.updated_at,
        }
    }
}

impl From<FacilitySummary> for Facility {
    /// Of which nothing is known beyond that.
    fn from(of: FacilitySummary) -> Self {
        Self {
            facility_id: of.facility_id,
            office_number: of.office_number,
            facility_name: of.facility_name,
            facility_name_kana: of.facility_name_kana,
            facility_type: of.facility_type,
            establishment_body: of.establishment_body,
            municipality_code: of.municipality_code,
            municipality: of.municipality,
            prefecture: of.prefecture,
            postal_code: of.postal_code,
            street_address: of.street_address,
            phone: of.phone,
            location: of.location,
            capacity: of.capacity,
            bookable: of.bookable,
            message_to_parents: of.message_to_parents,
            external_booking_url: of.external_booking_url,
            booking_closes_hours_before: of.booking_closes_hours_before,
            details: Default::default(),
            notes: Default::default(),
            updated_at: of.updated_at,
        }
    }
}
