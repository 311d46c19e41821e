//! The one query that every list is read with, and where what it costs is counted.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};

use futures::future::BoxFuture;

use crate::{
    Store, StoreError,
    condition::{Condition, Words},
    item::{Item, known},
    keys::{
        Key,
        span::{Sort, Span},
    },
    schema::Index,
};

/// What is read: items in the order of their sort keys.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    partition: (&'static str, String),
    sort: Option<Sort>,
    index: Option<&'static str>,
    consistent: bool,
    newest_first: bool,
    filter: Option<Condition>,
}

/// What one call reads.
pub(crate) struct Page {
    pub(crate) items: Vec<Item>,
    /// How many items were read, those among them that the filter left out.
    pub(crate) read: usize,
    /// After which key there is more.
    pub(crate) next: Option<Item>,
}

impl Query {
    /// Of a part of a partition of the table.
    pub(crate) fn of(Span { pk, sort }: Span) -> Self {
        let (partition, sort) = (("pk", pk), Some(sort));
        let (index, consistent, newest_first, filter) = (None, false, false, None);
        Self { partition, sort, index, consistent, newest_first, filter }
    }

    /// Of a whole partition of an index.
    pub(crate) fn of_index(index: &'static Index, partition: impl ToString) -> Self {
        let partition = (index.partition, partition.to_string());
        let index = Some(index.name);
        let (consistent, newest_first, filter) = (false, false, None);
        Self { partition, sort: None, index, consistent, newest_first, filter }
    }

    /// Sees what was written a moment ago, at twice the cost.
    pub(crate) fn consistent(self) -> Self {
        Self { consistent: true, ..self }
    }

    /// The other way round.
    pub(crate) fn newest_first(self) -> Self {
        Self { newest_first: true, ..self }
    }

    /// Leaves out that of which this does not hold. It is read nevertheless.
    pub(crate) fn filter(self, filter: Option<Condition>) -> Self {
        Self { filter, ..self }
    }

    /// Whether items may be left out.
    pub(crate) fn is_filtered(&self) -> bool {
        self.filter.is_some()
    }
}

impl Store {
    /// Up to `limit` things of which items tell, or all; what this version cannot read is left out.
    pub(crate) async fn list<T>(
        &self,
        query: &Query,
        limit: Option<usize>,
        parse: impl Fn(Item) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        self.list_of(query, None, limit, |item| known(item, &parse)).await
    }

    /// The same from after a key on.
    pub(crate) async fn list_after<T>(
        &self,
        query: &Query,
        after: Option<Key>,
        limit: Option<usize>,
        parse: impl Fn(Item) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        self.list_of(query, after, limit, |item| known(item, &parse)).await
    }

    /// Up to `limit` things of which items tell, of those that are wanted.
    pub(crate) async fn list_wanted<T>(
        &self,
        query: &Query,
        limit: usize,
        parse: impl Fn(Item) -> Result<T, StoreError>,
        is_wanted: impl Fn(&T) -> bool,
    ) -> Result<Vec<T>, StoreError> {
        let wanted = |item| Ok(known(item, &parse)?.filter(&is_wanted));
        self.list_of(query, None, Some(limit), wanted).await
    }

    /// The same for who must miss nothing: what cannot be read is an error.
    pub(crate) async fn list_whole<T>(
        &self,
        query: &Query,
        limit: Option<usize>,
        parse: impl Fn(Item) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        self.list_of(query, None, limit, |item| parse(item).map(Some)).await
    }

    async fn list_of<T>(
        &self,
        query: &Query,
        after: Option<Key>,
        limit: Option<usize>,
        parse: impl Fn(Item) -> Result<Option<T>, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let (mut found, mut start) = (Vec::new(), after.map(|key| key.attributes()));
        loop {
            let wanted = limit.map(|limit| limit - found.len());
            let page = self.page(query, wanted, start).await?;
            for item in page.items {
                found.extend(parse(item)?);
            }
            start = page.next;
            if start.is_none() || limit.is_some_and(|limit| found.len() >= limit) {
                return Ok(found);
            }
        }
    }

    /// One page: up to `limit` items, those among them that the filter leaves out, or a megabyte.
    pub(crate) fn page(
        &self,
        query: &Query,
        limit: Option<usize>,
        start: Option<Item>,
    ) -> BoxFuture<'_, Result<Page, StoreError>> {
        let mut words = Words::default();
        let (partition, pk) = &query.partition;
        let mut text = |text: &str| {
            debug_assert!(!text.is_empty(), "DynamoDB takes no empty key; the embedded store does");
            words.value(&AttributeValue::S(text.to_owned()))
        };
        let pk = text(pk);
        let sort = match &query.sort {
            Some(Sort::Between(low, high)) => {
                format!(" AND sk BETWEEN {} AND {}", text(low), text(high))
            }
            Some(Sort::UpTo(high)) => format!(" AND sk <= {}", text(high)),
            Some(Sort::Below(prefix)) => format!(" AND begins_with(sk, {})", text(prefix)),
            None => String::new(),
        };
        let condition = format!("{} = {pk}{sort}", words.name(partition));
        let filter = query.filter.as_ref().map(|filter| filter.write(&mut words));
        let call = self
            .db
            .query()
            .table_name(&*self.table)
            .set_index_name(query.index.map(Into::into))
            .key_condition_expression(condition)
            .set_filter_expression(filter)
            .set_expression_attribute_names(words.names())
            .set_expression_attribute_values(words.values())
            .consistent_read(query.consistent)
            .set_scan_index_forward(query.newest_first.then_some(false))
            .set_limit(limit.map(|limit| limit as i32))
            .set_exclusive_start_key(start)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        // Boxed: what reads pages is part of many futures, and large.
        let sent = Box::pin(call.send());
        Box::pin(async move {
            let output = sent.await?;
            self.meter.read(output.consumed_capacity());
            Ok(Page {
                items: output.items.unwrap_or_default(),
                read: output.scanned_count.max(0) as usize,
                next: output.last_evaluated_key,
            })
        })
    }

    /// Every item of an index that this version can read, in no order. Only for an index that is small by its nature.
    pub(crate) async fn scan<T>(
        &self,
        index: &'static Index,
        parse: impl Fn(Item) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let call = self.db.scan().table_name(&*self.table).index_name(index.name);
        let call = call.return_consumed_capacity(ReturnConsumedCapacity::Total);
        let (mut found, mut pages) = (Vec::new(), call.into_paginator().send());
        while let Some(page) = pages.next().await {
            let page = page?;
            self.meter.read(page.consumed_capacity());
            for item in page.items.unwrap_or_default() {
                found.extend(known(item, &parse)?);
            }
        }
        Ok(found)
    }
}
