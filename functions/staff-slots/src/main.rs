//! Runs the function in AWS Lambda.

use hub_http::CursorSeal;
use runtime::{Hub, Keys, id_key, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::start();
    let (hub, ids, cursors) = tokio::join!(Hub::start(), id_key(), Keys::start());
    lambda_http::run(hub_http::serve(staff_slots::routes(hub?, ids?, CursorSeal(cursors?)))).await
}
