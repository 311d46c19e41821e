//! x

/// x
pub async fn run(_out: &mut impl std::io::Write) -> Result<(), std::io::Error> {
    Ok(())
}
