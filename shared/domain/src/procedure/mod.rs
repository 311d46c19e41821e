//! How families of a municipality apply for a nursery in a fiscal year (手続き情報).

mod columns;
mod items;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::{
    columns::{Column, OfYear, columns},
    items::ITEMS,
};
use crate::{
    MunicipalityCode, ProcedureId, Timestamp,
    calendar::{Day, FiscalYear, Month},
};

/// How it went for an age class a year before. `None` is "not stated", or suppressed lest somebody be known by it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct AgeResult {
    /// 入所可能（募集）数.
    pub openings: Option<u32>,
    /// 申込数.
    pub applications: Option<u32>,
    /// 入所決定数.
    pub admissions: Option<u32>,
}

/// The same for each age class on 1 April.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ResultsByAge {
    pub age_0: AgeResult,
    pub age_1: AgeResult,
    pub age_2: AgeResult,
    pub age_3: AgeResult,
    pub age_4: AgeResult,
    pub age_5: AgeResult,
}

/// A procedure of a municipality in one fiscal year. `None` is "not stated".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Procedure {
    /// The hub's id: of municipality, fiscal year and name.
    pub procedure_id: ProcedureId,
    /// The national code of the municipality.
    pub municipality_code: MunicipalityCode,
    /// 都道府県名.
    pub prefecture: String,
    /// 区市町村名.
    pub municipality: String,
    /// For the entry in which fiscal year.
    pub fiscal_year: FiscalYear,
    /// 手続き名.
    pub procedure_name: String,
    /// The first day on which it is published.
    pub publish_from: Day,
    /// The last one; without an end where there is none.
    pub publish_to: Option<Day>,
    /// What the municipality's page about its nurseries is called.
    pub site_label: Option<String>,
    /// Where it is.
    pub site_url: Option<String>,
    /// What the file with the procedure is called.
    pub file_label: Option<String>,
    /// Where it is.
    pub file_url: Option<String>,
    /// Of which month the results are (対象年月).
    pub result_month: Option<Month>,
    /// How it went a year before (前年度実績).
    pub results: ResultsByAge,
    /// 備考 of the results.
    pub result_note: Option<String>,
    /// Where families apply (保育園申込URL).
    pub application_url: Option<String>,
    /// When one of these values last changed.
    pub updated_at: Timestamp,
}

impl Procedure {
    /// Whether anybody may see it on this day, in Japan.
    pub fn is_published(&self, today: Date) -> bool {
        self.publish_from.0 <= today && self.publish_to.is_none_or(|last| today <= last.0)
    }

    /// Whether anything that people see differs, the time of the change aside.
    pub fn has_same_content_as(&self, other: &Self) -> bool {
        Self { updated_at: other.updated_at, ..self.clone() } == *other
    }
}

/// Where a municipality tells about its nurseries and the procedure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Guide {
    /// For the entry in which fiscal year.
    pub fiscal_year: FiscalYear,
    /// 保育施設案内サイト表示名.
    pub site_label: Option<String>,
    /// 保育施設案内サイト.
    #[schema(format = "uri")]
    pub site_url: Option<String>,
    /// 手続きファイル表示名.
    pub file_label: Option<String>,
    /// 手続きファイルURL.
    #[schema(format = "uri")]
    pub file_url: Option<String>,
}

/// How it went for an age class a year before. `null` is "not stated" or suppressed, never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgeResultView {
    /// The age class on 1 April.
    #[schema(maximum = 5)]
    pub age: u8,
    /// 入所可能（募集）数.
    pub openings: Option<u32>,
    /// 申込数.
    pub applications: Option<u32>,
    /// 入所決定数.
    pub admissions: Option<u32>,
}

/// A procedure of a municipality in one fiscal year, as anybody sees it. `null` is "not stated".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Procedure)]
pub struct ProcedureView {
    /// The hub's id.
    pub procedure_id: ProcedureId,
    /// The national code of the municipality.
    pub municipality_code: MunicipalityCode,
    /// 都道府県名.
    #[schema(examples("東京都"))]
    pub prefecture: String,
    /// 区市町村名.
    #[schema(examples("板橋区"))]
    pub municipality: String,
    /// For the entry in which fiscal year.
    pub fiscal_year: FiscalYear,
    /// 手続き名.
    #[schema(examples("令和9年4月入園の申込み"))]
    pub procedure_name: String,
    /// The first day on which it is published.
    pub publish_from: Day,
    /// The last one.
    pub publish_to: Option<Day>,
    /// Where the municipality tells of it; none where it does not say.
    pub guides: Vec<Guide>,
    /// Of which month the results are (対象年月).
    pub result_month: Option<Month>,
    /// How it went a year before (前年度実績), of the age classes 0 to 5.
    #[schema(min_items = 6, max_items = 6)]
    pub results: Vec<AgeResultView>,
    /// 備考 of the results.
    pub result_note: Option<String>,
    /// Where families apply (保育園申込URL).
    #[schema(format = "uri")]
    pub application_url: Option<String>,
    /// When one of these values last changed.
    pub updated_at: Timestamp,
}

impl From<Procedure> for ProcedureView {
    fn from(procedure: Procedure) -> Self {
        let ResultsByAge { age_0, age_1, age_2, age_3, age_4, age_5 } = procedure.results;
        let result = |(age, result): (u8, AgeResult)| {
            let AgeResult { openings, applications, admissions } = result;
            AgeResultView { age, openings, applications, admissions }
        };
        let results = (0..).zip([age_0, age_1, age_2, age_3, age_4, age_5]).map(result).collect();
        let guide = Guide {
            fiscal_year: procedure.fiscal_year,
            site_label: procedure.site_label,
            site_url: procedure.site_url,
            file_label: procedure.file_label,
            file_url: procedure.file_url,
        };
        let says = [&guide.site_label, &guide.site_url, &guide.file_label, &guide.file_url];
        let says_something = says.iter().any(|text| text.is_some());
        Self {
            procedure_id: procedure.procedure_id,
            municipality_code: procedure.municipality_code,
            prefecture: procedure.prefecture,
            municipality: procedure.municipality,
            fiscal_year: procedure.fiscal_year,
            procedure_name: procedure.procedure_name,
            publish_from: procedure.publish_from,
            publish_to: procedure.publish_to,
            guides: Vec::from_iter(says_something.then_some(guide)),
            result_month: procedure.result_month,
            results,
            result_note: procedure.result_note,
            application_url: procedure.application_url,
            updated_at: procedure.updated_at,
        }
    }
}
