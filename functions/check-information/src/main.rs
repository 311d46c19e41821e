//! Runs the function in AWS Lambda.

use check_information::Scheduled;
use runtime::{Environment, Hub};

fn main() -> Result<(), runtime::Error> {
    runtime::run(Environment::default(), async |hub: &Hub, event: Scheduled| {
        check_information::run(&hub.store, event.scheduled_at).await
    })
}
