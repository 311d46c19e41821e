//! What a search knows of a nursery's places for children.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::vacancy::{self, Mark, PlacesByAge, Vacancy};

const MARKS: [Mark; 3] = [Mark::Open, Mark::Few, Mark::None];

/// The places that a municipality last published; `null` is "not stated".
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
#[allow(missing_docs, reason = "the names say it")]
pub struct VacancySummary {
    /// The month for which they are.
    #[schema(examples("2026-12"))]
    pub base_month: String,
    pub age_0: Option<u32>,
    pub age_1: Option<u32>,
    pub age_2: Option<u32>,
    pub age_3: Option<u32>,
    pub age_4: Option<u32>,
    pub age_5: Option<u32>,
    /// Of a class that is for the ages 0 to 2 together.
    pub age_0_2: Option<u32>,
    pub mark_0: Option<Mark>,
    pub mark_1: Option<Mark>,
    pub mark_2: Option<Mark>,
    pub mark_3: Option<Mark>,
    pub mark_4: Option<Mark>,
    pub mark_5: Option<Mark>,
    pub mark_0_2: Option<Mark>,
}

/// The ages 0 to 5, and the class of 0 to 2.
const CLASSES: usize = 7;

impl From<&Vacancy> for VacancySummary {
    fn from(vacancy: &Vacancy) -> Self {
        let PlacesByAge { age_0, age_1, age_2, age_3, age_4, age_5, age_0_2 } = vacancy.places;
        let count = |places: Option<vacancy::Places>| places.and_then(|places| places.count);
        let mark = |places: Option<vacancy::Places>| places.and_then(|places| places.mark);
        Self {
            base_month: vacancy.base_month.to_string(),
            age_0: count(age_0),
            age_1: count(age_1),
            age_2: count(age_2),
            age_3: count(age_3),
            age_4: count(age_4),
            age_5: count(age_5),
            age_0_2: count(age_0_2),
            mark_0: mark(age_0),
            mark_1: mark(age_1),
            mark_2: mark(age_2),
            mark_3: mark(age_3),
            mark_4: mark(age_4),
            mark_5: mark(age_5),
            mark_0_2: mark(age_0_2),
        }
    }
}

impl VacancySummary {
    fn classes(&self) -> [Class; CLASSES] {
        [
            (self.age_0, self.mark_0),
            (self.age_1, self.mark_1),
            (self.age_2, self.mark_2),
            (self.age_3, self.mark_3),
            (self.age_4, self.mark_4),
            (self.age_5, self.mark_5),
            (self.age_0_2, self.mark_0_2),
        ]
    }

    /// Whether a child of this age class finds a place: in its own class, or up to 2 in the one for 0 to 2.
    pub fn has_place(&self, age: u8) -> bool {
        self.places().of(age) > 0
    }

    /// How many places there are in each class.
    fn places(&self) -> Places {
        Places(self.classes().map(places))
    }

    /// In a few dozen bytes: of each class the number and the mark, and the month.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(CLASSES * 3 + self.base_month.len());
        for (number, sign) in self.classes() {
            // A number is at most 9,999.
            let number = number.map_or(u16::MAX, |number| number.min(9999) as u16);
            bytes.extend(number.to_le_bytes());
            let sign = MARKS.iter().position(|of| Some(*of) == sign);
            bytes.push(sign.map_or(0, |place| place as u8 + 1));
        }
        bytes.extend(self.base_month.bytes());
        bytes
    }

    /// From what [`Self::to_bytes`] made.
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let (classes, month) = bytes.split_at_checked(CLASSES * 3)?;
        let [a, b, c, d, e, f, small] = std::array::from_fn(|nth| class(classes, nth));
        Some(Self {
            base_month: String::from_utf8(month.to_vec()).ok()?,
            age_0: a.0,
            age_1: b.0,
            age_2: c.0,
            age_3: d.0,
            age_4: e.0,
            age_5: f.0,
            age_0_2: small.0,
            mark_0: a.1,
            mark_1: b.1,
            mark_2: c.1,
            mark_3: d.1,
            mark_4: e.1,
            mark_5: f.1,
            mark_0_2: small.1,
        })
    }
}

/// How many places there are in each class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Places([u8; CLASSES]);

/// Where only a mark says it, ○ counts as two places and △ as one.
fn places((number, sign): Class) -> u8 {
    let of_sign = match sign {
        Some(Mark::Open) => 2,
        Some(Mark::Few) => 1,
        _ => 0,
    };
    number.unwrap_or_default().max(of_sign).min(255) as u8
}

/// What is published of one class.
type Class = (Option<u32>, Option<Mark>);

/// One of the classes, of which each takes three bytes.
fn class(bytes: &[u8], nth: usize) -> Class {
    let [low, high, sign] = std::array::from_fn(|n| bytes[nth * 3 + n]);
    let number = u16::from_le_bytes([low, high]);
    let sign = usize::from(sign).checked_sub(1).and_then(|nth| MARKS.get(nth).copied());
    ((number != u16::MAX).then(|| number.into()), sign)
}

impl Places {
    /// From what [`VacancySummary::to_bytes`] made.
    pub(super) fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let (classes, _) = bytes.split_at_checked(CLASSES * 3)?;
        Some(Self(std::array::from_fn(|nth| places(class(classes, nth)))))
    }

    /// For a child of this age class.
    pub(super) fn of(self, age: u8) -> u32 {
        let own = self.0[..CLASSES - 1].get(usize::from(age)).copied().unwrap_or_default();
        let small = if age <= 2 { self.0[CLASSES - 1] } else { 0 };
        u32::from(own) + u32::from(small)
    }

    /// In all classes.
    pub(super) fn all(self) -> u32 {
        self.0.iter().copied().map(u32::from).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_number_or_a_mark_and_the_small_have_a_class_together() {
        let published = VacancySummary {
            base_month: "2026-12".into(),
            age_3: Some(1),
            age_4: Some(0),
            mark_4: Some(Mark::None),
            mark_5: Some(Mark::Few),
            mark_0_2: Some(Mark::Open),
            ..VacancySummary::default()
        };
        let found = (0..=6).map(|age| published.has_place(age)).collect::<Vec<_>>();
        assert_eq!(found, [true, true, true, true, false, true, false]);
        assert_eq!(VacancySummary::of_bytes(&published.to_bytes()), Some(published));
        assert_eq!(VacancySummary::of_bytes(&[0; 20]), None);
    }
}
