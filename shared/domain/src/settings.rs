//! What a nursery decides about its visits, and whom the hub writes to.

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    applicant::Email,
    invalid::{InputErrors, Invalid, within},
};

/// The settings of a facility. A facility that never saved any has the defaults; what a request
/// leaves out becomes the default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Deserr, ToSchema)]
#[serde(default)]
#[deserr(error = InputErrors, deny_unknown_fields, validate = few_addresses -> InputErrors)]
pub struct Settings {
    /// Requests are taken from this many days before the visit.
    #[deserr(default = 90, try_from(i64) = within::<1, 365, u16> -> Invalid)]
    #[schema(minimum = 1, maximum = 365)]
    pub booking_opens_days_before: u16,
    /// Requests are taken until this many hours before the visit.
    #[deserr(default = 24, try_from(i64) = within::<0, 720, u16> -> Invalid)]
    #[schema(maximum = 720)]
    pub booking_closes_hours_before: u16,
    /// A parent may cancel until this many hours before the visit.
    #[deserr(default = 1, try_from(i64) = within::<0, 720, u16> -> Invalid)]
    #[schema(maximum = 720)]
    pub cancel_closes_hours_before: u16,
    /// Who is mailed about requests: the nursery's own addresses (NTF-02).
    #[deserr(default)]
    #[schema(max_items = 10)]
    pub notice_addresses: Vec<Email>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            booking_opens_days_before: 90,
            booking_closes_hours_before: 24,
            cancel_closes_hours_before: 1,
            notice_addresses: Vec::new(),
        }
    }
}

fn few_addresses(
    settings: Settings,
    _: deserr::ValuePointerRef<'_>,
) -> Result<Settings, InputErrors> {
    if settings.notice_addresses.len() > 10 {
        return Err(InputErrors::one("/notice_addresses", Invalid::OutOfRange(0, 10)));
    }
    Ok(settings)
}
