//! From which age a nursery takes children, as people write it.

use super::AcceptsUntil;
use crate::item::plain;

/// What a text such as `生後57日～就学前` says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Accepts {
    pub(super) from_months: Option<u32>,
    pub(super) from_days: Option<u32>,
    pub(super) until: Option<AcceptsUntil>,
}

impl Accepts {
    /// As far as the text says it in a way that can be told.
    pub(super) fn of_text(text: &str) -> Self {
        let text =
            plain(text).replace("ヶ月", "か月").replace("カ月", "か月").replace("ヵ月", "か月");
        let text = text.replace("ケ月", "か月").replace("箇月", "か月").replace("から", "~");
        let mut parts = text.split(['~', '〜', '～']);
        let from = parts.next().unwrap_or_default();
        Self {
            from_months: before(from, "か月")
                .or_else(|| before(from, "歳").map(|years| years * 12)),
            from_days: before(from, "日"),
            until: parts.next().and_then(until),
        }
    }

    /// The age from which a child is taken, in whole months.
    pub(super) fn months(&self) -> Option<u32> {
        self.from_months.or(self.from_days.map(|days| days / 30))
    }
}

/// The number that stands before a word.
fn before(text: &str, word: &str) -> Option<u32> {
    let head = &text[..text.find(word)?];
    let digits = head.chars().rev().take_while(char::is_ascii_digit).count();
    head[head.len() - digits..].parse().ok().filter(|number| *number <= 3000)
}

fn until(text: &str) -> Option<AcceptsUntil> {
    use AcceptsUntil::{Age0, Age1, Age2, Age3, Age4, Age5, School};
    if text.contains("就学") || text.contains("小学校") {
        return Some(School);
    }
    [Age0, Age1, Age2, Age3, Age4, Age5].get(before(text, "歳")? as usize).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_taken_from_what_people_write() {
        for (text, days, months, until) in [
            ("生後57日後～就学前", Some(57), Some(1), Some(AcceptsUntil::School)),
            ("生後５７日", Some(57), Some(1), None),
            ("生後6ヶ月", None, Some(6), None),
            ("満1歳〜2歳児クラスまで", None, Some(12), Some(AcceptsUntil::Age2)),
            ("６カ月から小学校就学の始期まで", None, Some(6), Some(AcceptsUntil::School)),
            ("要相談", None, None, None),
        ] {
            let accepts = Accepts::of_text(text);
            assert_eq!(
                (accepts.from_days, accepts.months(), accepts.until),
                (days, months, until),
                "{text}"
            );
        }
    }
}
