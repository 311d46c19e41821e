use std::env;

/// A function that was deployed without a value it needs. It does not start.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The environment variable is not set.
    #[error("the environment variable {0} is not set")]
    Missing(&'static str),
    /// It is set to something that cannot be.
    #[error("the environment variable {name} is not {expected}")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// What it should be.
        expected: &'static str,
    },
}

/// The value of an environment variable that must be set.
pub fn variable(name: &'static str) -> Result<String, ConfigError> {
    env::var(name).ok().filter(|value| !value.is_empty()).ok_or(ConfigError::Missing(name))
}
