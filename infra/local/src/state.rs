use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aws_sdk_dynamodb::Client;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Serialize, de::DeserializeOwned};
use store::StoreError;

/// What the stand-ins for AWS remember between runs: messages, mails, clients, the clock. Kept in a
/// database of its own, beside the hub's. Cloning shares.
#[derive(Debug, Clone)]
pub(crate) struct State(Arc<Mutex<Connection>>);

/// Why something is not remembered.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Its database.
    #[error("what this hub remembers can be neither read nor written: {0}")]
    Database(#[from] rusqlite::Error),
    /// A value is of another form than this version writes.
    #[error("what this hub remembers is in a form that it does not know: {0}")]
    UnknownForm(#[from] serde_json::Error),
    /// The table in which an earlier version kept it.
    #[error(transparent)]
    Earlier(#[from] StoreError),
}

impl State {
    /// In a directory, or in memory without one. What an earlier version kept in a table of the embedded store is
    /// taken over; the table stays, for whoever goes back to that version.
    pub(crate) async fn open(dir: Option<&Path>, db: &Client) -> Result<Self, StateError> {
        let database = match dir {
            Some(dir) => Connection::open(dir.join("state.db"))?,
            None => Connection::open_in_memory()?,
        };
        // A write that returned survives the end of this process.
        database.pragma_update(None, "journal_mode", "WAL")?;
        database.execute_batch(
            "CREATE TABLE IF NOT EXISTS state
             (kind TEXT, id TEXT, value TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID",
        )?;
        let state = Self(Arc::new(Mutex::new(database)));
        if dir.is_some() && state.is_empty()? {
            state.take_over(earlier(db).await?)?;
        }
        Ok(state)
    }

    pub(crate) fn put(
        &self,
        kind: &str,
        id: &str,
        value: &impl Serialize,
    ) -> Result<(), StateError> {
        let json = serde_json::to_string(value)?;
        self.database()
            .prepare_cached("INSERT OR REPLACE INTO state VALUES (?, ?, ?)")?
            .execute([kind, id, &json])?;
        Ok(())
    }

    pub(crate) fn remove(&self, kind: &str, id: &str) -> Result<(), StateError> {
        self.database()
            .prepare_cached("DELETE FROM state WHERE kind = ? AND id = ?")?
            .execute([kind, id])?;
        Ok(())
    }

    pub(crate) fn get<T: DeserializeOwned>(
        &self,
        kind: &str,
        id: &str,
    ) -> Result<Option<T>, StateError> {
        let json: Option<String> = self
            .database()
            .prepare_cached("SELECT value FROM state WHERE kind = ? AND id = ?")?
            .query_row([kind, id], |row| row.get(0))
            .optional()?;
        Ok(json.map(|json| serde_json::from_str(&json)).transpose()?)
    }

    /// Every value of a kind, in the order of their ids.
    pub(crate) fn all<T: DeserializeOwned>(
        &self,
        kind: &str,
    ) -> Result<Vec<(String, T)>, StateError> {
        let database = self.database();
        let mut all =
            database.prepare_cached("SELECT id, value FROM state WHERE kind = ? ORDER BY id")?;
        let rows = all.query_map([kind], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
        rows.map(|row| {
            let (id, json) = row?;
            Ok((id, serde_json::from_str(&json)?))
        })
        .collect()
    }

    fn is_empty(&self) -> Result<bool, StateError> {
        let any = "SELECT EXISTS (SELECT * FROM state)";
        Ok(!self.database().query_row(any, [], |row| row.get::<_, bool>(0))?)
    }

    /// All at once: a start that is cut off has taken over nothing.
    fn take_over(&self, earlier: Vec<[String; 3]>) -> Result<(), StateError> {
        let mut database = self.database();
        let all = database.transaction()?;
        for row in earlier {
            all.execute("INSERT INTO state VALUES (?, ?, ?)", params![row[0], row[1], row[2]])?;
        }
        Ok(all.commit()?)
    }

    fn database(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Kinds, ids and values of the table of an earlier version, if there is one.
async fn earlier(db: &Client) -> Result<Vec<[String; 3]>, StoreError> {
    const TABLE: &str = "hokatsu-local";
    let tables = db.list_tables().send().await?.table_names.unwrap_or_default();
    if !tables.iter().any(|name| name == TABLE) {
        return Ok(Vec::new());
    }
    let mut items = db.scan().table_name(TABLE).into_paginator().items().send();
    let mut rows = Vec::new();
    while let Some(item) = items.next().await {
        let item = item?;
        let text = |name| item.get(name).and_then(|value| value.as_s().ok()).cloned();
        rows.push(["kind", "id", "value"].map(|name| text(name).unwrap_or_default()));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::{
        AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
        ScalarAttributeType,
    };

    use super::*;
    use crate::{embedded::Embedded, fault::Faults};

    /// The table of an earlier version, with a clock.
    async fn write_as_earlier(db: &Client) {
        let mut create =
            db.create_table().table_name("hokatsu-local").billing_mode(BillingMode::PayPerRequest);
        for (name, kind) in [("kind", KeyType::Hash), ("id", KeyType::Range)] {
            let attribute = AttributeDefinition::builder().attribute_name(name);
            let key = KeySchemaElement::builder().attribute_name(name).key_type(kind);
            create = create
                .attribute_definitions(
                    attribute.attribute_type(ScalarAttributeType::S).build().unwrap(),
                )
                .key_schema(key.build().unwrap());
        }
        create.send().await.unwrap();
        let mut put = db.put_item().table_name("hokatsu-local");
        for (name, value) in [("kind", "engine"), ("id", "clock"), ("value", "86400000")] {
            put = put.item(name, AttributeValue::S(value.into()));
        }
        put.send().await.unwrap();
    }

    #[tokio::test]
    async fn what_an_earlier_version_kept_is_taken_over_once() {
        let dir = std::env::temp_dir().join(format!("hokatsu-state-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let embedded = Embedded::start(None, Faults::default()).await.unwrap();
        write_as_earlier(&embedded.steady).await;
        let clock = |state: &State| state.get::<i64>("engine", "clock").unwrap();

        let state = State::open(Some(&dir), &embedded.steady).await.unwrap();
        assert_eq!(clock(&state), Some(86_400_000));
        state.put("engine", "clock", &90_000_000).unwrap();
        drop(state);
        let state = State::open(Some(&dir), &embedded.steady).await.unwrap();
        assert_eq!(clock(&state), Some(90_000_000));
        drop(state);
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
