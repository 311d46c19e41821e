//! What reports are made of: the facts of the range, what waits now, and the slots that were offered.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    FacilityId, Invalid, MunicipalityCode, Slot, Timestamp,
    report::{self, Fact},
    settings::OPENS_DAYS_BEFORE,
};
use futures::{StreamExt, TryStreamExt, stream};
use hub_http::{Problem, caller::Authority};
use jiff::{
    ToSpan,
    civil::{Date, date},
};
use store::{Store, StoreError};

use crate::{Content, ReportId};

/// How many partitions are read at once.
const AT_ONCE: usize = 8;

/// As many items as DynamoDB hands out in one answer.
const FACILITIES_AT_ONCE: usize = 100;

/// No hub has older requests.
const BEGINNING: Date = date(2020, 1, 1);

/// What a caller may see, to be read.
pub(crate) struct Reading<'a> {
    store: &'a Store,
    /// Whose nurseries are counted, and which these are.
    nurseries: BTreeMap<MunicipalityCode, Vec<FacilityId>>,
}

impl<'a> Reading<'a> {
    /// Of the municipalities that are asked for, or else of all that the caller may see. Another one than
    /// their own is nothing to municipal staff.
    pub(crate) async fn new(
        store: &'a Store,
        authority: &Authority,
        asked: Vec<MunicipalityCode>,
    ) -> Result<Self, Problem> {
        let nurseries = match authority {
            Authority::Municipality(staff) => {
                let own = staff.municipality;
                if asked.iter().any(|code| *code != own) {
                    return Err(Problem::NotFound);
                }
                BTreeMap::from([(own, store.facilities_of(own).await?)])
            }
            Authority::Operator(_) if asked.is_empty() => {
                store.facilities_by_municipality().await?
            }
            Authority::Operator(_) => {
                let lists = stream::iter(asked)
                    .map(|code| async move { Ok((code, store.facilities_of(code).await?)) })
                    .buffered(AT_ONCE);
                let lists: Result<BTreeMap<_, _>, StoreError> = lists.try_collect().await;
                let lists = lists?;
                if lists.values().any(Vec::is_empty) {
                    let none = Invalid::NoSuch("municipality");
                    return Err(Problem::input("/municipality", none));
                }
                lists
            }
        };
        Ok(Self { store, nurseries })
    }

    /// Whose nurseries are counted.
    pub(crate) fn municipalities(&self) -> Vec<MunicipalityCode> {
        self.nurseries.keys().copied().collect()
    }

    fn facility_ids(&self) -> impl Iterator<Item = FacilityId> {
        self.nurseries.values().flatten().cloned()
    }

    /// What a report counts.
    pub(crate) async fn content(
        &self,
        id: ReportId,
        days: Option<(Date, Date)>,
        now: Timestamp,
    ) -> Result<Content, StoreError> {
        let (from, to) = days.unwrap_or((now.date(), now.date()));
        let requested = || self.facts(from, to);
        Ok(match id {
            ReportId::Pending => Content::Pending(self.pending(now).await?),
            ReportId::New => Content::New(self.new_requests(now).await?),
            ReportId::States => {
                Content::States(report::states_by_month(&requested().await?, from, to))
            }
            ReportId::SlotUse => {
                let slots = self.slots(from, to).await?;
                let earliest = from.saturating_sub(OPENS_DAYS_BEFORE.days());
                let facts = self.facts(earliest, to).await?;
                Content::SlotUse(report::slot_use_by_month(&slots, &facts, from, to))
            }
            ReportId::RequestTimes => {
                Content::RequestTimes(report::request_times(&requested().await?))
            }
            ReportId::ReviewTimes => {
                Content::ReviewTimes(report::review_times(&requested().await?))
            }
            ReportId::LeadTimes => Content::LeadTimes(report::lead_times(&requested().await?)),
            ReportId::Online => {
                Content::Online(report::online_by_month(&requested().await?, from, to))
            }
            ReportId::Items => Content::Items(self.items(from, to).await?),
        })
    }

    /// What waits for an answer now (REP-01).
    pub(crate) async fn pending(
        &self,
        now: Timestamp,
    ) -> Result<report::PendingRequests, StoreError> {
        let lists = stream::iter(self.facility_ids())
            .map(|id| async move { self.store.pending_of_facility(&id).await })
            .buffered(AT_ONCE);
        let pending = lists.try_collect::<Vec<_>>().await?.concat();
        let ids: BTreeSet<_> = pending.iter().map(|request| request.facility_id.clone()).collect();
        let facilities = self.store.facilities(&Vec::from_iter(ids), false).await?;
        let names = facilities.into_iter().map(|one| (one.facility_id, one.facility_name));
        Ok(report::pending(pending, &names.collect(), now))
    }

    /// What came in lately, and in all (REP-02).
    pub(crate) async fn new_requests(
        &self,
        now: Timestamp,
    ) -> Result<report::NewRequests, StoreError> {
        let facts = self.facts(BEGINNING, now.date()).await?;
        Ok(report::new_requests(&facts, now))
    }

    /// How nurseries use the data items (FAC-19).
    async fn items(&self, from: Date, to: Date) -> Result<report::ItemUse, StoreError> {
        let (from, until) = instants(from, to);
        let ids: Vec<_> = self.facility_ids().collect();
        let some: Vec<_> = ids.chunks(FACILITIES_AT_ONCE).map(<[FacilityId]>::to_vec).collect();
        let mut items = report::ItemUse::default();
        // Few are in memory at a time: the country has forty thousand.
        let mut lists = stream::iter(some)
            .map(|some| async move { self.store.facilities(&some, false).await })
            .buffered(AT_ONCE);
        while let Some(facilities) = lists.try_next().await? {
            facilities.iter().for_each(|facility| items.count(facility, from, until));
        }
        Ok(items)
    }

    /// The facts of what was asked for between two days.
    async fn facts(&self, from: Date, to: Date) -> Result<Vec<Fact>, StoreError> {
        let (from, until) = instants(from, to);
        let facts = stream::iter(self.municipalities())
            .map(|code| async move { self.store.facts(code, from, until).await })
            .buffered(AT_ONCE);
        let facts: Vec<_> = facts.try_collect().await?;
        Ok(facts.concat())
    }

    /// The slots between two days.
    async fn slots(&self, from: Date, to: Date) -> Result<Vec<Slot>, StoreError> {
        let (from, until) = instants(from, to);
        let all = i32::MAX as usize;
        let slots = stream::iter(self.facility_ids())
            .map(|id| async move { self.store.slots(&id, from, until, all, None).await })
            .buffered(AT_ONCE);
        let slots: Vec<_> = slots.try_collect().await?;
        Ok(slots.concat())
    }
}

/// From the beginning of the first day until the end of the last.
fn instants(from: Date, to: Date) -> (Timestamp, Timestamp) {
    (Timestamp::midnight(from), Timestamp::midnight(to.tomorrow().unwrap_or(to)))
}
