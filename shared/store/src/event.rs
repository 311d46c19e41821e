//! Events, each recorded for every vendor that hears of it; one about what anybody may know, once for all.
//!
//! The relay records them before it sends any, so that a vendor can list what it should have got, and what was not received
//! can be sent again. DynamoDB removes them after thirty days.

use domain::{
    ClientId,
    event::{Event, KEPT_FOR_DAYS},
};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;

use crate::{Store, StoreError, item::to_item, keys::Key, write::Write};

/// How many are written side by side.
const AT_ONCE: usize = 16;

/// Who may hear of an event.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Listener {
    /// This vendor.
    Vendor(ClientId),
    /// Any: it is about what anybody may know, and is recorded once.
    Anyone,
}

#[derive(Serialize)]
struct EventItem {
    event: Event,
    /// In seconds, as DynamoDB removes items by it: `schema::EXPIRES_AT`.
    expires_at: i64,
}

impl Store {
    /// Records events, each for those who may hear of it. One that is recorded already stays as it is: the stream may deliver a
    /// change more than once.
    pub async fn record_events(&self, events: &[(Listener, Event)]) -> Result<(), StoreError> {
        let writes = events.iter().map(|(listener, event)| {
            let (at, id) = (event.occurred_at, event.id.clone());
            let key = match listener {
                Listener::Vendor(client) => Key::Event(client.clone(), at, id),
                Listener::Anyone => Key::PublicEvent(at, id),
            };
            let expires_at = event.occurred_at.epoch_ms() / 1000 + KEPT_FOR_DAYS * 24 * 3600;
            let item = EventItem { event: event.clone(), expires_at };
            Ok(Write::create(key, to_item(&item)?))
        });
        let writes: Vec<Write> = writes.collect::<Result<_, StoreError>>()?;
        let written = stream::iter(writes).map(|write| self.write(write));
        written.buffer_unordered(AT_ONCE).try_for_each(async |_| Ok(())).await
    }
}
