//! Runs the function in AWS Lambda.

use runtime::{Hub, Keys, id_key, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::start();
    let (hub, ids, families) = tokio::join!(Hub::start(), id_key(), Keys::start());
    let seal = std::sync::Arc::new(runtime::KmsSeal::start()?);
    lambda_http::run(hub_http::serve(request_reservation::routes(hub?, seal, ids?, families?)))
        .await
}
