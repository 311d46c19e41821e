use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    types::{
        AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
        ScalarAttributeType,
    },
};
use serde::{Serialize, de::DeserializeOwned};
use store::StoreError;

/// What the stand-ins for AWS remember between runs: messages, mails, clients, the clock. Kept in a
/// table of its own, beside the hub's.
#[derive(Debug, Clone)]
pub(crate) struct State {
    db: Client,
}

const TABLE: &str = "hokatsu-local";

impl State {
    pub(crate) async fn open(db: Client) -> Result<Self, StoreError> {
        let refused =
            |error: aws_sdk_dynamodb::error::BuildError| StoreError::Rejected(error.into());
        let mut create =
            db.create_table().table_name(TABLE).billing_mode(BillingMode::PayPerRequest);
        for (name, kind) in [("kind", KeyType::Hash), ("id", KeyType::Range)] {
            create = create
                .attribute_definitions(
                    AttributeDefinition::builder()
                        .attribute_name(name)
                        .attribute_type(ScalarAttributeType::S)
                        .build()
                        .map_err(refused)?,
                )
                .key_schema(
                    KeySchemaElement::builder()
                        .attribute_name(name)
                        .key_type(kind)
                        .build()
                        .map_err(refused)?,
                );
        }
        match create.send().await {
            Ok(_) => {}
            Err(error)
                if error.as_service_error().is_some_and(|e| e.is_resource_in_use_exception()) => {}
            Err(error) => return Err(error.into()),
        }
        loop {
            let described = db.describe_table().table_name(TABLE).send().await?;
            let status = described.table().and_then(|table| table.table_status());
            if status == Some(&aws_sdk_dynamodb::types::TableStatus::Active) {
                return Ok(Self { db });
            }
            tokio::task::yield_now().await;
        }
    }

    pub(crate) async fn put(
        &self,
        kind: &str,
        id: &str,
        value: &impl Serialize,
    ) -> Result<(), StoreError> {
        let json = serde_json::to_string(value).map_err(|e| StoreError::UnknownForm(e.into()))?;
        let mut item = key(kind, id);
        item.insert("value".into(), AttributeValue::S(json));
        self.db.put_item().table_name(TABLE).set_item(Some(item)).send().await?;
        Ok(())
    }

    pub(crate) async fn remove(&self, kind: &str, id: &str) -> Result<(), StoreError> {
        self.db.delete_item().table_name(TABLE).set_key(Some(key(kind, id))).send().await?;
        Ok(())
    }

    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        kind: &str,
        id: &str,
    ) -> Result<Option<T>, StoreError> {
        let output =
            self.db.get_item().table_name(TABLE).set_key(Some(key(kind, id))).send().await?;
        output.item.map(value).transpose()
    }

    /// Every value of a kind, in the order of their ids.
    pub(crate) async fn all<T: DeserializeOwned>(
        &self,
        kind: &str,
    ) -> Result<Vec<(String, T)>, StoreError> {
        let mut pages = self
            .db
            .query()
            .table_name(TABLE)
            .key_condition_expression("kind = :kind")
            .expression_attribute_values(":kind", AttributeValue::S(kind.into()))
            .into_paginator()
            .send();
        let mut all = Vec::new();
        while let Some(page) = pages.next().await {
            for item in page?.items.unwrap_or_default() {
                let id = item.get("id").and_then(|id| id.as_s().ok()).cloned().unwrap_or_default();
                all.push((id, value(item)?));
            }
        }
        Ok(all)
    }
}

fn key(kind: &str, id: &str) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("kind".to_owned(), AttributeValue::S(kind.into())),
        ("id".to_owned(), AttributeValue::S(id.into())),
    ])
}

fn value<T: DeserializeOwned>(item: HashMap<String, AttributeValue>) -> Result<T, StoreError> {
    let json = item.get("value").and_then(|value| value.as_s().ok());
    serde_json::from_str(json.map_or("", String::as_str))
        .map_err(|error| StoreError::UnknownForm(error.into()))
}
