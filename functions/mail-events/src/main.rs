//! Runs the function in AWS Lambda.

use domain::keys::Addresses;
use mail_events::MailEvent;
use runtime::{Environment, Hub, Keys};
use store::keys::Kind;

fn main() -> Result<(), runtime::Error> {
    let environment = Environment { first_read: Kind::Suppression };
    runtime::run(environment, async |needs: &(Hub, Keys<Addresses>), event: MailEvent| {
        let (hub, addresses) = needs;
        mail_events::handle(hub, addresses, event).await
    })
}
