//! 自治体標準オープンデータセット 05 子育て施設一覧, with its 53 columns in their order.

use super::{Cell, Table, table};
use crate::{Facility, facility::named, item::Visibility};

/// The hub has no such item.
const NONE: Cell<Facility> = |_| None;

const COLUMNS: [(&str, Cell<Facility>); 53] = [
    ("全国地方公共団体コード", |of| Some(of.municipality_code.to_string())),
    ("ID", |of| Some(of.facility_id.to_string())),
    ("地方公共団体名", |of| Some(format!("{}{}", of.prefecture, of.municipality))),
    ("名称", |of| Some(of.facility_name.clone())),
    ("名称_カナ", |of| of.facility_name_kana.as_deref().map(katakana)),
    ("名称_英字", NONE),
    ("種別", |of| written(of, "facility_type")),
    ("所在地_全国地方公共団体コード", |of| Some(of.municipality_code.to_string())),
    ("町字ID", NONE),
    ("所在地_連結表記", |of| {
        let street = of.street_address.as_ref()?;
        Some(format!("{}{}{street}", of.prefecture, of.municipality))
    }),
    ("所在地_都道府県", |of| Some(of.prefecture.clone())),
    ("所在地_市区町村", |of| Some(of.municipality.clone())),
    // Where an address divides into 町字 and 番地 stands in no item, and is not guessed.
    ("所在地_町字", NONE),
    ("所在地_番地以下", NONE),
    ("建物名等(方書)", |of| written(of, "building")),
    ("緯度", |of| of.location.map(|at| at.lat.to_string())),
    ("経度", |of| of.location.map(|at| at.lon.to_string())),
    ("高度の種別", NONE),
    ("高度の値", NONE),
    ("アクセス方法", access),
    ("駐車場情報", parking),
    ("電話番号", |of| written(of, "phone")),
    ("内線番号", NONE),
    ("FAX番号", NONE),
    ("メールアドレス", NONE),
    ("FormURL", NONE),
    ("連絡先備考（その他、SNSなど）", |of| written(of, "social_url")),
    ("郵便番号", |of| written(of, "postal_code")),
    ("法人番号", |of| written(of, "corporate_number")),
    ("団体名", |of| written(of, "corporation_name")),
    ("許可等年月日", NONE),
    ("収容定員", |of| written(of, "capacity_total")),
    ("受入年齢", |of| written(of, "accepts_text")),
    ("利用可能曜日", |of| written(of, "open_weekdays")),
    ("開始時間", |of| written(of, "weekday_opens_at")),
    ("終了時間", |of| written(of, "weekday_closes_at")),
    ("利用可能日時特記事項", other_days),
    ("一時預かりの有無", |of| written(of, "temporary_care")),
    ("子供預かり料金種別", NONE),
    ("子供預かり料金", NONE),
    ("子供預かり料金備考", NONE),
    ("子供預かり開所時間", NONE),
    ("子供預かり閉所時間", NONE),
    ("病児保育の有無", |of| written(of, "sick_child_care")),
    ("授乳室", NONE),
    ("おむつ替えコーナー", NONE),
    ("飲食可否", NONE),
    ("ベビーカー貸出", NONE),
    ("ベビーカー利用", NONE),
    ("URL", |of| written(of, "website_url")),
    ("画像", |of| written(of, "photo_urls")),
    ("画像_ライセンス", |of| written(of, "photo_license")),
    ("備考", NONE),
];

/// What anybody may see of facilities, for publication.
pub fn open_data(facilities: &[Facility]) -> Table {
    let public: Vec<_> =
        facilities.iter().map(|of| of.clone().visible_to(Visibility::Public)).collect();
    table(COLUMNS, &public)
}

fn written(of: &Facility, field: &str) -> Option<String> {
    named(field)?.write(of)
}

fn katakana(hiragana: &str) -> String {
    let letter = |c: char| match c {
        'ぁ'..='ゖ' => char::from_u32(u32::from(c) + 0x60).unwrap_or(c),
        other => other,
    };
    hiragana.chars().map(letter).collect()
}

fn access(of: &Facility) -> Option<String> {
    let details = &of.details;
    let on_foot = |minutes: Option<u32>| {
        minutes.map(|minutes| format!(" 徒歩{minutes}分")).unwrap_or_default()
    };
    let station = details.nearest_station.as_ref();
    let station =
        station.map(|name| format!("{name}{}", on_foot(details.walk_minutes_from_station)));
    let stop = details.nearest_bus_stop.as_ref();
    let stop =
        stop.map(|name| format!("バス停「{name}」{}", on_foot(details.walk_minutes_from_bus_stop)));
    let both: Vec<_> = station.into_iter().chain(stop).collect();
    (!both.is_empty()).then(|| both.join("、"))
}

fn parking(of: &Facility) -> Option<String> {
    let has = written(of, "has_car_parking")?;
    let count = of.details.car_parking_count.filter(|count| *count > 0);
    Some(has + &count.map(|count| format!("（{count}台）")).unwrap_or_default())
}

/// When it is open on other days than weekdays.
fn other_days(of: &Facility) -> Option<String> {
    let details = &of.details;
    let days = [
        ("土曜日", details.saturday_opens_at, details.saturday_closes_at),
        ("日曜日と祝日", details.sunday_holiday_opens_at, details.sunday_holiday_closes_at),
    ];
    let open = days
        .into_iter()
        .filter_map(|(day, opens, closes)| Some(format!("{day}は{}から{}まで。", opens?, closes?)));
    let open: String = open.collect();
    (!open.is_empty()).then_some(open)
}
