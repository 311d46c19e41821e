//! Runs the function in AWS Lambda.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    runtime::telemetry::start();
    lambda_http::run(hub_http::serve(api_documents::routes())).await
}
