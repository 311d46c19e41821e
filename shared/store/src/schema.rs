//! The table and its indexes. `template.yaml` deploys the same; a test compares the two.

use aws_sdk_dynamodb::{
    Client,
    types::{
        AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType,
        Projection, ProjectionType, ScalarAttributeType, StreamSpecification, StreamViewType,
        TableStatus,
    },
};

use crate::StoreError;

/// A global secondary index. Each costs a write unit at every request for a visit, so each has
/// its reason.
#[derive(Debug, PartialEq, Eq)]
pub struct Index {
    /// Its name.
    pub name: &'static str,
    /// The attribute of the partition key; items without it are not in the index.
    pub partition: &'static str,
    /// The attribute of the sort key, a number.
    pub sort: &'static str,
    /// The attributes beside the keys that it holds.
    pub includes: &'static [&'static str],
}

/// Requests that wait for an answer, by facility and age. Sparse: an answer takes the item out, so
/// a count of new requests and the ping read what is pending, not what the table holds.
pub const PENDING: Index = Index {
    name: "pending",
    partition: "pending_facility_id",
    sort: "requested_at",
    includes: &["asked_at", "asked_count", "municipality_code", "pending_since", "starts_at"],
};

/// A search site's own reservations, by the time of the request.
pub const BY_CLIENT: Index = Index {
    name: "by_client",
    partition: "client_id",
    sort: "requested_at",
    includes: &["facility_id", "status", "updated_at"],
};

/// Every index.
pub const INDEXES: [&Index; 2] = [&PENDING, &BY_CLIENT];

/// The attribute by which DynamoDB removes items, in seconds since 1970.
pub const EXPIRES_AT: &str = "expires_at";

/// Creates the table where it does not exist yet, and waits until it is there. For the embedded
/// store; an AWS account gets its table from the template.
pub async fn create(db: &Client, table: &str) -> Result<(), StoreError> {
    let definition = |name: &str, kind: ScalarAttributeType| {
        AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build()
    };
    let key = |name: &str, kind: KeyType| {
        KeySchemaElement::builder().attribute_name(name).key_type(kind).build()
    };
    let refused = |error: aws_sdk_dynamodb::error::BuildError| StoreError::Rejected(error.into());
    let mut create = db
        .create_table()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(definition("pk", ScalarAttributeType::S).map_err(refused)?)
        .attribute_definitions(definition("sk", ScalarAttributeType::S).map_err(refused)?)
        .attribute_definitions(definition("requested_at", ScalarAttributeType::N).map_err(refused)?)
        .key_schema(key("pk", KeyType::Hash).map_err(refused)?)
        .key_schema(key("sk", KeyType::Range).map_err(refused)?)
        .stream_specification(
            StreamSpecification::builder()
                .stream_enabled(true)
                .stream_view_type(StreamViewType::NewAndOldImages)
                .build()
                .map_err(refused)?,
        );
    for index in INDEXES {
        create = create
            .attribute_definitions(
                definition(index.partition, ScalarAttributeType::S).map_err(refused)?,
            )
            .global_secondary_indexes(
                GlobalSecondaryIndex::builder()
                    .index_name(index.name)
                    .key_schema(key(index.partition, KeyType::Hash).map_err(refused)?)
                    .key_schema(key(index.sort, KeyType::Range).map_err(refused)?)
                    .projection(
                        Projection::builder()
                            .projection_type(ProjectionType::Include)
                            .set_non_key_attributes(Some(
                                index.includes.iter().map(ToString::to_string).collect(),
                            ))
                            .build(),
                    )
                    .build()
                    .map_err(refused)?,
            );
    }
    match create.send().await {
        Ok(_) => {}
        Err(error)
            if error.as_service_error().is_some_and(|e| e.is_resource_in_use_exception()) =>
        {
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    }
    loop {
        let described = db.describe_table().table_name(table).send().await?;
        if described.table().and_then(|table| table.table_status()) == Some(&TableStatus::Active) {
            return Ok(());
        }
        tokio::task::yield_now().await;
    }
}
