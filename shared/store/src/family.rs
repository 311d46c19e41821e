//! The open requests of a family at a nursery, under each of its marks: what a request is judged by, and a part of
//! every transaction in which one begins or ends. So a family is never over its number, and leaves no mark behind.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, Delete, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, Update,
};
use domain::{
    FacilityId, Reservation,
    applicant::FamilyFingerprint,
    family::{OpenRequest, OpenRequests},
};
use serde::Deserialize;

use crate::{
    Store, StoreError,
    item::{Item, blocker, from_item},
    keys::{Key, member},
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

    /// Takes in what made the conditions of `writes` fail, of those that begin at `place`; tells whether any did.
    pub(crate) fn learn(
        &mut self,
        fingerprints: &[FamilyFingerprint],
        reasons: &[CancellationReason],
        place: usize,
    ) -> Result<bool, StoreError> {
        let mut learned = false;
        for (fingerprint, write) in fingerprints.iter().zip(place..) {
            if let Some(found) = blocker(reasons, write) {
                let requests = found.map(requests_of).transpose()?.unwrap_or_default();
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
    pub(crate) fn enter_families(
        &self,
        reservation: &Reservation,
        read: &Family,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let enter = |fingerprint: &FamilyFingerprint| {
            let update = Update::builder()
                .table_name(&*self.table)
                .set_key(Some(
                    Key::Family(reservation.facility_id.clone(), fingerprint.clone()).attributes(),
                ))
                .update_expression("ADD requests :own")
                .expression_attribute_values(":own", set([member(reservation)]))
                .return_values_on_condition_check_failure(
                    ReturnValuesOnConditionCheckFailure::AllOld,
                );
            let update = match read.0.get(fingerprint) {
                Some(requests) => update
                    .condition_expression("requests = :read")
                    .expression_attribute_values(":read", set(requests.iter().cloned())),
                None => update.condition_expression("attribute_not_exists(pk)"),
            };
            let update = update.build().map_err(|error| StoreError::Rejected(error.into()))?;
            Ok(TransactWriteItem::builder().update(update).build())
        };
        reservation.counted_by().iter().map(enter).collect()
    }

    /// A request ends: what is left under each mark stays, and where nothing is left the mark goes. Where nothing
    /// was read it is taken to be the family's only one, as most are.
    pub(crate) fn leave_families(
        &self,
        reservation: &Reservation,
        read: &Family,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let own = member(reservation);
        let leave = |fingerprint: &FamilyFingerprint| {
            let key = Some(
                Key::Family(reservation.facility_id.clone(), fingerprint.clone()).attributes(),
            );
            let own = || set([own.clone()]);
            let others = read.0.get(fingerprint).is_some_and(|requests| requests.len() > 1);
            let refused =
                |error: aws_sdk_dynamodb::error::BuildError| StoreError::Rejected(error.into());
            let failed = ReturnValuesOnConditionCheckFailure::AllOld;
            let write = TransactWriteItem::builder();
            Ok(if others {
                let update = Update::builder()
                    .table_name(&*self.table)
                    .set_key(key)
                    .update_expression("DELETE requests :own")
                    .condition_expression("attribute_exists(pk) AND requests <> :own")
                    .expression_attribute_values(":own", own())
                    .return_values_on_condition_check_failure(failed);
                write.update(update.build().map_err(refused)?).build()
            } else {
                let delete = Delete::builder()
                    .table_name(&*self.table)
                    .set_key(key)
                    .condition_expression("attribute_not_exists(pk) OR requests = :own")
                    .expression_attribute_values(":own", own())
                    .return_values_on_condition_check_failure(failed);
                write.delete(delete.build().map_err(refused)?).build()
            })
        };
        reservation.counted_by().iter().map(leave).collect()
    }
}
