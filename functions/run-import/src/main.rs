//! Runs the function in AWS Lambda.

fn main() {}
