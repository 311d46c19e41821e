//! Numbers that people write in many ways.

use unicode_normalization::UnicodeNormalization;

use crate::Invalid;

/// A telephone number of Japan in any usual writing, kept in one: digits, and single hyphens where the number was
/// divided. Where the numbering plan says where that is, as for mobiles and Tokyo, it is there.
///
/// ```
/// use domain::text::phone;
/// assert_eq!(phone("（０３）３９６２−１２３４").unwrap(), "03-3962-1234");
/// assert_eq!(phone("+81 90 1234 5678").unwrap(), "090-1234-5678");
/// ```
pub fn phone(text: &str) -> Result<String, Invalid> {
    const FORM: Invalid = Invalid::Format("090-1234-5678");
    let written = plain(text);
    let national = match written.strip_prefix("+81") {
        // The trunk prefix is often kept, as in +81 (0)3.
        Some(rest) => format!("0{}", rest.trim_start_matches(|c| "-( 0)".contains(c))),
        None => written,
    };
    let groups = groups(&national).ok_or(FORM)?;
    let digits = groups.concat();
    let mobile = ["020", "050", "060", "070", "080", "090"].iter().any(|p| digits.starts_with(p));
    let lengths: &[usize] = match (mobile, digits.len()) {
        _ if !digits.starts_with('0') || digits.starts_with("00") => return Err(FORM),
        (true, 11) if digits.starts_with("0800") => &[4, 3, 4],
        (true, 11) => &[3, 4, 4],
        (true, _) => return Err(FORM),
        (false, 10) if digits.starts_with("03") || digits.starts_with("06") => &[2, 4, 4],
        (false, 10) if ["0120", "0570", "0990"].iter().any(|p| digits.starts_with(p)) => &[4, 3, 3],
        (false, 10) => return Ok(groups.join("-")),
        (false, _) => return Err(FORM),
    };
    let mut rest = digits.as_str();
    let divided = lengths.iter().map(|length| {
        let (group, after) = rest.split_at(*length);
        rest = after;
        group
    });
    Ok(divided.collect::<Vec<_>>().join("-"))
}

/// A postcode of Japan in any usual writing, kept as seven digits.
///
/// ```
/// use domain::text::postal_code;
/// assert_eq!(postal_code("〒１７３‐０００４").unwrap(), "1730004");
/// ```
pub fn postal_code(text: &str) -> Result<String, Invalid> {
    const FORM: Invalid = Invalid::Format("173-0004");
    let written = plain(text);
    let groups = groups(written.trim_start_matches('〒')).ok_or(FORM)?;
    let lengths: Vec<_> = groups.iter().map(|group| group.len()).collect();
    if matches!(lengths[..], [7] | [3, 4]) { Ok(groups.concat()) } else { Err(FORM) }
}

/// Half width, with a hyphen for everything that people type for one, a long vowel and a minus among it.
fn plain(text: &str) -> String {
    let plain = |c: char| match c {
        'ー'
        // The vowel ㅡ of Korean, as NFKC writes it.
        | '\u{1173}'
        | '\u{2010}'..='\u{2015}'
        | '\u{2043}'
        | '\u{2212}'
        | '\u{2500}'
        | '\u{2501}' => '-',
        c if c.is_whitespace() => ' ',
        c => c,
    };
    text.trim().nfkc().map(plain).collect()
}

/// The groups of digits: divided by one hyphen, by parentheses, by a full stop, or by spaces.
fn groups(text: &str) -> Option<Vec<&str>> {
    let written = |c: char| c.is_ascii_digit() || " -().".contains(c);
    let doubled = text.split(|c: char| c.is_ascii_digit()).any(|gap| gap.matches('-').count() > 1);
    let groups: Vec<_> =
        text.split(|c: char| !c.is_ascii_digit()).filter(|g| !g.is_empty()).collect();
    (text.len() <= 30 && text.chars().all(written) && !doubled && groups.len() <= 5)
        .then_some(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_telephone_number_is_taken_in_any_writing_and_kept_in_one() {
        for tokyo in [
            "03-3962-1234",
            "03−3962−1234",
            "03‐3962‐1234",
            "03‑3962‑1234",
            "03–3962–1234",
            "03—3962—1234",
            "03ー3962ー1234",
            "03ｰ3962ｰ1234",
            "０３－３９６２－１２３４",
            "(03) 3962-1234",
            "（03）3962−1234",
            "03(3962)1234",
            "03 3962 1234",
            "03　3962　1234",
            "03\t3962\t1234",
            "03.3962.1234",
            "0339621234",
            "+81 3 3962 1234",
            "+81-3-3962-1234",
            "+81 (0)3-3962-1234",
            "＋８１３３９６２１２３４",
            " 03 - 3962 - 1234 ",
        ] {
            assert_eq!(phone(tokyo).as_deref(), Ok("03-3962-1234"), "{tokyo}");
        }
        for (written, kept) in [
            ("09012345678", "090-1234-5678"),
            ("０９０－１２３４ー5678", "090-1234-5678"),
            ("+81 90 1234 5678", "090-1234-5678"),
            ("0120123456", "0120-123-456"),
            ("08001234567", "0800-123-4567"),
            ("(0422) 22−1234", "0422-22-1234"),
            ("0422221234", "0422221234"),
        ] {
            assert_eq!(phone(written).as_deref(), Ok(kept), "{written}");
        }
    }

    #[test]
    fn whatever_is_typed_for_a_hyphen_is_one() {
        for hyphen in "-‐‑‒–—―⁃−─━ーｰㅡ－﹣".chars() {
            let typed = format!("03{hyphen}3962{hyphen}1234");
            assert_eq!(phone(&typed).as_deref(), Ok("03-3962-1234"), "{typed}");
            let typed = format!("173{hyphen}0004");
            assert_eq!(postal_code(&typed).as_deref(), Ok("1730004"), "{typed}");
        }
    }

    #[test]
    fn what_no_telephone_has_is_none() {
        let hyphens = format!("0{}", "-".repeat(60));
        let apart = format!("0{}339621234", "-".repeat(60));
        let long = format!("03{}39621234", " ".repeat(30));
        for wrong in [
            "",
            "0",
            "12345678901",
            "090",
            "090-1234-567",
            "090-1234-567a",
            "03--3962-1234",
            "0033962123",
            "03-3962-12345",
            "+82 3 3962 1234",
            "０３－３９６２",
            "-",
            &hyphens,
            &apart,
            &long,
            "03-3962-1234 内線5",
        ] {
            assert!(phone(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_postcode_is_taken_in_any_writing_and_kept_as_digits() {
        for right in
            ["1730004", "173-0004", "１７３−０００４", "〒173ー0004", "〒 173 0004", "173ｰ0004"]
        {
            assert_eq!(postal_code(right).as_deref(), Ok("1730004"), "{right}");
        }
        for wrong in ["", "173", "17-30004", "173--0004", "173000a", "11730004"] {
            assert!(postal_code(wrong).is_err(), "{wrong}");
        }
    }
}
