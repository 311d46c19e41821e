//! How deliveries to a webhook endpoint went, noted on its item.
//!
//! None of these writes is a transaction: one that is repeated after a lost answer counts a failure too many, or
//! leaves the next try to somebody else, and does no harm.

use aws_sdk_dynamodb::{
    operation::update_item::builders::UpdateItemFluentBuilder, types::ReturnConsumedCapacity,
};
use domain::{
    Timestamp,
    vendor::{Breaker, WebhookEndpoint},
};

use crate::{Store, StoreError, item::number, keys::Key};

impl Store {
    /// Notes that an attempt failed.
    pub async fn note_failure(&self, endpoint: &WebhookEndpoint) -> Result<(), StoreError> {
        let update = self.update_endpoint(endpoint).update_expression("ADD failures :one");
        let update = update.condition_expression("attribute_exists(pk)");
        self.try_update(update.expression_attribute_values(":one", number(1))).await.map(drop)
    }

    /// Notes that an attempt succeeded: whatever failed before is forgotten.
    pub async fn note_success(&self, endpoint: &WebhookEndpoint) -> Result<(), StoreError> {
        if endpoint.breaker == Breaker::default() {
            return Ok(());
        }
        let update = self.update_endpoint(endpoint);
        let update = update.update_expression("REMOVE failures, next_try_at");
        self.try_update(update.condition_expression("attribute_exists(pk)")).await.map(drop)
    }

    /// Takes the one try that an open breaker allows now; tells whether this call got it.
    pub async fn take_try(
        &self,
        endpoint: &WebhookEndpoint,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let next = now + Breaker::TRY_EVERY;
        let update = self
            .update_endpoint(endpoint)
            .update_expression("SET next_try_at = :next")
            .condition_expression(
                "attribute_exists(pk) AND (attribute_not_exists(next_try_at) OR next_try_at <= :now)",
            )
            .expression_attribute_values(":next", number(next.epoch_ms()))
            .expression_attribute_values(":now", number(now.epoch_ms()));
        self.try_update(update).await
    }

    fn update_endpoint(&self, endpoint: &WebhookEndpoint) -> UpdateItemFluentBuilder {
        let key = Key::WebhookEndpoint(endpoint.client_id.clone(), endpoint.id.clone());
        self.db
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(key.attributes()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
    }

    /// Whether the condition held. An endpoint that was deleted stays so.
    async fn try_update(&self, update: UpdateItemFluentBuilder) -> Result<bool, StoreError> {
        match update.send().await {
            Ok(output) => {
                self.meter.write(output.consumed_capacity());
                Ok(true)
            }
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_conditional_check_failed_exception()) =>
            {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }
}
