//! Runs the function in AWS Lambda.

use runtime::{Hub, id_key, telemetry};
use store::keys::Kind;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::start();
    let (hub, ids) = tokio::join!(Hub::start_with(Kind::Client), id_key());
    let seal = std::sync::Arc::new(runtime::KmsSeal::start()?);
    let egress =
        notify::EgressPolicy::with_aws_at(std::env::var("AWS_ENDPOINT_URL").ok().as_deref());
    lambda_http::run(hub_http::serve(webhook_endpoints::routes(hub?, seal, ids?, egress))).await
}
