//! Japanese text made comparable: what a parent types finds what an office clerk entered.

use unicode_normalization::UnicodeNormalization;

use crate::Invalid;

/// Old and variant forms of kanji that occur in names and addresses, each with its common form.
/// Forms that Unicode itself regards as the same are already united by NFKC.
const VARIANTS: &[(char, char)] = &[
    ('澤', '沢'),
    ('齋', '斎'),
    ('齊', '斉'),
    ('濱', '浜'),
    ('濵', '浜'),
    ('邊', '辺'),
    ('邉', '辺'),
    ('髙', '高'),
    ('﨑', '崎'),
    ('嵜', '崎'),
    ('廣', '広'),
    ('國', '国'),
    ('櫻', '桜'),
    ('龍', '竜'),
    ('嶋', '島'),
    ('嶌', '島'),
    ('瀧', '滝'),
    ('惠', '恵'),
    ('眞', '真'),
    ('榮', '栄'),
    ('學', '学'),
    ('會', '会'),
    ('圓', '円'),
    ('實', '実'),
    ('壽', '寿'),
    ('應', '応'),
    ('與', '与'),
    ('靜', '静'),
    ('藏', '蔵'),
    ('莊', '荘'),
    ('德', '徳'),
    ('曾', '曽'),
    ('讀', '読'),
    ('鐵', '鉄'),
    ('驛', '駅'),
    ('縣', '県'),
    ('萬', '万'),
    ('佛', '仏'),
    ('來', '来'),
    ('兒', '児'),
    ('關', '関'),
    ('區', '区'),
    ('鄕', '郷'),
    ('繩', '縄'),
    ('彌', '弥'),
    ('淺', '浅'),
    ('豐', '豊'),
    ('禮', '礼'),
    ('緣', '縁'),
    ('條', '条'),
    ('號', '号'),
    ('體', '体'),
    ('當', '当'),
    ('舊', '旧'),
    ('參', '参'),
    ('臺', '台'),
    ('燈', '灯'),
    ('聲', '声'),
    ('槇', '槙'),
    ('遙', '遥'),
    ('凜', '凛'),
    ('堯', '尭'),
    ('彥', '彦'),
    ('戶', '戸'),
    ('步', '歩'),
    ('淨', '浄'),
    ('黑', '黒'),
    ('靑', '青'),
    ('淸', '清'),
    ('敎', '教'),
    ('產', '産'),
    ('內', '内'),
    ('增', '増'),
    ('橫', '横'),
    ('寬', '寛'),
    ('瀨', '瀬'),
    ('賴', '頼'),
    ('祿', '禄'),
    ('綠', '緑'),
    ('錄', '録'),
    ('顯', '顕'),
    ('巢', '巣'),
    ('單', '単'),
    ('狹', '狭'),
    ('峽', '峡'),
    ('團', '団'),
    ('傳', '伝'),
    ('轉', '転'),
    ('廳', '庁'),
    ('聽', '聴'),
    ('澁', '渋'),
    ('澀', '渋'),
    ('鹽', '塩'),
    ('乘', '乗'),
    ('淵', '渕'),
    ('渊', '渕'),
    ('冨', '富'),
    ('峯', '峰'),
    ('埜', '野'),
    ('桒', '桑'),
    ('籠', '篭'),
    ('壹', '壱'),
    ('蟲', '虫'),
    ('龜', '亀'),
    ('鷗', '鴎'),
    ('鶯', '鴬'),
    ('薗', '園'),
    ('礒', '磯'),
    ('檜', '桧'),
    ('螢', '蛍'),
    ('礦', '鉱'),
    ('晝', '昼'),
];

/// The comparable form of a text: NFKC, lower case, hiragana for katakana, ヶ and ヵ as full-size
/// letters, common forms of kanji, no spaces.
///
/// ```
/// use domain::text::fold;
/// assert_eq!(fold("ｶﾅｲｸﾎﾞ"), fold("かないくぼ"));
/// assert_eq!(fold("市ヶ谷 保育園"), fold("市ケ谷保育園"));
/// ```
pub fn fold(text: &str) -> String {
    text.nfkc()
        .flat_map(char::to_lowercase)
        .filter(|c| !c.is_whitespace())
        .map(|c| match c {
            'ヶ' | 'ゖ' => 'け',
            'ヵ' | 'ゕ' => 'か',
            'ァ'..='ヴ' => char::from_u32(u32::from(c) - 0x60).unwrap_or(c),
            '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
            _ => VARIANTS.iter().find(|(old, _)| *old == c).map_or(c, |(_, common)| *common),
        })
        // A mark that stood behind a space stands behind a letter now.
        .nfc()
        .collect()
}

/// The terms of a query: split at spaces of any width, each folded.
pub fn terms(query: &str) -> Vec<String> {
    query.split_whitespace().map(fold).filter(|term| !term.is_empty()).collect()
}

/// Trimmed text of 1 to `max` characters, without control characters other than line breaks.
pub fn free_text(text: &str, max: usize) -> Result<String, Invalid> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Invalid::Missing);
    }
    if text.chars().count() > max {
        return Err(Invalid::TooLong(max));
    }
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(Invalid::Format("no control characters"));
    }
    Ok(text.into())
}

/// Words of a nursery to parents, up to a number of characters.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $max:tt) => {
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
                $crate::text::free_text(text, $max).map(Self)
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
pub(crate) use words;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn width_kana_spacing_and_old_forms_fold_together() {
        for (a, b) in [
            ("カナイクボ", "かないくぼ"),
            ("ｶﾅｲｸﾎﾞ", "かないくぼ"),
            ("市ヶ谷", "市ケ谷"),
            ("木下の保育園　五反野", "木下の保育園五反野"),
            ("ＡＢＣ保育園", "abc保育園"),
            ("髙澤", "高沢"),
            ("板橋２−２１−１", "板橋2-21-1"),
            ("ヴィラ", "ゔぃら"),
        ] {
            assert_eq!(fold(a), fold(b), "{a} {b}");
        }
        assert_ne!(fold("ときわ台"), fold("ときわぎ"));
        assert_ne!(fold("はす"), fold("ばす"), "a voiced sound is another sound");
    }

    #[test]
    fn a_query_is_split_at_spaces_of_any_width() {
        assert_eq!(terms(" 高島平　アヤメ "), ["高島平", "あやめ"]);
        assert!(terms("　").is_empty());
    }

    #[test]
    fn a_mark_that_stands_alone_folds_as_the_letter_with_it() {
        assert_eq!(fold("k´"), fold("ḱ"));
    }

    proptest! {
        #[test]
        fn folding_again_changes_nothing(text in "\\PC{0,40}") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }
    }
}
