//! Change requests: making them, and what is done to them.

mod item;
mod list;

use domain::{
    ChangeRequest, ChangeRequestId, ChangeRequestNumber, Facility, Timestamp,
    change_request::{ChangeAct, ChangeOrigin, ChangeOutcome, ChangeRefusal, Changes, Wanted},
    item::Item as DataItem,
    reservation::Actor,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::list::{ChangePosition, ListedChange};
use self::{
    item::{from_table, item, unknown},
    list::{listing, new_listing, restored_listing},
};
use crate::{
    Store, StoreError,
    condition::Condition,
    facility,
    item::{from_item, number, to_item},
    keys::Key,
    once::{Earlier, Once},
    transaction::Transaction,
    write::{Found, Write},
};

/// How many change requests have been numbered.
#[derive(Default, Serialize, Deserialize)]
struct Count {
    requests: u64,
}

/// What came of asking for a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeCreated {
    /// The request is new.
    New(Box<ChangeRequest>),
    /// An earlier request under the same idempotency key left this.
    Earlier(Earlier),
    /// It was made long ago, and is this now.
    Exists(Box<ChangeRequest>),
}

/// What came of doing something to a change request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeMade {
    /// It is done, or was so already: the request as it is now.
    Done(Box<ChangeRequest>),
    /// The rules refuse.
    Refused(ChangeRefusal),
    /// Somebody else was faster: the request as it is now.
    Stale(Box<ChangeRequest>),
}

/// How often a number is taken anew that somebody else was given.
const NUMBER_TRIES: usize = 20;

/// DynamoDB takes 100 writes in one transaction: a request, and where it is listed.
const RESTORED_AT_ONCE: usize = 25;

/// How often an approval is made anew because somebody changed something else of its facility.
const FACILITY_TRIES: usize = 10;

impl Store {
    /// A change request. `consistent` as for one slot.
    pub async fn change_request(
        &self,
        id: &ChangeRequestId,
        consistent: bool,
    ) -> Result<Option<ChangeRequest>, StoreError> {
        let item = self.get_item(Key::ChangeRequest(id.clone()), consistent).await?;
        item.map(from_table).transpose()
    }

    /// Keeps a new change request under the next number, with the answer that repeats get.
    pub async fn create_change_request(
        &self,
        make: impl Fn(ChangeRequestNumber) -> ChangeRequest,
        once: Option<(&Once, &(dyn Fn(&ChangeRequest) -> serde_json::Result<String> + Sync))>,
        now: Timestamp,
    ) -> Result<ChangeCreated, StoreError> {
        for _ in 0..NUMBER_TRIES {
            let read = self.get_item(Key::ChangeRequestCount(), true).await?;
            let is_first = read.is_none();
            let Count { requests } = read.map(from_item).transpose()?.unwrap_or_default();
            let next = to_item(&Count { requests: requests + 1 })?;
            let before = to_item(&Count { requests })?;
            let unchanged = match is_first {
                true => Condition::Absent,
                false => Condition::Is("requests".into(), number(requests as i64)),
            };
            let request = make(ChangeRequestNumber::nth(requests + 1));
            let key = Key::ChangeRequest(request.change_request_id.clone());
            let mut writes = vec![
                Write::change(Key::ChangeRequestCount(), &before, &next, unchanged),
                Write::create(key.clone(), item(&request)?),
            ];
            writes.extend(new_listing(&request, now));
            if let Some((once, answer)) = once {
                writes.push(self.answered(once, answer(&request).map_err(unknown)?, now)?);
            }
            let refusals = match self.transact(writes).await? {
                Transaction::Done => return Ok(ChangeCreated::New(Box::new(request))),
                Transaction::Refused(refusals) => refusals,
            };
            if let Some((once, _)) = once
                && let Some(earlier) = once.met(&refusals)?
            {
                return Ok(ChangeCreated::Earlier(earlier));
            }
            if let Some(exists) = refusals.of(&key).and_then(Found::item) {
                return Ok(ChangeCreated::Exists(Box::new(from_table(exists)?)));
            }
        }
        Err(StoreError::Unavailable("too many change requests at once".into()))
    }

    /// Keeps change requests that were made in another hub, under their own ids and numbers; those that follow get higher
    /// numbers. One that is there already is left as it is.
    pub(crate) async fn restore_change_requests(
        &self,
        requests: &[ChangeRequest],
    ) -> Result<(), StoreError> {
        let numbers = requests.iter().filter_map(|of| of.change_request_number.count());
        self.number_after(numbers.max().unwrap_or_default()).await?;
        for some in requests.chunks(RESTORED_AT_ONCE) {
            let key = |of: &ChangeRequest| Key::ChangeRequest(of.change_request_id.clone());
            let known = self.get_items(some.iter().map(key), true).await?;
            let known: Vec<_> = known.iter().filter_map(Key::of).collect();
            let mut writes = Vec::new();
            for request in some.iter().filter(|of| !known.contains(&key(of))) {
                writes.push(Write::create(key(request), item(request)?));
                writes.extend(restored_listing(request));
            }
            if !writes.is_empty() {
                self.transact(writes).await?.or_conflict()?;
            }
        }
        Ok(())
    }

    /// Counts at least so many change requests as numbered.
    async fn number_after(&self, least: u64) -> Result<(), StoreError> {
        for _ in 0..NUMBER_TRIES {
            let read = self.get_item(Key::ChangeRequestCount(), true).await?;
            let is_first = read.is_none();
            let Count { requests } = read.map(from_item).transpose()?.unwrap_or_default();
            if requests >= least {
                return Ok(());
            }
            let unchanged = match is_first {
                true => Condition::Absent,
                false => Condition::Is("requests".into(), number(requests as i64)),
            };
            let (before, next) =
                (to_item(&Count { requests })?, to_item(&Count { requests: least })?);
            let write = Write::change(Key::ChangeRequestCount(), &before, &next, unchanged);
            if self.transact(vec![write]).await?.is_done() {
                return Ok(());
            }
        }
        Err(StoreError::Unavailable("too many change requests at once".into()))
    }

    /// Does something to a change request that was read; an approval changes its facility in the same transaction. Where
    /// somebody changed something else of the facility meanwhile, the rule is asked again about what they left.
    pub async fn act_on_change_request(
        &self,
        read: &ChangeRequest,
        act: &ChangeAct,
        by: &Actor,
        now: Timestamp,
    ) -> Result<ChangeMade, StoreError> {
        let key = Key::ChangeRequest(read.change_request_id.clone());
        for _ in 0..FACILITY_TRIES {
            let facility = self.facility_to_change(&read.facility_id).await?;
            let facility = facility.ok_or(StoreError::Conflict)?;
            let (next, after) = match read.after(act, &facility, by, now) {
                Ok(ChangeOutcome::Becomes(next, after)) => (next, after),
                Ok(ChangeOutcome::Already) => return Ok(ChangeMade::Done(Box::new(read.clone()))),
                Err(refusal) => return Ok(ChangeMade::Refused(refusal)),
            };
            let unchanged = Condition::Is("version".into(), number(read.version));
            let mut writes =
                vec![Write::change(key.clone(), &item(read)?, &item(&next)?, unchanged)];
            writes.extend(listing(read, &next));
            if let Some(after) = after {
                writes.push(facility::change(&facility, &after)?);
            }
            match self.transact(writes).await? {
                Transaction::Done => return Ok(ChangeMade::Done(next)),
                Transaction::Refused(refusals) => {
                    if let Some(found) = refusals.of(&key) {
                        return Ok(ChangeMade::Stale(Box::new(from_table(found.expected()?)?)));
                    }
                }
            }
        }
        Err(StoreError::Unavailable("the facility changes too fast".into()))
    }

    /// For an import: proposes to the municipality the items for which the list says something else than what was approved
    /// before, as a change request that is submitted. `import` is the import's id: proposed again under the same, it is the
    /// same request. `facility` is as the hub has it. Returns the request's id; none if the facility says the same already.
    pub async fn propose(
        &self,
        import: &str,
        facility: &Facility,
        proposed: &[(&'static DataItem<Facility>, Value)],
        by: &Actor,
        now: Timestamp,
    ) -> Result<Option<ChangeRequestId>, StoreError> {
        let wanted: Wanted =
            proposed.iter().map(|(item, value)| (item.field.to_owned(), value.clone())).collect();
        // Values that were read from a list are right, so what is refused changes nothing.
        let Ok(changes) = Changes::of(&wanted, facility) else { return Ok(None) };
        let id = ChangeRequestId::of_import(import, &facility.facility_id);
        let make = |number| {
            let (ids, origin) = ((id.clone(), number), ChangeOrigin::Import);
            ChangeRequest::new(ids, facility, origin, changes.clone(), true, (by.clone(), now))
        };
        self.create_change_request(make, None, now).await?;
        Ok(Some(id))
    }
}
