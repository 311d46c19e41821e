//! Runs the function in AWS Lambda.

fn main() -> Result<(), hub_http::Error> {
    hub_http::run(exports::FUNCTION)
}
