//! Runs the function in AWS Lambda.

use std::sync::Arc;

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use notify::{EgressPolicy, order::MailQueues};
use runtime::{Hub, KmsSeal, SqsQueue, telemetry};
use store::keys::Kind;
use vendor_push::{HttpDelivery, PushQueues, VendorPush};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let egress = EgressPolicy::with_aws_at(std::env::var("AWS_ENDPOINT_URL").ok().as_deref());
    let push = VendorPush::new(
        Hub::start_with(Kind::Client).await?,
        Arc::new(KmsSeal::start()?),
        PushQueues {
            queue: Arc::new(SqsQueue::start("PUSH_QUEUE_URL")?),
            dead_letters: Arc::new(SqsQueue::start("PUSH_DEAD_LETTER_QUEUE_URL")?),
        },
        MailQueues::start()?,
        Arc::new(HttpDelivery::new(egress)?),
    );
    run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        push.handle(event.payload).await.map_err(Error::from)
    }))
    .await
}
