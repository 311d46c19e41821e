//! The municipalities of the country, and what rows of a list say of theirs.

use std::{
    collections::{BTreeSet, HashMap},
    sync::LazyLock,
};

use unicode_normalization::UnicodeNormalization;

use super::MunicipalityCode;
use crate::{Invalid, text};

/// A municipality: a city, a town, a village, or a special ward of Tokyo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Municipality {
    /// Its national code.
    pub code: MunicipalityCode,
    /// Its prefecture, such as 東京都.
    pub prefecture: &'static str,
    /// Its name without a district, such as 板橋区 or 瑞穂町.
    pub name: &'static str,
    /// How its name is read, in hiragana.
    pub kana: &'static str,
}

/// A municipality, or a ward (行政区) of a designated city, which is no municipality: its facilities are the city's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locality {
    /// The municipality, of a ward its city.
    pub municipality: &'static Municipality,
    /// The ward, such as 中央区. The city's name alone does not say it, so it belongs before the street address.
    pub ward: Option<&'static str>,
}

/// A line of `data/municipalities.csv`.
struct Line {
    code: MunicipalityCode,
    prefecture: &'static str,
    name: &'static str,
    /// Empty for the municipality itself.
    ward: &'static str,
    kana: &'static str,
}

fn lines() -> impl Iterator<Item = Line> {
    include_str!("../../data/municipalities.csv").lines().skip(1).filter_map(|line| {
        let mut fields = line.split(',');
        Some(Line {
            code: fields.next()?.parse().ok()?,
            prefecture: fields.next()?,
            name: fields.next()?,
            ward: fields.next()?,
            kana: fields.next()?,
        })
    })
}

/// The municipalities of `data/municipalities.csv`, in the order of their codes: all of the country.
pub fn known() -> &'static [Municipality] {
    static KNOWN: LazyLock<Vec<Municipality>> = LazyLock::new(|| {
        let of = |Line { code, prefecture, name, kana, .. }| Municipality {
            code,
            prefecture,
            name,
            kana,
        };
        lines().filter(|line| line.ward.is_empty()).map(of).collect()
    });
    &KNOWN
}

/// The locality with this code.
pub fn by_code(code: MunicipalityCode) -> Option<Locality> {
    static LOCALITIES: LazyLock<HashMap<MunicipalityCode, Locality>> = LazyLock::new(|| {
        let mut localities = HashMap::new();
        // The wards of a city stand below it.
        let mut municipalities = known().iter();
        let mut city = None;
        for line in lines() {
            if line.ward.is_empty() {
                city = municipalities.next();
            }
            if let Some(municipality) = city {
                let ward = Some(line.ward).filter(|ward| !ward.is_empty());
                localities.insert(line.code, Locality { municipality, ward });
            }
        }
        localities
    });
    LOCALITIES.get(&code).copied()
}

/// Prefecture and name, each as [`identity`] has it, and the locality.
static LOCALITIES: LazyLock<HashMap<(String, String), Locality>> = LazyLock::new(|| {
    let entry = |line: Line| {
        let name = identity(&format!("{}{}", line.name, line.ward));
        Some(((identity(line.prefecture), name), by_code(line.code)?))
    };
    lines().filter_map(entry).collect()
});

/// The locality with this name, however it is written. The name may be preceded by its district or island, as in
/// 西多摩郡瑞穂町 or 八丈島八丈町; a ward is preceded by its city, as in 札幌市中央区.
pub fn by_name(prefecture: &str, name: &str) -> Option<Locality> {
    named(identity(prefecture), &identity(name))
}

/// The localities with this name in any prefecture: 府中市 is in two.
pub fn all_named(name: &str) -> Vec<Locality> {
    static PREFECTURES: LazyLock<BTreeSet<String>> =
        LazyLock::new(|| LOCALITIES.keys().map(|(prefecture, _)| prefecture.clone()).collect());
    let name = identity(name);
    PREFECTURES.iter().filter_map(|prefecture| named(prefecture.clone(), &name)).collect()
}

fn named(prefecture: String, name: &str) -> Option<Locality> {
    let after_district = |(start, letter): (usize, &str)| &name[start + letter.len()..];
    let names = std::iter::once(name).chain(name.match_indices(['郡', '島']).map(after_district));
    let mut key = (prefecture, String::new());
    names.into_iter().find_map(|name| {
        key.1 = name.to_owned();
        LOCALITIES.get(&key).copied()
    })
}

/// [`text::identity`], and the old and variant forms of kanji that it keeps apart because ids are derived from it. No two
/// municipalities of a prefecture differ in them alone.
fn identity(name: &str) -> String {
    const VARIANTS: &[(char, char)] = &[
        ('檮', '梼'),
        ('諌', '諫'),
        ('鯵', '鰺'),
        ('釜', '竈'),
        ('糟', '粕'),
        ('穗', '穂'),
        ('寶', '宝'),
        ('總', '総'),
        ('礪', '砺'),
        ('劍', '剣'),
        ('壯', '壮'),
        ('藝', '芸'),
        ('豫', '予'),
        ('攝', '摂'),
        ('對', '対'),
        ('氣', '気'),
        ('蘆', '芦'),
        ('隱', '隠'),
        ('樂', '楽'),
        ('舍', '舎'),
        ('驒', '騨'),
        ('觀', '観'),
        ('霸', '覇'),
        ('鐮', '鎌'),
        ('歸', '帰'),
        ('稻', '稲'),
        ('輕', '軽'),
        ('燒', '焼'),
        ('灣', '湾'),
        ('姬', '姫'),
        ('吳', '呉'),
        ('羣', '群'),
    ];
    let common = |c| VARIANTS.iter().find(|(old, _)| *old == c).map_or(c, |(_, common)| *common);
    text::identity(name).chars().map(common).collect()
}

/// The name of a municipality; of a ward, its city's.
pub fn name_of(code: MunicipalityCode) -> Option<&'static str> {
    by_code(code).map(|locality| locality.municipality.name)
}

/// The locality on which a code, a prefecture and a name agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agreed {
    /// The locality, with a ward where the name says one.
    pub locality: Locality,
    /// The whole code, where the code that was sent lacked its first zero. People are to be told.
    pub zero_put_back: Option<MunicipalityCode>,
}

/// Which of a code, a prefecture and a name is wrong, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disagreement {
    /// The wrong one.
    pub part: Part,
    /// What is wrong with it.
    pub invalid: Invalid,
}

/// What a list says of a municipality.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Its code, or that of its ward.
    Code,
    /// Its prefecture.
    Prefecture,
    /// Its name.
    Name,
}

/// The locality of which a row states the code, the prefecture and the name. The code may be empty.
///
/// A spreadsheet takes 011002 for a number and keeps 11002. That could also be five digits without a check digit, so the
/// zero is put back only where the code then agrees with the name, and as sent it does not.
pub fn agree(code: &str, prefecture: &str, name: &str) -> Result<Agreed, Disagreement> {
    let wrong = |part, invalid| Disagreement { part, invalid };
    let locality = by_name(prefecture, name).ok_or_else(|| {
        let key = identity(prefecture);
        if known().iter().any(|known| identity(known.prefecture) == key) {
            wrong(Part::Name, Invalid::NoSuch("municipality"))
        } else {
            wrong(Part::Prefecture, Invalid::NoSuch("prefecture"))
        }
    })?;
    let code: String = code.nfkc().filter(|c| !c.is_whitespace()).collect();
    if code.is_empty() {
        return Ok(Agreed { locality, zero_put_back: None });
    }
    let sent = code.parse();
    let whole = format!("0{code}").parse();
    if sent.as_ref().is_ok_and(|code| locality.may_have(*code)) {
        return Ok(Agreed { locality, zero_put_back: None });
    }
    match whole {
        Ok(whole) if locality.may_have(whole) => {
            Ok(Agreed { locality, zero_put_back: Some(whole) })
        }
        _ => {
            let Municipality { name, code, .. } = locality.municipality;
            let other = |_| Invalid::CodeOfAnother { name, code: code.to_string() };
            Err(wrong(Part::Code, sent.or(whole).map_or_else(|form| form, other)))
        }
    }
}

impl Locality {
    /// Whether a row of this locality may state the code: of the municipality, or of a ward unless the row names another.
    fn may_have(&self, code: MunicipalityCode) -> bool {
        by_code(code).is_some_and(|coded| {
            let other_ward = self.ward.zip(coded.ward).is_some_and(|(named, coded)| named != coded);
            coded.municipality == self.municipality && !other_ward
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(prefecture: &str, name: &str) -> Option<(&'static str, Option<&'static str>)> {
        by_name(prefecture, name).map(|locality| (locality.municipality.name, locality.ward))
    }

    #[test]
    fn all_municipalities_of_the_country_are_known() {
        const OF_PREFECTURE: [usize; 47] = [
            179, 40, 33, 35, 25, 35, 59, 44, 25, 35, 63, 54, 62, 33, 30, 15, 19, 17, 27, 77, 42,
            35, 54, 29, 19, 26, 43, 41, 39, 30, 19, 19, 27, 23, 19, 24, 17, 20, 34, 60, 20, 21, 45,
            18, 26, 43, 41,
        ];
        let mut counted = [0; 47];
        for known in known() {
            counted[usize::from(known.code.prefecture()) - 1] += 1;
        }
        assert_eq!(counted, OF_PREFECTURE);
        let of_kind = |kind| known().iter().filter(|known| known.name.ends_with(kind)).count();
        assert_eq!(['市', '区', '町', '村'].map(of_kind), [792, 23, 743, 183]);
        assert_eq!(lines().count() - known().len(), 171, "wards of designated cities");
    }

    #[test]
    fn every_line_has_a_code_of_six_digits_a_name_of_its_own_and_a_reading() {
        let data = include_str!("../../data/municipalities.csv");
        assert_eq!(lines().count() + 1, data.lines().count(), "a code with a wrong check digit");
        assert!(data.lines().skip(1).all(|line| line.find(',') == Some(6)));
        assert!(known().is_sorted_by(|a, b| a.code < b.code));
        for Line { code, prefecture, name, ward, kana } in lines() {
            let locality = by_code(code).unwrap();
            assert_eq!(locality.municipality.prefecture, prefecture);
            assert_eq!(
                (locality.municipality.name, locality.ward.unwrap_or_default()),
                (name, ward)
            );
            assert_eq!(
                by_name(prefecture, &format!("{name}{ward}")),
                Some(locality),
                "{name}{ward}"
            );
            assert!(kana.chars().all(|c| ('ぁ'..='ん').contains(&c)), "{kana}");
        }
    }

    #[test]
    fn a_name_is_found_in_every_writing() {
        for (prefecture, written, found) in [
            ("東京都", "西多摩郡瑞穂町", "瑞穂町"),
            ("東京都", "八丈島八丈町", "八丈町"),
            ("東京都", "青ケ島村", "青ヶ島村"),
            ("東京都", "青ｹ島村", "青ヶ島村"),
            ("東京都", "江戶川區", "江戸川区"),
            ("東京都", "葛\u{e0100}飾区", "葛飾区"),
            ("東京都", "西多摩郡檜原村", "檜原村"),
            ("鹿児島県", "大島郡大和村", "大和村"),
            ("福島県", "郡山市", "郡山市"),
            ("高知県", "高岡郡檮原町", "梼原町"),
            ("宮城県", "塩釜市", "塩竈市"),
            ("茨城県", "竜ヶ崎市", "龍ケ崎市"),
            ("廣島縣", "廣島市", "広島市"),
        ] {
            assert_eq!(name(prefecture, written), Some((found, None)), "{written}");
        }
        assert_eq!(by_name("東京都", "新板橋区"), None);
        assert_eq!(by_name("埼玉県", "板橋区"), None);
    }

    #[test]
    fn a_ward_is_found_as_its_city() {
        assert_eq!(name("北海道", "札幌市中央区"), Some(("札幌市", Some("中央区"))));
        assert_eq!(name("北海道", "札幌市　中央区"), Some(("札幌市", Some("中央区"))));
        assert_eq!(name("大阪府", "北区"), None, "of 大阪市 or of 堺市");
        assert_eq!(name_of("011011".parse().unwrap()), Some("札幌市"));
        assert_eq!(name_of("131199".parse().unwrap()), Some("板橋区"));
        assert_eq!(name_of("99999".parse().unwrap()), None);
    }

    #[test]
    fn a_lost_zero_is_put_back_where_the_name_then_agrees() {
        let read = |code: &str, name: &str| {
            let agreed = agree(code, "北海道", name).unwrap();
            (agreed.locality.municipality.name, agreed.zero_put_back.map(|code| code.to_string()))
        };
        for whole in ["011002", "01100", "０１１００２", ""] {
            assert_eq!(read(whole, "札幌市"), ("札幌市", None), "{whole}");
        }
        for lost in ["11002", "1100"] {
            assert_eq!(read(lost, "札幌市"), ("札幌市", Some("011002".into())), "{lost}");
        }
        assert_eq!(read("11011", "札幌市中央区"), ("札幌市", Some("011011".into())));
        let saitama = agree("11100", "埼玉県", "さいたま市").unwrap();
        assert_eq!(saitama.zero_put_back, None, "five digits without a check digit");
    }

    #[test]
    fn a_code_of_the_city_or_of_the_ward_agrees_with_either() {
        for code in ["011002", "011011"] {
            assert!(agree(code, "北海道", "札幌市").is_ok(), "{code}");
            assert!(agree(code, "北海道", "札幌市中央区").is_ok(), "{code}");
        }
        assert!(agree("011029", "北海道", "札幌市中央区").is_err(), "the code of 北区");
    }

    #[test]
    fn what_does_not_agree_is_told_with_the_part_that_is_wrong() {
        let wrong = |code: &str, prefecture: &str, name: &str| {
            let Disagreement { part, invalid } = agree(code, prefecture, name).unwrap_err();
            (part, invalid.ja())
        };
        let another = "区市町村のコードではありません（板橋区は131199）。".to_owned();
        for code in ["271004", "11002", "13120", "1100"] {
            assert_eq!(wrong(code, "東京都", "板橋区"), (Part::Code, another.clone()), "{code}");
        }
        for code in ["131198", "13119a", "1", "0131199"] {
            assert_eq!(wrong(code, "東京都", "板橋区").1, Invalid::Format("131199").ja(), "{code}");
        }
        assert_eq!(wrong("131199", "埼玉県", "板橋区").0, Part::Name);
        assert_eq!(wrong("131199", "東京", "板橋区").0, Part::Prefecture);
    }
}
