//! Runs the function in AWS Lambda.

use runtime::{Hub, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::start();
    let hub = Hub::start().await?;
    let seal = std::sync::Arc::new(runtime::KmsSeal::start()?);
    lambda_http::run(hub_http::serve(get_reservation::routes(hub, seal))).await
}
