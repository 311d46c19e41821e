//! The items of a facility (基本情報 and 付加情報).
//!
//! The table at the end is the one place where an item is described. Source of the items: the pilot's definition of its data
//! (基本情報・付加情報); headings of other lists as they stand in files of ここdeサーチ.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr, Schema,
        schema::{SchemaType, Type},
    },
};

use super::{
    AcceptsDisabled, AcceptsUntil, EstablishmentBody, Facility, FacilityType, ItemNotes, Location,
    age::Accepts,
};
use crate::item::{
    Closes, CorporateNumber, Count, Format, Item, Line, Minutes, OfficeNumber, OpenDays, Opens,
    Phone, PostalCode, Staff, Visibility, WebPage, WebPages, Words, Yen, YesNo, item,
};

/// Every item has a value, a function that writes it, and so on: what is the same for all is here.
macro_rules! items {
    (
        required { $($rfield:ident: $rformat:ty, $rheading:literal $(| $rother:literal)*,
            $rvisibility:ident, $rguide:literal;)* }
        basic { $($bfield:ident @ $($bpath:ident).+: $bformat:ty, $bheading:literal $(| $bother:literal)*,
            $bvisibility:ident, $bguide:literal;)* }
        details { $($field:ident: $format:ty, $heading:literal $(| $other:literal)*,
            $visibility:ident, $guide:literal;)* }
        derived { $($dfield:ident: $dformat:ty, $dheading:literal $(| $dother:literal)*,
            $dvisibility:ident, $dguide:literal;)* }
    ) => {
        /// What is known of a facility beyond what every list shows. `None` is "not stated", never zero and never "no".
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Details {
            $(
                #[doc = concat!($heading, ". ", $guide)]
                pub $field: Option<<$format as Format>::Value>,
            )*
            $(
                #[doc = concat!($dheading, ". ", $dguide)]
                pub $dfield: Option<<$dformat as Format>::Value>,
            )*
        }

        impl PartialSchema for Details {
            fn schema() -> RefOr<Schema> {
                let object = ObjectBuilder::new();
                $(let object = property::<$format>(object, stringify!($field), concat!($heading, ". ", $guide));)*
                $(let object = property::<$dformat>(object, stringify!($dfield), concat!($dheading, ". ", $dguide));)*
                object.description(Some("What is known of a facility. `null` is \"not stated\".")).into()
            }
        }

        impl ToSchema for Details {}

        /// The items of a facility, in the order of the hub's lists.
        pub const ITEMS: &[Item<Facility>] = &[
            $(item!(required $rfield @ $rfield: $rformat, $rheading [$($rother),*], $rvisibility, $rguide),)*
            $(item!(optional $bfield @ $($bpath).+: $bformat, $bheading [$($bother),*], $bvisibility, $bguide),)*
            $(item!(optional $field @ details.$field: $format, $heading [$($other),*], $visibility, $guide),)*
            // What a list says of them is passed over: it follows from another item.
            $(item!(derived $dfield @ details.$dfield: $dformat, $dheading [$($dother),*], $dvisibility, $dguide),)*
        ];
    };
}

/// A property that is always there, and may be null.
fn property<F: Format>(object: ObjectBuilder, field: &str, description: &str) -> ObjectBuilder {
    let schema = match F::Value::schema() {
        RefOr::T(Schema::Object(mut object)) => {
            if let SchemaType::Type(of) = &object.schema_type {
                object.schema_type = SchemaType::Array(vec![of.clone(), Type::Null]);
            }
            object.enum_values.iter_mut().for_each(|values| values.push(Value::Null));
            object.description = Some(description.into());
            Schema::Object(object)
        }
        RefOr::T(Schema::Array(mut array)) => {
            array.schema_type = SchemaType::Array(vec![Type::Array, Type::Null]);
            array.description = Some(description.into());
            Schema::Array(array)
        }
        other => return object.property(field, other).required(field),
    };
    object.property(field, schema).required(field)
}

/// The item with this name.
pub fn named(field: &str) -> Option<&'static Item<Facility>> {
    ITEMS.iter().find(|item| item.field == field)
}

impl Facility {
    /// As somebody sees it who may see items up to this visibility: the others are not stated.
    pub fn visible_to(mut self, seen: Visibility) -> Self {
        for item in ITEMS {
            let withheld = self.notes.withheld.contains(item.field);
            let visibility = if withheld { Visibility::Staff } else { item.visibility };
            if visibility > seen && item.is_stated(&self) {
                (item.clear)(&mut self);
            }
        }
        if seen < Visibility::Staff {
            let mut provenance = std::mem::take(&mut self.notes.provenance);
            for of in &mut provenance {
                of.fields.retain(|field| named(field).is_some_and(|item| item.is_stated(&self)));
            }
            provenance.retain(|of| !of.fields.is_empty());
            self.notes = ItemNotes { provenance, ..ItemNotes::default() };
        }
        self
    }

    /// How much of what anybody may know is stated, in percent.
    pub fn completeness(&self) -> u8 {
        let public = ITEMS.iter().filter(|item| item.visibility == Visibility::Public);
        let (stated, all) = public.fold((0, 0), |(stated, all), item| {
            (stated + usize::from(item.is_stated(self)), all + 1)
        });
        (stated * 100 / all.max(1)) as u8
    }

    /// Takes from what is written freely what can be compared: ages in months, amounts in yen.
    pub fn derive_items(&mut self) {
        let details = &mut self.details;
        let accepts = details.accepts_text.as_deref().map(Accepts::of_text).unwrap_or_default();
        details.accepts_from_age_months = accepts.months();
        details.accepts_from_days = accepts.from_days;
        details.accepts_to = accepts.until;
        let yen = |text: &Option<String>| text.as_deref().and_then(Yen::of_text);
        details.actual_cost_amount_jpy = yen(&details.actual_cost_amount);
        details.surcharge_amount_jpy = yen(&details.surcharge_amount);
    }
}

items! {
    required {
        facility_name: Line, "施設の名称" | "名称", Public, "正式な名称を入力します（例：かないくぼ保育園）。";
    }
    basic {
        office_number @ office_number: OfficeNumber, "事業所番号", Public, "事業所番号を数字で入力します。先頭の0も入力します。";
        facility_name_kana @ facility_name_kana: Line, "施設の名称（ふりがな）" | "名称_カナ" | "施設の名称_ふりがな", Public, "ひらがなで入力します（例：かないくぼほいくえん）。";
        facility_type @ facility_type: FacilityType, "施設類型" | "種別", Public, "一覧から選びます。";
        establishment_body @ establishment_body: EstablishmentBody, "施設_設置主体" | "施設の設置主体" | "設置主体", Public, "公立か私立かを選びます。";
        postal_code @ postal_code: PostalCode, "郵便番号" | "施設の所在地_郵便番号", Public, "7桁の数字で入力します（例：1730004）。";
        street_address @ street_address: Line, "町名・番地" | "施設の所在地_町名・番地" | "住所", Public, "市区町村より後を入力します（例：板橋2-21-1）。";
        phone @ phone: Phone, "施設の連絡先_電話番号" | "電話番号", Public, "見学の問合せを受ける番号を入力します（例：03-3961-0000）。";
        location @ location: Location, "緯度・経度", Public, "緯度と経度を小数で入力します（例：35.7512345,139.7123456）。";
        capacity_age_0 @ capacity.age_0: Count, "0歳_利用定員数", Public, "0歳児クラスの定員を入力します。いなければ0、決めていなければ空欄にします。";
        capacity_age_1 @ capacity.age_1: Count, "1歳_利用定員数", Public, "1歳児クラスの定員を入力します。";
        capacity_age_2 @ capacity.age_2: Count, "2歳_利用定員数", Public, "2歳児クラスの定員を入力します。";
        capacity_age_3 @ capacity.age_3: Count, "3歳_利用定員数", Public, "3歳児クラスの定員を入力します。";
        capacity_age_4 @ capacity.age_4: Count, "4歳_利用定員数", Public, "4歳児クラスの定員を入力します。";
        capacity_age_5 @ capacity.age_5: Count, "5歳_利用定員数", Public, "5歳児クラスの定員を入力します。";
        capacity_total @ capacity.total: Count, "合計_利用定員数" | "収容定員" | "利用定員数_合計", Public, "全クラスの定員の合計を入力します。";
    }
    details {
        building: Line, "建物名・部屋番号等" | "施設の所在地_建物名・部屋番号等" | "建物名等(方書)" | "建物名等" | "方書", Public, "建物の名前と部屋番号を入力します。";
        corporate_number: CorporateNumber, "法人番号", Public, "13桁の法人番号を入力します。";
        corporation_name: Line, "法人等の名称" | "団体名", Public, "設置する法人等の名称を入力します。";
        corporation_name_kana: Line, "法人等の名称（ふりがな）", Public, "ひらがなで入力します。";
        corporation_type: Line, "法人等の種類", Public, "法人等の種類を入力します（例：社会福祉法人、地方公共団体（市区町村））。";
        open_weekdays: OpenDays, "開所日_開所曜日" | "利用可能曜日", Public, "開所する曜日を続けて入力します（例：月火水木金土）。祝日も開所するときは祝を加えます。";
        weekday_opens_at: Opens, "開所日_平日開所時間" | "開始時間", Public, "平日に開所する時刻を入力します（例：07:15）。";
        weekday_closes_at: Closes, "開所日_平日閉所時間" | "終了時間", Public, "平日に閉所する時刻を入力します（例：18:15）。延長保育は含めません。";
        saturday_opens_at: Opens, "開所日_土曜日開所時間", Public, "土曜日に開所する時刻を入力します。開所しないときは空欄にします。";
        saturday_closes_at: Closes, "開所日_土曜日閉所時間", Public, "土曜日に閉所する時刻を入力します。";
        sunday_holiday_opens_at: Opens, "開所日_日祝日開所時間", Public, "日曜日・祝日に開所する時刻を入力します。開所しないときは空欄にします。";
        sunday_holiday_closes_at: Closes, "開所日_日祝日閉所時間", Public, "日曜日・祝日に閉所する時刻を入力します。";
        staff_childcare_teacher_fulltime: Staff, "保育教諭_従業者数_常勤", Public, "常勤の保育教諭の人数を入力します。";
        staff_childcare_teacher_parttime: Staff, "保育教諭_従業者数_非常勤", Public, "非常勤の保育教諭の人数を入力します。";
        staff_teacher_or_nursery_fulltime: Staff, "教諭又は保育士_従業者数_常勤", Public, "常勤の教諭又は保育士の人数を入力します。";
        staff_teacher_or_nursery_parttime: Staff, "教諭又は保育士_従業者数_非常勤", Public, "非常勤の教諭又は保育士の人数を入力します。";
        staff_nursery_fulltime: Staff, "保育士_従業者数_常勤", Public, "常勤の保育士の人数を入力します。";
        staff_nursery_parttime: Staff, "保育士_従業者数_非常勤", Public, "非常勤の保育士の人数を入力します。";
        staff_childcare_worker_fulltime: Staff, "保育従事者_従業者数_常勤", Public, "常勤の保育従事者の人数を入力します。";
        staff_childcare_worker_parttime: Staff, "保育従事者_従業者数_非常勤", Public, "非常勤の保育従事者の人数を入力します。";
        actual_cost_charged: YesNo, "利用料_実費徴収_実費徴収の有無", Public, "給食費など実費の徴収があるかを選びます。";
        actual_cost_reason: Words, "利用料_実費徴収_理由", Public, "何のための実費かを入力します（例：主食費、教材費）。";
        actual_cost_amount: Words, "利用料_実費徴収_金額", Public, "金額を入力します（例：月額1,500円）。";
        surcharge_charged: YesNo, "利用料_上乗せ徴収_上乗せ徴収の有無", Public, "上乗せ徴収があるかを選びます。";
        surcharge_reason: Words, "利用料_上乗せ徴収_理由", Public, "何のための上乗せかを入力します。";
        surcharge_amount: Words, "利用料_上乗せ徴収_金額", Public, "金額を入力します（例：月額3,000円）。";
        accepts_disabled_children: AcceptsDisabled, "障害児の受け入れ体制", Public, "有、無、要相談から選びます。";
        accepts_disabled_children_note: Words, "障害児の受け入れ体制_備考", Public, "受け入れの条件などを入力します。";
        temporary_care: YesNo, "一時預かり事業の実施" | "一時預かりの有無", Public, "一時預かりを実施しているかを選びます。";
        sick_child_care: YesNo, "病児保育事業の実施" | "病児保育の有無", Public, "病児保育を実施しているかを選びます。";
        nearest_station: Line, "最寄り駅", Public, "路線と駅の名前を入力します（例：東武東上線 大山駅）。複数あるときは読点で区切ります。";
        nearest_bus_stop: Line, "最寄りバス停", Public, "バス停の名前を入力します（例：板橋税務署前）。";
        walk_minutes_from_station: Minutes, "最寄り駅からの徒歩", Public, "最寄り駅から歩く分数を入力します（例：10）。";
        walk_minutes_from_bus_stop: Minutes, "最寄りバス停からの徒歩", Public, "最寄りのバス停から歩く分数を入力します（例：5）。";
        accepts_text: Line, "受け入れ年齢（月齢）" | "受入年齢", Public, "受け入れる年齢を入力します（例：生後57日～就学前）。";
        features: Words, "提供内容の特色", Public, "保育の特色を入力します。";
        operation_policy: Words, "運営方針" | "運営方法", Public, "保育の理念や方針を入力します。";
        care_content: Words, "教育・保育の内容等", Public, "一日の流れや行事など、教育・保育の内容を入力します。";
        website_url: WebPage, "公式サイトURL" | "URL", Public, "https:// から始まるアドレスを入力します。";
        has_playground: YesNo, "園庭の有無", Public, "園庭があるかを選びます。";
        playground_note: Words, "園庭の状況", Public, "園庭の広さや使い方を入力します。";
        substitute_playground_name: Line, "代替園庭名", Public, "園庭の代わりに使う公園などの名前を入力します。";
        has_car_parking: YesNo, "駐車場の有無", Public, "送迎に使える駐車場があるかを選びます。";
        car_parking_count: Count, "駐車場の台数", Public, "駐車場の台数を入力します。";
        has_bicycle_parking: YesNo, "駐輪場の有無", Public, "送迎に使える駐輪場があるかを選びます。";
        bicycle_parking_note: Words, "駐輪場の利用方法", Public, "駐輪場の使い方を入力します。";
        bicycle_parking_count: Count, "駐輪場の台数", Public, "駐輪場の台数を入力します。";
        allergy_support: YesNo, "アレルギー対応の有無", Public, "食物アレルギーに対応しているかを選びます。";
        allergy_support_note: Words, "アレルギー対応の有無_備考", Public, "対応の方法を入力します（例：除去食）。";
        extended_care: YesNo, "延長保育の有無", Public, "延長保育を実施しているかを選びます。";
        extended_am_opens_at: Opens, "延長保育_午前開所時間" | "開所日_延長保育午前開所時間", Public, "朝の延長保育が始まる時刻を入力します。";
        extended_am_closes_at: Closes, "延長保育_午前閉所時間" | "開所日_延長保育午前閉所時間", Public, "朝の延長保育が終わる時刻を入力します。";
        extended_pm_opens_at: Opens, "延長保育_午後開所時間" | "開所日_延長保育午後開所時間", Public, "夕方の延長保育が始まる時刻を入力します（例：18:15）。";
        extended_pm_closes_at: Closes, "延長保育_午後閉所時間" | "開所日_延長保育午後閉所時間", Public, "夕方の延長保育が終わる時刻を入力します（例：20:15）。";
        extended_care_note: Words, "延長保育_備考", Public, "延長保育の条件や料金を入力します。";
        social_url: WebPages, "関連ページ（SNS）のURL", Public, "https:// から始まるアドレスを入力します。複数あるときは空白で区切ります。";
        photo_urls: WebPages, "写真のURL" | "画像", Public, "園舎や園庭、活動の様子がわかる写真のアドレスを入力します。複数あるときは空白で区切ります。子どもの顔など、個人がわかる写真は載せません。";
        photo_license: Line, "写真のライセンス" | "画像_ライセンス" | "画像ライセンス", Public, "写真の利用条件を入力します（例：CC BY 4.0、転載不可）。";
    }
    derived {
        actual_cost_amount_jpy: Yen, "利用料_実費徴収_金額（円）", Public, "金額だけが入力されたときに、その値になります。";
        surcharge_amount_jpy: Yen, "利用料_上乗せ徴収_金額（円）", Public, "金額だけが入力されたときに、その値になります。";
        accepts_from_age_months: Count, "受け入れ年齢（月齢）_月", Public, "何か月の子どもから受け入れるかです。受け入れ年齢から決まります。";
        accepts_from_days: Count, "受け入れ年齢（月齢）_日", Public, "生後何日の子どもから受け入れるかです。受け入れ年齢から決まります。";
        accepts_to: AcceptsUntil, "受け入れ年齢（月齢）_まで", Public, "どの年齢まで受け入れるかです。受け入れ年齢から決まります。";
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::json;

    use super::*;
    use crate::{Invalid, Timestamp, facility::Source, item, search::tests::facility};

    const NOW: &str = "2026-12-01T10:00:00+09:00";

    /// A cell that each item takes, in the order of the table.
    fn cell(item: &Item<Facility>) -> &'static str {
        [
            "かないくぼ保育園",
            "1311912345678",
            "保育所",
            "公立",
            "173-0004",
            "03-3961-0000",
            "35.75,139.71",
            "12",
            "6000020131199",
            "月火水木金",
            "07:15",
            "有",
            "要相談",
            "就学前",
            "https://nursery.example.jp/",
        ]
        .into_iter()
        .find(|cell| item.read(&mut facility("あ", "い"), cell).is_ok())
        .unwrap()
    }

    /// A facility of which every item is stated.
    pub(crate) fn stated() -> Facility {
        let mut facility = facility("あ", "い");
        for item in ITEMS {
            item.read(&mut facility, cell(item)).unwrap();
        }
        facility.details.accepts_text = Some("生後57日～就学前".into());
        facility.details.actual_cost_amount = Some("1,500円".into());
        facility.details.surcharge_amount = Some("3,000円".into());
        facility.derive_items();
        facility
    }

    #[test]
    fn every_item_is_read_back_from_its_cell_and_from_json() {
        let stated = stated();
        for item in ITEMS {
            assert!(item.is_stated(&stated), "{}", item.field);
            let mut read = stated.clone();
            (item.clear)(&mut read);
            item.read(&mut read, &item.write(&stated).unwrap()).unwrap();
            assert!(
                read == stated || item.set(&mut read, json!(1)) == Err(Invalid::Unchangeable),
                "{}",
                item.field
            );
            let mut set = stated.clone();
            match item.set(&mut set, item.json(&stated)) {
                Err(Invalid::Unchangeable) => {}
                taken => assert_eq!((taken, set == stated), (Ok(()), true), "{}", item.field),
            }
        }
    }

    #[test]
    fn no_name_and_no_heading_stands_for_two_items() {
        let (mut fields, mut headings) = (HashSet::new(), HashSet::new());
        for item in ITEMS {
            assert!(fields.insert(item.field), "{}", item.field);
            for heading in item.headings() {
                assert!(headings.insert(item::label_identity(heading)), "{heading}");
            }
            assert!(!item.guide.is_empty() && item.guide.ends_with('。'), "{}", item.field);
        }
    }

    #[test]
    fn every_item_is_in_the_document_and_may_be_null() {
        let schema = serde_json::to_value(Details::schema()).unwrap();
        let details = serde_json::to_value(Details::default()).unwrap();
        for (field, value) in details.as_object().unwrap() {
            assert!(value.is_null() && named(field).is_some(), "{field}");
            let types = schema["properties"][field]["type"].to_string();
            assert!(types.contains("null"), "{field}: {}", schema["properties"][field]);
        }
    }

    #[test]
    fn what_is_withheld_is_seen_by_staff_alone() {
        let mut facility = stated();
        facility.notes.withheld = ["phone".into(), "facility_name".into()].into();
        facility.notes.other_columns.insert("法人等代表者の氏名".into(), "x".into());
        let fields = ["phone".into(), "features".into()].into();
        facility.notes.state(fields, Source::Import, NOW.parse().unwrap());
        let seen = facility.clone().visible_to(Visibility::Vendor);
        assert_eq!((seen.phone, seen.details.features.is_some()), (None, true));
        assert_eq!(seen.facility_name, facility.facility_name, "everybody must see the name");
        assert!(seen.notes.other_columns.is_empty() && seen.notes.withheld.is_empty());
        assert_eq!(seen.notes.provenance[0].fields, ["features".to_owned()].into());
        assert_eq!(facility.clone().visible_to(Visibility::Staff), facility);
    }

    #[test]
    fn an_item_has_one_provenance() {
        let mut notes = ItemNotes::default();
        let now: Timestamp = NOW.parse().unwrap();
        notes.state(["phone".into(), "features".into()].into(), Source::Import, now);
        notes.state(["phone".into()].into(), Source::Facility, now);
        assert_eq!(notes.provenance_of("phone").unwrap().source, Source::Facility);
        assert_eq!(notes.provenance_of("features").unwrap().source, Source::Import);
        notes.state(["features".into()].into(), Source::Municipality, now);
        assert_eq!(notes.provenance.len(), 2, "none is left without an item");
    }

    #[test]
    fn what_can_be_compared_follows_from_what_is_written() {
        let mut facility = stated();
        let details = &facility.details;
        assert_eq!(
            (details.accepts_from_age_months, details.accepts_to),
            (Some(1), Some(AcceptsUntil::School))
        );
        assert_eq!(details.actual_cost_amount_jpy, Some(1500));
        assert_eq!(facility.completeness(), 100);
        facility.details.accepts_text = Some("要相談".into());
        facility.derive_items();
        assert_eq!(facility.details.accepts_from_age_months, None);
        assert!(facility.completeness() < 100);
    }
}
