use crate::text;

/// A code list with Japanese labels: JSON carries the code, lists in CSV the label.
///
/// The code is a `tt`: a `literal` reaches other macros wrapped, and the schema would show the variant's name in its place.
///
/// A label may have other writings after it, which are read and never written.
macro_rules! code_list {
    ($(#[$doc:meta])* $name:ident {
        $($(#[$vdoc:meta])* $variant:ident = $code:tt, $label:literal $(| $other:literal)*;)*
    }) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
        )]
        pub enum $name {
            $($(#[$vdoc])* #[doc = concat!($label, ".")] #[serde(rename = $code)] $variant,)*
        }

        impl $name {
            /// The Japanese label.
            pub fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)* }
            }

            /// The value with this label; width, kana, spacing and parentheses do not matter.
            pub fn from_label(label: &str) -> Result<Self, $crate::Invalid> {
                static VALUES: std::sync::LazyLock<std::collections::HashMap<String, $name>> =
                    std::sync::LazyLock::new(|| {
                        let labels = [$(
                            (&[$label $(, $other)*] as &[&str], $name::$variant),
                        )*];
                        let of = |(labels, value): (&'static [&str], $name)| {
                            let labels = labels.iter();
                            labels.map(move |label| ($crate::item::label_identity(label), value))
                        };
                        labels.into_iter().flat_map(of).collect()
                    });
                let value = VALUES.get(&$crate::item::label_identity(label)).copied();
                let labels = concat!($($label, "、"),*).trim_end_matches('、');
                value.ok_or($crate::Invalid::Format(labels))
            }

            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];
        }

        impl $crate::item::Format for $name {
            type Value = Self;
            const CODES: &'static [(&'static str, &'static str)] = &[$(($code, $label)),*];

            /// A label, or a code.
            fn read(cell: &str) -> Result<Self, $crate::Invalid> {
                cell.parse().or_else(|_| Self::from_label(cell))
            }

            fn write(value: &Self) -> String {
                value.label().into()
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::Invalid;
            fn from_str(code: &str) -> Result<Self, $crate::Invalid> {
                match code {
                    $($code => Ok(Self::$variant),)*
                    _ => Err($crate::Invalid::Format(concat!($($code, "、"),*).trim_end_matches('、'))),
                }
            }
        }
    };
}

pub(crate) use code_list;

/// By which a label is found, however it is written.
pub(crate) fn label_identity(label: &str) -> String {
    text::identity(label).chars().filter(|c| !"()".contains(*c)).collect()
}
