//! The procedures of municipalities.

use domain::{
    MunicipalityCode, ProcedureId, Timestamp,
    calendar::{Day, FiscalYear, Month},
    procedure::{Procedure, ResultsByAge},
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_dynamo::to_attribute_value;

use crate::{
    Store, StoreError,
    condition::Condition,
    item::{Item, from_item, to_stated_item},
    keys::{Key, span::Span},
    query::Query,
    write::Write,
};

/// A procedure as the table holds it. Serde sees to it that it has the fields of the domain's.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Procedure")]
struct ProcedureItem {
    procedure_id: ProcedureId,
    municipality_code: MunicipalityCode,
    prefecture: String,
    municipality: String,
    fiscal_year: FiscalYear,
    procedure_name: String,
    publish_from: Day,
    publish_to: Option<Day>,
    site_label: Option<String>,
    site_url: Option<String>,
    file_label: Option<String>,
    file_url: Option<String>,
    result_month: Option<Month>,
    #[serde(flatten)]
    results: ResultsByAge,
    result_note: Option<String>,
    application_url: Option<String>,
    updated_at: Timestamp,
}

#[derive(PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct StoredProcedure(#[serde(with = "ProcedureItem")] pub(crate) Procedure);

/// A procedure from its item, as the table or its stream gives it.
pub(crate) fn from_table(item: Item) -> Result<Procedure, StoreError> {
    let StoredProcedure(procedure) = from_item(item)?;
    Ok(procedure)
}

fn item(procedure: &Procedure) -> Result<Item, StoreError> {
    to_stated_item(&StoredProcedure(procedure.clone()))
}

/// Where a list of procedures goes on: after this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcedurePosition(MunicipalityCode, FiscalYear, ProcedureId);

impl ProcedurePosition {
    /// After this one.
    pub fn after(procedure: &Procedure) -> Self {
        let id = procedure.procedure_id.clone();
        Self(procedure.municipality_code, procedure.fiscal_year, id)
    }

    fn key(&self) -> Key {
        Key::Procedure(self.0, self.1, self.2.clone())
    }
}

/// DynamoDB takes 100 writes in one transaction.
const PUT_AT_ONCE: usize = 100;

impl Store {
    /// Writes procedures that are new or changed, each over the one that was read. All or none of every hundred;
    /// [`StoreError::Conflict`] if somebody else changed one meanwhile.
    pub async fn put_procedures(
        &self,
        procedures: &[(Option<Procedure>, Procedure)],
    ) -> Result<(), StoreError> {
        for some in procedures.chunks(PUT_AT_ONCE) {
            let mut writes = Vec::new();
            for (known, procedure) in some {
                let key = ProcedurePosition::after(procedure).key();
                let after = item(procedure)?;
                writes.push(match known {
                    None => Write::create(key, after),
                    Some(known) => {
                        let read = to_attribute_value(known.updated_at)?;
                        let unchanged = Condition::Is("updated_at".into(), read);
                        Write::change(key, &item(known)?, &after, unchanged)
                    }
                });
            }
            self.transact(writes).await?.or_conflict()?;
        }
        Ok(())
    }

    /// Up to `limit` procedures that are published on a day, of a municipality or of all, by fiscal year.
    pub async fn procedures(
        &self,
        code: Option<MunicipalityCode>,
        year: Option<FiscalYear>,
        today: Date,
        limit: usize,
        after: Option<&ProcedurePosition>,
    ) -> Result<Vec<Procedure>, StoreError> {
        let after = after.map(ProcedurePosition::key);
        let query = Query::of(Span::procedures(code, year, after.as_ref()));
        let is_wanted = |procedure: &Procedure| {
            procedure.is_published(today) && year.is_none_or(|year| procedure.fiscal_year == year)
        };
        self.list_wanted(&query, limit, from_table, is_wanted).await
    }

    /// All procedures of a municipality for who is about to change some: as they are at this moment, and none left out.
    pub async fn procedures_to_change(
        &self,
        code: MunicipalityCode,
    ) -> Result<Vec<Procedure>, StoreError> {
        let query = Query::of(Span::procedures(Some(code), None, None)).consistent();
        self.list_whole(&query, None, from_table).await
    }
}
