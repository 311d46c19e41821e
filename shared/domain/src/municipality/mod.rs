//! Municipalities and their national codes.

mod known;

use std::{fmt, str::FromStr};

pub use known::{
    Agreed, Disagreement, Locality, Municipality, Part, agree, all_named, by_code, by_name, known,
    name_of,
};

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
}
