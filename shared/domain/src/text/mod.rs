//! What people type: read in any usual writing, and kept in one.

mod fold;
mod number;

use std::str::FromStr;

pub use fold::{fold, identity, terms};
pub use number::{phone, postal_code};

use crate::Invalid;

/// Text of 1 to `max` characters on any number of lines. Every way to break a line becomes LF, a tab a space.
///
/// ```
/// use domain::text::free_text;
/// assert_eq!(free_text("一行目\r\n二行目", 7).unwrap(), "一行目\n二行目");
/// ```
pub fn free_text(text: &str, max: usize) -> Result<String, Invalid> {
    let broken = text.replace("\r\n", "\n");
    let text: String = broken.chars().map(|c| if breaks(c) { '\n' } else { untabbed(c) }).collect();
    let text = text.trim();
    if text.chars().all(|c| c.is_whitespace() || is_invisible(c)) {
        return Err(Invalid::Missing);
    }
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(Invalid::ControlCharacter);
    }
    if text.chars().count() > max {
        return Err(Invalid::TooLong(max));
    }
    Ok(text.into())
}

/// Text of 1 to `max` characters on one line: a name, a label, a version. Breaks at its ends are cut; inside there is
/// none, and nothing that turns the direction of writing, for such text goes into subjects and lists.
pub fn one_line(text: &str, max: usize) -> Result<String, Invalid> {
    let text = free_text(text, max)?;
    if text.contains('\n') {
        return Err(Invalid::LineBreak);
    }
    if text.chars().any(turns_direction) {
        return Err(Invalid::ControlCharacter);
    }
    Ok(text)
}

/// A cell of a list, on one line: what an office broke into lines is put into one.
pub fn cell(text: &str, max: usize) -> Result<String, Invalid> {
    let text = text.replace("\r\n", " ");
    one_line(&text.chars().map(|c| if breaks(c) { ' ' } else { c }).collect::<String>(), max)
}

/// A text put on one line, whatever it is: for the subject of a mail.
pub fn on_one_line(text: &str) -> String {
    let plain = |c: char| if breaks(c) || c.is_control() { ' ' } else { c };
    text.chars().filter(|c| !turns_direction(*c)).map(plain).collect()
}

/// A text that may be left out; to leave it empty is to leave it out.
pub fn optional<T: FromStr<Err = Invalid>>(text: Option<String>) -> Result<Option<T>, Invalid> {
    text.filter(|text| !text.trim().is_empty()).map(|text| text.parse()).transpose()
}

/// Whether a character ends a line.
pub(crate) fn breaks(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn untabbed(c: char) -> char {
    if c == '\t' { ' ' } else { c }
}

/// The characters that turn the direction of writing (UAX #9).
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What Unicode lets no one see: joiners, fillers, selectors of variants, and the blank of Braille.
fn is_invisible(c: char) -> bool {
    turns_direction(c)
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Gives a type that has `FromStr` and `Display` its conversions for JSON in both directions.
macro_rules! text_conversions {
    ($type:ty) => {
        impl TryFrom<String> for $type {
            type Error = $crate::Invalid;
            fn try_from(text: String) -> Result<Self, $crate::Invalid> {
                text.parse()
            }
        }
        impl From<$type> for String {
            fn from(value: $type) -> String {
                value.to_string()
            }
        }
        $crate::invalid::deserr_from_text!($type);
    };
}

/// A type of text that only its parser makes.
macro_rules! text_of {
    ($(#[$doc:meta])* $name:ident, $max:tt, $parse:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schema(value_type = String, min_length = 1, max_length = $max)]
        pub struct $name(String);

        impl $name {
            /// The words.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl std::str::FromStr for $name {
            type Err = $crate::Invalid;
            fn from_str(text: &str) -> Result<Self, $crate::Invalid> {
                $parse(text, $max).map(Self)
            }
        }
        impl TryFrom<String> for $name {
            type Error = $crate::Invalid;
            fn try_from(text: String) -> Result<Self, $crate::Invalid> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(words: $name) -> String {
                words.0
            }
        }
        $crate::invalid::deserr_from_text!($name);
    };
}

/// Words of a nursery to parents, on any number of lines, up to a number of characters.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $max:tt) => {
        $crate::text::text_of!($(#[$doc])* $name, $max, $crate::text::free_text);
    };
}

/// A label on one line, up to a number of characters.
macro_rules! label {
    ($(#[$doc:meta])* $name:ident, $max:tt) => {
        $crate::text::text_of!($(#[$doc])* $name, $max, $crate::text::one_line);
    };
}
pub(crate) use {label, text_conversions, text_of, words};

#[cfg(test)]
mod tests {
    use std::{any::type_name, ops::RangeInclusive};

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::invalid::{InputError, InputErrors};

    /// The property Bidi_Control of Unicode 17.
    const BIDI_CONTROL: &[RangeInclusive<char>] = &[
        '\u{61c}'..='\u{61c}',
        '\u{200e}'..='\u{200f}',
        '\u{202a}'..='\u{202e}',
        '\u{2066}'..='\u{2069}',
    ];

    /// The property Default_Ignorable_Code_Point of Unicode 17 as far as it is assigned or kept for such, and the blank
    /// of Braille.
    pub(super) const INVISIBLE: &[RangeInclusive<char>] = &[
        '\u{ad}'..='\u{ad}',
        '\u{34f}'..='\u{34f}',
        '\u{61c}'..='\u{61c}',
        '\u{115f}'..='\u{1160}',
        '\u{17b4}'..='\u{17b5}',
        '\u{180b}'..='\u{180f}',
        '\u{200b}'..='\u{200f}',
        '\u{202a}'..='\u{202e}',
        '\u{2060}'..='\u{206f}',
        '\u{2800}'..='\u{2800}',
        '\u{3164}'..='\u{3164}',
        '\u{fe00}'..='\u{fe0f}',
        '\u{feff}'..='\u{feff}',
        '\u{ffa0}'..='\u{ffa0}',
        '\u{1bca0}'..='\u{1bca3}',
        '\u{1d173}'..='\u{1d17a}',
        '\u{e0000}'..='\u{e0fff}',
    ];

    #[test]
    fn every_line_break_is_one_before_anything_is_counted() {
        for broken in [
            "あ\nい",
            "あ\r\nい",
            "あ\rい",
            "あ\u{b}い",
            "あ\u{c}い",
            "あ\u{85}い",
            "あ\u{2028}い",
            "あ\u{2029}い",
        ] {
            assert_eq!(free_text(broken, 3).as_deref(), Ok("あ\nい"), "{broken:?}");
            assert_eq!(one_line(broken, 3), Err(Invalid::LineBreak), "{broken:?}");
            assert_eq!(cell(broken, 3).as_deref(), Ok("あ い"), "{broken:?}");
            assert!(!on_one_line(broken).contains(breaks), "{broken:?}");
        }
        assert_eq!(free_text("\r\nあ\tい\r\n", 3).as_deref(), Ok("あ い"));
        assert_eq!(one_line("\r\nあ\tい\u{2028}", 3).as_deref(), Ok("あ い"));
    }

    #[test]
    fn a_line_holds_nothing_that_cannot_be_seen_or_that_turns_it() {
        for turning in BIDI_CONTROL.iter().cloned().flatten() {
            let turned = format!("花{turning}子");
            assert_eq!(one_line(&turned, 100), Err(Invalid::ControlCharacter), "{turning:?}");
            assert_eq!(on_one_line(&turned), "花子", "{turning:?}");
        }
        for blank in INVISIBLE.iter().cloned().flatten() {
            assert_eq!(one_line(&format!(" {blank}"), 100), Err(Invalid::Missing), "{blank:?}");
        }
        assert_eq!(one_line("\r\n", 100), Err(Invalid::Missing));
        assert_eq!(one_line("花\0子", 100), Err(Invalid::ControlCharacter));
        assert_eq!(one_line("葛\u{e0100}西", 3).as_deref(), Ok("葛\u{e0100}西"));
        assert_eq!(on_one_line("園\r\nBcc: a@b.example\u{202e}"), "園  Bcc: a@b.example");
    }

    #[test]
    fn every_field_has_a_limit_of_its_own() {
        fn holds<T: FromStr<Err = Invalid>>(max: usize) {
            assert!("あ".repeat(max).parse::<T>().is_ok(), "{}", type_name::<T>());
            let longer = "あ".repeat(max + 1).parse::<T>().err();
            assert_eq!(longer, Some(Invalid::TooLong(max)), "{}", type_name::<T>());
        }
        holds::<crate::applicant::Name>(100);
        holds::<crate::applicant::Message>(1000);
        holds::<crate::applicant::StaffMemo>(1000);
        holds::<crate::reservation::Comment>(500);
        holds::<crate::settings::MessageToParents>(500);
        holds::<crate::slot::Note>(500);
        holds::<crate::vendor::Description>(200);

        /// The errors of a body whose field has `max` characters, and of one that has one more.
        fn told<T: deserr::Deserr<InputErrors>>(
            body: impl Fn(String) -> Value,
            max: usize,
        ) -> [Vec<InputError>; 2] {
            [max, max + 1].map(|count| {
                let read = deserr::deserialize::<T, _, InputErrors>(body("a".repeat(count)));
                read.err().map_or(vec![], |errors| errors.0)
            })
        }
        let too_long =
            |pointer: &str, max| [vec![], InputErrors::one(pointer, Invalid::TooLong(max)).0];
        let consent =
            |version| json!({"version": version, "agreed_at": "2026-12-01T10:00:00+09:00"});
        assert_eq!(told::<crate::reservation::Consent>(consent, 40), too_long("/version", 40));
        let endpoint = |url| json!({"url": url});
        assert_eq!(
            told::<crate::vendor::CreateWebhookEndpoint>(endpoint, 500),
            too_long("/url", 500)
        );

        let booking = |count: usize| {
            format!("https://a.example/{}", "a".repeat(count - 18))
                .parse::<crate::settings::BookingUrl>()
        };
        assert!(booking(500).is_ok() && booking(501).is_err());
        let email = |local: usize, all: usize| {
            let labels = ["a".repeat(63), "b".repeat(63), "c".repeat(all - local - 129)].join(".");
            format!("{}@{labels}", "d".repeat(local)).parse::<crate::applicant::Email>()
        };
        assert!(email(64, 254).is_ok() && email(64, 255).is_err() && email(65, 254).is_err());
    }

    #[test]
    fn an_empty_text_is_none() {
        for empty in [None, Some(""), Some(" \r\n")] {
            assert_eq!(optional::<crate::slot::Note>(empty.map(Into::into)), Ok(None), "{empty:?}");
        }
        assert!(optional::<crate::slot::Note>(Some("\u{200b}".into())).is_err());
    }

    proptest! {
        #[test]
        fn what_was_read_reads_the_same_again(text in any::<String>()) {
            if let Ok(read) = free_text(&text, 1000) {
                prop_assert_eq!(free_text(&read, 1000), Ok(read));
            }
            if let Ok(read) = one_line(&text, 1000) {
                prop_assert!(!read.chars().any(|c| c.is_control() || breaks(c)));
                prop_assert_eq!(on_one_line(&read), read.clone());
                prop_assert_eq!(one_line(&read, 1000), Ok(read));
            }
        }
    }
}
