//! How values stand in items, and the calls that every aggregate makes.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::{put_item::PutItemError, transact_write_items::TransactWriteItemsError},
    types::{
        AttributeValue, CancellationReason, KeysAndAttributes, Put, ReturnConsumedCapacity,
        ReturnValuesOnConditionCheckFailure, TransactWriteItem,
    },
};
use rand::RngExt;
use serde::{Serialize, de::DeserializeOwned};

use crate::{Store, StoreError, correlation, keys::Key};

/// Attributes by name.
pub type Item = HashMap<String, AttributeValue>;

/// An instant as a number of milliseconds since 1970: short, and in order.
pub(crate) mod epoch_ms {
    use domain::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(instant: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(instant.epoch_ms())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        let ms = i64::deserialize(from)?;
        Timestamp::from_epoch_ms(ms).ok_or_else(|| D::Error::custom("not an instant"))
    }
}

/// The same, where there may be none.
pub(crate) mod some_epoch_ms {
    use domain::Timestamp;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub fn serialize<S: Serializer>(instant: &Option<Timestamp>, to: S) -> Result<S::Ok, S::Error> {
        instant.map(Timestamp::epoch_ms).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
        let ms = Option::<i64>::deserialize(from)?;
        let instant =
            |ms| Timestamp::from_epoch_ms(ms).ok_or_else(|| D::Error::custom("not an instant"));
        ms.map(instant).transpose()
    }
}

/// An item of a value under a key, with what caused it.
pub(crate) fn to_item(key: Key, value: &impl Serialize) -> Result<Item, StoreError> {
    let mut item: Item = serde_dynamo::to_item(value)?;
    item.extend(key.attributes());
    item.extend(correlation::attribute());
    Ok(item)
}

/// The value of an item. Attributes that this version does not know are ignored.
pub(crate) fn from_item<T: DeserializeOwned>(item: Item) -> Result<T, StoreError> {
    Ok(serde_dynamo::from_item(item)?)
}

/// By what a call knows an item that it put itself. When the answer to a write is lost, the SDK sends it again, and the
/// repeat meets its own effect: without the mark, that would look like somebody else who had been faster.
const WRITTEN_BY: &str = "call";

/// A condition that always holds.
pub(crate) const WHATEVER: &str = "attribute_exists(pk) OR attribute_not_exists(pk)";

/// How often a write that meets another transaction is tried before the caller is told to come
/// again: with the waits doubling from 10 ms, about five seconds.
const CONFLICT_TRIES: u32 = 9;

impl Store {
    /// One item, or nothing.
    pub(crate) async fn get_item(
        &self,
        key: Key,
        consistent: bool,
    ) -> Result<Option<Item>, StoreError> {
        self.get_attributes(key.attributes(), consistent).await
    }

    /// The item that has these attributes of a key, or nothing.
    pub(crate) async fn get_attributes(
        &self,
        key: Item,
        consistent: bool,
    ) -> Result<Option<Item>, StoreError> {
        let output = self
            .db
            .get_item()
            .table_name(&*self.table)
            .set_key(Some(key))
            .consistent_read(consistent)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await?;
        self.meter.read(output.consumed_capacity());
        Ok(output.item)
    }

    /// Those of the items that exist, in no order. `consistent` as for one slot.
    pub(crate) async fn get_items(
        &self,
        keys: impl IntoIterator<Item = Key>,
        consistent: bool,
    ) -> Result<Vec<Item>, StoreError> {
        let keys: Vec<Item> = keys.into_iter().map(|key| key.attributes()).collect();
        let mut items = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(100) {
            let mut wanted = chunk.to_vec();
            while !wanted.is_empty() {
                let request = KeysAndAttributes::builder()
                    .set_keys(Some(wanted))
                    .consistent_read(consistent)
                    .build()
                    .map_err(|error| StoreError::Rejected(error.into()))?;
                let output = self
                    .db
                    .batch_get_item()
                    .request_items(&*self.table, request)
                    .return_consumed_capacity(ReturnConsumedCapacity::Total)
                    .send()
                    .await?;
                self.meter.read(output.consumed_capacity());
                let found = output.responses.unwrap_or_default().remove(&*self.table);
                items.extend(found.unwrap_or_default());
                wanted = output
                    .unprocessed_keys
                    .and_then(|mut tables| tables.remove(&*self.table))
                    .map(|left| left.keys)
                    .unwrap_or_default();
            }
        }
        Ok(items)
    }

    /// Writes one item if the condition holds; otherwise tells what is there instead.
    ///
    /// If it is there because an earlier attempt of this very call wrote it, it is written.
    pub(crate) async fn put_if(
        &self,
        mut item: Item,
        condition: &str,
        values: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) -> Result<Result<(), Option<Item>>, StoreError> {
        let values: HashMap<_, _> =
            values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let call = AttributeValue::B(rand::random::<[u8; 8]>().to_vec().into());
        item.insert(WRITTEN_BY.into(), call.clone());
        let result = self
            .db
            .put_item()
            .table_name(&*self.table)
            .set_item(Some(item))
            .condition_expression(condition)
            .set_expression_attribute_names(names_of(condition))
            .set_expression_attribute_values((!values.is_empty()).then_some(values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match result {
            Ok(output) => {
                self.meter.write(output.consumed_capacity());
                Ok(Ok(()))
            }
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                    let found = failed.item.clone();
                    let own = found.as_ref().and_then(|item| item.get(WRITTEN_BY)) == Some(&call);
                    Ok(if own { Ok(()) } else { Err(found) })
                }
                _ => Err(error.into()),
            },
        }
    }

    /// All of the writes or none, told apart from what a condition refused.
    ///
    /// Meeting another transaction on the same items is no refusal: it is tried again after a
    /// short random wait. All attempts bear one token, by which DynamoDB knows a repeat of what it did
    /// already, even if others wrote the same items since.
    pub(crate) async fn transact(
        &self,
        writes: Vec<TransactWriteItem>,
    ) -> Result<Result<(), Vec<CancellationReason>>, StoreError> {
        let token = format!("{:032x}", rand::random::<u128>());
        for attempt in 0..CONFLICT_TRIES {
            let result = self
                .db
                .transact_write_items()
                .client_request_token(&token)
                .set_transact_items(Some(writes.clone()))
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await;
            let error = match result {
                Ok(output) => {
                    self.meter.write(output.consumed_capacity());
                    return Ok(Ok(()));
                }
                Err(error) => error,
            };
            let Some(reasons) = refused_conditions(&error) else { return Err(error.into()) };
            if reasons.iter().any(|reason| reason.code() == Some("ConditionalCheckFailed")) {
                return Ok(Err(reasons));
            }
            tracing::debug!(attempt, "a transaction met another one");
            let longest = 10 * 2_u64.pow(attempt);
            let wait = rand::rng().random_range(longest / 2..=longest);
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
        Err(StoreError::Unavailable("too many writers of the same items".into()))
    }
}

/// The reasons of a cancelled transaction, where each is a failed condition or passes by itself.
fn refused_conditions(
    error: &SdkError<TransactWriteItemsError>,
) -> Option<Vec<CancellationReason>> {
    let TransactWriteItemsError::TransactionCanceledException(cancelled) =
        error.as_service_error()?
    else {
        return None;
    };
    let reasons = cancelled.cancellation_reasons();
    let known = [
        "None",
        "ConditionalCheckFailed",
        "TransactionConflict",
        "ThrottlingError",
        "ProvisionedThroughputExceeded",
    ];
    let ours = |reason: &CancellationReason| reason.code().is_none_or(|code| known.contains(&code));
    reasons.iter().all(ours).then(|| reasons.to_vec())
}

/// A whole item to be written in a transaction, if the condition holds. A name that is reserved in
/// conditions is written with a `#` before it.
pub(crate) fn put(
    table: &str,
    item: Item,
    condition: &str,
    values: impl IntoIterator<Item = (&'static str, AttributeValue)>,
) -> Result<TransactWriteItem, StoreError> {
    let values: HashMap<_, _> =
        values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let put = Put::builder()
        .table_name(table)
        .set_item(Some(item))
        .condition_expression(condition)
        .set_expression_attribute_names(names_of(condition))
        .set_expression_attribute_values((!values.is_empty()).then_some(values))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .build()
        .map_err(|error| StoreError::Rejected(error.into()))?;
    Ok(TransactWriteItem::builder().put(put).build())
}

/// The names that stand with a `#` in a condition: each for itself.
fn names_of(condition: &str) -> Option<HashMap<String, String>> {
    let names: HashMap<_, _> = condition
        .split(|c: char| !(c.is_alphanumeric() || c == '#' || c == '_'))
        .filter_map(|word| Some((word.to_owned(), word.strip_prefix('#')?.to_owned())))
        .collect();
    (!names.is_empty()).then_some(names)
}

/// A number as an attribute.
pub(crate) fn number(value: impl Into<i64>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

/// The item that made the condition of write `place` fail, where that is what failed.
pub(crate) fn blocker(reasons: &[CancellationReason], place: usize) -> Option<Option<Item>> {
    let reason = reasons.get(place)?;
    (reason.code() == Some("ConditionalCheckFailed")).then(|| reason.item.clone())
}
