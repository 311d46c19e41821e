//! Runs the function in AWS Lambda.

use keep_deadlines::Scheduled;
use runtime::{Environment, Hub};

fn main() -> Result<(), runtime::Error> {
    runtime::run(Environment::default(), async |hub: &Hub, event: Scheduled| {
        keep_deadlines::run(&hub.store, event.scheduled_at).await
    })
}
