//! Runs the function in AWS Lambda.

use aws_lambda_events::event::streams::DynamoDbEventResponse;
use run_import::Importer;
use runtime::Environment;
use store::keys::Kind;

fn main() -> Result<(), runtime::Error> {
    let environment = Environment { first_read: Kind::Import };
    runtime::run(environment, async |importer: &Importer, event| {
        importer.handle(&event).await.map(|()| DynamoDbEventResponse::default())
    })
}
