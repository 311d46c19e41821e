//! The table's stream: tells everyone who must know.
//!
//! Every change becomes mails and webhooks on the queues of those who deliver them, an entry in the
//! search index and in the feed, and what reports count. All of it may happen twice, for the stream delivers at least once; nothing
//! of it is left out, for a batch that is not told whole is delivered again.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    slice,
    sync::Arc,
    time::Instant,
};

use aws_lambda_events::dynamodb::{Event as StreamEvent, EventRecord};
use aws_lambda_events::event::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use domain::{
    ClientId, CorrelationId, Facility, FacilityId, MunicipalityCode, Reservation, Slot, SlotId,
    Status, event::Event, search::Shard, slot::SlotStatus, vendor::WebhookEndpoint,
};
use notify::order::{MailOrder, MailQueueError, MailQueues, PushOrder, mails_of};
use runtime::{
    Clock, Message, Outgoing, Queue, QueueError,
    telemetry::{Causes, ms},
};
use serde::Serialize;
use store::{Digest, Store, StoreError, StreamChange, item::Item};

/// What telling needs.
#[derive(Debug, Clone)]
pub struct FanOut {
    /// The table.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// The queues of `send-mail`.
    pub mails: MailQueues,
    /// The queue of `vendor-push`.
    pub pushes: Arc<dyn Queue>,
    /// Where a change that cannot be told is set apart.
    pub set_apart: Arc<dyn Queue>,
}

/// Why a change was not told.
#[derive(Debug, thiserror::Error)]
enum FanOutError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Mails(#[from] MailQueueError),
    #[error("a message cannot be written")]
    Message(#[from] serde_json::Error),
}

impl FanOutError {
    /// Whether it would fail again however often it is tried: the change itself is at fault, or what stands
    /// beside it in the table, not a service that is away for now.
    fn is_lasting(&self) -> bool {
        match self {
            Self::Store(StoreError::Refused(_) | StoreError::UnknownForm(_)) => true,
            Self::Store(StoreError::Unavailable(_) | StoreError::Changed) => false,
            Self::Mails(MailQueueError::Message(_)) | Self::Message(_) => true,
            Self::Mails(MailQueueError::Queue(_)) | Self::Queue(_) => false,
        }
    }
}

/// Where in the stream a change is.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    stream_arn: String,
    start_sequence_number: String,
    end_sequence_number: String,
    batch_size: usize,
}

/// A change that was set apart, in the form in which Lambda says the same of a batch: it names the place and holds
/// nothing of the change.
#[derive(Serialize)]
struct SetApart<'a> {
    reason: String,
    #[serde(rename = "DDBStreamBatchInfo")]
    place: &'a Place,
}

/// A change as the stream delivers it.
struct Change {
    place: Place,
    before: Option<Item>,
    after: Option<Item>,
}

impl Change {
    fn of(record: EventRecord) -> Self {
        // Without a number, Lambda delivers the whole batch again.
        let number = record.change.sequence_number.unwrap_or_default();
        let place = Place {
            stream_arn: record.event_source_arn.unwrap_or_default(),
            start_sequence_number: number.clone(),
            end_sequence_number: number,
            batch_size: 1,
        };
        let image = |item: serde_dynamo::Item| (!item.is_empty()).then(|| item.into());
        let (before, after) = (image(record.change.old_image), image(record.change.new_image));
        Self { place, before, after }
    }

    fn number(&self) -> &str {
        &self.place.start_sequence_number
    }
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
    /// Tells a batch of changes, in their order. A change that can never be told is set apart and keeps no other
    /// from being told. Where a service is away for now, it reports the first change that was not told: the
    /// stream goes on from there.
    pub async fn handle(&self, event: StreamEvent) -> DynamoDbEventResponse {
        let changes: Vec<Change> = event.records.into_iter().map(Change::of).collect();
        let failed = match self.tell_all(&changes).await {
            Ok(()) => None,
            // One of them is at fault, or more: each alone shows which.
            Err(error) if error.is_lasting() => self.tell_each(&changes).await,
            Err(error) => changes.first().map(|first| failed(first, &error)),
        };
        let mut response = DynamoDbEventResponse::default();
        response.batch_item_failures.extend(failed.map(|number| {
            let mut failure = DynamoDbBatchItemFailure::default();
            failure.item_identifier = Some(number);
            failure
        }));
        response
    }

    /// Tells one after the other; the number of the first that must be delivered again.
    async fn tell_each(&self, changes: &[Change]) -> Option<String> {
        for change in changes {
            let told = match self.tell_all(slice::from_ref(change)).await {
                Err(error) if error.is_lasting() => self.set_apart(change, &error).await,
                other => other,
            };
            if let Err(error) = told {
                return Some(failed(change, &error));
            }
        }
        None
    }

    async fn set_apart(&self, change: &Change, error: &FanOutError) -> Result<(), FanOutError> {
        let reason = Causes(error).to_string();
        let (sequence_number, outcome) = (change.number(), "set apart");
        tracing::error!(sequence_number, outcome, error = reason, "change");
        let message = Outgoing::new(&SetApart { reason, place: &change.place })?;
        Ok(self.set_apart.send(vec![message]).await?)
    }

    async fn tell_all(&self, changes: &[Change]) -> Result<(), FanOutError> {
        let started = Instant::now();
        let mut telling = Telling::default();
        for change in changes {
            self.gather(change, &mut telling).await?;
        }
        let lines = std::mem::take(&mut telling.lines);
        self.tell(telling).await?;
        lines.iter().for_each(|line| line.write(started));
        Ok(())
    }

    async fn gather(&self, change: &Change, telling: &mut Telling) -> Result<(), FanOutError> {
        let correlation_id = store::cause_of(change.before.as_ref(), change.after.as_ref());
        let cause = || correlation_id.clone();
        let (mut event, mut became) = (None, None);
        let (before, after) = (change.before.clone(), change.after.clone());
        let (change, subject) = match StreamChange::of(before, after)? {
            StreamChange::Reservation { before, after } => {
                let before = before.as_deref();
                self.store.follow_deadline(before, &after).await?;
                self.store.follow_fact(before, &after).await?;
                self.store.follow_pending_count(before, &after).await?;
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
                let Digest { municipality_code, part, .. } = digest;
                let order = MailOrder::Digest { municipality_code, day: digest.at.date(), part };
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
            StreamChange::NewNoticeAddresses { facility, version } => {
                let subject = facility.to_string();
                let order = MailOrder::NewNoticeAddresses { facility_id: facility, version };
                telling.mails.push(Message::new(order, cause(), self.clock.now()));
                ("new_notice_addresses", subject)
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
                    attempt: 1,
                    due: None,
                };
                Message::new(order, cause.clone(), event.occurred_at)
            }));
        }
        Ok(())
    }

    async fn tell(&self, telling: Telling) -> Result<(), FanOutError> {
        let now = self.clock.now();
        // First what is the same however often it is done: what was sent is sent again with the batch.
        self.store.tell_slots(&telling.feed, now).await?;
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
        self.mails.send(&telling.mails).await?;
        let pushes: Result<_, _> = telling.pushes.iter().map(push).collect();
        Ok(self.pushes.send(pushes?).await?)
    }
}

/// What says that a change must be delivered again.
fn failed(change: &Change, error: &FanOutError) -> String {
    let (sequence_number, outcome) = (change.number(), "failed");
    tracing::warn!(sequence_number, outcome, error = %Causes(error), "change");
    sequence_number.to_owned()
}

/// The queue hands out webhooks of all clients in turn: one that has many keeps no other waiting.
fn push(message: &Message<PushOrder>) -> Result<Outgoing, serde_json::Error> {
    let group = Some(message.order.client_id.to_string());
    Ok(Outgoing { group, ..Outgoing::new(message)? })
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
