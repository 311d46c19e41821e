//! All that municipalities have and that is no family's: read whole for an export, and written into an empty hub.
//!
//! What is written already is left as it is, so a run that was cut off is simply repeated.

use std::collections::{HashMap, HashSet};

use domain::{
    Facility, MunicipalityCode, Settings,
    archive::{Archive, ArchivedFacility},
    procedure::Procedure,
    vacancy::Vacancy,
};

use crate::{
    Store, StoreError,
    facility::{self, restored},
    item::from_item,
    keys::{Key, span::Span},
    query::Query,
    vacancy,
};

/// DynamoDB takes 100 writes in one transaction: a facility, its place in the list, and its settings.
const RESTORED_AT_ONCE: usize = 33;

impl Store {
    /// The facilities of a municipality, with the settings of those that saved any. None is left out.
    pub async fn facilities_with_settings(
        &self,
        code: MunicipalityCode,
    ) -> Result<Vec<(Facility, Option<Settings>)>, StoreError> {
        let ids = self.facilities_of(code).await?;
        let keys = ids.iter().flat_map(|id| [Key::Facility(id.clone()), Key::Settings(id.clone())]);
        let (mut facilities, mut settings) = (Vec::new(), HashMap::new());
        for item in self.get_items(keys, true).await? {
            match Key::of(&item) {
                Some(Key::Settings(id)) => drop(settings.insert(id, from_item(item)?)),
                _ => facilities.push(facility::from_table(item)?),
            }
        }
        let with_settings = |of: Facility| {
            let settings = settings.remove(&of.facility_id);
            (of, settings)
        };
        Ok(facilities.into_iter().map(with_settings).collect())
    }

    /// What the facilities of a municipality have free in all months. None is left out.
    pub async fn all_vacancies(&self, code: MunicipalityCode) -> Result<Vec<Vacancy>, StoreError> {
        let query = Query::of(Span::vacancies_of_municipality(code)).consistent();
        self.list_whole(&query, None, vacancy::from_table).await
    }

    /// Writes what is not there yet of an archive.
    pub async fn restore(&self, archive: &Archive) -> Result<(), StoreError> {
        for some in archive.facilities.chunks(RESTORED_AT_ONCE) {
            self.restore_facilities(some).await?;
        }
        let (mut procedures, mut vacancies) = (HashSet::new(), HashSet::new());
        for code in archive.municipalities() {
            let known = self.procedures_to_change(code).await?;
            procedures.extend(known.into_iter().map(|of| (of.fiscal_year, of.procedure_id)));
            let known = self.all_vacancies(code).await?;
            vacancies.extend(known.into_iter().map(|of| (of.base_month, of.facility_id)));
        }
        let new = archive.procedures.iter().map(|of| &of.0);
        let new = new.filter(|of| !procedures.contains(&(of.fiscal_year, of.procedure_id.clone())));
        let new: Vec<(Option<Procedure>, _)> = new.map(|of| (None, of.clone())).collect();
        self.put_procedures(&new).await?;
        let new = archive.vacancies.iter().map(|of| &of.0);
        let new = new.filter(|of| !vacancies.contains(&(of.base_month, of.facility_id.clone())));
        let new: Vec<(Option<Vacancy>, _)> = new.map(|of| (None, of.clone())).collect();
        self.put_vacancies(&new).await?;
        let requests: Vec<_> = archive.change_requests.iter().map(|of| of.0.clone()).collect();
        self.restore_change_requests(&requests).await
    }

    async fn restore_facilities(&self, some: &[ArchivedFacility]) -> Result<(), StoreError> {
        let ids: Vec<_> = some.iter().map(|of| of.facility.facility_id.clone()).collect();
        let known = self.get_items(ids.into_iter().map(Key::Facility), true).await?;
        let known: Vec<_> = known.iter().filter_map(Key::of).collect();
        let mut writes = Vec::new();
        for ArchivedFacility { facility, settings } in some {
            if !known.contains(&Key::Facility(facility.facility_id.clone())) {
                writes.extend(restored(facility, settings.as_ref())?);
            }
        }
        match writes.is_empty() {
            true => Ok(()),
            false => self.transact(writes).await?.or_conflict(),
        }
    }
}
