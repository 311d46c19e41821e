//! Runs the function in AWS Lambda.

use runtime::Environment;
use store::keys::Kind;
use vendor_push::VendorPush;

fn main() -> Result<(), runtime::Error> {
    runtime::run(Environment { first_read: Kind::Client }, VendorPush::handle)
}
