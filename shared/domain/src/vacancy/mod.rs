//! How many places nurseries have free in a month, as their municipality publishes it (月次空き枠情報).

mod places;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::places::{Mark, Places};
use crate::{
    Facility, FacilityId, MunicipalityCode, Timestamp,
    calendar::{Day, Month},
    facility::{EstablishmentBody, FacilityType},
    item::{Format, Line, MunicipalityNumber, OfficeNumber, Words, table},
};

/// Free places by age class on 1 April; `None` is "not stated", never zero.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
#[allow(missing_docs, reason = "the names say it")]
pub struct PlacesByAge {
    pub age_0: Option<Places>,
    pub age_1: Option<Places>,
    pub age_2: Option<Places>,
    pub age_3: Option<Places>,
    pub age_4: Option<Places>,
    pub age_5: Option<Places>,
    /// Of a nursery that takes children of 0 to 2 years together. Never a sum of the others.
    pub age_0_2: Option<Places>,
}

/// What a nursery has free in a month. What is the nursery's own is as it was when this was written, so that a list of
/// a municipality's vacancies reads nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vacancy {
    /// The nursery.
    pub facility_id: FacilityId,
    /// 事業所番号.
    pub office_number: Option<String>,
    /// 施設の名称.
    pub facility_name: String,
    /// 施設類型.
    pub facility_type: Option<FacilityType>,
    /// 施設の設置主体.
    pub establishment_body: Option<EstablishmentBody>,
    /// The national code of the municipality that publishes it.
    pub municipality_code: MunicipalityCode,
    /// 都道府県.
    pub prefecture: String,
    /// 市区町村.
    pub municipality: String,
    /// The month in which a child would enter.
    pub base_month: Month,
    /// What is free.
    pub places: PlacesByAge,
    /// 月次空き枠情報_備考.
    pub vacancy_note: Option<String>,
    /// When the municipality published it.
    pub published_on: Option<Day>,
    /// When one of these values last changed.
    pub updated_at: Timestamp,
}

impl Vacancy {
    /// Of a nursery and a month, with nothing stated yet.
    pub fn new(facility: &Facility, base_month: Month, now: Timestamp) -> Self {
        Self {
            facility_id: facility.facility_id.clone(),
            office_number: facility.office_number.clone(),
            facility_name: facility.facility_name.clone(),
            facility_type: facility.facility_type,
            establishment_body: facility.establishment_body,
            municipality_code: facility.municipality_code,
            prefecture: facility.prefecture.clone(),
            municipality: facility.municipality.clone(),
            base_month,
            places: PlacesByAge::default(),
            vacancy_note: None,
            published_on: None,
            updated_at: now,
        }
    }

    /// Whether anything that people see differs, the time of the change aside.
    pub fn has_same_content_as(&self, other: &Self) -> bool {
        Self { updated_at: other.updated_at, ..self.clone() } == *other
    }
}

table! {
    /// The items of a vacancy, in the order of the hub's lists. What names the nursery and its municipality is how a list
    /// says whose row it is; it changes nothing.
    ITEMS: Vacancy {
        copied municipality_code @ municipality_code: MunicipalityNumber, "全国地方公共団体コード" | "自治体コード", "6桁の全国地方公共団体コードを入力します（例：131199）。";
        copied prefecture @ prefecture: Line, "都道府県名" | "都道府県", "都道府県の名前を入力します（例：東京都）。";
        copied municipality @ municipality: Line, "区市町村" | "区市町村名" | "市区町村" | "市区町村名", "区市町村の名前を入力します（例：板橋区）。";
        derived office_number @ office_number: OfficeNumber, "事業所番号", "事業所番号を数字で入力します。先頭の0も入力します。";
        copied facility_name @ facility_name: Line, "施設の名称" | "名称", "施設の正式な名称を入力します。";
        derived facility_type @ facility_type: FacilityType, "施設類型" | "種別", "施設の類型です。施設の情報と比べます。";
        derived establishment_body @ establishment_body: EstablishmentBody, "施設_設置主体" | "施設の設置主体" | "設置主体", "公立か私立かです。施設の情報と比べます。";
        required base_month @ base_month: Month, "基準年月", "何年何月の入園の空きかを入力します（例：2026-12）。";
        optional age_0 @ places.age_0: Places, "0歳クラス空き人数", "0歳児クラスの空き人数（例：2）、記号（○、△、×）、または両方（例：△2）を入力します。公表しないときは空欄にします。";
        optional age_1 @ places.age_1: Places, "1歳クラス空き人数", "1歳児クラスの空き人数または記号を入力します。";
        optional age_2 @ places.age_2: Places, "2歳クラス空き人数", "2歳児クラスの空き人数または記号を入力します。";
        optional age_3 @ places.age_3: Places, "3歳クラス空き人数", "3歳児クラスの空き人数または記号を入力します。";
        optional age_4 @ places.age_4: Places, "4歳クラス空き人数", "4歳児クラスの空き人数または記号を入力します。";
        optional age_5 @ places.age_5: Places, "5歳クラス空き人数", "5歳児クラスの空き人数または記号を入力します。";
        optional age_0_2 @ places.age_0_2: Places, "0～2歳クラス空き人数", "0～2歳児を合わせて募集する施設の空き人数または記号を入力します。年齢別の人数の合計ではありません。";
        optional vacancy_note @ vacancy_note: Words, "月次空き枠情報_備考", "空きについて保護者に知らせることを入力します。";
        optional published_on @ published_on: Day, "公表日", "区市町村が公表した日を入力します（例：2026-11-10）。";
    }
}

/// What a nursery has free in a month, as anybody sees it. `null` is "not stated", never zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Vacancy)]
#[allow(missing_docs, reason = "the names say it")]
pub struct VacancyView {
    /// The month in which a child would enter.
    pub base_month: Month,
    /// 0歳クラス空き人数.
    pub age_0: Option<u32>,
    pub mark_0: Option<Mark>,
    /// 1歳クラス空き人数.
    pub age_1: Option<u32>,
    pub mark_1: Option<Mark>,
    /// 2歳クラス空き人数.
    pub age_2: Option<u32>,
    pub mark_2: Option<Mark>,
    /// 3歳クラス空き人数.
    pub age_3: Option<u32>,
    pub mark_3: Option<Mark>,
    /// 4歳クラス空き人数.
    pub age_4: Option<u32>,
    pub mark_4: Option<Mark>,
    /// 5歳クラス空き人数.
    pub age_5: Option<u32>,
    pub mark_5: Option<Mark>,
    /// 0～2歳クラス空き人数, of a nursery that takes children of 0 to 2 years together. Never a sum of the others.
    pub age_0_2: Option<u32>,
    pub mark_0_2: Option<Mark>,
    /// 月次空き枠情報_備考.
    pub vacancy_note: Option<String>,
    /// When the municipality published it.
    pub published_on: Option<Day>,
}

impl From<Vacancy> for VacancyView {
    fn from(vacancy: Vacancy) -> Self {
        let count = |places: Option<Places>| places.and_then(|places| places.count);
        let mark = |places: Option<Places>| places.and_then(|places| places.mark);
        let of = vacancy.places;
        Self {
            base_month: vacancy.base_month,
            age_0: count(of.age_0),
            mark_0: mark(of.age_0),
            age_1: count(of.age_1),
            mark_1: mark(of.age_1),
            age_2: count(of.age_2),
            mark_2: mark(of.age_2),
            age_3: count(of.age_3),
            mark_3: mark(of.age_3),
            age_4: count(of.age_4),
            mark_4: mark(of.age_4),
            age_5: count(of.age_5),
            mark_5: mark(of.age_5),
            age_0_2: count(of.age_0_2),
            mark_0_2: mark(of.age_0_2),
            vacancy_note: vacancy.vacancy_note,
            published_on: vacancy.published_on,
        }
    }
}

/// What a nursery has free in a month, in a list of many nurseries. `null` is "not stated".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = FacilityVacancy)]
pub struct FacilityVacancyView {
    /// The nursery.
    pub facility_id: FacilityId,
    /// 事業所番号.
    pub office_number: Option<String>,
    /// 施設の名称, as it was when this was published.
    #[schema(examples("かないくぼ保育園"))]
    pub facility_name: String,
    /// 施設類型.
    pub facility_type: Option<FacilityType>,
    /// 施設の設置主体.
    pub establishment_body: Option<EstablishmentBody>,
    /// The national code of the municipality that publishes it.
    pub municipality_code: MunicipalityCode,
    /// 市区町村.
    #[schema(examples("板橋区"))]
    pub municipality: String,
    /// 都道府県.
    #[schema(examples("東京都"))]
    pub prefecture: String,
    /// What is free.
    #[serde(flatten)]
    pub vacancy: VacancyView,
    /// When one of these values last changed.
    pub updated_at: Timestamp,
}

impl From<Vacancy> for FacilityVacancyView {
    fn from(vacancy: Vacancy) -> Self {
        Self {
            facility_id: vacancy.facility_id.clone(),
            office_number: vacancy.office_number.clone(),
            facility_name: vacancy.facility_name.clone(),
            facility_type: vacancy.facility_type,
            establishment_body: vacancy.establishment_body,
            municipality_code: vacancy.municipality_code,
            municipality: vacancy.municipality.clone(),
            prefecture: vacancy.prefecture.clone(),
            updated_at: vacancy.updated_at,
            vacancy: vacancy.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{item::Item, search::tests::facility};

    fn item(heading: &str) -> &'static Item<Vacancy> {
        ITEMS.iter().find(|item| item.heading == heading).unwrap()
    }

    #[test]
    fn vac_01_a_row_states_a_month_by_age_class_and_nothing_is_summed() {
        let now = "2026-11-10T10:00:00+09:00".parse().unwrap();
        let mut vacancy = Vacancy::new(&facility("あ", "い"), "2026-11".parse().unwrap(), now);
        for (heading, cell) in [
            ("基準年月", "2026年12月"),
            ("0歳クラス空き人数", "△２"),
            ("1歳クラス空き人数", "0"),
            ("2歳クラス空き人数", "×"),
            ("3歳クラス空き人数", "-"),
            ("0～2歳クラス空き人数", "○"),
            ("月次空き枠情報_備考", "12月1日入園分"),
            ("公表日", "2026/11/10"),
        ] {
            item(heading).read(&mut vacancy, cell).unwrap();
        }
        let view = serde_json::to_value(VacancyView::from(vacancy.clone())).unwrap();
        let expected = serde_json::json!({
            "base_month": "2026-12", "age_0": 2, "mark_0": "few", "age_1": 0, "mark_1": null,
            "age_2": null, "mark_2": "none", "age_3": null, "mark_3": null, "age_4": null,
            "mark_4": null, "age_5": null, "mark_5": null, "age_0_2": null, "mark_0_2": "open",
            "vacancy_note": "12月1日入園分", "published_on": "2026-11-10",
        });
        assert_eq!(view, expected);

        // What is written is read back as the same.
        let mut read = Vacancy { places: PlacesByAge::default(), ..vacancy.clone() };
        for item in ITEMS {
            if let Some(cell) = item.write(&vacancy) {
                item.read(&mut read, &cell).unwrap();
            }
        }
        assert_eq!(read, vacancy);
    }

    #[test]
    fn whose_row_it_is_changes_nothing() {
        let now = "2026-11-10T10:00:00+09:00".parse().unwrap();
        let vacancy = Vacancy::new(&facility("あ", "い"), "2026-11".parse().unwrap(), now);
        let mut other = vacancy.clone();
        for heading in ["区市町村", "事業所番号", "施設の名称", "施設類型", "施設_設置主体"]
        {
            item(heading).read(&mut other, "よそ").unwrap();
        }
        assert_eq!(other, vacancy);
    }
}
