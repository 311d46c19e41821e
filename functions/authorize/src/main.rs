//! Runs the function in AWS Lambda.

use std::sync::Arc;

use authorize::{Authorizer, PoolKeys, Tokens};
use aws_lambda_events::apigw::ApiGatewayV2CustomAuthorizerV2Request;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use runtime::{Hub, telemetry, variable};
use store::keys::Kind;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let keys = PoolKeys::start()?;
    let tokens = Tokens::new(variable("ISSUER")?, Arc::new(keys));
    let (store, staff_client) =
        (Hub::start_with(Kind::Client).await?.store, variable("STAFF_CLIENT")?);
    let authorizer = &Authorizer { store, staff_client, tokens };
    let authorize = async |event: LambdaEvent<ApiGatewayV2CustomAuthorizerV2Request>| {
        authorizer.handle(event.payload).await.map_err(Error::from)
    };
    run(service_fn(authorize)).await
}
