//! Items that are text, and numbers that are names.

use url::Url;

use super::Format;
use crate::{Invalid, MunicipalityCode, text};

/// Half width, without spaces, and with a hyphen for every dash.
pub(crate) fn plain(cell: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    let hyphen = |c| if matches!(c, '\u{2010}'..='\u{2015}' | '\u{2212}') { '-' } else { c };
    cell.nfkc().filter(|c| !c.is_whitespace()).map(hyphen).collect()
}

fn nfc(text: String) -> String {
    use unicode_normalization::{UnicodeNormalization, is_nfc};
    if is_nfc(&text) { text } else { text.nfc().collect() }
}

/// A name or an address: one line of up to 200 characters.
#[derive(Debug)]
pub struct Line;

impl Format for Line {
    type Value = String;

    fn read(cell: &str) -> Result<String, Invalid> {
        text::one_line(cell, 200).map(nfc)
    }

    fn write(value: &String) -> String {
        value.clone()
    }
}

/// Up to 2,000 characters on any number of lines.
#[derive(Debug)]
pub struct Words;

impl Format for Words {
    type Value = String;
    const ONE_LINE: bool = false;

    fn read(cell: &str) -> Result<String, Invalid> {
        text::free_text(cell, 2000).map(nfc)
    }

    fn write(value: &String) -> String {
        value.clone()
    }
}

/// 事業所番号: up to 20 digits, of which zeros at the beginning count.
#[derive(Debug)]
pub struct OfficeNumber;

impl Format for OfficeNumber {
    type Value = String;

    fn read(cell: &str) -> Result<String, Invalid> {
        let number = plain(cell);
        let valid = number.len() <= 20 && number.bytes().all(|b| b.is_ascii_digit());
        (valid && !number.is_empty()).then_some(number).ok_or(Invalid::Format("1311912345678"))
    }

    fn write(value: &String) -> String {
        value.clone()
    }
}

/// 法人番号: thirteen digits, the first of which checks the others.
#[derive(Debug)]
pub struct CorporateNumber;

impl Format for CorporateNumber {
    type Value = String;

    fn read(cell: &str) -> Result<String, Invalid> {
        const FORM: Invalid = Invalid::Format("1000013050238");
        let number = plain(cell);
        let digits: Option<Vec<u32>> = number.chars().map(|c| c.to_digit(10)).collect();
        let Some([check, rest @ ..]) = digits.as_deref() else { return Err(FORM) };
        if rest.len() != 12 {
            return Err(FORM);
        }
        // From the right, every other digit counts twice.
        let sum: u32 = rest.iter().rev().zip([1, 2].iter().cycle()).map(|(d, n)| d * n).sum();
        if *check == 9 - sum % 9 { Ok(number) } else { Err(FORM) }
    }

    fn write(value: &String) -> String {
        value.clone()
    }
}

/// 全国地方公共団体コード: six digits, or the five without the check digit.
#[derive(Debug)]
pub struct MunicipalityNumber;

impl Format for MunicipalityNumber {
    type Value = MunicipalityCode;

    fn read(cell: &str) -> Result<MunicipalityCode, Invalid> {
        plain(cell).parse()
    }

    fn write(value: &MunicipalityCode) -> String {
        value.to_string()
    }
}

/// A postcode.
#[derive(Debug)]
pub struct PostalCode;

impl Format for PostalCode {
    type Value = String;

    fn read(cell: &str) -> Result<String, Invalid> {
        text::postal_code(cell)
    }

    fn write(value: &String) -> String {
        value.clone()
    }
}

/// A telephone number.
#[derive(Debug)]
pub struct Phone;

impl Format for Phone {
    type Value = String;

    fn read(cell: &str) -> Result<String, Invalid> {
        text::phone(cell)
    }

    fn write(value: &String) -> String {
        value.clone()
    }
}

/// A page in the web.
#[derive(Debug)]
pub struct WebPage;

impl Format for WebPage {
    type Value = String;

    fn read(cell: &str) -> Result<String, Invalid> {
        const FORM: Invalid = Invalid::Format("https://nursery.example.jp/");
        let url = Url::parse(cell.trim()).map_err(|_| FORM)?;
        let plain = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.as_str().len() <= 500;
        if plain { Ok(url.into()) } else { Err(FORM) }
    }

    fn write(value: &String) -> String {
        value.clone()
    }
}

/// Up to ten pages, in a cell with spaces, commas or breaks between them.
#[derive(Debug)]
pub struct WebPages;

impl Format for WebPages {
    type Value = Vec<String>;
    const TYPE: &'static str = "array";

    fn read(cell: &str) -> Result<Vec<String>, Invalid> {
        let pages = cell.split(|c: char| c.is_whitespace() || "、，,".contains(c));
        let pages: Vec<_> =
            pages.filter(|page| !page.is_empty()).map(WebPage::read).collect::<Result<_, _>>()?;
        match pages.len() {
            1..=10 => Ok(pages),
            0 => Err(Invalid::Missing),
            _ => Err(Invalid::OutOfRange(1, 10)),
        }
    }

    fn write(value: &Vec<String>) -> String {
        value.join(" ")
    }
}

/// 有 or 無.
#[derive(Debug)]
pub struct YesNo;

impl Format for YesNo {
    type Value = bool;
    const REWRITES: bool = true;
    const TYPE: &'static str = "boolean";
    const CODES: &'static [(&'static str, &'static str)] = &[("true", "有"), ("false", "無")];

    fn read(cell: &str) -> Result<bool, Invalid> {
        match plain(cell).as_str() {
            "有" | "有り" | "あり" | "○" | "〇" | "◯" | "可" | "可能" | "実施" | "実施あり"
            | "対応" | "はい" | "1" | "true" | "TRUE" => Ok(true),
            "無" | "無し" | "なし" | "×" | "✕" | "不可" | "未実施" | "実施なし" | "非対応"
            | "いいえ" | "0" | "false" | "FALSE" => Ok(false),
            _ => Err(Invalid::Format("有、無")),
        }
    }

    fn write(value: &bool) -> String {
        if *value { "有" } else { "無" }.into()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn corporate_number_has_a_right_check_digit() {
        // Itabashi, Adachi and the National Tax Agency.
        for right in ["6000020131199", "7000012050002", "７００００１２０５０００２"] {
            assert!(CorporateNumber::read(right).is_ok(), "{right}");
        }
        for wrong in ["6000020131198", "600002013119", "", "a000020131199"] {
            assert!(CorporateNumber::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn yes_and_no_are_read_in_every_usual_writing() {
        for yes in ["有", "あり", " 〇", "実施"] {
            assert_eq!(YesNo::read(yes), Ok(true), "{yes}");
        }
        for no in ["無", "なし", "×"] {
            assert_eq!(YesNo::read(no), Ok(false), "{no}");
        }
        assert_eq!(YesNo::from_json(json!(false)), Ok(false));
        assert_eq!(YesNo::from_json(json!(3)), Err(Invalid::WrongType("boolean")));
        assert!(YesNo::read("要相談").is_err());
    }

    #[test]
    fn pages_are_of_the_web_and_name_nobody() {
        assert!(WebPage::read("https://nursery.example.jp/").is_ok());
        for wrong in
            ["nursery.example.jp", "javascript:alert(1)", "https://a:b@x.jp/", "mailto:a@b.jp"]
        {
            assert!(WebPage::read(wrong).is_err(), "{wrong}");
        }
        let pages = WebPages::read("https://a.example/、https://b.example/\nhttps://c.example/");
        assert_eq!(pages.unwrap().len(), 3);
        assert!(WebPages::from_json(json!(["javascript:x"])).is_err());
    }

    #[test]
    fn text_is_composed() {
        assert_eq!(Line::read("ほいくえん か\u{3099}くえん").as_deref(), Ok("ほいくえん がくえん"));
    }
}
