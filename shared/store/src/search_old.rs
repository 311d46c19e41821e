//! The search entries as the version of the hub before kept them: packed, an item for each municipality. They are read
//! until every facility has an entry of its own, and written no more. See decision 0016.

use std::{collections::BTreeMap, io::Read};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    MunicipalityCode, Timestamp,
    search::{Entry, FacilitySummary},
};
use flate2::read::DeflateDecoder;
use serde::Deserialize;
use serde_bytes::ByteBuf;

use crate::{
    Store, StoreError,
    item::from_item,
    keys::{Key, span::Span},
    query::Query,
};

/// Counts the changes of one municipality's entries.
pub type ShardVersion = u32;

#[derive(Deserialize)]
struct ShardItem {
    version: ShardVersion,
    entries: ByteBuf,
}

#[derive(Deserialize)]
struct Shard {
    entries: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct OldEntry {
    facility: FacilitySummary,
    free: Vec<i64>,
}

impl ShardItem {
    /// The entries that this version can read: one that it cannot keeps nobody from finding the others.
    fn unpack(&self) -> Result<Vec<Entry>, StoreError> {
        let mut json = Vec::new();
        DeflateDecoder::new(self.entries.as_slice())
            .read_to_end(&mut json)
            .map_err(|error| StoreError::UnknownForm(error.into()))?;
        let shard: Shard =
            serde_json::from_slice(&json).map_err(|error| StoreError::UnknownForm(error.into()))?;
        let known = shard.entries.into_iter().filter_map(|one| serde_json::from_value(one).ok());
        let entry = |OldEntry { facility, free }| {
            let free = free.into_iter().filter_map(Timestamp::from_epoch_ms).collect();
            Entry::of_summary(facility, free)
        };
        Ok(known.map(entry).collect())
    }
}

impl Store {
    /// The version of every municipality's entries.
    pub async fn old_search_versions(
        &self,
    ) -> Result<BTreeMap<MunicipalityCode, ShardVersion>, StoreError> {
        let items = self.list(&Query::of(Span::old_search_versions()), None, Ok).await?;
        let version = |(name, value): (String, AttributeValue)| {
            Some((name.parse().ok()?, value.as_n().ok()?.parse::<ShardVersion>().ok()?))
        };
        // Where the item of all and that of a prefecture name a municipality, the greater version is the newer.
        let mut versions = BTreeMap::new();
        for (code, version) in items.into_iter().flatten().filter_map(version) {
            let newest = versions.entry(code).or_default();
            *newest = version.max(*newest);
        }
        Ok(versions)
    }

    /// The entries of these municipalities.
    pub async fn old_search_entries(
        &self,
        codes: impl IntoIterator<Item = MunicipalityCode>,
    ) -> Result<Vec<(MunicipalityCode, ShardVersion, Vec<Entry>)>, StoreError> {
        let items = self.get_items(codes.into_iter().map(Key::OldSearchShard), false).await?;
        let shard = |item| {
            let Some(Key::OldSearchShard(code)) = Key::of(&item) else {
                return Err(StoreError::UnknownForm("a shard's key".into()));
            };
            let item: ShardItem = from_item(item)?;
            Ok((code, item.version, item.unpack()?))
        };
        items.into_iter().map(shard).collect()
    }
}
