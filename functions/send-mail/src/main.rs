//! Runs the function in AWS Lambda.

use std::sync::Arc;

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use notify::order::MailQueues;
use runtime::{ConfigError, Hub, Keys, KmsSeal, SesMailer, telemetry, variable};
use send_mail::{Pace, SendMail};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let (hub, links, notices, addresses) =
        tokio::join!(Hub::start(), Keys::start(), Keys::start(), Keys::start());
    let send_mail = SendMail {
        hub: hub?,
        links: links?,
        notices: notices?,
        addresses: addresses?,
        seal: Arc::new(KmsSeal::start()?),
        mailer: Arc::new(SesMailer::start()?),
        queues: MailQueues::start()?,
        pace: Arc::new(pace()?),
    };
    run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        send_mail.handle(event.payload).await.map_err(Error::from)
    }))
    .await
}

/// As fast as Amazon SES lets the account send: `MAILS_PER_SECOND`.
fn pace() -> Result<Pace, ConfigError> {
    let rate = variable("MAILS_PER_SECOND")?.parse().ok().filter(|rate| *rate >= 1.0);
    rate.map(Pace::of).ok_or(ConfigError::Invalid {
        name: "MAILS_PER_SECOND",
        expected: "a number of at least 1",
    })
}
