//! The table's stream: tells everyone who must know.
//!
//! Every change becomes mails and webhooks on the queues of those who deliver them, an entry in the
//! search index and in the feed, and what reports count. All of it may happen twice, for the stream delivers at least once; nothing
//! of it is left out, for a batch that is not told whole is delivered again.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Instant,
};

use aws_lambda_events::dynamodb::{Event as StreamEvent, EventRecord};
use aws_lambda_events::event::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use domain::{
    ClientId, CorrelationId, Facility, FacilityId, MunicipalityCode, Reservation, Slot, SlotId,
    Status, event::Event, search::Shard, slot::SlotStatus, vendor::WebhookEndpoint,
};
use notify::order::{MailOrder, PushOrder, mails_of};
use runtime::{
    Clock, Message, Queue, QueueError,
    telemetry::{Causes, ms},
};
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
    mails: Vec<Message<MailOrder>>,
    pushes: Vec<Message<PushOrder>>,
    lines: Vec<Line>,
    search: BTreeMap<MunicipalityCode, Vec<SearchChange>>,
    feed: BTreeSet<(FacilityId, SlotId)>,
    endpoints: HashMap<ClientId, Vec<WebhookEndpoint>>,
}

/// What the log says of a change once it is told.
struct Line {
    correlation_id: Option<CorrelationId>,
    change: &'static str,
    subject: String,
    event: Option<Event>,
    /// The state that a reservation came into.
    became: Option<Status>,
}

enum SearchChange {
    Facility(Facility),
    Slot(Slot),
}

impl FanOut {
    /// Tells a batch of changes, in their order. Reports the first change that was not told: the
    /// stream goes on from there.
    pub async fn handle(&self, event: StreamEvent) -> DynamoDbEventResponse {
        let started = Instant::now();
        let sequence = |record: &EventRecord| record.change.sequence_number.clone();
        let first = event.records.first().and_then(sequence);
        let (mut telling, mut failed) = (Telling::default(), None);
        for record in event.records {
            let number = sequence(&record);
            if let Err(error) = self.gather(record, &mut telling).await {
                let (error, outcome) = (Causes(&error), "failed");
                tracing::error!(sequence_number = number, outcome, %error, "change");
                failed = number;
                break;
            }
        }
        let lines = std::mem::take(&mut telling.lines);
        match self.tell(telling).await {
            Ok(()) => lines.iter().for_each(|line| line.write(started)),
            Err(error) => {
                let (error, outcome) = (Causes(&error), "failed");
                tracing::warn!(sequence_number = first, outcome, %error, "change");
                failed = first;
            }
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
        let correlation_id = store::cause_of(before.as_ref(), after.as_ref());
        let cause = || correlation_id.clone();
        let (mut event, mut became) = (None, None);
        let (change, subject) = match StreamChange::of(before, after)? {
            StreamChange::Reservation { before, after } => {
                let before = before.as_deref();
                self.store.follow_deadline(before, &after).await?;
                self.store.follow_fact(before, &after).await?;
                let mails = mails_of(before, &after).into_iter();
                let mails = mails.map(|mail| Message::new(mail, cause(), after.updated_at));
                telling.mails.extend(mails);
                became = Some(after.status).filter(|now| before.map(|b| b.status) != Some(*now));
                event = Event::of(before, &after);
                if let Some(event) = &event {
                    self.gather_pushes(before, &after, event, cause(), telling).await?;
                }
                ("reservation", after.reservation_number.to_string())
            }
            StreamChange::Facility(facility) => {
                let changes = telling.search.entry(facility.municipality_code).or_default();
                let subject = facility.facility_id.to_string();
                changes.push(SearchChange::Facility(*facility));
                ("facility", subject)
            }
            StreamChange::Slot(slot) => {
                let now = self.clock.now();
                if let Some(next) = slot.next_waiting(now) {
                    self.store.add_deadline(now, next).await?;
                }
                telling.feed.insert((slot.facility_id.clone(), slot.slot_id.clone()));
                let changes = telling.search.entry(slot.municipality_code).or_default();
                let subject = slot.slot_id.to_string();
                changes.push(SearchChange::Slot(*slot));
                ("slot", subject)
            }
            StreamChange::Asking(asking) => {
                let (facility_id, at) = (asking.facility_id, asking.at);
                let subject = facility_id.to_string();
                let order = MailOrder::Asking { facility_id, at };
                telling.mails.push(Message::new(order, cause(), at));
                ("asking", subject)
            }
            StreamChange::Digest(digest) => {
                let (municipality_code, day) = (digest.municipality_code, digest.at.date());
                let order = MailOrder::Digest { municipality_code, day };
                telling.mails.push(Message::new(order, cause(), digest.at));
                ("digest", municipality_code.to_string())
            }
            StreamChange::PlanAsking(asking) => {
                let (facility_id, month, at) = (asking.facility_id, asking.month, asking.at);
                let subject = facility_id.to_string();
                let order = MailOrder::PlanAsking { facility_id, month };
                telling.mails.push(Message::new(order, cause(), at));
                ("plan_asking", subject)
            }
            StreamChange::PlanDigest(digest) => {
                let (municipality_code, month) = (digest.municipality_code, digest.month);
                let order = MailOrder::PlanDigest { municipality_code, month };
                telling.mails.push(Message::new(order, cause(), digest.at));
                ("plan_digest", municipality_code.to_string())
            }
            StreamChange::Nothing => return Ok(()),
        };
        telling.lines.push(Line { correlation_id, change, subject, event, became });
        Ok(())
    }

    /// Who hears of a reservation: the site that made it, and the ICT systems of the nursery, unless the
    /// nursery never had it to answer.
    async fn gather_pushes(
        &self,
        before: Option<&Reservation>,
        reservation: &Reservation,
        event: &Event,
        cause: Option<CorrelationId>,
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
            telling.pushes.extend(wanted.map(|endpoint| {
                let order = PushOrder {
                    client_id: client_id.clone(),
                    endpoint_id: endpoint.id.clone(),
                    event: event.clone(),
                };
                Message::new(order, cause.clone(), event.occurred_at)
            }));
        }
        Ok(())
    }

    async fn tell(&self, telling: Telling) -> Result<(), FanOutError> {
        let now = self.clock.now();
        // First what may fail because others write it too: what was sent is sent again with the batch.
        self.store.tell_slots(&telling.feed, now).await?;
        let mails: Result<_, _> = telling.mails.iter().map(serde_json::to_string).collect();
        let pushes: Result<_, _> = telling.pushes.iter().map(serde_json::to_string).collect();
        self.mails.send(mails?).await?;
        self.pushes.send(pushes?).await?;
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

impl Line {
    /// Writes it. A change of state counts once, for it is told once unless the batch is repeated.
    fn write(&self, started: Instant) {
        tracing::info!(
            correlation_id = self.correlation_id.as_ref().map(CorrelationId::as_str),
            change = self.change,
            subject = self.subject,
            event_id = self.event.as_ref().map(|event| event.id.as_str()),
            status = self.became.map(Status::as_str),
            outcome = "done",
            duration_ms = ms(started.elapsed()),
            Reservations = self.became.map(|_| 1),
            "change"
        );
    }
}
