//! Runs the function in AWS Lambda.

use check_slot_plans::Scheduled;
use runtime::{Environment, Hub};

fn main() -> Result<(), runtime::Error> {
    runtime::run(Environment::default(), async |hub: &Hub, event: Scheduled| {
        check_slot_plans::run(&hub.store, event.scheduled_at).await
    })
}
