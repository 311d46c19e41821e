//! Municipalities and their national codes.

use std::{fmt, str::FromStr, sync::LazyLock};

use serde::{Deserialize, Serialize};

use crate::{Invalid, text};

/// The national code of a municipality (全国地方公共団体コード): five digits and a check digit.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[schema(value_type = String, examples("131199"))]
#[serde(try_from = "String", into = "String")]
pub struct MunicipalityCode(u32);

impl FromStr for MunicipalityCode {
    type Err = Invalid;

    /// Six digits with a right check digit, or the five digits without it.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        const FORM: Invalid = Invalid::Format("131199");
        if !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(FORM);
        }
        let digits: u32 = text.parse().map_err(|_| FORM)?;
        match text.len() {
            5 => Ok(Self(digits * 10 + check_digit(digits))),
            6 if digits % 10 == check_digit(digits / 10) => Ok(Self(digits)),
            _ => Err(FORM),
        }
    }
}

impl MunicipalityCode {
    /// The national code of its prefecture, 1 to 47: the first two digits.
    pub fn prefecture(self) -> u8 {
        (self.0 / 10_000) as u8
    }

    /// As a number, for the search index.
    pub(crate) fn number(self) -> u32 {
        self.0
    }

    /// From [`Self::number`].
    pub(crate) fn of_number(number: u32) -> Self {
        Self(number)
    }
}

fn check_digit(five: u32) -> u32 {
    let weighted: u32 = (0..5).map(|place| (five / 10_u32.pow(place)) % 10 * (place + 2)).sum();
    (11 - weighted % 11) % 10
}

impl fmt::Display for MunicipalityCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06}", self.0)
    }
}

impl fmt::Debug for MunicipalityCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

text::text_conversions!(MunicipalityCode);

/// A municipality that the hub knows by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Municipality {
    /// Its national code.
    pub code: MunicipalityCode,
    /// Its prefecture, such as 東京都.
    pub prefecture: &'static str,
    /// Its name without a district, such as 板橋区 or 瑞穂町.
    pub name: &'static str,
    /// By which it is found, however its name is written.
    identity: String,
}

/// The municipalities of `data/municipalities.csv`: all 62 of Tokyo. Rows of other prefectures
/// are imported with their code in a column of its own.
pub fn known() -> &'static [Municipality] {
    static KNOWN: LazyLock<Vec<Municipality>> = LazyLock::new(|| {
        include_str!("../data/municipalities.csv")
            .lines()
            .filter_map(|line| {
                let mut fields = line.split(',');
                let code = fields.next()?.parse().ok()?;
                let (prefecture, name) = (fields.next()?, fields.next()?);
                Some(Municipality { code, prefecture, name, identity: text::identity(name) })
            })
            .collect()
    });
    &KNOWN
}

/// The municipality with this name, which may be preceded by its district or island, as in
/// 西多摩郡瑞穂町 or 八丈島八丈町. 青ケ島村 is 青ヶ島村.
pub fn by_name(prefecture: &str, name: &str) -> Option<&'static Municipality> {
    let name = text::identity(name);
    known().iter().find(|known| {
        known.prefecture == prefecture
            && name.strip_suffix(&known.identity).is_some_and(|district| {
                district.is_empty() || district.ends_with('郡') || district.ends_with('島')
            })
    })
}

/// The name of a municipality, where the hub knows it.
pub fn name_of(code: MunicipalityCode) -> Option<&'static str> {
    known().iter().find(|known| known.code == code).map(|known| known.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_six_digits_with_a_right_check_digit_or_five_without() {
        let itabashi: MunicipalityCode = "131199".parse().unwrap();
        assert_eq!("13119".parse(), Ok(itabashi));
        assert_eq!(itabashi.to_string(), "131199");
        assert_eq!(itabashi.prefecture(), 13);
        assert_eq!("01100".parse::<MunicipalityCode>().unwrap().to_string(), "011002");
        for wrong in ["131198", "1311", "1311990", "13119a", "", "+13119"] {
            assert!(wrong.parse::<MunicipalityCode>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_known_municipality_has_a_right_code() {
        assert_eq!(known().len(), 62);
        assert_eq!(known().len() + 1, include_str!("../data/municipalities.csv").lines().count());
    }

    #[test]
    fn a_district_or_an_island_may_precede_the_name() {
        assert_eq!(by_name("東京都", "西多摩郡瑞穂町").unwrap().name, "瑞穂町");
        assert_eq!(by_name("東京都", "八丈島八丈町").unwrap().name, "八丈町");
        assert_eq!(by_name("東京都", "足立区").unwrap().code.to_string(), "131211");
        assert_eq!(by_name("東京都", "青ケ島村").unwrap().code.to_string(), "134023");
        assert_eq!(by_name("東京都", "青ヶ島村"), by_name("東京都", "青ケ島村"));
        assert_eq!(by_name("東京都", "江戶川區").unwrap().name, "江戸川区");
        assert!(by_name("東京都", "新板橋区").is_none());
        assert!(by_name("大阪府", "北区").is_none());
    }
}
