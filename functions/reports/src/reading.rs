//! What reports are made of: the facts of the range, what waits now, and the slots that were offered.

use std::collections::{BTreeSet, HashMap};

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

/// No hub has older requests.
const BEGINNING: Date = date(2020, 1, 1);

/// What a caller may see, to be read.
pub(crate) struct Reading<'a> {
    store: &'a Store,
    /// Whose nurseries are counted.
    pub(crate) municipalities: Vec<MunicipalityCode>,
}

impl<'a> Reading<'a> {
    /// Of the municipalities that are asked for, or else of all that the caller may see. Another one than
    /// their own is nothing to municipal staff.
    pub(crate) async fn new(
        store: &'a Store,
        authority: &Authority,
        asked: Vec<MunicipalityCode>,
    ) -> Result<Self, Problem> {
        let asked = BTreeSet::from_iter(asked);
        let municipalities = match authority {
            Authority::Municipality(staff) => {
                let own = BTreeSet::from([staff.municipality]);
                if asked.is_subset(&own) { own } else { return Err(Problem::NotFound) }
            }
            Authority::Operator(_) => {
                let known: BTreeSet<_> = store.search_versions().await?.into_keys().collect();
                if !asked.is_subset(&known) {
                    let none = Invalid::NoSuch("municipality");
                    return Err(Problem::input("/municipality", none));
                }
                if asked.is_empty() { known } else { asked }
            }
        };
        Ok(Self { store, municipalities: Vec::from_iter(municipalities) })
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
        })
    }

    /// What waits for an answer now (REP-01).
    pub(crate) async fn pending(
        &self,
        now: Timestamp,
    ) -> Result<report::PendingRequests, StoreError> {
        let names = self.nurseries().await?;
        let ids: Vec<_> = names.keys().cloned().collect();
        let lists = stream::iter(ids)
            .map(|id| async move { self.store.pending_of_facility(&id).await })
            .buffered(AT_ONCE);
        let lists: Vec<_> = lists.try_collect().await?;
        Ok(report::pending(lists.concat(), &names, now))
    }

    /// What came in lately, and in all (REP-02).
    pub(crate) async fn new_requests(
        &self,
        now: Timestamp,
    ) -> Result<report::NewRequests, StoreError> {
        let facts = self.facts(BEGINNING, now.date()).await?;
        Ok(report::new_requests(&facts, now))
    }

    /// The facts of what was asked for between two days.
    async fn facts(&self, from: Date, to: Date) -> Result<Vec<Fact>, StoreError> {
        let (from, until) = instants(from, to);
        let facts = stream::iter(self.municipalities.clone())
            .map(|code| async move { self.store.facts(code, from, until).await })
            .buffered(AT_ONCE);
        let facts: Vec<_> = facts.try_collect().await?;
        Ok(facts.concat())
    }

    /// The slots between two days.
    async fn slots(&self, from: Date, to: Date) -> Result<Vec<Slot>, StoreError> {
        let (from, until) = instants(from, to);
        let all = i32::MAX as usize;
        let slots = stream::iter(self.nurseries().await?.into_keys())
            .map(|id| async move { self.store.slots(&id, from, until, all, None).await })
            .buffered(AT_ONCE);
        let slots: Vec<_> = slots.try_collect().await?;
        Ok(slots.concat())
    }

    /// The nurseries with their names.
    async fn nurseries(&self) -> Result<HashMap<FacilityId, String>, StoreError> {
        let shards = self.store.search_shards(self.municipalities.iter().copied()).await?;
        let facilities =
            shards.into_iter().flat_map(|(_, _, shard)| shard.entries).map(|entry| entry.facility);
        Ok(facilities.map(|one| (one.facility_id, one.facility_name)).collect())
    }
}

/// From the beginning of the first day until the end of the last.
fn instants(from: Date, to: Date) -> (Timestamp, Timestamp) {
    (Timestamp::midnight(from), Timestamp::midnight(to.tomorrow().unwrap_or(to)))
}
