//! Runs the function in AWS Lambda.

use std::sync::Arc;

use hub_http::CursorSeal;
use runtime::{Hub, Keys, KmsSeal, telemetry};
use store::keys::Kind;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::start();
    let (hub, cursors) = tokio::join!(Hub::start_with(Kind::Reservation), Keys::start());
    let (seal, cursors) = (Arc::new(KmsSeal::start()?), CursorSeal(cursors?));
    lambda_http::run(hub_http::serve(get_reservation::routes(hub?, seal, cursors))).await
}
