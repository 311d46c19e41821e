//! Runs the function in AWS Lambda.

use std::sync::Arc;

use aws_lambda_events::dynamodb::Event;
use fan_out::Relay;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use notify::order::MailQueues;
use runtime::{Hub, SqsQueue, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let Hub { store, clock, .. } = Hub::start().await?;
    let mails = MailQueues::start()?;
    let pushes = Arc::new(SqsQueue::start("PUSH_QUEUE_URL")?);
    let parked = Arc::new(SqsQueue::start("FAILURE_QUEUE_URL")?);
    let relay = Relay { store, clock, mails, pushes, parked };
    run(service_fn(async |event: LambdaEvent<Event>| {
        Ok::<_, Error>(relay.handle(event.payload).await)
    }))
    .await
}
