//! What a facility can be, by code and by label.

use crate::item::code_list;

code_list!(
    /// What kind of nursery it is (施設類型).
    FacilityType {
        Nursery = "nursery", "保育所" | "認可保育所" | "保育園";
        SmallA = "small_a", "小規模A型" | "小規模保育A型" | "小規模保育事業A型";
        SmallB = "small_b", "小規模B型" | "小規模保育B型" | "小規模保育事業B型";
        SmallC = "small_c", "小規模C型" | "小規模保育C型" | "小規模保育事業C型";
        KodomoenYouho = "kodomoen_youho", "認定こども（幼保）"
            | "認定こども園（幼保連携型）" | "幼保連携型認定こども園" | "幼保連携型";
        KodomoenHoiku = "kodomoen_hoiku", "認定こども（保育所）"
            | "認定こども園（保育所型）" | "保育所型認定こども園" | "保育所型";
        KodomoenYouchien = "kodomoen_youchien", "認定こども（幼稚園）"
            | "認定こども園（幼稚園型）" | "幼稚園型認定こども園" | "幼稚園型";
        KodomoenLocal = "kodomoen_local", "認定こども（地方裁量）"
            | "認定こども園（地方裁量型）" | "地方裁量型認定こども園" | "地方裁量型";
        Workplace = "workplace", "事業所内保育所" | "事業所内保育事業" | "事業所内保育";
        Home = "home", "家庭的保育" | "家庭的保育事業";
        Visiting = "visiting", "居宅訪問型" | "居宅訪問型保育事業" | "居宅訪問型保育";
        TokyoCertified = "tokyo_certified", "認証保育所";
        Unlicensed = "unlicensed", "認可外" | "認可外保育施設";
    }
);

code_list!(
    /// Who runs it (施設の設置主体).
    EstablishmentBody {
        Public = "public", "公立";
        Private = "private", "私立";
    }
);

code_list!(
    /// Whether children with disabilities are taken.
    AcceptsDisabled {
        Yes = "yes", "有" | "あり" | "可";
        No = "no", "無" | "なし" | "不可";
        Consult = "consult", "要相談" | "応相談";
    }
);

code_list!(
    /// Until when a nursery takes children.
    AcceptsUntil {
        Age0 = "age_0", "0歳児クラス";
        Age1 = "age_1", "1歳児クラス";
        Age2 = "age_2", "2歳児クラス";
        Age3 = "age_3", "3歳児クラス";
        Age4 = "age_4", "4歳児クラス";
        Age5 = "age_5", "5歳児クラス";
        School = "school", "就学前";
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_in_any_width() {
        assert_eq!(FacilityType::from_label("小規模Ａ型"), Ok(FacilityType::SmallA));
        assert_eq!(FacilityType::from_label("認定こども(幼保)"), Ok(FacilityType::KodomoenYouho));
        assert!(FacilityType::from_label("学校").is_err());
        assert_eq!("public".parse(), Ok(EstablishmentBody::Public));
    }
}
