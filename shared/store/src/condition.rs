//! What has to hold for a write, as an expression of DynamoDB.

use std::{borrow::Cow, collections::HashMap};

use aws_sdk_dynamodb::types::AttributeValue;

/// The name of an attribute.
pub(crate) type Name = Cow<'static, str>;

/// What has to hold for a write.
#[derive(Debug, Clone)]
pub(crate) enum Condition {
    /// Nothing.
    Whatever,
    /// There is no such item.
    Absent,
    /// There is such an item.
    Present,
    /// The item has this attribute.
    Has(Name),
    /// It lacks it.
    Lacks(Name),
    /// The attribute is this. Of what every change changes: the item is as it was read.
    Is(Name, AttributeValue),
    /// It is something else.
    IsNot(Name, AttributeValue),
    /// It is less than this.
    Below(Name, AttributeValue),
    /// It is greater than this.
    Above(Name, AttributeValue),
    /// The set has fewer members than this; none, where there is no such set.
    FewerThan(Name, Limit),
    /// The set has as many members as this, or more.
    Full(Name, Limit),
    /// All of them hold.
    All(Vec<Condition>),
    /// One of them holds.
    Any(Vec<Condition>),
}

/// How many members a set may have.
#[derive(Debug, Clone)]
pub(crate) enum Limit {
    /// As many as another attribute says.
    Attribute(Name),
    /// So many.
    Value(AttributeValue),
}

impl Condition {
    /// There is none yet, or one in which the attribute is less than this: what is written is newer.
    pub(crate) fn newer(name: &'static str, value: AttributeValue) -> Self {
        Self::Any(vec![Self::Absent, Self::Below(name.into(), value)])
    }

    /// As an expression, whose names and values stand in `words`.
    pub(crate) fn write(&self, words: &mut Words) -> String {
        let mut compare = |name: &str, operator: &str, value: &AttributeValue| {
            format!("{} {operator} {}", words.name(name), words.value(value))
        };
        match self {
            Self::Whatever => "attribute_exists(pk) OR attribute_not_exists(pk)".into(),
            Self::Absent => "attribute_not_exists(pk)".into(),
            Self::Present => "attribute_exists(pk)".into(),
            Self::Is(name, value) => compare(name, "=", value),
            Self::IsNot(name, value) => compare(name, "<>", value),
            Self::Below(name, value) => compare(name, "<", value),
            Self::Above(name, value) => compare(name, ">", value),
            Self::Has(name) => format!("attribute_exists({})", words.name(name)),
            Self::Lacks(name) => format!("attribute_not_exists({})", words.name(name)),
            Self::FewerThan(set, limit) => {
                let (set, limit) = (words.name(set), words.limit(limit));
                format!("attribute_not_exists({set}) OR size({set}) < {limit}")
            }
            Self::Full(set, limit) => {
                format!("size({}) >= {}", words.name(set), words.limit(limit))
            }
            Self::All(all) => Self::join(all, " AND ", words),
            Self::Any(any) => Self::join(any, " OR ", words),
        }
    }

    fn join(conditions: &[Self], word: &str, words: &mut Words) -> String {
        let each = conditions.iter().map(|condition| format!("({})", condition.write(words)));
        each.collect::<Vec<_>>().join(word)
    }
}

/// The names and values for which words stand in the expressions of a call.
#[derive(Debug, Default)]
pub(crate) struct Words {
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Words {
    /// A word for an attribute, whose name may be a reserved one.
    pub(crate) fn name(&mut self, name: &str) -> String {
        let word = format!("#{name}");
        self.names.insert(word.clone(), name.to_owned());
        word
    }

    /// A word for a value.
    pub(crate) fn value(&mut self, value: &AttributeValue) -> String {
        let word = format!(":v{}", self.values.len());
        self.values.insert(word.clone(), value.clone());
        word
    }

    fn limit(&mut self, limit: &Limit) -> String {
        match limit {
            Limit::Attribute(name) => self.name(name),
            Limit::Value(value) => self.value(value),
        }
    }

    /// The names; DynamoDB refuses an empty list.
    pub(crate) fn names(&self) -> Option<HashMap<String, String>> {
        Some(self.names.clone()).filter(|names| !names.is_empty())
    }

    /// The values, likewise.
    pub(crate) fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        Some(self.values.clone()).filter(|values| !values.is_empty())
    }
}
