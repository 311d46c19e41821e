//! Deliveries: the messages on the queue of `vendor-push`, one for each endpoint that gets an event. Before they are sent,
//! the event is recorded for each vendor that it is for, whether it has an endpoint or not.

use std::{collections::HashMap, sync::Arc};

use domain::{ClientId, event::Event, vendor::WebhookEndpoint};
use notify::order::PushOrder;
use runtime::{Message, Outgoing, Queue};
use store::{Store, StoreError, StreamChange};

use crate::{RelayError, change::Change};

pub(crate) async fn send(
    store: &Store,
    queue: &Arc<dyn Queue>,
    changes: &[Change],
) -> Result<(), RelayError> {
    let mut heard = Vec::new();
    for change in changes {
        let StreamChange::Reservation { after, .. } = &change.of else { continue };
        let Some(audience) = &change.audience else { continue };
        let Some(event) = &audience.event else { continue };
        let mut clients = match audience.ict_systems {
            true => store.linked_clients(&after.facility_id).await?,
            false => vec![],
        };
        clients.extend(audience.site.clone());
        heard.extend(clients.into_iter().map(|client| (change, client, event)));
    }
    let (mut endpoints, mut messages) = (Endpoints::default(), Vec::new());
    for (change, client, event) in &heard {
        let wanted = endpoints.of(store, client).await?.iter();
        for endpoint in wanted.filter(|endpoint| endpoint.wants(event.event_type)) {
            messages.push(message(endpoint, event, change)?);
        }
    }
    let events: Vec<(ClientId, Event)> =
        heard.into_iter().map(|(_, client, event)| (client, event.clone())).collect();
    store.record_events(&events).await?;
    Ok(queue.send(messages).await?)
}

/// The endpoints of the clients that a batch meets, each read once.
#[derive(Default)]
struct Endpoints(HashMap<ClientId, Vec<WebhookEndpoint>>);

impl Endpoints {
    async fn of(
        &mut self,
        store: &Store,
        client: &ClientId,
    ) -> Result<&[WebhookEndpoint], StoreError> {
        if !self.0.contains_key(client) {
            let endpoints = store.endpoints_to_tell(client).await?;
            self.0.insert(client.clone(), endpoints);
        }
        Ok(self.0.get(client).map_or(&[], Vec::as_slice))
    }
}

fn message(
    endpoint: &WebhookEndpoint,
    event: &Event,
    change: &Change,
) -> Result<Outgoing, serde_json::Error> {
    let order = PushOrder {
        client_id: endpoint.client_id.clone(),
        endpoint_id: endpoint.id.clone(),
        event: event.clone(),
        attempt: 1,
        due: None,
    };
    // The queue hands out webhooks of all clients in turn: one that has many keeps no other waiting.
    let group = Some(endpoint.client_id.to_string());
    let message = Message::new(order, change.correlation_id.clone(), event.occurred_at);
    Ok(Outgoing { group, ..Outgoing::new(&message)? })
}
