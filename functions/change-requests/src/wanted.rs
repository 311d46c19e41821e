//! How the document describes what is asked for: each item with what to enter (FAC-12).

use domain::facility::ITEMS;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ArrayBuilder, ObjectBuilder, RefOr, Schema, schema::SchemaType, schema::Type},
};

/// New values by field, for the document. A value is written in JSON or as in a list, so each may have any type.
pub(crate) struct WantedChanges;

impl PartialSchema for WantedChanges {
    fn schema() -> RefOr<Schema> {
        let items = ITEMS.iter().fold(ObjectBuilder::new(), |object, item| {
            let description = format!("{}. {}", item.heading, item.guide);
            let value = ObjectBuilder::new()
                .schema_type(SchemaType::AnyValue)
                .description(Some(description));
            object.property(item.field, value)
        });
        let withheld = ArrayBuilder::new()
            .items(ObjectBuilder::new().schema_type(Type::String))
            .description(Some("The items that nobody but staff sees (非公表)."));
        items.property("withheld", withheld).into()
    }
}

impl ToSchema for WantedChanges {}
