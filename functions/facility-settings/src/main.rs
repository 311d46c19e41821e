//! Runs the function in AWS Lambda.

use runtime::{Hub, Keys, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::start();
    let (hub, notices) = tokio::join!(Hub::start(), Keys::start());
    lambda_http::run(hub_http::serve(facility_settings::routes(hub?, notices?))).await
}
