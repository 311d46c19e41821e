//! Nurseries, as their feed tells them.

use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::{
    Facility,
    facility::{Details, Provenance},
    item::Visibility,
    search::FacilitySummary,
};

/// A nursery with every item that somebody may see. What changes with its slots and by month is told elsewhere.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PublicFacility {
    /// What a list shows too.
    #[serde(flatten)]
    pub facility: FacilitySummary,
    /// What is known beyond that.
    #[serde(flatten)]
    pub details: Details,
    /// Who stated the items, and when they were approved. An item of which nothing is said here was there before the
    /// hub kept account of it.
    pub provenance: Vec<Provenance>,
    /// How much of what anybody may know is stated, in percent.
    #[schema(maximum = 100)]
    pub completeness: u8,
}

impl PublicFacility {
    /// As somebody sees it who may see items up to this visibility.
    pub fn new(facility: Facility, seen: Visibility) -> Self {
        let facility = facility.visible_to(seen);
        Self {
            details: facility.details.clone(),
            provenance: facility.notes.provenance.clone(),
            completeness: facility.completeness(),
            facility: FacilitySummary::new(facility),
        }
    }

    /// Differs where anything differs that is shown. The feed keeps it in place of the nursery, which has as much to say
    /// as thirty slots; a page reads the nurseries themselves.
    pub fn fingerprint(&self) -> Result<String, serde_json::Error> {
        let hash = Sha256::digest(serde_json::to_vec(self)?);
        Ok(data_encoding::HEXLOWER.encode(&hash[..16]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::tests::facility;

    #[test]
    fn fingerprint_tells_what_anybody_sees_and_nothing_else() {
        let before = facility("あ", "い");
        let of = |facility: &Facility| {
            PublicFacility::new(facility.clone(), Visibility::Public).fingerprint().unwrap()
        };
        let renamed = Facility { facility_name: "う".into(), ..before.clone() };
        assert_ne!(of(&renamed), of(&before));

        let mut withheld = before.clone();
        withheld.notes.withheld.insert("phone".into());
        let changed = Facility { phone: Some("03-3961-0000".parse().unwrap()), ..withheld.clone() };
        assert_ne!(changed, withheld);
        assert_eq!(of(&changed), of(&withheld), "nobody sees it");
    }
}
