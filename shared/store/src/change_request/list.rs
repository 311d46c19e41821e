//! Where change requests are listed: under their facility, and under their state for those who decide.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::{
    ChangeRequest, ChangeRequestId, FacilityId, MunicipalityCode, Timestamp,
    change_request::{ChangeAction, ChangeStatus},
};

use super::item::from_table;
use crate::{
    Store, StoreError,
    condition::Condition,
    item::{Item, known},
    keys::{Key, span::Span},
    query::Query,
    write::Write,
};

/// Where a change request stands in a list of its facility.
pub type ChangePosition = (Timestamp, ChangeRequestId);

/// Where it stands in the list of those who decide.
pub type ListedChange = (ChangeStatus, MunicipalityCode, Timestamp, ChangeRequestId);

fn listed(request: &ChangeRequest) -> Option<Key> {
    let (code, id) = (request.municipality_code, request.change_request_id.clone());
    let at = request.updated_at()?;
    Some(Key::ListedChangeRequest(request.status, code, at, id))
}

/// What lists a new request, written with it.
pub(super) fn new_listing(request: &ChangeRequest, now: Timestamp) -> Vec<Write> {
    let (facility, id) = (request.facility_id.clone(), request.change_request_id.clone());
    let of_facility = Key::ChangeRequestOfFacility(facility, now, id);
    [of_facility].into_iter().chain(listed(request)).map(Write::ensure).collect()
}

/// What lists a request that was made elsewhere, whatever became of it.
pub(super) fn restored_listing(request: &ChangeRequest) -> Vec<Write> {
    let created = request.created_at().into_iter();
    let mut writes: Vec<_> = created.flat_map(|at| new_listing(request, at)).collect();
    writes.extend(approved(request).map(Write::ensure));
    writes
}

/// Where it stands among the changes of its facility.
fn approved(request: &ChangeRequest) -> Option<Key> {
    let step = request.last(ChangeAction::Approved)?;
    let (facility, id) = (request.facility_id.clone(), request.change_request_id.clone());
    Some(Key::ChangeOfFacility(facility, step.at, id))
}

/// What keeps the lists in step with a request that changes, written with it.
pub(super) fn listing(before: &ChangeRequest, after: &ChangeRequest) -> Vec<Write> {
    let delete = |key| Write::delete(key, Condition::Whatever);
    let (old, new) = (listed(before), listed(after));
    let mut writes = Vec::new();
    if old != new {
        writes.extend(old.map(delete));
        writes.extend(new.map(Write::ensure));
    }
    writes.extend(approved(after).map(Write::ensure));
    writes
}

fn position(item: Item) -> Result<ChangePosition, StoreError> {
    match Key::of(&item) {
        Some(Key::ChangeRequestOfFacility(_, at, id) | Key::ChangeOfFacility(_, at, id)) => {
            Ok((at, id))
        }
        _ => Err(StoreError::UnknownForm("a listed change request".into())),
    }
}

fn listed_position(item: Item) -> Result<ListedChange, StoreError> {
    match Key::of(&item) {
        Some(Key::ListedChangeRequest(status, code, at, id)) => Ok((status, code, at, id)),
        _ => Err(StoreError::UnknownForm("a listed change request".into())),
    }
}

/// As many as are wanted of one more, and where to go on if there is one more.
fn page<T: Clone>(mut found: Vec<T>, limit: usize) -> (Vec<T>, Option<T>) {
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| more).cloned();
    (found, last)
}

impl Store {
    /// The change requests of a facility, newest first: up to `limit` after a place, and where to go on.
    pub async fn change_requests_of(
        &self,
        facility: &FacilityId,
        limit: usize,
        after: Option<ChangePosition>,
    ) -> Result<(Vec<ChangeRequest>, Option<ChangePosition>), StoreError> {
        let after = after.map(|(at, id)| Key::ChangeRequestOfFacility(facility.clone(), at, id));
        self.of_facility(Span::change_requests(facility), limit, after).await
    }

    /// The change requests by which a facility was changed, the newest first: likewise.
    pub async fn changes_of(
        &self,
        facility: &FacilityId,
        limit: usize,
        after: Option<ChangePosition>,
    ) -> Result<(Vec<ChangeRequest>, Option<ChangePosition>), StoreError> {
        let after = after.map(|(at, id)| Key::ChangeOfFacility(facility.clone(), at, id));
        self.of_facility(Span::changes(facility), limit, after).await
    }

    async fn of_facility(
        &self,
        span: Span,
        limit: usize,
        after: Option<Key>,
    ) -> Result<(Vec<ChangeRequest>, Option<ChangePosition>), StoreError> {
        let query = Query::of(span).consistent().newest_first();
        let found = self.list_after(&query, after, Some(limit + 1), position).await?;
        let (places, next) = page(found, limit);
        let ids: Vec<_> = places.into_iter().map(|(_, id)| id).collect();
        Ok((self.change_requests(&ids).await?, next))
    }

    /// The change requests of a municipality, or of all, in one state or in any: those that wait for a decision first, and
    /// of each state the oldest first. Up to `limit` after a place, and where to go on.
    pub async fn change_requests_by_status(
        &self,
        status: Option<ChangeStatus>,
        code: Option<MunicipalityCode>,
        limit: usize,
        after: Option<ListedChange>,
    ) -> Result<(Vec<ChangeRequest>, Option<ListedChange>), StoreError> {
        let mut found = Vec::new();
        let from = after.as_ref().map(|(status, ..)| *status);
        let is_meant = |of: &ChangeStatus| status.is_none_or(|status| status == *of);
        for of in ChangeStatus::ALL.into_iter().filter(is_meant) {
            if from.is_some_and(|from| of < from) || found.len() > limit {
                continue;
            }
            let query = Query::of(Span::listed_change_requests(of, code)).consistent();
            let after = after.clone().filter(|(status, ..)| *status == of);
            let after = after.map(|(s, code, at, id)| Key::ListedChangeRequest(s, code, at, id));
            let wanted = Some(limit + 1 - found.len());
            found.extend(self.list_after(&query, after, wanted, listed_position).await?);
        }
        let (places, next) = page(found, limit);
        let ids: Vec<_> = places.into_iter().map(|(_, _, _, id)| id).collect();
        Ok((self.change_requests(&ids).await?, next))
    }

    /// The change requests that are drafts or wait for a decision, by municipality. One that is submitted meanwhile is found.
    pub async fn open_change_requests(
        &self,
    ) -> Result<BTreeMap<MunicipalityCode, BTreeSet<ChangeRequestId>>, StoreError> {
        let mut open = BTreeMap::<_, BTreeSet<_>>::new();
        for status in [ChangeStatus::Draft, ChangeStatus::Submitted] {
            let query = Query::of(Span::listed_change_requests(status, None)).consistent();
            for (_, code, _, id) in self.list(&query, None, listed_position).await? {
                open.entry(code).or_default().insert(id);
            }
        }
        Ok(open)
    }

    /// The change requests of a municipality in these states; none is left out. One that goes from one state to another
    /// meanwhile is found in the later one, if that is asked for later.
    pub async fn all_change_requests(
        &self,
        code: MunicipalityCode,
        in_states: &[ChangeStatus],
    ) -> Result<Vec<ChangeRequest>, StoreError> {
        let mut ids = BTreeSet::new();
        for status in in_states {
            let query = Query::of(Span::listed_change_requests(*status, Some(code))).consistent();
            let listed = self.list_whole(&query, None, listed_position).await?;
            ids.extend(listed.into_iter().map(|(_, _, _, id)| id));
        }
        let items = self.get_items(ids.into_iter().map(Key::ChangeRequest), true).await?;
        items.into_iter().map(from_table).collect()
    }

    /// These change requests, in this order; those that cannot be read are left out.
    pub async fn change_requests(
        &self,
        ids: &[ChangeRequestId],
    ) -> Result<Vec<ChangeRequest>, StoreError> {
        let mut found = HashMap::new();
        for item in self.get_items(ids.iter().cloned().map(Key::ChangeRequest), true).await? {
            if let Some(request) = known(item, from_table)? {
                found.insert(request.change_request_id.clone(), request);
            }
        }
        Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
    }
}
