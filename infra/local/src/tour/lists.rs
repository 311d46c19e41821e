//! A municipality imports its lists: its nurseries, what they have free in a month, and how families apply; and takes out
//! what it has.

use std::io::Write;

use domain::calendar::Month;
use http::header::CONTENT_TYPE;
use jiff::ToSpan;
use serde_json::{Value, json};

use super::{
    Tour, TourError, TourResult, Who,
    messages::{expect, text},
};

/// What stands beside values that nobody is to take for true.
pub(super) const DEMONSTRATION: &str = "デモ用の架空の値です。";

impl<W: Write> Tour<'_, W> {
    /// Sends a list with a wrong value, reads which row it is, corrects it, and finds what it says at the nursery.
    pub(super) async fn import_list(&mut self) -> TourResult {
        let path = format!("/v1/facilities/{}", self.facility);
        let nursery = self.get(Who::Anyone, &path).await?.body;
        let value = |name: &str| text(&nursery[name]).to_owned();
        let (prefecture, municipality) = (value("prefecture"), value("municipality"));
        let list = format!(
            "施設の名称,都道府県,市区町村,開所日_土曜日閉所時間,最寄り駅からの徒歩\n\
            {},{prefecture},{municipality},夕方,徒歩10分\nあたらしい保育園,{prefecture},{municipality},18:30,\n",
            value("facility_name"),
        );
        let failed = self.import("facilities", "list-1", list.clone()).await?;
        expect("the import", "failed", &failed["status"])?;
        expect("the column", "開所日_土曜日閉所時間", &failed["errors"][0]["column"])?;
        let rows = format!("/v1/staff/imports/{}/errors.csv", text(&failed["import_id"]));
        self.get(Who::City, &rows).await?;
        let rows = self.api(Who::City).await?.file(&rows).await?;
        expect("the rows that come back", false, &json!(rows.contains("あたらしい保育園")))?;
        let done = self.import("facilities", "list-2", list.replace("夕方", "18時15分")).await?;
        expect("the import", "succeeded", &done["status"])?;
        let nursery = self.get(Who::Anyone, &path).await?.body;
        expect("when it closes", "18:15", &nursery["saturday_closes_at"])?;
        expect("minutes from the station", 10, &nursery["walk_minutes_from_station"])
    }

    /// Looks first what a list of vacancies would change, then imports it, and a list of procedures of two years.
    pub(super) async fn publish(&mut self) -> TourResult {
        let nursery = self.get(Who::Anyone, &format!("/v1/facilities/{}", self.facility)).await?;
        let value = |name: &str| text(&nursery.body[name]).to_owned();
        let (prefecture, municipality) = (value("prefecture"), value("municipality"));
        let today = self.now().await?.date();
        let month = Month::of(today.saturating_add(1.month()));
        let vacancies = format!(
            "区市町村,施設の名称,基準年月,0歳クラス空き人数,1歳クラス空き人数,2歳クラス空き人数,月次空き枠情報_備考,公表日\n\
            {municipality},{},{month},△1,0,○,{DEMONSTRATION},{today}\n",
            value("facility_name"),
        );
        let query = "vacancies&dry_run=true";
        let planned = self.import(query, "vacancies-1", vacancies.clone()).await?;
        expect("an import that writes nothing", true, &planned["dry_run"])?;
        let done = self.import("vacancies", "vacancies-2", vacancies).await?;
        expect("the import", "succeeded", &done["status"])?;

        let year = today.saturating_add(9.months()).year();
        let code = value("municipality_code");
        let procedures = format!(
            "都道府県名,区市町村名,年度,手続き名,公開開始日,N年度分 保育施設案内サイト,N年度分 手続きファイルURL,N+1年度分 手続きファイルURL,保育園申込URL,備考\n\
            {prefecture},{municipality},{year},4月入園の申込み（デモ）,{today},https://city-{code}.example.jp/hoiku,https://city-{code}.example.jp/{year}.pdf,https://city-{code}.example.jp/next.pdf,https://apply.example.jp/{code},{DEMONSTRATION}\n",
        );
        let done = self.import("procedures", "procedures-1", procedures).await?;
        expect("the import", "succeeded", &done["status"])
    }

    /// Exports its list and imports it again, exports what is for publication, and the archive.
    pub(super) async fn take_out(&mut self) -> TourResult {
        let exports = "/v1/staff/exports";
        for form in [
            "facilities?format=csv",
            "facilities?format=opendata",
            "vacancies?format=long",
            "procedures?format=long",
            "change_requests?format=csv",
        ] {
            let file = self.get(Who::City, &format!("{exports}/{form}")).await?;
            let found = file.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
            expect("the file", "text/csv; charset=utf-8", &json!(found))?;
        }
        let city = self.api(Who::City).await?;
        let list = city.file(&format!("{exports}/facilities?format=csv")).await?;
        let again = self.import("facilities", "list-3", list).await?;
        let (rows, unchanged) = (&again["rows"], again["unchanged"].clone());
        expect("rows that change nothing", unchanged, rows)?;

        let archive = self.get(Who::City, &format!("{exports}/all")).await?.body;
        expect("the archive", "hokatsu-archive", &archive["format"])?;
        let (path, key) = ("/v1/staff/imports?dataset=all", format!("{} archive", self.begun));
        let refused = self.api(Who::City).await?.create(path, &key, archive).await?;
        self.answered(Who::City, "POST", path, &refused)?;
        expect("a hub that has facilities", "not_empty", &refused.body["current_status"])?;

        let codes = self.get(Who::Anyone, "/v1/codes").await?.body;
        expect("the first code", "nursery", &codes["items"][0]["code"])?;
        let catalogue = self.get(Who::Anyone, "/v1/catalog.jsonld").await?.body;
        expect("the catalogue", "dcat:Catalog", &catalogue["@type"])
    }

    /// Sends a list of a dataset, and looks at the import once it is done.
    async fn import(&mut self, dataset: &str, key: &str, list: String) -> Result<Value, TourError> {
        let key = format!("{} {key}", self.begun);
        let path = "/v1/staff/imports";
        let query = format!("{path}?dataset={dataset}");
        let sent = self.api(Who::City).await?.send_list(&query, &key, list).await?;
        let sent = self.succeeded(Who::City, "POST", &query, sent)?.body;
        let path = format!("{path}/{}", text(&sent["import_id"]));
        loop {
            self.api.post("/_local/drain", json!({})).await?;
            let import = self.api(Who::City).await?.get(&path).await?;
            if import.body["status"] != "running" {
                return Ok(self.succeeded(Who::City, "GET", &path, import)?.body);
            }
        }
    }
}
