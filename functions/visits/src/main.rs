//! Runs the function in AWS Lambda.

use runtime::{Hub, Keys, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::start();
    let (hub, links) = tokio::join!(Hub::start(), Keys::start());
    let seal = std::sync::Arc::new(runtime::KmsSeal::start()?);
    lambda_http::run(hub_http::serve(visits::routes(hub?, seal, links?))).await
}
