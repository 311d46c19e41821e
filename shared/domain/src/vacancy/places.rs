//! Free places of an age class: a number, a mark, or both.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Invalid,
    item::{Count, FewCount, Format, code_list, plain},
};

code_list! {
    /// How a municipality marks an age class of which it need not tell the number.
    Mark {
        Open = "open", "○" | "◯" | "〇" | "◎" | "●";
        Few = "few", "△" | "▲";
        None = "none", "×" | "✕" | "✖" | "╳" | "x";
    }
}

/// What is free of an age class. One of the two is stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Places {
    /// How many.
    pub count: Option<u32>,
    /// Whether there are some.
    pub mark: Option<Mark>,
}

impl Format for Places {
    type Value = Self;
    const TYPE: &'static str = "object";
    const CODES: &'static [(&'static str, &'static str)] = Mark::CODES;

    fn is_unstated(cell: &str) -> bool {
        // An x is a mark here.
        plain(cell) != "x" && plain(cell) != "X" && FewCount::is_unstated(cell)
    }

    /// `2`, `△`, `△2`, `2△`, `○（3）`, `×0`.
    fn read(cell: &str) -> Result<Self, Invalid> {
        const FORM: Invalid = Invalid::Format("2、○、△、×、△2");
        let cell = plain(cell);
        let ends = |cell: &str| Some((cell.chars().next()?, cell.chars().next_back()?));
        let (first, last) = ends(&cell).ok_or(FORM)?;
        let mark = |end: char| Mark::from_label(&end.to_string()).ok().map(|mark| (end, mark));
        let Some((written, mark)) = mark(first).or(mark(last)) else {
            let count = Count::read(&cell).map_err(|_| FORM)?;
            return Ok(Self { count: Some(count), mark: None });
        };
        let number = cell.strip_prefix(written).or(cell.strip_suffix(written)).unwrap_or_default();
        let number = number.trim_start_matches('(').trim_end_matches(')');
        let count = match number {
            "" => None,
            number => Some(Count::read(number).map_err(|_| FORM)?),
        };
        Ok(Self { count, mark: Some(mark) })
    }

    fn write(value: &Self) -> String {
        let count = value.count.map(|count| count.to_string()).unwrap_or_default();
        format!("{}{count}", value.mark.map(Mark::label).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_has_a_number_a_mark_or_both() {
        for (cell, written) in [
            ("2", "2"),
            ("０", "0"),
            ("3人", "3"),
            ("○", "○"),
            ("〇", "○"),
            ("◯ 3", "○3"),
            ("△２", "△2"),
            ("2△", "△2"),
            ("▲（1）", "△1"),
            ("✕", "×"),
            ("Ｘ", "×"),
            ("×0", "×0"),
        ] {
            assert!(!Places::is_unstated(cell), "{cell}");
            assert_eq!(Places::write(&Places::read(cell).unwrap()), written, "{cell}");
        }
        for unstated in ["-", "－", "―", "ー"] {
            assert!(Places::is_unstated(unstated), "{unstated}");
        }
        for wrong in ["", "△△", "-1", "1.5", "○×", "あり", "10000", "△a"] {
            assert!(Places::read(wrong).is_err(), "{wrong}");
        }
    }
}
