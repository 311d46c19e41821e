//! Which facilities a municipality has. Each is listed in the transaction that writes it, so a list that is read
//! consistently misses none; the search index follows later.

use std::collections::BTreeMap;

use domain::{Facility, FacilityId, MunicipalityCode};

use crate::{
    Store, StoreError,
    condition::Condition,
    item::{Item, known},
    keys::{Key, span::Span},
    query::Query,
    write::Write,
};

/// DynamoDB takes 100 writes in one transaction.
const LISTED_AT_ONCE: usize = 100;

/// What keeps the list in step with a facility, written with it.
pub(crate) fn listing(before: Option<&Facility>, after: &Facility) -> Vec<Write> {
    let key = |of: &Facility| Key::ListedFacility(of.municipality_code, of.facility_id.clone());
    match before {
        Some(before) if before.municipality_code == after.municipality_code => Vec::new(),
        Some(before) => {
            vec![Write::delete(key(before), Condition::Whatever), Write::ensure(key(after))]
        }
        None => vec![Write::ensure(key(after))],
    }
}

pub(crate) fn listed(item: Item) -> Result<(MunicipalityCode, FacilityId), StoreError> {
    match Key::of(&item) {
        Some(Key::ListedFacility(code, facility)) => Ok((code, facility)),
        _ => Err(StoreError::UnknownForm("a listed facility".into())),
    }
}

impl Store {
    /// The facilities of a municipality.
    pub async fn facilities_of(
        &self,
        code: MunicipalityCode,
    ) -> Result<Vec<FacilityId>, StoreError> {
        let query = Query::of(Span::listed_facilities(code)).consistent();
        self.list(&query, None, |item| Ok(listed(item)?.1)).await
    }

    /// The facilities of every municipality that has some.
    pub async fn facilities_by_municipality(
        &self,
    ) -> Result<BTreeMap<MunicipalityCode, Vec<FacilityId>>, StoreError> {
        let query = Query::of(Span::all_listed_facilities()).consistent();
        let mut by_municipality = BTreeMap::<_, Vec<_>>::new();
        for (code, facility) in self.list(&query, None, listed).await? {
            by_municipality.entry(code).or_default().push(facility);
        }
        Ok(by_municipality)
    }

    /// Up to so many municipalities that have facilities, by their codes; after one, those that follow it.
    pub async fn municipalities(
        &self,
        after: Option<MunicipalityCode>,
        limit: usize,
    ) -> Result<Vec<MunicipalityCode>, StoreError> {
        let span = after.map_or_else(Span::all_listed_facilities, Span::listed_facilities_after);
        // Few bytes are read of each facility, so a page has those of many municipalities.
        let (query, mut found, mut start) = (Query::of(span), Vec::new(), None);
        loop {
            let page = self.page(&query, None, start).await?;
            for item in page.items {
                found.extend(known(item, listed)?.map(|(code, _)| code));
            }
            found.dedup();
            start = page.next;
            if start.is_none() || found.len() > limit {
                found.truncate(limit);
                return Ok(found);
            }
        }
    }

    /// Whether any municipality has facilities.
    pub async fn has_any_facility(&self) -> Result<bool, StoreError> {
        let query = Query::of(Span::all_listed_facilities()).consistent();
        Ok(!self.list(&query, Some(1), listed).await?.is_empty())
    }

    /// Whether a municipality has facilities.
    pub async fn has_facilities(&self, code: MunicipalityCode) -> Result<bool, StoreError> {
        let query = Query::of(Span::listed_facilities(code));
        Ok(!self.list(&query, Some(1), listed).await?.is_empty())
    }

    /// Lists facilities that a version of the hub wrote which kept no list. One that is listed stays so.
    pub async fn list_facilities(&self, facilities: &[Facility]) -> Result<(), StoreError> {
        for some in facilities.chunks(LISTED_AT_ONCE) {
            let writes = some.iter().flat_map(|facility| listing(None, facility));
            self.transact(writes.collect()).await?.or_conflict()?;
        }
        Ok(())
    }
}
