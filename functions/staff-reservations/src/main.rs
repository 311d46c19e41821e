//! Runs the function in AWS Lambda.

use hub_http::CursorSeal;
use runtime::{Hub, Keys, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::start();
    let (hub, cursors) = tokio::join!(Hub::start(), Keys::start());
    let seal = std::sync::Arc::new(runtime::KmsSeal::start()?);
    lambda_http::run(hub_http::serve(staff_reservations::routes(hub?, seal, CursorSeal(cursors?))))
        .await
}
