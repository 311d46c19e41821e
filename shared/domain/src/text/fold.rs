//! Japanese text made comparable: what a parent types finds what an office clerk entered.

use unicode_normalization::UnicodeNormalization;

use super::is_invisible;

/// Old and variant forms of kanji that occur in names and addresses, each with its common form.
/// Forms that Unicode itself regards as the same are already united by NFKC; of the radicals it unites those of
/// Kangxi, and the last lines those that a PDF copies in place of a kanji.
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
    ('⺠', '民'),
    ('⺼', '月'),
    ('⻁', '虎'),
    ('⻄', '西'),
    ('⻅', '見'),
    ('⻆', '角'),
    ('⻉', '貝'),
    ('⻋', '車'),
    ('⻑', '長'),
    ('⻔', '門'),
    ('⻘', '青'),
    ('⻝', '食'),
    ('⻞', '食'),
    ('⻟', '食'),
    ('⻢', '馬'),
    ('⻣', '骨'),
    ('⻤', '鬼'),
    ('⻥', '魚'),
    ('⻨', '麦'),
    ('⻩', '黄'),
    ('⻫', '斉'),
    ('⻭', '歯'),
    ('⻯', '竜'),
    ('⻲', '亀'),
];

/// What makes two names one: NFKC, lower case, hiragana for katakana, ヶ and ヵ as full-size letters, common
/// forms of kanji, nothing that cannot be seen, no spaces. Ids are derived from it, so it may not change.
///
/// ```
/// use domain::text::identity;
/// assert_eq!(identity("ｶﾅｲｸﾎﾞ"), identity("かないくぼ"));
/// assert_eq!(identity("青ケ島村"), identity("青ヶ島村"));
/// ```
pub fn identity(text: &str) -> String {
    let visible = |c: &char| !c.is_whitespace() && !is_invisible(*c);
    // A mark that stood behind a space stands behind a letter now, so it is normalized once more.
    let folded: String = text.nfkc().filter(visible).nfkc().flat_map(char::to_lowercase).collect();
    folded.nfkc().filter(visible).map(common).nfc().collect()
}

fn common(c: char) -> char {
    match c {
        'ヶ' | 'ゖ' => 'け',
        'ヵ' | 'ゕ' => 'か',
        'ァ'..='ヴ' | 'ヽ' | 'ヾ' => char::from_u32(u32::from(c) - 0x60).unwrap_or(c),
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        _ => VARIANTS.iter().find(|(old, _)| *old == c).map_or(c, |(_, common)| *common),
    }
}

/// What a search compares: [`identity`], and what people write in more than one way besides. が is け as in 市が谷, a
/// long vowel and a hyphen are one, ゝ and ゞ are the letter that they repeat, and ・ is left out.
///
/// ```
/// use domain::text::fold;
/// assert_eq!(fold("ひばりヶ丘"), fold("ひばりが丘"));
/// ```
pub fn fold(text: &str) -> String {
    // A mark of voice that fits its letter is one with it by now; what is left says nothing.
    let left_out = |c: &char| matches!(c, '・' | '·' | '‧' | '\u{3099}' | '\u{309a}');
    let mut written = String::new();
    for c in identity(text).chars().filter(|c| !left_out(c)) {
        let last = written.chars().next_back();
        written.push(if matches!(c, 'ゝ' | 'ゞ') { repeated(last, c).unwrap_or(c) } else { c });
    }
    let either = |c| match c {
        'が' => 'け',
        'ー' => '-',
        '〜' => '~',
        c => c,
    };
    written.chars().map(either).nfc().collect()
}

/// The hiragana that a mark of iteration repeats: ゝ without a voice, ゞ with one.
fn repeated(letter: Option<char>, repeats: char) -> Option<char> {
    let letter = letter.filter(|letter| ('ぁ'..='ゔ').contains(letter))?;
    let plain = letter.nfd().next()?;
    let voiced = [plain, '\u{3099}'].into_iter().nfc().next();
    if repeats == 'ゞ' { voiced } else { Some(plain) }
}

/// The terms of a query: split at spaces of any width, each folded.
pub fn terms(query: &str) -> Vec<String> {
    query.split_whitespace().map(fold).filter(|term| !term.is_empty()).collect()
}

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
            ("市ゖ谷", "市け谷"),
            ("二ヵ所", "二カ所"),
            ("二ゕ所", "二か所"),
            ("木下の保育園　五反野", "木下の保育園五反野"),
            ("ＡＢＣ保育園", "abc保育園"),
            ("髙澤", "高沢"),
            ("板橋２−２１−１", "板橋2-21-1"),
            ("ヴィラ", "ゔぃら"),
            ("葛\u{e0100}西", "葛西"),
            ("葛\u{fe00}西", "葛西"),
            ("か\u{200b}な\u{feff}い", "かない"),
            ("⻑沼", "長沼"),
            ("⽊下", "木下"),
        ] {
            assert_eq!(identity(a), identity(b), "{a} {b}");
            assert_eq!(fold(a), fold(b), "{a} {b}");
        }
        assert_ne!(fold("ときわ台"), fold("ときわぎ"));
        assert_ne!(fold("はす"), fold("ばす"), "a voiced sound is another sound");
    }

    #[test]
    fn what_is_written_in_two_ways_is_found_by_either() {
        for (a, b) in [
            ("市が谷", "市ヶ谷"),
            ("ひばりが丘", "ひばりケ丘"),
            ("板橋２ー２１ー１", "板橋2-21-1"),
            ("スク-ル", "スクール"),
            ("0〜2歳", "0～2歳"),
            ("いすゞ", "いすず"),
            ("すゞき", "すずき"),
            ("みすゝ", "みすす"),
            ("ミスヽ", "みすす"),
            ("あ\u{3099}い\u{309a}", "あい"),
            ("イスヾ", "いすず"),
            ("キッズ・ガーデン", "キッズガーデン"),
            ("ｷｯｽﾞ･ｶﾞｰﾃﾞﾝ", "キッズガーデン"),
            ("キッズ·ガーデン", "キッズガーデン"),
            ("キッズ‧ガーデン", "キッズガーデン"),
        ] {
            assert_eq!(fold(a), fold(b), "{a} {b}");
        }
        for hyphen in "‐‑‒–—―−－ーｰ".chars() {
            assert_eq!(fold(&format!("2{hyphen}21")), "2-21", "{hyphen}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_not_compared() {
        for invisible in super::super::tests::INVISIBLE.iter().cloned().flatten() {
            assert_eq!(identity(&format!("葛{invisible}西")), "葛西", "{invisible:?}");
        }
    }

    #[test]
    fn two_nurseries_are_not_one_because_a_search_finds_both() {
        assert_ne!(identity("たけの子保育園"), identity("たがの子保育園"));
        assert_ne!(identity("キッズ・ガーデン"), identity("キッズガーデン"));
    }

    #[test]
    fn a_query_is_split_at_spaces_of_any_width() {
        assert_eq!(terms(" 高島平　アヤメ "), ["高島平", "あやめ"]);
        assert!(terms("　").is_empty());
        assert!(terms("・ \u{200b}").is_empty());
    }

    #[test]
    fn a_mark_that_stands_alone_folds_as_the_letter_with_it() {
        assert_eq!(fold("k´"), fold("ḱ"));
    }

    /// Japanese text with all that is folded, among other characters.
    fn written() -> impl Strategy<Value = String> {
        const ODD: &str =
            "がけケヶヵｶﾞﾟー-−〜～ゝゞヽヾ・･⻑⽊髙\u{e0100}\u{fe00}\u{200b}\u{3099}\u{309b} ´";
        let odd = prop::sample::select(ODD.chars().collect::<Vec<_>>());
        prop::collection::vec(prop_oneof![odd, prop::char::any()], 0..40)
            .prop_map(|chars| chars.into_iter().collect())
    }

    proptest! {
        #[test]
        fn folding_again_changes_nothing(text in written()) {
            let (once, same) = (fold(&text), identity(&text));
            prop_assert_eq!(fold(&once), once);
            prop_assert_eq!(identity(&same), same);
        }

        #[test]
        fn what_cannot_be_seen_changes_nothing(text in written(), place in 0_usize..40) {
            let mut more: Vec<char> = text.chars().collect();
            more.insert(place.min(more.len()), '\u{e0101}');
            let more: String = more.into_iter().collect();
            prop_assert_eq!(fold(&more), fold(&text));
        }
    }
}
