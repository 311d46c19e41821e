//! Runs the function in AWS Lambda.

use runtime::Environment;
use store::keys::Kind;
use take_upload::{TakeUpload, UploadEvent};

fn main() -> Result<(), runtime::Error> {
    let environment = Environment { first_read: Kind::Import };
    runtime::run(environment, async |taker: &TakeUpload, event: UploadEvent| {
        taker.handle(event).await
    })
}
