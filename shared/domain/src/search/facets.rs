//! How many of what a search finds there are of each kind.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    document::Columns,
    flags::{FLAGS, Feature, SATURDAY, SUNDAY_HOLIDAY, TAKES_REQUESTS},
};
use crate::{
    MunicipalityCode,
    facility::{EstablishmentBody, FacilityType},
};

/// How many of all that match there are of each kind. A kind of which there is none is left out; so is what is not stated.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Facets {
    /// All that match.
    pub total: usize,
    /// By 施設類型.
    pub facility_type: BTreeMap<String, usize>,
    /// By 施設の設置主体.
    pub establishment_body: BTreeMap<String, usize>,
    /// By the national code of the municipality.
    #[schema(value_type = BTreeMap<String, usize>)]
    pub municipality: BTreeMap<MunicipalityCode, usize>,
    /// By what is offered.
    pub feature: BTreeMap<String, usize>,
    /// Open on Saturdays.
    pub saturday: usize,
    /// Open on Sundays or holidays.
    pub sunday_holiday: usize,
    /// Take visit requests through the hub.
    pub bookable: usize,
}

/// The same while it is counted: by numbers, in little memory.
pub(super) struct Counts {
    total: usize,
    kinds: [usize; FacilityType::ALL.len()],
    bodies: [usize; EstablishmentBody::ALL.len()],
    municipalities: Vec<usize>,
    flags: [u32; FLAGS],
}

impl Counts {
    /// Nothing yet, of so many municipalities.
    pub(super) fn new(municipalities: usize) -> Self {
        Self {
            total: 0,
            kinds: Default::default(),
            bodies: Default::default(),
            municipalities: vec![0; municipalities],
            flags: Default::default(),
        }
    }

    /// One more, in this municipality.
    pub(super) fn count(&mut self, columns: &Columns, municipality: u16) {
        self.total += 1;
        if let Some(kind) = columns.facility_type {
            self.kinds[kind as usize] += 1;
        }
        if let Some(body) = columns.establishment_body {
            self.bodies[body as usize] += 1;
        }
        self.municipalities[usize::from(municipality)] += 1;
        for (flag, count) in self.flags.iter_mut().enumerate() {
            *count += u32::from(columns.flags.bits() & 1 << flag != 0);
        }
    }

    /// All that was counted, by the codes of the municipalities.
    pub(super) fn facets(&self, municipalities: &[MunicipalityCode]) -> Facets {
        let flagged = |flag: u16| self.flags[flag.trailing_zeros() as usize] as usize;
        let features = Feature::ALL.iter().map(|feature| (*feature, flagged(feature.bit())));
        let municipalities =
            municipalities.iter().copied().zip(self.municipalities.iter().copied());
        Facets {
            total: self.total,
            feature: by_code(features),
            saturday: flagged(SATURDAY),
            sunday_holiday: flagged(SUNDAY_HOLIDAY),
            bookable: flagged(TAKES_REQUESTS),
            facility_type: by_code(FacilityType::ALL.iter().copied().zip(self.kinds)),
            establishment_body: by_code(EstablishmentBody::ALL.iter().copied().zip(self.bodies)),
            municipality: municipalities.filter(|(_, count)| *count > 0).collect(),
        }
    }
}

/// What there is of each, by its code.
fn by_code<T: Serialize>(counts: impl Iterator<Item = (T, usize)>) -> BTreeMap<String, usize> {
    counts.filter(|(_, count)| *count > 0).map(|(value, count)| (code(value), count)).collect()
}

/// The code of a value of a list.
fn code(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(code)) => code,
        _ => String::new(),
    }
}
