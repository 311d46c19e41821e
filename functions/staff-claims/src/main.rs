//! Runs the function in AWS Lambda.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use runtime::telemetry;
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    run(service_fn(async |event: LambdaEvent<Value>| {
        Ok::<_, Error>(staff_claims::handle(event.payload))
    }))
    .await
}
