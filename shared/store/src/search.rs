//! The search index in the table: one compressed item for each municipality.

use std::{
    collections::BTreeMap,
    io::{Read, Write as _},
};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{MunicipalityCode, search::Shard};
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::{
    Store, StoreError,
    condition::Condition::{self, Any, Below, Lacks},
    item::{from_item, number, to_item},
    keys::{Key, Prefecture, span::Span},
    query::Query,
    write::Write,
};

/// Counts the changes of one municipality's entries.
pub type ShardVersion = u32;

#[derive(Serialize, Deserialize)]
struct ShardItem {
    version: ShardVersion,
    entries: ByteBuf,
}

impl ShardItem {
    fn pack(shard: &Shard, version: ShardVersion) -> Result<Self, StoreError> {
        let form = |error: std::io::Error| StoreError::UnknownForm(error.into());
        let json = serde_json::to_vec(shard).map_err(|e| StoreError::UnknownForm(e.into()))?;
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&json).map_err(form)?;
        Ok(Self { version, entries: ByteBuf::from(encoder.finish().map_err(form)?) })
    }

    /// All entries, for who writes them again.
    fn unpack(&self) -> Result<Shard, StoreError> {
        serde_json::from_slice(&self.json()?).map_err(|error| StoreError::UnknownForm(error.into()))
    }

    /// The entries that this version can read: one that it cannot keeps nobody from finding the others.
    fn unpack_known(&self) -> Result<Shard, StoreError> {
        self.unpack().or_else(|_| {
            #[derive(Deserialize)]
            struct Each {
                entries: Vec<serde_json::Value>,
            }
            let each: Each = serde_json::from_slice(&self.json()?)
                .map_err(|error| StoreError::UnknownForm(error.into()))?;
            let known = each.entries.into_iter().filter_map(|one| serde_json::from_value(one).ok());
            Ok(Shard { entries: known.collect() })
        })
    }

    fn json(&self) -> Result<Vec<u8>, StoreError> {
        let mut json = Vec::new();
        DeflateDecoder::new(self.entries.as_slice())
            .read_to_end(&mut json)
            .map_err(|error| StoreError::UnknownForm(error.into()))?;
        Ok(json)
    }
}

/// How often a shard is computed anew when another run of the fan-out changes it.
const TRIES: usize = 10;

impl Store {
    /// The version of every municipality's entries.
    pub async fn search_versions(
        &self,
    ) -> Result<BTreeMap<MunicipalityCode, ShardVersion>, StoreError> {
        let items = self.list(&Query::of(Span::search_versions()), None, Ok).await?;
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
    pub async fn search_shards(
        &self,
        codes: impl IntoIterator<Item = MunicipalityCode>,
    ) -> Result<Vec<(MunicipalityCode, ShardVersion, Shard)>, StoreError> {
        let items = self.get_items(codes.into_iter().map(Key::SearchShard), false).await?;
        items
            .into_iter()
            .map(|item| {
                let Some(Key::SearchShard(code)) = Key::of(&item) else {
                    return Err(StoreError::UnknownForm("a shard's key".into()));
                };
                let item: ShardItem = from_item(item)?;
                Ok((code, item.version, item.unpack_known()?))
            })
            .collect()
    }

    /// Changes the entries of one municipality, compare-and-set on their version. `change` tells
    /// whether it changed anything; it is run again on newer entries if another run was faster.
    pub async fn change_shard(
        &self,
        code: MunicipalityCode,
        mut change: impl FnMut(&mut Shard) -> bool,
    ) -> Result<(), StoreError> {
        for _ in 0..TRIES {
            let item = self.get_item(Key::SearchShard(code), true).await?;
            let item: Option<ShardItem> = item.map(from_item).transpose()?;
            let version = item.as_ref().map_or(0, |item| item.version);
            let mut shard = item.as_ref().map(ShardItem::unpack).transpose()?.unwrap_or_default();
            if !change(&mut shard) {
                return Ok(());
            }
            let (key, next) = (Key::SearchShard(code), ShardItem::pack(&shard, version + 1)?);
            let write = match &item {
                None => Write::create(key, to_item(&next)?),
                Some(before) => {
                    let unchanged = Condition::Is("version".into(), number(version));
                    Write::change(key, &to_item(before)?, &to_item(&next)?, unchanged)
                }
            };
            let announce = |versions| announce_version(versions, code, version + 1);
            let mut writes = vec![write, announce(Key::SearchVersions(Prefecture::of(code)))];
            if version == 0 {
                // A search of the version before finds a municipality only if it is named here.
                writes.push(announce(Key::AllSearchVersions()));
            }
            if self.transact(writes).await?.is_done() {
                return Ok(());
            }
        }
        Err(StoreError::Unavailable("the search entries change too fast".into()))
    }
}

fn announce_version(versions: Key, code: MunicipalityCode, version: ShardVersion) -> Write {
    let name = || code.to_string().into();
    let older = Any(vec![Lacks(name()), Below(name(), number(version))]);
    Write::update(versions, older).set(code.to_string(), number(version))
}
