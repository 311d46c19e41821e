//! The open requests of a family at a nursery, under each of its marks: what a request is judged by, and a part of
//! every transaction in which one begins or ends. So a family is never over its number, and leaves no mark behind.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    FacilityId, Reservation,
    applicant::FamilyFingerprint,
    family::{OpenRequest, OpenRequests},
};
use serde::Deserialize;

use crate::{
    Store, StoreError,
    condition::Condition::{Absent, All, Any, Is, IsNot, Present},
    item::{Item, from_item},
    keys::{Key, member},
    transaction::Refusals,
    write::Write,
};

/// The open requests under each mark of a family, as they were read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Family(BTreeMap<FamilyFingerprint, BTreeSet<String>>);

impl Family {
    /// All of them together.
    pub fn open(&self) -> OpenRequests {
        OpenRequests(
            self.0
                .values()
                .flatten()
                .filter_map(|member| member::parse_open_request(member))
                .collect(),
        )
    }

    /// Takes in what stood in the way of a transaction; tells whether anything did.
    pub(crate) fn learn(
        &mut self,
        fingerprints: &[FamilyFingerprint],
        facility: &FacilityId,
        refusals: &Refusals,
    ) -> Result<bool, StoreError> {
        let mut learned = false;
        for fingerprint in fingerprints {
            if let Some(found) = refusals.of(&Key::Family(facility.clone(), fingerprint.clone())) {
                let requests = found.item().map(requests_of).transpose()?.unwrap_or_default();
                self.0.insert(fingerprint.clone(), requests);
                learned = true;
            }
        }
        Ok(learned)
    }
}

fn member(reservation: &Reservation) -> String {
    member::open_request(&OpenRequest {
        slot_id: reservation.slot_id.clone(),
        reservation_number: reservation.reservation_number.clone(),
        site: reservation.client_id().cloned(),
    })
}

fn requests_of(item: Item) -> Result<BTreeSet<String>, StoreError> {
    #[derive(Deserialize)]
    struct FamilyItem {
        requests: BTreeSet<String>,
    }
    Ok(from_item::<FamilyItem>(item)?.requests)
}

fn set(members: impl IntoIterator<Item = String>) -> AttributeValue {
    AttributeValue::Ss(members.into_iter().collect())
}

impl Store {
    /// The open requests of a family at a nursery.
    pub async fn family(
        &self,
        facility: &FacilityId,
        fingerprints: &[FamilyFingerprint],
    ) -> Result<Family, StoreError> {
        let mut family = Family::default();
        if fingerprints.is_empty() {
            return Ok(family);
        }
        let keys = fingerprints
            .iter()
            .map(|fingerprint| Key::Family(facility.clone(), fingerprint.clone()));
        for item in self.get_items(keys, true).await? {
            let Some(Key::Family(_, fingerprint)) = Key::of(&item) else {
                return Err(StoreError::UnknownForm("a family".into()));
            };
            family.0.insert(fingerprint, requests_of(item)?);
        }
        Ok(family)
    }

    /// A request begins: under each mark one more, if what it was judged by still stands.
    pub(crate) fn enter_families(&self, reservation: &Reservation, read: &Family) -> Vec<Write> {
        let enter = |fingerprint: &FamilyFingerprint| {
            let unchanged = match read.0.get(fingerprint) {
                Some(requests) => Is("requests".into(), set(requests.iter().cloned())),
                None => Absent,
            };
            let key = Key::Family(reservation.facility_id.clone(), fingerprint.clone());
            Write::update(key, unchanged).add("requests", set([member(reservation)]))
        };
        reservation.counted_by().iter().map(enter).collect()
    }

    /// A request ends: what is left under each mark stays, and where nothing is left the mark goes. Where nothing
    /// was read it is taken to be the family's only one, as most are.
    pub(crate) fn leave_families(&self, reservation: &Reservation, read: &Family) -> Vec<Write> {
        let own = set([member(reservation)]);
        let leave = |fingerprint: &FamilyFingerprint| {
            let key = Key::Family(reservation.facility_id.clone(), fingerprint.clone());
            let (name, own) = (|| "requests".into(), own.clone());
            if read.0.get(fingerprint).is_some_and(|requests| requests.len() > 1) {
                let others = All(vec![Present, IsNot(name(), own.clone())]);
                Write::update(key, others).take(name(), own)
            } else {
                Write::delete(key, Any(vec![Absent, Is(name(), own)]))
            }
        };
        reservation.counted_by().iter().map(leave).collect()
    }
}
