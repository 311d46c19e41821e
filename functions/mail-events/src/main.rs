//! Runs the function in AWS Lambda.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use mail_events::MailEvent;
use runtime::{Hub, Keys, telemetry};
use store::keys::Kind;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let (hub, addresses) = tokio::join!(Hub::start_with(Kind::Suppression), Keys::start());
    let (hub, addresses) = (hub?, addresses?);
    run(service_fn(async |event: LambdaEvent<MailEvent>| {
        mail_events::handle(&hub, &addresses, event.payload).await.map_err(Error::from)
    }))
    .await
}
