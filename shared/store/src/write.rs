//! The writes: each a condition, and each leaves alone what it does not know.
//!
//! While an upgrade is under way, two versions write the same items. So nothing is written over an item as a whole: a
//! new item is put where none is, and an item that exists is updated in the attributes that change. What a newer
//! version wrote beside them stays as it is. A map within an attribute is one value and is replaced as such; a list
//! that grows at its end is appended to.

use aws_sdk_dynamodb::{
    error::BuildError,
    operation::{
        delete_item::DeleteItemError, put_item::PutItemError, update_item::UpdateItemError,
    },
    types::{
        AttributeValue, ConditionCheck, Delete, Put, ReturnConsumedCapacity,
        ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
    },
};

use futures::future::BoxFuture;

use crate::{
    Store, StoreError,
    condition::{Condition, Name, Words},
    correlation::{self, CORRELATION_ID},
    item::Item,
    keys::Key,
};

/// A write of one item.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    pub(crate) key: Key,
    effect: Effect,
    condition: Condition,
}

#[derive(Debug, Clone)]
enum Effect {
    Put(Item),
    Update(Vec<(Name, Step)>),
    Delete,
    /// Leaves it as it is.
    Check,
}

/// What becomes of one attribute.
#[derive(Debug, Clone)]
enum Step {
    Set(AttributeValue),
    /// The same, unless it has a value already.
    Default(AttributeValue),
    /// At the end of the list that it is.
    Append(Vec<AttributeValue>),
    Remove,
    /// To the set or the number that it is.
    Add(AttributeValue),
    /// From the set that it is.
    Take(AttributeValue),
}

/// What stands where something else was to be written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Found {
    Item(Item),
    Nothing,
}

impl Found {
    /// The item, if there is one.
    pub(crate) fn item(self) -> Option<Item> {
        match self {
            Self::Item(item) => Some(item),
            Self::Nothing => None,
        }
    }

    /// The item; where none is, somebody else took it away.
    pub(crate) fn expected(self) -> Result<Item, StoreError> {
        self.item().ok_or(StoreError::Conflict)
    }
}

impl From<Option<Item>> for Found {
    fn from(item: Option<Item>) -> Self {
        item.map_or(Self::Nothing, Self::Item)
    }
}

/// What came of a write.
#[derive(Debug)]
pub(crate) enum Written {
    Done,
    /// The condition did not hold: of this.
    Refused(Found),
}

impl Written {
    pub(crate) fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }
}

/// By what a call knows an item that it wrote itself. When the answer to a write is lost, the SDK sends it again, and
/// the repeat meets its own effect: without the mark, that would look like somebody else who had been faster.
const WRITTEN_BY: &str = "call";

/// What every call that writes under a condition says in the same words.
macro_rules! conditional {
    ($call:expr, $table:expr, $condition:expr, $words:expr) => {
        $call
            .table_name($table)
            .condition_expression($condition)
            .set_expression_attribute_names($words.names())
            .set_expression_attribute_values($words.values())
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    };
}

impl Write {
    /// A new item, where there is none.
    pub(crate) fn create(key: Key, mut item: Item) -> Self {
        item.extend(key.attributes());
        item.extend(correlation::attribute());
        Self { key, effect: Effect::Put(item), condition: Condition::Absent }
    }

    /// An item becomes another, if it is what was read: what differs is written, and nothing else.
    pub(crate) fn change(key: Key, before: &Item, after: &Item, unchanged: Condition) -> Self {
        let mut write = Self::update(key, unchanged).caused();
        for (name, value) in after.iter().filter(|(name, value)| before.get(*name) != Some(value)) {
            write = match (before.get(name), value) {
                (Some(AttributeValue::L(old)), AttributeValue::L(new))
                    if !old.is_empty() && new.starts_with(old) =>
                {
                    write.step(name.clone(), Step::Append(new[old.len()..].to_vec()))
                }
                _ => write.set(name.clone(), value.clone()),
            };
        }
        let gone = before.keys().filter(|name| !after.contains_key(*name));
        gone.fold(write, |write, name| write.remove(name.clone()))
    }

    /// An item takes the place of whatever is there, unread: every attribute that this version knows is written, and
    /// one that is null is taken away.
    pub(crate) fn replace(key: Key, item: Item, condition: Condition) -> Self {
        let write = Self::update(key, condition).caused();
        item.into_iter().fold(write, |write, (name, value)| match value {
            AttributeValue::Null(_) => write.remove(name),
            value => write.set(name, value),
        })
    }

    /// There is such an item, which says nothing but its key.
    pub(crate) fn ensure(key: Key) -> Self {
        let write = Self::update(key, Condition::Whatever);
        write.step(WRITTEN_BY, Step::Default(call()))
    }

    /// Some attributes of an item change.
    pub(crate) fn update(key: Key, condition: Condition) -> Self {
        Self { key, effect: Effect::Update(Vec::new()), condition }
    }

    /// An item is taken away.
    pub(crate) fn delete(key: Key, condition: Condition) -> Self {
        Self { key, effect: Effect::Delete, condition }
    }

    /// An item stays as it is, but not while another transaction is at it.
    pub(crate) fn check(key: Key) -> Self {
        Self { key, effect: Effect::Check, condition: Condition::Whatever }
    }

    pub(crate) fn set(self, name: impl Into<Name>, value: AttributeValue) -> Self {
        self.step(name, Step::Set(value))
    }

    pub(crate) fn remove(self, name: impl Into<Name>) -> Self {
        self.step(name, Step::Remove)
    }

    /// Into the set, or to the number.
    pub(crate) fn add(self, name: impl Into<Name>, value: AttributeValue) -> Self {
        self.step(name, Step::Add(value))
    }

    /// Out of the set.
    pub(crate) fn take(self, name: impl Into<Name>, value: AttributeValue) -> Self {
        self.step(name, Step::Take(value))
    }

    fn step(mut self, name: impl Into<Name>, step: Step) -> Self {
        if let Effect::Update(steps) = &mut self.effect {
            steps.push((name.into(), step));
        }
        self
    }

    /// Says what caused it, or that nothing is known to have.
    fn caused(self) -> Self {
        match correlation::attribute() {
            Some((name, id)) => self.set(name, id),
            None => self.remove(CORRELATION_ID),
        }
    }

    /// Says by which call it was written.
    fn written_by(mut self, call: &AttributeValue) -> Self {
        match &mut self.effect {
            Effect::Put(item) => {
                item.insert(WRITTEN_BY.into(), call.clone());
            }
            Effect::Update(steps) => {
                let step = (WRITTEN_BY.into(), Step::Set(call.clone()));
                steps.retain(|(name, _)| name != WRITTEN_BY);
                steps.push(step);
            }
            Effect::Delete | Effect::Check => {}
        }
        self
    }

    /// As a part of a transaction.
    pub(crate) fn in_transaction(&self, table: &str) -> Result<TransactWriteItem, BuildError> {
        let mut words = Words::default();
        let condition = self.condition.write(&mut words);
        let key = || Some(self.key.attributes());
        let write = TransactWriteItem::builder();
        Ok(match &self.effect {
            Effect::Put(item) => {
                let put = Put::builder().set_item(Some(item.clone()));
                write.put(conditional!(put, table, condition, words).build()?)
            }
            Effect::Update(steps) => {
                let update = expression(steps, &mut words);
                let update = Update::builder().set_key(key()).update_expression(update);
                write.update(conditional!(update, table, condition, words).build()?)
            }
            Effect::Delete => {
                let delete = Delete::builder().set_key(key());
                write.delete(conditional!(delete, table, condition, words).build()?)
            }
            Effect::Check => {
                let check = ConditionCheck::builder().set_key(key());
                write.condition_check(conditional!(check, table, condition, words).build()?)
            }
        }
        .build())
    }
}

/// Steps as an expression.
fn expression(steps: &[(Name, Step)], words: &mut Words) -> String {
    let mut clauses = [("SET", vec![]), ("REMOVE", vec![]), ("ADD", vec![]), ("DELETE", vec![])];
    for (name, step) in steps {
        let name = words.name(name);
        let (clause, text) = match step {
            Step::Set(value) => (0, format!("{name} = {}", words.value(value))),
            Step::Default(value) => {
                (0, format!("{name} = if_not_exists({name}, {})", words.value(value)))
            }
            Step::Append(more) => {
                let more = words.value(&AttributeValue::L(more.clone()));
                (0, format!("{name} = list_append({name}, {more})"))
            }
            Step::Remove => (1, name),
            Step::Add(value) => (2, format!("{name} {}", words.value(value))),
            Step::Take(value) => (3, format!("{name} {}", words.value(value))),
        };
        clauses[clause].1.push(text);
    }
    let clauses = clauses.iter().filter(|(_, texts)| !texts.is_empty());
    clauses
        .map(|(verb, texts)| format!("{verb} {}", texts.join(", ")))
        .collect::<Vec<_>>()
        .join(" ")
}

fn call() -> AttributeValue {
    AttributeValue::B(rand::random::<[u8; 8]>().to_vec().into())
}

impl Store {
    /// Writes one item if the condition holds; otherwise tells what is there instead.
    ///
    /// If it is there because an earlier attempt of this very call wrote it, it is written.
    pub(crate) async fn write(&self, write: Write) -> Result<Written, StoreError> {
        let call = call();
        let written = self.send(write.written_by(&call)).await?;
        Ok(match written {
            Written::Refused(Found::Item(item)) if item.get(WRITTEN_BY) == Some(&call) => {
                Written::Done
            }
            written => written,
        })
    }

    /// Boxed: what writes is part of many futures, and large.
    fn send(&self, write: Write) -> BoxFuture<'_, Result<Written, StoreError>> {
        let mut words = Words::default();
        let condition = write.condition.write(&mut words);
        let key = Some(write.key.attributes());
        /// Sends a call, and tells of a failed condition what is there.
        macro_rules! send {
            ($call:expr, $error:ident) => {{
                let call = conditional!($call, &*self.table, condition, words);
                let call = call.return_consumed_capacity(ReturnConsumedCapacity::Total);
                let sent = Box::pin(call.send());
                Box::pin(async move {
                    match sent.await {
                        Ok(output) => {
                            self.meter.write(output.consumed_capacity());
                            Ok(Written::Done)
                        }
                        Err(error) => match error.as_service_error() {
                            Some($error::ConditionalCheckFailedException(failed)) => {
                                Ok(Written::Refused(failed.item.clone().into()))
                            }
                            _ => Err(error.into()),
                        },
                    }
                })
            }};
        }
        match write.effect {
            Effect::Put(item) => send!(self.db.put_item().set_item(Some(item)), PutItemError),
            Effect::Update(steps) => {
                let update = expression(&steps, &mut words);
                let call = self.db.update_item().set_key(key).update_expression(update);
                send!(call, UpdateItemError)
            }
            Effect::Delete => send!(self.db.delete_item().set_key(key), DeleteItemError),
            // Nothing else is at an item that is looked at alone.
            Effect::Check => Box::pin(async { Ok(Written::Done) }),
        }
    }
}
