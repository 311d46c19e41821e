//! A nursery, as the public sees it.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    FacilityId, Invalid, MunicipalityCode, Timestamp,
    settings::{BookingUrl, MessageToParents},
    slot::gives_up,
    text,
};

/// A code list with Japanese labels: JSON carries the code, lists in CSV the label.
///
/// The code is a `tt`: a `literal` reaches other macros wrapped, and the schema would show the variant's name in its place.
macro_rules! code_list {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:tt, $label:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        pub enum $name {
            $($(#[$vdoc])* #[doc = concat!($label, ".")] #[serde(rename = $code)] $variant,)*
        }

        impl $name {
            /// The Japanese label.
            pub fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)* }
            }

            /// The value with this label; width, kana and spacing do not matter.
            pub fn from_label(label: &str) -> Result<Self, Invalid> {
                let label = text::identity(label);
                $(if label == text::identity($label) { return Ok(Self::$variant); })*
                Err(Invalid::Format(concat!($($label, "、"),*).trim_end_matches('、')))
            }
        }

        impl std::str::FromStr for $name {
            type Err = Invalid;
            fn from_str(code: &str) -> Result<Self, Invalid> {
                match code {
                    $($code => Ok(Self::$variant),)*
                    _ => Err(Invalid::Format(concat!($($code, "、"),*).trim_end_matches('、'))),
                }
            }
        }
    };
}

code_list!(
    /// What kind of nursery it is (施設類型).
    FacilityType {
        Nursery = "nursery", "保育所";
        SmallA = "small_a", "小規模A型";
        SmallB = "small_b", "小規模B型";
        SmallC = "small_c", "小規模C型";
        KodomoenYouho = "kodomoen_youho", "認定こども（幼保）";
        KodomoenHoiku = "kodomoen_hoiku", "認定こども（保育所）";
        KodomoenYouchien = "kodomoen_youchien", "認定こども（幼稚園）";
        KodomoenLocal = "kodomoen_local", "認定こども（地方裁量）";
        Workplace = "workplace", "事業所内保育所";
        Home = "home", "家庭的保育";
        Visiting = "visiting", "居宅訪問型";
        TokyoCertified = "tokyo_certified", "認証保育所";
        Unlicensed = "unlicensed", "認可外";
    }
);

code_list!(
    /// Who runs it (施設の設置主体).
    EstablishmentBody {
        Public = "public", "公立";
        Private = "private", "私立";
    }
);

/// A place on earth, in decimal degrees (JGD2011, which equals WGS 84 here).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Location {
    /// Latitude, north positive.
    pub lat: f64,
    /// Longitude, east positive.
    pub lon: f64,
}

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
pub(crate) fn still_takes(closes_hours_before: u16, starts_at: Timestamp, now: Timestamp) -> bool {
    now + SignedDuration::from_hours(closes_hours_before.into()) <= starts_at
        && now < gives_up(starts_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_in_any_width() {
        assert_eq!(FacilityType::from_label("小規模Ａ型"), Ok(FacilityType::SmallA));
        assert_eq!(FacilityType::from_label("認定こども(幼保)"), Ok(FacilityType::KodomoenYouho));
        assert!(FacilityType::from_label("学校").is_err());
        assert_eq!("public".parse(), Ok(EstablishmentBody::Public));
    }
}
