//! Runs the function in AWS Lambda.

use hub_http::CursorSeal;
use runtime::{Hub, Keys, telemetry};
use store::keys::Kind;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::start();
    let (hub, cursors) = tokio::join!(Hub::start_with(Kind::Search), Keys::start());
    let index = search_facilities::Index::new(std::time::Duration::from_secs(2));
    lambda_http::run(hub_http::serve(search_facilities::routes(hub?, CursorSeal(cursors?), index)))
        .await
}
