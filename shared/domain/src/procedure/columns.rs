//! The columns of a list of procedures. A list has a row for each fiscal year, or one for two: then headings say which
//! of both they are about, `N年度分 …` and `N+1年度分 …`.

use super::{ITEMS, Procedure, ResultsByAge};
use crate::{ProcedureId, item::Item};

/// Of which fiscal year a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfYear {
    /// That of its row (年度).
    Row,
    /// The one after it.
    Next,
}

/// A column that a list may have.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its heading.
    pub heading: String,
    /// Which of the two procedures of a row it is about.
    pub of: OfYear,
    /// What it states.
    pub item: &'static Item<Procedure>,
}

/// What a list may state of each of two years.
const OF_EACH_YEAR: [&str; 4] = ["site_label", "site_url", "file_label", "file_url"];

/// Every column that a list may have.
pub fn columns() -> impl Iterator<Item = Column> {
    ITEMS.iter().flat_map(|item| {
        let plain = item.headings().map(|heading| (heading.to_owned(), OfYear::Row));
        let of_each_year = OF_EACH_YEAR.contains(&item.field).then(|| {
            let heading = item.heading;
            [
                (format!("N年度分 {heading}"), OfYear::Row),
                (format!("N+1年度分 {heading}"), OfYear::Next),
            ]
        });
        let columns = plain.chain(of_each_year.into_iter().flatten());
        columns.map(move |(heading, of)| Column { heading, of, item })
    })
}

impl Procedure {
    /// The same procedure a year later: what a row says of both years, and nothing of what is a year's own. `None` after
    /// the last year that the hub knows.
    pub fn next_year(&self) -> Option<Self> {
        let fiscal_year = self.fiscal_year.next()?;
        let (code, name) = (self.municipality_code, &self.procedure_name);
        Some(Self {
            procedure_id: ProcedureId::derive(code, fiscal_year, name),
            fiscal_year,
            site_label: None,
            site_url: None,
            file_label: None,
            file_url: None,
            result_month: None,
            results: ResultsByAge::default(),
            result_note: None,
            ..self.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{item::label_identity, procedure::ProcedureView};

    fn column(heading: &str) -> Column {
        let is_it = |column: &Column| label_identity(&column.heading) == label_identity(heading);
        columns().find(is_it).unwrap()
    }

    fn procedure(publish_from: &str, publish_to: Option<&str>) -> Procedure {
        let (code, year) = ("131199".parse().unwrap(), "2027".parse().unwrap());
        let procedure_name = "4月入園の申込み".to_owned();
        Procedure {
            procedure_id: ProcedureId::derive(code, year, &procedure_name),
            municipality_code: code,
            prefecture: "東京都".into(),
            municipality: "板橋区".into(),
            fiscal_year: year,
            procedure_name,
            publish_from: publish_from.parse().unwrap(),
            publish_to: publish_to.map(|day| day.parse().unwrap()),
            site_label: None,
            site_url: None,
            file_label: None,
            file_url: None,
            result_month: None,
            results: ResultsByAge::default(),
            result_note: None,
            application_url: None,
            updated_at: "2026-12-01T10:00:00+09:00".parse().unwrap(),
        }
    }

    #[test]
    fn a_procedure_is_published_from_its_first_to_its_last_day() {
        let day = |text: &str| text.parse().unwrap();
        let limited = procedure("2026-10-01", Some("2026-12-31"));
        for (today, published) in [
            ("2026-09-30", false),
            ("2026-10-01", true),
            ("2026-12-31", true),
            ("2027-01-01", false),
        ] {
            assert_eq!(limited.is_published(day(today)), published, "{today}");
        }
        assert!(procedure("2026-10-01", None).is_published(day("2099-01-01")));
    }

    #[test]
    fn prc_01_a_row_of_two_years_is_a_procedure_of_each() {
        let mut this = procedure("2026-10-01", None);
        let mut next = this.next_year().unwrap();
        for (heading, cell) in [
            ("N年度分 保育施設案内サイト表示名", "令和9年度のご案内"),
            ("Ｎ＋１年度分　保育施設案内サイト表示名", "令和10年度のご案内"),
            ("N+1年度分 手続きファイルURL", "https://city.example.jp/2028.pdf"),
        ] {
            let column = column(heading);
            let of = if column.of == OfYear::Next { &mut next } else { &mut this };
            column.item.read(of, cell).unwrap();
        }
        let guide =
            |of: Procedure| serde_json::to_value(ProcedureView::from(of)).unwrap()["guides"].take();
        let expected = serde_json::json!([{"fiscal_year": 2027, "site_label": "令和9年度のご案内",
            "site_url": null, "file_label": null, "file_url": null}]);
        assert_eq!(guide(this.clone()), expected);
        let expected = serde_json::json!([{"fiscal_year": 2028, "site_label": "令和10年度のご案内",
            "site_url": null, "file_label": null, "file_url": "https://city.example.jp/2028.pdf"}]);
        assert_eq!(guide(next.clone()), expected);
        assert_ne!(this.procedure_id, next.procedure_id);
    }

    #[test]
    fn prc_03_a_suppressed_number_is_not_stated_and_zero_is() {
        let mut of = procedure("2026-10-01", None);
        for (heading, cell) in [
            ("対象年月", "2026年4月"),
            ("0歳_入所可能(募集)数", "12"),
            ("0歳_申込数", "0"),
            ("1歳_申込数", "－"),
        ] {
            column(heading).item.read(&mut of, cell).unwrap();
        }
        let view = serde_json::to_value(ProcedureView::from(of)).unwrap();
        assert_eq!(view["result_month"], "2026-04");
        assert_eq!(view["results"].as_array().unwrap().len(), 6);
        let expected =
            serde_json::json!({"age": 0, "openings": 12, "applications": 0, "admissions": null});
        assert_eq!(view["results"][0], expected);
        assert_eq!(view["results"][1]["applications"], serde_json::Value::Null);
    }

    #[test]
    fn no_heading_of_either_dataset_stands_for_two_items() {
        let of = |headings: Vec<String>| {
            let mut seen = std::collections::HashSet::new();
            for heading in headings {
                assert!(seen.insert(label_identity(&heading)), "{heading}");
            }
        };
        of(columns().map(|column| column.heading).collect());
        of(crate::vacancy::ITEMS.iter().flat_map(Item::headings).map(str::to_owned).collect());
    }
}
