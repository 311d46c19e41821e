//! The table's stream: in AWS, what an event source mapping reads and hands to the functions behind it.

use aws_lambda_events::{dynamodb::Event, event::streams::DynamoDbEventResponse};
use dynoxide::{
    Database,
    actions::{
        describe_stream::DescribeStreamRequest, get_records::GetRecordsRequest,
        get_shard_iterator::GetShardIteratorRequest, list_streams::ListStreamsRequest,
    },
};

use crate::embedded::TABLE;

/// The stream and how far it was told.
pub struct Stream {
    database: Database,
    arn: String,
    shard: String,
    position: Option<String>,
}

/// Why the stream cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// The embedded store says so.
    #[error("the stream cannot be read: {0}")]
    Store(String),
    /// A record that is no record.
    #[error("a record cannot be read")]
    Record(#[from] serde_json::Error),
}

impl From<dynoxide::DynoxideError> for StreamError {
    fn from(error: dynoxide::DynoxideError) -> Self {
        Self::Store(error.to_string())
    }
}

impl Stream {
    /// After this record, or from the beginning.
    pub fn open(database: Database, position: Option<String>) -> Result<Self, StreamError> {
        let request = ListStreamsRequest { table_name: Some(TABLE.into()), ..Default::default() };
        let none = || StreamError::Store("the table has none".into());
        let arn = database.list_streams(request)?.streams.into_iter().next().ok_or_else(none)?;
        let arn = arn.stream_arn;
        let request = DescribeStreamRequest { stream_arn: arn.clone(), ..Default::default() };
        let described = database.describe_stream(request)?.stream_description;
        let shard = described.shards.into_iter().next().ok_or_else(none)?.shard_id;
        Ok(Self { database, arn, shard, position })
    }

    /// The next records, as a function is given them.
    pub fn next(&self) -> Result<Event, StreamError> {
        let kind = if self.position.is_some() { "AFTER_SEQUENCE_NUMBER" } else { "TRIM_HORIZON" };
        let iterator = self.database.get_shard_iterator(GetShardIteratorRequest {
            stream_arn: self.arn.clone(),
            shard_id: self.shard.clone(),
            shard_iterator_type: kind.into(),
            sequence_number: self.position.clone(),
        })?;
        let records = self.database.get_records(GetRecordsRequest {
            shard_iterator: iterator.shard_iterator.unwrap_or_default(),
            limit: Some(100),
        })?;
        Ok(serde_json::from_value(serde_json::to_value(&records)?)?)
    }

    /// The numbers of these records.
    pub fn numbers(event: &Event) -> Vec<String> {
        event.records.iter().filter_map(|r| r.change.sequence_number.clone()).collect()
    }

    /// Goes on after those of these records that were relayed; the new position, if any was.
    pub fn acknowledge(
        &mut self,
        read: &[String],
        response: &DynamoDbEventResponse,
    ) -> Option<&String> {
        let failed = response.batch_item_failures.first();
        let failed = failed.and_then(|failure| failure.item_identifier.as_deref());
        let relayed = read.iter().take_while(|number| failed != Some(number.as_str()));
        let last = relayed.last()?;
        self.position = Some(last.clone());
        self.position.as_ref()
    }
}
