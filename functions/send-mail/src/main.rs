//! Runs the function in AWS Lambda.

use std::sync::Arc;

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use runtime::{Hub, KmsSeal, SesMailer, telemetry};
use send_mail::SendMail;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let send_mail = SendMail {
        hub: Hub::start().await?,
        seal: Arc::new(KmsSeal::start()?),
        mailer: Arc::new(SesMailer::start()?),
    };
    run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        send_mail.handle(event.payload).await.map_err(Error::from)
    }))
    .await
}
