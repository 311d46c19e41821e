//! The tables of items: a line each, from which all that is done with an item is made.

use serde::Serialize;
use serde_json::Value;

/// One item. It is `required`, or may be not stated (`optional`), or follows from something else (`derived`): what a list
/// says of it is passed over.
macro_rules! item {
    (required $field:ident @ $($path:ident).+: $format:ty, $heading:literal [$($other:literal),*],
        $visibility:ident, $guide:literal) => {
        $crate::item::Item {
            read: |of, cell| <$format>::read(cell).map(|value| of.$($path).+ = value),
            write: |of| Some(<$format>::write(&of.$($path).+)),
            copy: |from, to| to.$($path).+ = from.$($path).+.clone(),
            clear: |_| {},
            set: |of, value| match value {
                serde_json::Value::Null => Err($crate::Invalid::Missing),
                value => <$format>::from_json(value).map(|value| of.$($path).+ = value),
            },
            ..$crate::item::item!(@ $field @ $($path).+: $format, $heading [$($other),*], $visibility, $guide)
        }
    };
    (optional $field:ident @ $($path:ident).+: $format:ty, $heading:literal [$($other:literal),*],
        $visibility:ident, $guide:literal) => {
        $crate::item::Item {
            read: |of, cell| {
                let unstated = <$format>::is_unstated(cell);
                of.$($path).+ = if unstated { None } else { Some(<$format>::read(cell)?) };
                Ok(())
            },
            write: |of| of.$($path).+.as_ref().map(<$format>::write),
            copy: |from, to| to.$($path).+ = from.$($path).+.clone(),
            clear: |of| of.$($path).+ = None,
            set: |of, value| {
                of.$($path).+ = match value {
                    serde_json::Value::Null => None,
                    value => Some(<$format>::from_json(value)?),
                };
                Ok(())
            },
            ..$crate::item::item!(@ $field @ $($path).+: $format, $heading [$($other),*], $visibility, $guide)
        }
    };
    (derived $field:ident @ $($path:ident).+: $format:ty, $heading:literal [$($other:literal),*],
        $visibility:ident, $guide:literal) => {
        $crate::item::Item {
            write: |of| of.$($path).+.as_ref().map(<$format>::write),
            clear: |of| of.$($path).+ = None,
            ..$crate::item::item!(@ $field @ $($path).+: $format, $heading [$($other),*], $visibility, $guide)
        }
    };
    // A value of something else, which is always there.
    (copied $field:ident @ $($path:ident).+: $format:ty, $heading:literal [$($other:literal),*],
        $visibility:ident, $guide:literal) => {
        $crate::item::Item {
            write: |of| Some(<$format>::write(&of.$($path).+)),
            ..$crate::item::item!(@ $field @ $($path).+: $format, $heading [$($other),*], $visibility, $guide)
        }
    };
    // What is the same for all, and changes nothing.
    (@ $field:ident @ $($path:ident).+: $format:ty, $heading:literal [$($other:literal),*],
        $visibility:ident, $guide:literal) => {
        $crate::item::Item {
            field: stringify!($field),
            heading: $heading,
            other_headings: &[$($other),*],
            visibility: $crate::item::Visibility::$visibility,
            guide: $guide,
            codes: <$format as $crate::item::Format>::CODES,
            one_line: <$format as $crate::item::Format>::ONE_LINE,
            rewrites: <$format as $crate::item::Format>::REWRITES,
            read: |_, _| Ok(()),
            write: |_| None,
            json: |of| $crate::item::json(&of.$($path).+),
            same: |a, b| a.$($path).+ == b.$($path).+,
            copy: |_, _| {},
            clear: |_| {},
            set: |_, _| Err($crate::Invalid::Unchangeable),
        }
    };
}

/// A table of items that anybody may see, in the order of the hub's lists.
macro_rules! table {
    ($(#[$doc:meta])* $name:ident: $of:ty {
        $($kind:ident $field:ident @ $($path:ident).+: $format:ty, $heading:literal $(| $other:literal)*, $guide:literal;)*
    }) => {
        $(#[$doc])*
        pub const $name: &[$crate::item::Item<$of>] = &[
            $($crate::item::item!(
                $kind $field @ $($path).+: $format, $heading [$($other),*], Public, $guide
            )),*
        ];
    };
}

pub(crate) use {item, table};

pub(crate) fn json(value: &impl Serialize) -> Value {
    // Texts, numbers and lists of them: there is nothing that JSON could not say.
    serde_json::to_value(value).unwrap_or_default()
}
