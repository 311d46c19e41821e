//! What facilities have free in a month. Each is written twice in one transaction: under its municipality, for the lists,
//! and under its facility, whose latest is read beside it.

use domain::{
    FacilityId, MunicipalityCode, Timestamp,
    calendar::{Day, Month},
    facility::{EstablishmentBody, FacilityType},
    vacancy::{PlacesByAge, Vacancy},
};
use serde::{Deserialize, Serialize};
use serde_dynamo::to_attribute_value;

use crate::{
    Store, StoreError,
    condition::Condition,
    item::{Item, from_item, to_item, to_stated_item},
    keys::{Key, span::Span},
    query::Query,
    write::Write,
};

/// A vacancy as the table holds it. Serde sees to it that it has the fields of the domain's.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Vacancy")]
struct VacancyItem {
    facility_id: FacilityId,
    office_number: Option<String>,
    facility_name: String,
    facility_type: Option<FacilityType>,
    establishment_body: Option<EstablishmentBody>,
    municipality_code: MunicipalityCode,
    prefecture: String,
    municipality: String,
    base_month: Month,
    #[serde(flatten)]
    places: PlacesByAge,
    vacancy_note: Option<String>,
    published_on: Option<Day>,
    updated_at: Timestamp,
}

#[derive(PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct StoredVacancy(#[serde(with = "VacancyItem")] pub(crate) Vacancy);

/// A vacancy from its item, as the table or its stream gives it.
pub(crate) fn from_table(item: Item) -> Result<Vacancy, StoreError> {
    let StoredVacancy(vacancy) = from_item(item)?;
    Ok(vacancy)
}

/// DynamoDB takes 100 writes in one transaction: each has two places, and may leave one.
const PUT_AT_ONCE: usize = 33;

/// Where it is written and what for: under its municipality over the one that was read, and once more under its facility.
fn writes(known: Option<&Vacancy>, vacancy: &Vacancy) -> Result<Vec<Write>, StoreError> {
    let key =
        |of: &Vacancy| Key::Vacancy(of.municipality_code, of.base_month, of.facility_id.clone());
    let stored = |of: &Vacancy| StoredVacancy(of.clone());
    let after = to_stated_item(&stored(vacancy))?;
    let mut writes = match known {
        None => vec![Write::create(key(vacancy), after)],
        Some(known) => {
            let read = to_attribute_value(known.updated_at)?;
            let unchanged = Condition::Is("updated_at".into(), read);
            if key(known) == key(vacancy) {
                let before = to_stated_item(&stored(known))?;
                vec![Write::change(key(vacancy), &before, &after, unchanged)]
            } else {
                vec![Write::delete(key(known), unchanged), Write::create(key(vacancy), after)]
            }
        }
    };
    // It is written with the other alone, whose condition holds for both.
    let copy = Key::FacilityVacancy(vacancy.facility_id.clone(), vacancy.base_month);
    writes.push(Write::replace(copy, to_item(&stored(vacancy))?, Condition::Whatever));
    Ok(writes)
}

impl Store {
    /// Writes vacancies that are new or changed, each over the one that was read. All or none of every few dozen;
    /// [`StoreError::Conflict`] if somebody else changed one meanwhile.
    pub async fn put_vacancies(
        &self,
        vacancies: &[(Option<Vacancy>, Vacancy)],
    ) -> Result<(), StoreError> {
        for some in vacancies.chunks(PUT_AT_ONCE) {
            let mut transaction = Vec::new();
            for (known, vacancy) in some {
                transaction.extend(writes(known.as_ref(), vacancy)?);
            }
            self.transact(transaction).await?.or_conflict()?;
        }
        Ok(())
    }

    /// What the facilities of a municipality have free in a month, by their ids: all, or up to `limit`; after one, those
    /// that follow it.
    pub async fn vacancies(
        &self,
        code: MunicipalityCode,
        month: Month,
        limit: Option<usize>,
        after: Option<&FacilityId>,
    ) -> Result<Vec<Vacancy>, StoreError> {
        self.list(&Query::of(Span::vacancies(code, month, after)), limit, from_table).await
    }

    /// The same of a whole month for who is about to change some: as they are at this moment, and none left out.
    pub async fn vacancies_to_change(
        &self,
        code: MunicipalityCode,
        month: Month,
    ) -> Result<Vec<Vacancy>, StoreError> {
        let query = Query::of(Span::vacancies(code, month, None)).consistent();
        self.list_whole(&query, None, from_table).await
    }

    /// The latest month of which a municipality says what is free.
    pub async fn latest_month(&self, code: MunicipalityCode) -> Result<Option<Month>, StoreError> {
        let query = Query::of(Span::vacancies_of_municipality(code)).newest_first();
        let month = |item: Item| match Key::of(&item) {
            Some(Key::Vacancy(_, month, _)) => Ok(month),
            _ => Err(StoreError::UnknownForm("a vacancy".into())),
        };
        Ok(self.list(&query, Some(1), month).await?.pop())
    }

    /// What a facility has free in the latest month of which there is something.
    pub async fn latest_vacancy(
        &self,
        facility: &FacilityId,
    ) -> Result<Option<Vacancy>, StoreError> {
        let query = Query::of(Span::vacancies_of_facility(facility)).newest_first();
        Ok(self.list(&query, Some(1), from_table).await?.pop())
    }
}
