//! Runs the function in AWS Lambda.

use runtime::{Hub, telemetry};
use store::keys::Kind;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::start();
    let hub = Hub::start_with(Kind::Feed).await?;
    lambda_http::run(hub_http::serve(feeds::routes(hub))).await
}
