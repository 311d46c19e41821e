//! Addresses that are written to no longer, by their marks.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{Instant, suppression::Suppression};
use serde::{Deserialize, Serialize};

use crate::{
    Store, StoreError,
    item::{from_item, to_item},
    keys,
};

#[derive(Serialize, Deserialize)]
struct SuppressionItem {
    pk: String,
    reason: Suppression,
    /// What the mail service calls the report.
    report: String,
    /// In seconds, as DynamoDB removes items by it: `schema::EXPIRES_AT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
}

impl Store {
    /// Notes that nothing is sent to an address any more; tells whether this report was new. The same
    /// report may come more than once, and a bounce takes nothing back from a complaint.
    pub async fn suppress(
        &self,
        mark: &[u8; 16],
        reason: Suppression,
        report: &str,
        now: Instant,
    ) -> Result<bool, StoreError> {
        let key = keys::suppression(mark);
        let item = SuppressionItem {
            pk: key.pk.clone(),
            reason,
            report: report.to_owned(),
            expires_at: reason.until(now).map(|until| until.epoch_ms() / 1000),
        };
        let condition = "attribute_not_exists(pk) OR (#reason = :bounce AND #report <> :report)";
        let values = [
            (":bounce", serde_dynamo::to_attribute_value(Suppression::Bounce)?),
            (":report", AttributeValue::S(report.to_owned())),
        ];
        Ok(self.put_if(to_item(key, &item)?, condition, values).await?.is_ok())
    }

    /// Of each address, by its marks and in their order, whether nothing is sent to it any more.
    pub async fn suppressed(
        &self,
        addresses: &[Vec<[u8; 16]>],
        now: Instant,
    ) -> Result<Vec<bool>, StoreError> {
        let mut marks_to_read = addresses.concat();
        marks_to_read.sort_unstable();
        marks_to_read.dedup();
        let mut found = Vec::new();
        for item in self.get_items(marks_to_read.iter().map(keys::suppression), false).await? {
            let item: SuppressionItem = from_item(item)?;
            // DynamoDB removes what expired within days, not at once.
            if item.expires_at.is_none_or(|at| now.epoch_ms() / 1000 < at) {
                found.push(item.pk);
            }
        }
        let is_found = |mark: &[u8; 16]| found.contains(&keys::suppression(mark).pk);
        Ok(addresses.iter().map(|marks| marks.iter().any(is_found)).collect())
    }
}
