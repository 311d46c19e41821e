//! Runs the function in AWS Lambda.

use std::sync::Arc;

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use notify::Reach;
use runtime::{Hub, KmsSeal, SqsQueue, telemetry};
use vendor_push::{HttpDelivery, VendorPush};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let reach = Reach::with_aws_at(std::env::var("AWS_ENDPOINT_URL").ok().as_deref());
    let push = VendorPush::new(
        Hub::start().await?,
        Arc::new(KmsSeal::start()?),
        Arc::new(SqsQueue::start("PUSH_QUEUE_URL")?),
        Arc::new(SqsQueue::start("MAIL_QUEUE_URL")?),
        Arc::new(HttpDelivery::new(reach)?),
    );
    run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        push.handle(event.payload).await.map_err(Error::from)
    }))
    .await
}
