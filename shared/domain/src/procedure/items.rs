//! The items of a procedure.

use super::Procedure;
use crate::{
    calendar::{Day, FiscalYear, Month},
    item::{FewCount, Format, Line, MunicipalityNumber, WebPage, Words, table},
};

table! {
    /// The items of a procedure, in the order of the hub's lists. What names the municipality is how a list says whose
    /// row it is; it changes nothing.
    ITEMS: Procedure {
        copied municipality_code @ municipality_code: MunicipalityNumber, "全国地方公共団体コード" | "自治体コード", "6桁の全国地方公共団体コードを入力します（例：131199）。";
        copied prefecture @ prefecture: Line, "都道府県名" | "都道府県", "都道府県の名前を入力します（例：東京都）。";
        copied municipality @ municipality: Line, "区市町村名" | "区市町村" | "市区町村" | "市区町村名", "区市町村の名前を入力します（例：板橋区）。";
        required fiscal_year @ fiscal_year: FiscalYear, "年度", "入園する年度を入力します（例：2027）。";
        required procedure_name @ procedure_name: Line, "手続き名", "手続きの名前を入力します（例：令和9年4月入園の申込み）。";
        required publish_from @ publish_from: Day, "公開開始日", "公開を始める日を入力します（例：2026-10-01）。";
        optional publish_to @ publish_to: Day, "公開終了日", "公開する最後の日を入力します。終わりを決めていないときは空欄にします。";
        optional site_label @ site_label: Line, "保育施設案内サイト表示名", "案内サイトの名前を入力します（例：保育施設のご案内）。";
        optional site_url @ site_url: WebPage, "保育施設案内サイト", "https:// から始まるアドレスを入力します。";
        optional file_label @ file_label: Line, "手続きファイル表示名", "手続きの案内の名前を入力します（例：入園のしおり）。";
        optional file_url @ file_url: WebPage, "手続きファイルURL", "https:// から始まるアドレスを入力します。";
        optional result_month @ result_month: Month, "対象年月", "前年度実績が何年何月の入園のものかを入力します（例：2026-04）。";
        optional openings_0 @ results.age_0.openings: FewCount, "0歳_入所可能（募集）数", "0歳児クラスの募集数を入力します。少なくて公表しないときは - 、なければ0にします。";
        optional applications_0 @ results.age_0.applications: FewCount, "0歳_申込数", "0歳児クラスの申込数を入力します。";
        optional admissions_0 @ results.age_0.admissions: FewCount, "0歳_入所決定数", "0歳児クラスの入所決定数を入力します。";
        optional openings_1 @ results.age_1.openings: FewCount, "1歳_入所可能（募集）数", "1歳児クラスの募集数を入力します。";
        optional applications_1 @ results.age_1.applications: FewCount, "1歳_申込数", "1歳児クラスの申込数を入力します。";
        optional admissions_1 @ results.age_1.admissions: FewCount, "1歳_入所決定数", "1歳児クラスの入所決定数を入力します。";
        optional openings_2 @ results.age_2.openings: FewCount, "2歳_入所可能（募集）数", "2歳児クラスの募集数を入力します。";
        optional applications_2 @ results.age_2.applications: FewCount, "2歳_申込数", "2歳児クラスの申込数を入力します。";
        optional admissions_2 @ results.age_2.admissions: FewCount, "2歳_入所決定数", "2歳児クラスの入所決定数を入力します。";
        optional openings_3 @ results.age_3.openings: FewCount, "3歳_入所可能（募集）数", "3歳児クラスの募集数を入力します。";
        optional applications_3 @ results.age_3.applications: FewCount, "3歳_申込数", "3歳児クラスの申込数を入力します。";
        optional admissions_3 @ results.age_3.admissions: FewCount, "3歳_入所決定数", "3歳児クラスの入所決定数を入力します。";
        optional openings_4 @ results.age_4.openings: FewCount, "4歳_入所可能（募集）数", "4歳児クラスの募集数を入力します。";
        optional applications_4 @ results.age_4.applications: FewCount, "4歳_申込数", "4歳児クラスの申込数を入力します。";
        optional admissions_4 @ results.age_4.admissions: FewCount, "4歳_入所決定数", "4歳児クラスの入所決定数を入力します。";
        optional openings_5 @ results.age_5.openings: FewCount, "5歳_入所可能（募集）数", "5歳児クラスの募集数を入力します。";
        optional applications_5 @ results.age_5.applications: FewCount, "5歳_申込数", "5歳児クラスの申込数を入力します。";
        optional admissions_5 @ results.age_5.admissions: FewCount, "5歳_入所決定数", "5歳児クラスの入所決定数を入力します。";
        optional result_note @ result_note: Words, "備考" | "前年度実績_備考", "前年度実績の数え方などを入力します。";
        optional application_url @ application_url: WebPage, "保育園申込URL", "申込みを受け付けるページのアドレスを入力します。";
    }
}
