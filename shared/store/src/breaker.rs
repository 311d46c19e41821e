//! How deliveries to a webhook endpoint went, noted on its item.
//!
//! None of these writes is a transaction: one that is repeated after a lost answer counts a failure too many, and
//! does no harm.

use domain::{
    Timestamp,
    vendor::{Breaker, WebhookEndpoint},
};

use crate::{
    Store, StoreError,
    condition::Condition::{All, Any, Below, Is, Lacks, Present},
    item::number,
    keys::Key,
    write::Write,
};

impl Store {
    /// Notes that an attempt failed.
    pub async fn note_failure(&self, endpoint: &WebhookEndpoint) -> Result<(), StoreError> {
        let write = Write::update(key(endpoint), Present).add("failures", number(1));
        self.write(write).await.map(drop)
    }

    /// Notes that an attempt succeeded: whatever failed before is forgotten.
    pub async fn note_success(&self, endpoint: &WebhookEndpoint) -> Result<(), StoreError> {
        if endpoint.breaker == Breaker::default() {
            return Ok(());
        }
        let write = Write::update(key(endpoint), Present);
        self.write(write.remove("failures").remove("next_try_at")).await.map(drop)
    }

    /// Takes the one try that an open breaker allows now; tells whether this call got it.
    pub async fn take_try(
        &self,
        endpoint: &WebhookEndpoint,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let at = || "next_try_at".into();
        let (now, next) = (number(now.epoch_ms()), number((now + Breaker::TRY_EVERY).epoch_ms()));
        let due = Any(vec![Lacks(at()), Below(at(), now.clone()), Is(at(), now)]);
        let write = Write::update(key(endpoint), All(vec![Present, due]));
        Ok(self.write(write.set("next_try_at", next)).await?.is_done())
    }
}

fn key(endpoint: &WebhookEndpoint) -> Key {
    Key::WebhookEndpoint(endpoint.client_id.clone(), endpoint.id.clone())
}
