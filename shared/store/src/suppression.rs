//! Addresses that are written to no longer, by their marks.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{Timestamp, suppression::Suppression};
use serde::{Deserialize, Serialize};

use crate::{
    Store, StoreError,
    condition::Condition::{Absent, All, Any, Is, IsNot},
    item::{from_item, to_item},
    keys::Key,
    write::Write,
};

#[derive(Serialize, Deserialize)]
struct SuppressionItem {
    reason: Suppression,
    /// What the mail service calls the report.
    report: String,
    /// In seconds, as DynamoDB removes items by it: `schema::EXPIRES_AT`. Not there where it is null here.
    expires_at: Option<i64>,
}

impl Store {
    /// Notes that nothing is sent to an address any more; tells whether this report was new. The same
    /// report may come more than once, and a bounce takes nothing back from a complaint.
    pub async fn suppress(
        &self,
        fingerprint: &[u8; 16],
        reason: Suppression,
        report: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let key = Key::Suppression(*fingerprint);
        let item = SuppressionItem {
            reason,
            report: report.to_owned(),
            expires_at: reason.until(now).map(|until| until.epoch_ms() / 1000),
        };
        let bounce = serde_dynamo::to_attribute_value(Suppression::Bounce)?;
        let another = IsNot("report".into(), AttributeValue::S(report.to_owned()));
        let another = All(vec![Is("reason".into(), bounce), another]);
        let write = Write::replace(key, to_item(&item)?, Any(vec![Absent, another]));
        Ok(self.write(write).await?.is_done())
    }

    /// Of each address, by its marks and in their order, whether nothing is sent to it any more.
    pub async fn suppressed(
        &self,
        addresses: &[Vec<[u8; 16]>],
        now: Timestamp,
    ) -> Result<Vec<bool>, StoreError> {
        let mut fingerprints_to_read = addresses.concat();
        fingerprints_to_read.sort_unstable();
        fingerprints_to_read.dedup();
        let mut found = Vec::new();
        for item in self
            .get_items(fingerprints_to_read.iter().copied().map(Key::Suppression), false)
            .await?
        {
            let Some(Key::Suppression(fingerprint)) = Key::of(&item) else { continue };
            let item: SuppressionItem = from_item(item)?;
            // DynamoDB removes what expired within days, not at once.
            if item.expires_at.is_none_or(|at| now.epoch_ms() / 1000 < at) {
                found.push(fingerprint);
            }
        }
        let is_found = |fingerprint: &[u8; 16]| found.contains(fingerprint);
        Ok(addresses.iter().map(|fingerprints| fingerprints.iter().any(is_found)).collect())
    }
}
