//! Runs the function in AWS Lambda.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    runtime::telemetry::start();
    let sign_in = runtime::variable("STAFF_SIGN_IN_URL")?.into();
    lambda_http::run(hub_http::serve(api_documents::routes(Some(sign_in)))).await
}
