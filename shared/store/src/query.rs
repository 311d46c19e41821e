//! The one query that every list is read with, and where what it costs is counted.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};

use crate::{
    Store, StoreError,
    item::Item,
    keys::span::{Sort, Span},
    schema::Index,
};

/// What is read: items in the order of their sort keys.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    partition: (&'static str, String),
    sort: Option<Sort>,
    index: Option<&'static str>,
    consistent: bool,
    filter: Vec<(&'static str, Filter)>,
}

/// What an attribute has to be.
#[derive(Debug, Clone)]
pub(crate) enum Filter {
    Is(AttributeValue),
    Above(AttributeValue),
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
        Self { partition, sort, index: None, consistent: false, filter: Vec::new() }
    }

    /// Of a whole partition of an index.
    pub(crate) fn of_index(index: &'static Index, partition: impl ToString) -> Self {
        let partition = (index.partition, partition.to_string());
        let index = Some(index.name);
        Self { partition, sort: None, index, consistent: false, filter: Vec::new() }
    }

    /// Sees what was written a moment ago, at twice the cost.
    pub(crate) fn consistent(self) -> Self {
        Self { consistent: true, ..self }
    }

    /// Leaves out what is not so. It is read nevertheless.
    pub(crate) fn filter(
        mut self,
        filter: impl IntoIterator<Item = (&'static str, Filter)>,
    ) -> Self {
        self.filter.extend(filter);
        self
    }

    /// Whether items may be left out.
    pub(crate) fn is_filtered(&self) -> bool {
        !self.filter.is_empty()
    }
}

impl Store {
    /// Up to `limit` things of which items tell, or all. What `parse` makes nothing of is left out.
    pub(crate) async fn list<T>(
        &self,
        query: &Query,
        limit: Option<usize>,
        parse: impl Fn(Item) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let (mut found, mut start) = (Vec::new(), None);
        loop {
            let wanted = limit.map(|limit| limit - found.len());
            // Boxed, as what reads pages is part of many futures and large.
            let page = Box::pin(self.page(query, wanted, start)).await?;
            for item in page.items {
                found.push(parse(item)?);
            }
            start = page.next;
            if start.is_none() || limit.is_some_and(|limit| found.len() >= limit) {
                return Ok(found);
            }
        }
    }

    /// One page: up to `limit` items, those among them that the filter leaves out, or a megabyte.
    pub(crate) async fn page(
        &self,
        query: &Query,
        limit: Option<usize>,
        start: Option<Item>,
    ) -> Result<Page, StoreError> {
        let (partition, pk) = &query.partition;
        let mut names = HashMap::from([("#partition".to_owned(), (*partition).to_owned())]);
        let mut values = vec![(":partition".to_owned(), AttributeValue::S(pk.clone()))];
        let mut bound = |name: &str, text: &str| {
            values.push((name.to_owned(), AttributeValue::S(text.to_owned())));
        };
        let sort = match &query.sort {
            Some(Sort::Between(low, high)) => {
                bound(":low", low);
                bound(":high", high);
                " AND sk BETWEEN :low AND :high"
            }
            Some(Sort::UpTo(high)) => {
                bound(":high", high);
                " AND sk <= :high"
            }
            Some(Sort::Below(prefix)) => {
                bound(":prefix", prefix);
                " AND begins_with(sk, :prefix)"
            }
            None => "",
        };
        let mut filters = Vec::new();
        for (name, filter) in &query.filter {
            let (operator, value) = match filter {
                Filter::Is(value) => ("=", value),
                Filter::Above(value) => (">", value),
            };
            filters.push(format!("#{name} {operator} :{name}"));
            names.insert(format!("#{name}"), (*name).to_owned());
            values.push((format!(":{name}"), value.clone()));
        }
        let output = self
            .db
            .query()
            .table_name(&*self.table)
            .set_index_name(query.index.map(Into::into))
            .key_condition_expression(format!("#partition = :partition{sort}"))
            .set_filter_expression(query.is_filtered().then(|| filters.join(" AND ")))
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values.into_iter().collect()))
            .consistent_read(query.consistent)
            .set_limit(limit.map(|limit| limit as i32))
            .set_exclusive_start_key(start)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await?;
        self.meter.read(output.consumed_capacity());
        Ok(Page {
            items: output.items.unwrap_or_default(),
            read: output.scanned_count.max(0) as usize,
            next: output.last_evaluated_key,
        })
    }

    /// Every item of an index, in no order. Only for an index that is small by its nature.
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
                found.push(parse(item)?);
            }
        }
        Ok(found)
    }
}
