//! Runs the function in AWS Lambda.

use runtime::{Hub, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::start();
    let hub = Hub::start().await?;
    let index = search_facilities::Index::new(std::time::Duration::from_secs(2));
    lambda_http::run(hub_http::serve(search_facilities::routes(hub, index))).await
}
