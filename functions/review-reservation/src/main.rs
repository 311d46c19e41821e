//! Runs the function in AWS Lambda.

use runtime::{Hub, id_key, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::start();
    let (hub, ids) = tokio::join!(Hub::start(), id_key());
    let seal = std::sync::Arc::new(runtime::KmsSeal::start()?);
    lambda_http::run(hub_http::serve(review_reservation::routes(hub?, seal, ids?))).await
}
