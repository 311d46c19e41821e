//! Deliveries: the messages on the queue of `vendor-push`, one for each endpoint that gets an event. Before they are sent,
//! the event is recorded for each vendor that it is for, whether it has an endpoint or not.

use std::{collections::HashMap, sync::Arc};

use domain::{
    ClientId, FacilityId,
    audience::{Audience, Sites},
    event::Event,
    vendor::WebhookEndpoint,
};
use notify::order::PushOrder;
use runtime::{Message, Outgoing, Queue};
use store::{Listener, Store, StoreError};

use crate::{RelayError, change::Change};

pub(crate) async fn send(
    store: &Store,
    queue: &Arc<dyn Queue>,
    changes: &[Change],
) -> Result<(), RelayError> {
    let (mut vendors, mut records, mut messages) = (Vendors::new(store), Vec::new(), Vec::new());
    for change in changes {
        let Some(audience) = &change.audience else { continue };
        let Some(event) = &audience.event else { continue };
        let clients = vendors.who_hear(audience).await?;
        let listeners = match audience.sites {
            Sites::All => vec![Listener::Anyone],
            Sites::One(_) | Sites::None => clients.iter().cloned().map(Listener::Vendor).collect(),
        };
        records.extend(listeners.into_iter().map(|listener| (listener, event.clone())));
        for client in clients {
            for endpoint in vendors.endpoints_of(client).await? {
                if endpoint.wants(event.event_type) {
                    messages.push(message(endpoint, event, change)?);
                }
            }
        }
    }
    store.record_events(&records).await?;
    Ok(queue.send(messages).await?)
}

/// The vendors and their endpoints that a batch meets, each read once.
struct Vendors<'a> {
    store: &'a Store,
    sites: Option<Vec<ClientId>>,
    linked: HashMap<FacilityId, Vec<ClientId>>,
    endpoints: HashMap<ClientId, Vec<WebhookEndpoint>>,
}

impl<'a> Vendors<'a> {
    fn new(store: &'a Store) -> Self {
        Self { store, sites: None, linked: HashMap::new(), endpoints: HashMap::new() }
    }

    async fn who_hear(&mut self, audience: &Audience) -> Result<Vec<ClientId>, StoreError> {
        let mut clients = match &audience.sites {
            Sites::None => vec![],
            Sites::One(site) => vec![site.clone()],
            Sites::All => self.sites().await?,
        };
        if let Some(facility) = &audience.ict_systems_of {
            clients.extend(self.linked_to(facility).await?);
        }
        Ok(clients)
    }

    async fn sites(&mut self) -> Result<Vec<ClientId>, StoreError> {
        if self.sites.is_none() {
            self.sites = Some(self.store.search_sites().await?);
        }
        Ok(self.sites.clone().unwrap_or_default())
    }

    async fn linked_to(&mut self, facility: &FacilityId) -> Result<Vec<ClientId>, StoreError> {
        if !self.linked.contains_key(facility) {
            let linked = self.store.linked_clients(facility).await?;
            self.linked.insert(facility.clone(), linked);
        }
        Ok(self.linked.get(facility).cloned().unwrap_or_default())
    }

    async fn endpoints_of(&mut self, client: ClientId) -> Result<&[WebhookEndpoint], StoreError> {
        if !self.endpoints.contains_key(&client) {
            let endpoints = self.store.endpoints_to_tell(&client).await?;
            self.endpoints.insert(client.clone(), endpoints);
        }
        Ok(self.endpoints.get(&client).map_or(&[], Vec::as_slice))
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
