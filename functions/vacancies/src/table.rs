//! A municipality's table of a month, in three forms.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use domain::{
    MunicipalityCode,
    calendar::{Day, Month},
    item::Item,
    municipality::{self, Municipality},
    vacancy::{FacilityVacancyView, ITEMS, Vacancy},
};
use http::{HeaderName, header};
use hub_http::{Problem, csv_file};
use serde::Serialize;
use store::Store;
use utoipa::ToSchema;

/// A new month shows five minutes later at the latest.
pub(crate) const KEPT: (HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=300");

/// A script of any site may read it.
pub(crate) const OPEN: (HeaderName, &str) = (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");

/// The style of the page and nothing else; any site may frame it.
const POLICY: (HeaderName, &str) = (
    header::CONTENT_SECURITY_POLICY,
    concat!(
        "default-src 'none'; style-src 'sha256-",
        env!("STYLE_HASH"),
        "'; base-uri 'none'; form-action 'none'; frame-ancestors *"
    ),
);

/// In the place of a number that is not stated.
const UNSTATED: &str = "－";

/// What a municipality's nurseries have free in a month.
pub(crate) struct Table {
    municipality: &'static Municipality,
    /// None, where nothing was ever published.
    month: Option<Month>,
    /// By name.
    rows: Vec<Vacancy>,
}

/// A municipality's table.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VacancyTable)]
pub(crate) struct TableView {
    /// The national code of the municipality.
    municipality_code: MunicipalityCode,
    /// Its name.
    #[schema(examples("板橋区"))]
    municipality: &'static str,
    /// Its prefecture.
    #[schema(examples("東京都"))]
    prefecture: &'static str,
    /// The month; `null` where nothing was ever published.
    base_month: Option<Month>,
    /// Each nursery, by name.
    items: Vec<FacilityVacancyView>,
}

impl From<Table> for TableView {
    fn from(table: Table) -> Self {
        Self {
            municipality_code: table.municipality.code,
            municipality: table.municipality.name,
            prefecture: table.municipality.prefecture,
            base_month: table.month,
            items: table.rows.into_iter().map(FacilityVacancyView::from).collect(),
        }
    }
}

/// The table as a page.
#[derive(Template)]
#[template(path = "vacancies.html")]
struct Page {
    style: &'static str,
    title: String,
    classes: Vec<&'static str>,
    rows: Vec<PageRow>,
    unstated: &'static str,
    published_on: Option<Day>,
    file: String,
}

struct PageRow {
    name: String,
    kind: &'static str,
    cells: Vec<String>,
    note: String,
}

impl Table {
    /// Of a month, or of the latest. A municipality that has nurseries here has a table, though it may be empty.
    pub(crate) async fn read(
        store: &Store,
        code: MunicipalityCode,
        month: Option<Month>,
    ) -> Result<Self, Problem> {
        let month = match month {
            Some(month) => Some(month),
            None => store.latest_month(code).await?,
        };
        let mut rows = match month {
            Some(month) => store.vacancies(code, month, None, None).await?,
            None => Vec::new(),
        };
        if rows.is_empty() && !store.has_facilities(code).await? {
            return Err(Problem::NotFound);
        }
        rows.sort_by(|a, b| a.facility_name.cmp(&b.facility_name));
        let municipality = municipality::by_code(code).ok_or(Problem::NotFound)?.municipality;
        Ok(Self { municipality, month, rows })
    }

    /// As a file.
    pub(crate) fn csv(&self) -> Result<Response, Problem> {
        let headings = ITEMS.iter().map(|item| item.heading.to_owned()).collect();
        let row =
            |of: &Vacancy| ITEMS.iter().map(|item| item.write(of).unwrap_or_default()).collect();
        let table: Vec<_> = [headings].into_iter().chain(self.rows.iter().map(row)).collect();
        let month = self.month.map(|month| format!("_{month}")).unwrap_or_default();
        csv_file(&format!("vacancies_{}{month}.csv", self.municipality.code), &table)
    }

    /// As a page.
    pub(crate) fn html(&self) -> Result<Response, Problem> {
        let of_class = |item: &&Item<Vacancy>| item.field.starts_with("age_");
        let classes: Vec<_> = ITEMS.iter().filter(of_class).collect();
        let row = |of: &Vacancy| PageRow {
            name: of.facility_name.clone(),
            kind: of.facility_type.map_or("", |kind| kind.label()),
            cells: classes
                .iter()
                .map(|item| item.write(of).unwrap_or_else(|| UNSTATED.into()))
                .collect(),
            note: of.vacancy_note.clone().unwrap_or_default(),
        };
        let month = self.month.map(|month| format!("（{}）", month.ja())).unwrap_or_default();
        let page = Page {
            style: include_str!("style.css"),
            title: format!("{}の保育施設の空き状況{month}", self.municipality.name),
            classes: classes
                .iter()
                .map(|item| item.heading.trim_end_matches("クラス空き人数"))
                .collect(),
            rows: self.rows.iter().map(row).collect(),
            unstated: UNSTATED,
            published_on: self.rows.iter().filter_map(|of| of.published_on).max(),
            file: self.month.map_or_else(
                || "vacancies.csv".to_owned(),
                |month| format!("vacancies.csv?base_month={month}"),
            ),
        };
        let page = page.render().map_err(|_| Problem::Internal)?;
        Ok(([(header::CONTENT_LANGUAGE, "ja"), POLICY], Html(page)).into_response())
    }
}
