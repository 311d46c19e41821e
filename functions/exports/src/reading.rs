//! What a caller may have, read whole: what this version cannot read is an error, and is not left out.

use std::collections::{BTreeSet, HashMap};

use domain::{
    ChangeRequest, Facility, Invalid, MunicipalityCode, Settings,
    archive::Archive,
    calendar::Month,
    change_request::ChangeStatus::{self, Approved, Draft, Rejected, Submitted, Withdrawn},
    procedure::Procedure,
    vacancy::Vacancy,
};
use hub_http::{Problem, caller::Authority};
use store::{Store, StoreError};

use crate::query::Format;

/// In the order in which a change request goes from one to another.
const EVERY_STATE: [ChangeStatus; 5] = [Draft, Submitted, Approved, Rejected, Withdrawn];

/// What is read of these municipalities.
pub(crate) struct Reading<'a> {
    store: &'a Store,
    codes: BTreeSet<MunicipalityCode>,
}

impl<'a> Reading<'a> {
    /// Of the municipality of the staff, or of those that an operator names. Another one than their own is nothing to
    /// municipal staff.
    pub(crate) async fn new(
        store: &'a Store,
        authority: &Authority,
        asked: Vec<MunicipalityCode>,
    ) -> Result<Self, Problem> {
        let codes = match authority {
            Authority::Municipality(staff) => {
                if asked.iter().any(|code| *code != staff.municipality) {
                    return Err(Problem::NotFound);
                }
                [staff.municipality].into()
            }
            Authority::Operator(_) => {
                if asked.is_empty() {
                    return Err(Problem::input("/municipality", Invalid::Missing));
                }
                for code in &asked {
                    if !store.has_facilities(*code).await? {
                        let none = Invalid::NoSuch("municipality");
                        return Err(Problem::input("/municipality", none));
                    }
                }
                BTreeSet::from_iter(asked)
            }
        };
        Ok(Self { store, codes })
    }

    /// As in `vacancies_long_131199_2026-12.csv`.
    pub(crate) fn file_name(&self, dataset: &str, month: Option<Month>, format: Format) -> String {
        let mut parts = vec![dataset.to_owned()];
        match format {
            Format::Csv | Format::Json => {}
            Format::Opendata => parts.push("opendata".into()),
            Format::Long => parts.push("long".into()),
        }
        // The names of many would be longer than a file's.
        if self.codes.len() == 1 {
            parts.extend(self.codes.first().map(MunicipalityCode::to_string));
        }
        parts.extend(month.map(|month| month.to_string()));
        parts.join("_") + ".csv"
    }

    /// All of it. What is about a facility is read before the facilities, so that none of those is missing.
    pub(crate) async fn archive(&self) -> Result<Archive, StoreError> {
        let change_requests = self.change_requests().await?;
        let vacancies = self.vacancies(None).await?;
        let procedures = self.procedures().await?;
        Ok(Archive::new(self.facilities().await?, procedures, vacancies, change_requests))
    }

    pub(crate) async fn facilities(&self) -> Result<Vec<(Facility, Option<Settings>)>, StoreError> {
        let mut facilities = Vec::new();
        for code in &self.codes {
            facilities.extend(self.store.facilities_with_settings(*code).await?);
        }
        Ok(facilities)
    }

    pub(crate) async fn facilities_by_name(&self) -> Result<Vec<Facility>, StoreError> {
        let facilities = self.facilities().await?.into_iter().map(|(facility, _)| facility);
        let mut facilities: Vec<_> = facilities.collect();
        facilities.sort_by(|a, b| {
            let key = |of: &'_ Facility| (of.municipality_code, of.facility_id.clone());
            a.facility_name.cmp(&b.facility_name).then_with(|| key(a).cmp(&key(b)))
        });
        Ok(facilities)
    }

    pub(crate) async fn procedures(&self) -> Result<Vec<Procedure>, StoreError> {
        let mut procedures = Vec::new();
        for code in &self.codes {
            procedures.extend(self.store.procedures_to_change(*code).await?);
        }
        Ok(procedures)
    }

    /// Of a month, or of all.
    pub(crate) async fn vacancies(&self, of: Option<Month>) -> Result<Vec<Vacancy>, StoreError> {
        let mut vacancies = Vec::new();
        for code in &self.codes {
            vacancies.extend(match of {
                Some(month) => self.store.vacancies_to_change(*code, month).await?,
                None => self.store.all_vacancies(*code).await?,
            });
        }
        Ok(vacancies)
    }

    pub(crate) async fn change_requests(&self) -> Result<Vec<ChangeRequest>, StoreError> {
        self.in_states(&EVERY_STATE).await
    }

    /// What waits for the municipality's decision, each with its facility: by number.
    pub(crate) async fn waiting(&self) -> Result<Vec<(ChangeRequest, Facility)>, StoreError> {
        let mut requests = self.in_states(&[Submitted]).await?;
        requests.sort_by_key(|request| request.change_request_number.clone());
        let ids: BTreeSet<_> = requests.iter().map(|of| of.facility_id.clone()).collect();
        let facilities = self.store.facilities(&Vec::from_iter(ids), true).await?;
        let by_id: HashMap<_, _> =
            facilities.into_iter().map(|of| (of.facility_id.clone(), of)).collect();
        let with_facility = |request: ChangeRequest| {
            let facility = by_id.get(&request.facility_id)?.clone();
            Some((request, facility))
        };
        Ok(requests.into_iter().filter_map(with_facility).collect())
    }

    async fn in_states(&self, states: &[ChangeStatus]) -> Result<Vec<ChangeRequest>, StoreError> {
        let mut requests = Vec::new();
        for code in &self.codes {
            requests.extend(self.store.all_change_requests(*code, states).await?);
        }
        Ok(requests)
    }
}
