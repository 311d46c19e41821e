//! How values stand in items, and the calls that every aggregate makes.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnConsumedCapacity};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Store, StoreError, keys::Key};

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

/// The attributes of a value.
pub(crate) fn to_item(value: &impl Serialize) -> Result<Item, StoreError> {
    Ok(serde_dynamo::to_item(value)?)
}

/// The attributes of a value, without those that state nothing: they take no room.
pub(crate) fn to_stated_item(value: &impl Serialize) -> Result<Item, StoreError> {
    let mut item = to_item(value)?;
    item.retain(|_, value| match value {
        AttributeValue::Null(_) => false,
        AttributeValue::M(map) => !map.is_empty(),
        AttributeValue::L(list) => !list.is_empty(),
        _ => true,
    });
    Ok(item)
}

/// The value of an item. Attributes that this version does not know are ignored.
pub(crate) fn from_item<T: DeserializeOwned>(item: Item) -> Result<T, StoreError> {
    Ok(serde_dynamo::from_item(item)?)
}

/// What an item of a list says. One in a form that this version does not know is left out: it keeps the others from
/// nothing, and the version that wrote it lists it.
pub(crate) fn known<T>(
    item: Item,
    parse: impl Fn(Item) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    // Keys are made of ids and keyed hashes.
    let text = |name: &str| item.get(name).and_then(|key| key.as_s().ok()).cloned();
    let (pk, sk) = (text("pk"), text("sk"));
    match parse(item) {
        Err(StoreError::UnknownForm(_)) => {
            tracing::warn!(pk, sk, "left out: an item has an unknown form");
            Ok(None)
        }
        parsed => parsed.map(Some),
    }
}

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
}

/// A number as an attribute.
pub(crate) fn number(value: impl Into<i64>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}
