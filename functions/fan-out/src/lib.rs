//! The table's stream: tells everyone who must know.
//!
//! Every change becomes mails and webhooks on the queues of those who deliver them, and an entry
//! in the search index. All of it may happen twice, for the stream delivers at least once; nothing
//! of it is left out, for a batch that is not told whole is delivered again.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use aws_lambda_events::dynamodb::{Event as StreamEvent, EventRecord};
use aws_lambda_events::event::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use domain::{
    ClientId, Facility, MunicipalityCode, Reservation, Slot, Status, event::Event, search::Shard,
    slot::SlotStatus, vendor::WebhookEndpoint,
};
use notify::order::{MailOrder, PushOrder, mails_of};
use runtime::{Clock, Queue, QueueError, telemetry::Causes};
use store::{Store, StoreError, StreamChange};

/// What telling needs.
#[derive(Debug, Clone)]
pub struct FanOut {
    /// The table.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// The queue of `send-mail`.
    pub mails: Arc<dyn Queue>,
    /// The queue of `vendor-push`.
    pub pushes: Arc<dyn Queue>,
}

/// Why a change was not told.
#[derive(Debug, thiserror::Error)]
enum FanOutError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error("a message cannot be written")]
    Message(#[from] serde_json::Error),
}

/// What a batch of changes has to tell.
#[derive(Default)]
struct Telling {
    mails: Vec<MailOrder>,
    pushes: Vec<PushOrder>,
    search: BTreeMap<MunicipalityCode, Vec<SearchChange>>,
    endpoints: HashMap<ClientId, Vec<WebhookEndpoint>>,
}

enum SearchChange {
    Facility(Facility),
    Slot(Slot),
}

impl FanOut {
    /// Tells a batch of changes, in their order. Reports the first change that was not told: the
    /// stream goes on from there.
    pub async fn handle(&self, event: StreamEvent) -> DynamoDbEventResponse {
        let sequence = |record: &EventRecord| record.change.sequence_number.clone();
        let first = event.records.first().and_then(sequence);
        let (mut telling, mut failed) = (Telling::default(), None);
        for record in event.records {
            let number = sequence(&record);
            if let Err(error) = self.gather(record, &mut telling).await {
                tracing::error!(sequence_number = number, error = %Causes(&error), "not told");
                failed = number;
                break;
            }
        }
        if let Err(error) = self.tell(telling).await {
            tracing::warn!(sequence_number = first, error = %Causes(&error), "not told");
            failed = first;
        }
        let mut response = DynamoDbEventResponse::default();
        response.batch_item_failures.extend(failed.map(|number| {
            let mut failure = DynamoDbBatchItemFailure::default();
            failure.item_identifier = Some(number);
            failure
        }));
        response
    }

    async fn gather(&self, record: EventRecord, telling: &mut Telling) -> Result<(), FanOutError> {
        let image = |item: serde_dynamo::Item| (!item.is_empty()).then(|| item.into());
        let (before, after) = (image(record.change.old_image), image(record.change.new_image));
        match StreamChange::of(before, after)? {
            StreamChange::Reservation { before, after } => {
                let before = before.as_deref();
                self.store.follow_deadline(before, &after).await?;
                telling.mails.extend(mails_of(before, &after));
                if let Some(event) = Event::of(before, &after) {
                    self.gather_pushes(before, &after, event, telling).await?;
                }
            }
            StreamChange::Facility(facility) => {
                let changes = telling.search.entry(facility.municipality_code).or_default();
                changes.push(SearchChange::Facility(*facility));
            }
            StreamChange::Slot(slot) => {
                let now = self.clock.now();
                if let Some(next) = slot.next_waiting(now) {
                    self.store.add_deadline(now, next).await?;
                }
                let changes = telling.search.entry(slot.municipality_code).or_default();
                changes.push(SearchChange::Slot(*slot));
            }
            StreamChange::Asking(asking) => telling
                .mails
                .push(MailOrder::Asking { facility_id: asking.facility_id, at: asking.at }),
            StreamChange::Digest(digest) => telling.mails.push(MailOrder::Digest {
                municipality_code: digest.municipality_code,
                day: digest.at.date(),
            }),
            StreamChange::PlanAsking(asking) => telling.mails.push(MailOrder::PlanAsking {
                facility_id: asking.facility_id,
                month: asking.month,
            }),
            StreamChange::PlanDigest(digest) => telling.mails.push(MailOrder::PlanDigest {
                municipality_code: digest.municipality_code,
                month: digest.month,
            }),
            StreamChange::Nothing => {}
        }
        Ok(())
    }

    /// Who hears of a reservation: the site that made it, and the ICT systems of the nursery, unless the
    /// nursery never had it to answer.
    async fn gather_pushes(
        &self,
        before: Option<&Reservation>,
        reservation: &Reservation,
        event: Event,
        telling: &mut Telling,
    ) -> Result<(), FanOutError> {
        let waited =
            before.is_some_and(|before| matches!(before.status, Status::Waiting | Status::Offered));
        let mut clients = match waited && reservation.status != Status::Pending {
            true => vec![],
            false => self.store.linked_clients(&reservation.facility_id).await?,
        };
        clients.extend(reservation.client_id().cloned());
        for client_id in clients {
            if !telling.endpoints.contains_key(&client_id) {
                let endpoints = self.store.endpoints(&client_id).await?;
                telling.endpoints.insert(client_id.clone(), endpoints);
            }
            let endpoints = telling.endpoints.get(&client_id).into_iter().flatten();
            let wanted = endpoints.filter(|endpoint| endpoint.wants(event.event_type));
            telling.pushes.extend(wanted.map(|endpoint| PushOrder {
                client_id: client_id.clone(),
                endpoint_id: endpoint.id.clone(),
                event: event.clone(),
            }));
        }
        Ok(())
    }

    async fn tell(&self, telling: Telling) -> Result<(), FanOutError> {
        let mails: Result<_, _> = telling.mails.iter().map(serde_json::to_string).collect();
        let pushes: Result<_, _> = telling.pushes.iter().map(serde_json::to_string).collect();
        self.mails.send(mails?).await?;
        self.pushes.send(pushes?).await?;
        let now = self.clock.now();
        for (code, changes) in telling.search {
            let apply = |shard: &mut Shard| {
                changes.iter().fold(false, |changed, change| {
                    changed
                        | match change {
                            SearchChange::Facility(facility) => shard.put(facility.clone()),
                            SearchChange::Slot(slot) => {
                                let free = slot.status(now) == SlotStatus::Open;
                                shard.put_slot(&slot.facility_id, slot.starts_at, free, now)
                            }
                        }
                })
            };
            self.store.change_shard(code, apply).await?;
        }
        Ok(())
    }
}
