//! Runs the function in AWS Lambda.

use check_slot_plans::Scheduled;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use runtime::{Hub, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let hub = Hub::start().await?;
    run(service_fn(async |event: LambdaEvent<Scheduled>| {
        check_slot_plans::run(&hub.store, event.payload.scheduled_at).await.map_err(Error::from)
    }))
    .await
}
