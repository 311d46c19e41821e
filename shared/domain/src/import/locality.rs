//! Of which municipality a row is.

use super::row::{Findings, cell};
use crate::{
    Invalid, MunicipalityCode,
    item::plain,
    municipality::{self, Agreed, Disagreement, Locality, Part},
    sheet::{Column, Record, Sheet},
};

/// The columns in which a list says of which municipality a row is.
pub(super) struct Localities {
    code: Option<Column>,
    prefecture: Option<Column>,
    name: Option<Column>,
    /// The municipality that the caller works for: rows of others are told.
    only: Option<MunicipalityCode>,
}

impl Localities {
    pub(super) fn of(sheet: &Sheet<'_>, only: Option<MunicipalityCode>) -> Self {
        let first = |headings: &[&str]| headings.iter().find_map(|heading| sheet.column(heading));
        Self {
            code: first(&[
                "全国地方公共団体コード",
                "自治体コード",
                "所在地_全国地方公共団体コード",
                "都道府県コード又は市区町村コード",
            ]),
            prefecture: first(&[
                "都道府県",
                "施設の所在地_都道府県",
                "所在地_都道府県",
                "都道府県名",
            ]),
            name: first(&[
                "市区町村",
                "施設の所在地_市区町村",
                "所在地_市区町村",
                "市区町村名",
                "区市町村名",
                "区市町村",
            ]),
            only,
        }
    }

    pub(super) fn columns(&self) -> impl Iterator<Item = Column> {
        [self.code, self.prefecture, self.name].into_iter().flatten()
    }

    /// The column of names.
    pub(super) fn name(&self) -> Option<Column> {
        self.name
    }

    /// Tells the columns that are missing from a list whose rows must say it: prefecture and name, unless there is a code.
    pub(super) fn require(&self, sheet: &Sheet<'_>, findings: &mut Findings) {
        if self.code.is_some() {
            return;
        }
        for (column, heading) in [(self.prefecture, "都道府県"), (self.name, "市区町村")] {
            if column.is_none() {
                findings.error(sheet.line(), heading, "", &Invalid::Missing);
            }
        }
    }

    /// Whether a row says of which municipality it is.
    pub(super) fn are_stated(&self, record: &Record<'_>) -> bool {
        self.columns().any(|column| !record.cell(column).trim().is_empty())
    }

    /// The municipality of a row, on which code, prefecture and name agree. What is wrong with them is told.
    pub(super) fn read(
        &self,
        sheet: &Sheet<'_>,
        record: &Record<'_>,
        findings: &mut Findings,
    ) -> Option<Locality> {
        let [code, prefecture, name] = [self.code, self.prefecture, self.name].map(|column| {
            let cell = column.and_then(|column| cell(sheet, record, column, true, findings));
            cell.unwrap_or_default()
        });
        let missing: &[(&str, Option<Column>)] = match (self.prefecture, self.name) {
            (Some(_), Some(_)) => &[(&prefecture, self.prefecture), (&name, self.name)],
            (None, Some(_)) if code.is_empty() => &[(&name, self.name)],
            _ => &[],
        };
        let missing = missing.iter().filter(|(value, _)| value.is_empty());
        let missing: Vec<_> = missing.filter_map(|(_, column)| *column).collect();
        for column in &missing {
            findings.error(record.line, sheet.heading(*column), "", &Invalid::Missing);
        }
        if !missing.is_empty() {
            return None;
        }
        let found = match self.prefecture {
            Some(_) if self.name.is_some() => municipality::agree(&code, &prefecture, &name),
            None if !name.is_empty() => self.by_name_alone(&code, &name),
            _ => by_code_alone(&code),
        };
        let cell_of = |part| match part {
            Part::Code => (self.code, "全国地方公共団体コード", &code),
            Part::Prefecture => (self.prefecture, "都道府県", &prefecture),
            Part::Name => (self.name, "市区町村", &name),
        };
        let mut wrong = |part, invalid: &Invalid| {
            let (column, heading, value) = cell_of(part);
            let heading = column.map_or(heading, |column| sheet.heading(column));
            findings.error(record.line, heading, value, invalid);
        };
        let agreed = match found {
            Ok(agreed) => agreed,
            Err(disagreement) => {
                wrong(disagreement.part, &disagreement.invalid);
                return None;
            }
        };
        if self.only.is_some_and(|only| only != agreed.locality.municipality.code) {
            let part = if name.is_empty() { Part::Code } else { Part::Name };
            wrong(part, &Invalid::OfAnotherMunicipality);
            return None;
        }
        if let (Some(whole), Some(column)) = (agreed.zero_put_back, self.code) {
            let why = "先頭の0を補いました。";
            findings.warning(record.line, sheet.heading(column), &code, &whole.to_string(), why);
        }
        Some(agreed.locality)
    }

    /// Of a list without prefectures. A name that more than one of them has is told, unless a code beside it or the
    /// caller's own municipality says which is meant.
    fn by_name_alone(&self, code: &str, name: &str) -> Result<Agreed, Disagreement> {
        let wrong = |invalid| Err(Disagreement { part: Part::Name, invalid });
        let mut named = municipality::all_named(name);
        if code.is_empty() && named.len() > 1 {
            named.retain(|found| Some(found.municipality.code) == self.only);
            if named.is_empty() {
                return wrong(Invalid::Needs("都道府県"));
            }
        }
        let agree =
            |found: &Locality| municipality::agree(code, found.municipality.prefecture, name);
        let agreed = named.iter().map(agree).reduce(Result::or);
        agreed.unwrap_or_else(|| wrong(Invalid::NoSuch("municipality")))
    }
}

fn by_code_alone(code: &str) -> Result<Agreed, Disagreement> {
    let locality = plain(code).parse().ok().and_then(municipality::by_code);
    let invalid = Invalid::Format("131199");
    let locality = locality.ok_or(Disagreement { part: Part::Code, invalid })?;
    Ok(Agreed { locality, zero_put_back: None })
}
