use std::collections::BTreeSet;

use domain::{
    MunicipalityCode, Timestamp,
    import::{Findings, Planned, Row, procedures},
    procedure::Procedure,
};
use store::{Store, StoreError};

use crate::list::{Imported, Read};

impl Imported for Procedure {
    type Row = Row<Self>;

    fn line(row: &Self::Row) -> u64 {
        row.line
    }

    fn read(list: &[u8], only: Option<MunicipalityCode>) -> Read<Self::Row> {
        procedures::read(list, only)
    }

    async fn compare(
        store: &Store,
        rows: &[Self::Row],
        _only: Option<MunicipalityCode>,
        now: Timestamp,
        findings: &mut Findings,
    ) -> Result<Vec<Planned<Self>>, StoreError> {
        let codes: BTreeSet<_> = rows.iter().map(|row| row.draft.municipality_code).collect();
        let mut known = Vec::new();
        for code in codes {
            known.extend(store.procedures_to_change(code).await?);
        }
        Ok(procedures::plan(rows, &known, now, findings))
    }

    async fn put(store: &Store, changes: &[(Option<Self>, Self)]) -> Result<(), StoreError> {
        store.put_procedures(changes).await
    }
}
