//! What filters compare of a facility bit by bit.

use crate::{
    Facility,
    facility::AcceptsDisabled,
    item::{OpenDay, code_list},
};

code_list!(
    /// What a nursery offers.
    Feature {
        Playground = "playground", "園庭";
        CarParking = "car_parking", "駐車場";
        BicycleParking = "bicycle_parking", "駐輪場";
        AllergySupport = "allergy_support", "アレルギー対応";
        ExtendedCare = "extended_care", "延長保育";
        TemporaryCare = "temporary_care", "一時預かり";
        SickChildCare = "sick_child_care", "病児保育";
        AcceptsDisabledChildren = "accepts_disabled_children", "障害児の受け入れ（要相談を含む）";
    }
);

crate::invalid::deserr_from_text!(Feature);

/// Yes and no of a facility, a bit each. In the table, so a bit keeps its meaning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Flags(u16);

pub(super) const SATURDAY: u16 = 1 << 8;
pub(super) const SUNDAY_HOLIDAY: u16 = 1 << 9;
pub(super) const TAKES_REQUESTS: u16 = 1 << 10;

/// How many flags there are.
pub(super) const FLAGS: usize = TAKES_REQUESTS.trailing_zeros() as usize + 1;

impl Flags {
    pub(super) fn of(facility: &Facility) -> Self {
        let details = &facility.details;
        let offers = |feature: &Feature| match feature {
            Feature::Playground => details.has_playground,
            Feature::CarParking => details.has_car_parking,
            Feature::BicycleParking => details.has_bicycle_parking,
            Feature::AllergySupport => details.allergy_support,
            Feature::ExtendedCare => details.extended_care,
            Feature::TemporaryCare => details.temporary_care,
            Feature::SickChildCare => details.sick_child_care,
            Feature::AcceptsDisabledChildren => details
                .accepts_disabled_children
                .map(|accepts| matches!(accepts, AcceptsDisabled::Yes | AcceptsDisabled::Consult)),
        };
        let offered = Feature::ALL.iter().filter(|feature| offers(feature) == Some(true));
        let mut flags = offered.fold(0, |flags, feature| flags | feature.bit());
        let open_on =
            |day: OpenDay| details.open_weekdays.iter().flatten().any(|open| *open == day);
        if open_on(OpenDay::Sat) || details.saturday_opens_at.is_some() {
            flags |= SATURDAY;
        }
        if open_on(OpenDay::Sun)
            || open_on(OpenDay::Holiday)
            || details.sunday_holiday_opens_at.is_some()
        {
            flags |= SUNDAY_HOLIDAY;
        }
        if facility.takes_requests() {
            flags |= TAKES_REQUESTS;
        }
        Self(flags)
    }

    pub(super) fn bits(self) -> u16 {
        self.0
    }

    pub(super) fn of_bits(bits: u16) -> Self {
        Self(bits)
    }

    pub(super) fn takes_requests(self) -> bool {
        self.0 & TAKES_REQUESTS != 0
    }
}

impl Feature {
    pub(super) fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// Which pairs of neighbouring characters a text has, as bits: a term has none that the text has not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Signature(pub(super) [u64; 4]);

impl Signature {
    pub(super) fn of(text: &str) -> Self {
        let mut bits = [0; 4];
        for (one, next) in text.chars().zip(text.chars().skip(1)) {
            let pair = (u64::from(one) << 21 | u64::from(next)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            bits[(pair >> 62) as usize] |= 1 << (pair >> 56 & 63);
        }
        Self(bits)
    }

    pub(super) fn has(&self, of_term: &Self) -> bool {
        self.0.iter().zip(of_term.0).all(|(has, needs)| has & needs == needs)
    }
}
