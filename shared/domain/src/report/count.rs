use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// How many items there are.
pub(super) fn count(items: usize) -> u32 {
    u32::try_from(items).unwrap_or(u32::MAX)
}

/// A part of a whole, as two counts. What is written says the percentage too; it is computed from them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// How many.
    pub count: u32,
    /// Of how many.
    pub of: u32,
}

/// A percentage, rounded to one decimal, kept as whole tenths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(u64);

impl Share {
    /// How many of these there are, and of how many.
    pub fn of(all: u32, count: u32) -> Self {
        Self { count, of: all }
    }

    /// The percentage, halves rounded up; none of nothing.
    pub fn percent(self) -> Option<Percent> {
        let (count, of) = (u64::from(self.count), u64::from(self.of));
        (of > 0).then(|| Percent((2000 * count + of) / (2 * of)))
    }
}

impl std::fmt::Display for Percent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0 / 10, self.0 % 10)
    }
}

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(self.0 as f64 / 10.0)
    }
}

/// A part of a whole.
#[derive(Serialize, ToSchema)]
#[schema(as = Share)]
struct WrittenShare {
    /// How many.
    count: u32,
    /// Of how many.
    of: u32,
    /// As a percentage, rounded to one decimal; `null` of nothing.
    #[schema(value_type = Option<f64>, examples(59.9))]
    percent: Option<Percent>,
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let percent = self.percent();
        WrittenShare { count: self.count, of: self.of, percent }.serialize(to)
    }
}

impl utoipa::PartialSchema for Share {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        WrittenShare::schema()
    }
}

impl ToSchema for Share {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_percentage_is_rounded_to_one_decimal_and_none_of_nothing() {
        let percent = |count, of| Share { count, of }.percent().map(|percent| percent.to_string());
        assert_eq!(percent(264, 441).as_deref(), Some("59.9"));
        assert_eq!(percent(1, 2000).as_deref(), Some("0.1"), "a half is rounded up");
        assert_eq!(percent(2, 3).as_deref(), Some("66.7"));
        assert_eq!(percent(0, 0), None);
        let written = serde_json::to_value(Share { count: 264, of: 441 }).unwrap();
        assert_eq!(written, serde_json::json!({"count": 264, "of": 441, "percent": 59.9}));
    }

    proptest! {
        #[test]
        fn a_part_is_at_most_the_whole(of in 1..=u32::MAX, part in 0.0..=1.0) {
            let count = (f64::from(of) * part) as u32;
            let percent = Share { count, of }.percent();
            prop_assert!(percent >= Some(Percent(0)) && percent <= Some(Percent(1000)));
        }
    }
}
