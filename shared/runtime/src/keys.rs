use std::{fmt, sync::Arc};

use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use domain::{
    Timestamp,
    keys::{IdKey, KeyId, KeyRing, NoKeys, Purpose},
};
use futures::lock::Mutex;
use jiff::SignedDuration;

use crate::{
    Clock, ConfigError, Environment, Start, StartError, aws, telemetry::ErrorChain, variable,
};

/// A key that is added is known to every function that runs after this long, and used only later
/// (`infra/operate/rotate-key`).
const FRESH_FOR: SignedDuration = SignedDuration::from_mins(5);

/// How soon keys are fetched again for a name that is in none of them: anybody can write one into a token.
const UNKNOWN_AFTER: SignedDuration = SignedDuration::from_secs(10);

/// Why a function has no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The function was deployed without them.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// They could not be fetched.
    #[error("the keys are not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// They are none.
    #[error(transparent)]
    UnknownForm(#[from] NoKeys),
}

impl From<KeyError> for StartError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Config(error) => error.into(),
            error => Self::NotReady(error.into()),
        }
    }
}

/// Where keys are kept.
#[async_trait]
pub trait KeySource: fmt::Debug + Send + Sync {
    /// The keys of one purpose, as JSON.
    async fn fetch(&self) -> Result<String, KeyError>;
}

/// AWS Secrets Manager.
#[derive(Debug)]
struct SecretsManager {
    client: Client,
    secret: String,
}

impl SecretsManager {
    fn start(name: &'static str) -> Result<Self, ConfigError> {
        Ok(Self { client: Client::new(&aws::config()?), secret: variable(name)? })
    }
}

#[async_trait]
impl KeySource for SecretsManager {
    async fn fetch(&self) -> Result<String, KeyError> {
        let output = self.client.get_secret_value().secret_id(&self.secret).send().await;
        let output = output.map_err(|error| KeyError::Unavailable(error.into()))?;
        output.secret_string.ok_or(KeyError::UnknownForm(NoKeys))
    }
}

impl Start<Environment> for IdKey {
    /// Fetched once, for it never changes.
    async fn start(_: &Environment) -> Result<Self, StartError> {
        let json = SecretsManager::start(IdKey::VARIABLE)?.fetch().await?;
        Ok(json.parse().map_err(KeyError::from)?)
    }
}

/// The keys of one purpose in a function that runs, while they are rotated.
#[derive(Debug, Clone)]
pub struct Keys<P> {
    source: Option<Arc<dyn KeySource>>,
    clock: Clock,
    held: Arc<Mutex<Held<P>>>,
}

#[derive(Debug)]
struct Held<P> {
    ring: Arc<KeyRing<P>>,
    fetched_at: Timestamp,
}

impl<P: Purpose + Send + Sync> Start<Environment> for Keys<P> {
    /// From AWS Secrets Manager, by the variable that names the secret.
    async fn start(_: &Environment) -> Result<Self, StartError> {
        let secret = Arc::new(SecretsManager::start(P::VARIABLE)?);
        Ok(Self::from(secret, Clock::machine()).await?)
    }
}

impl<P: Purpose> Keys<P> {
    /// From this source, by this clock.
    pub async fn from(source: Arc<dyn KeySource>, clock: Clock) -> Result<Self, KeyError> {
        let ring = Arc::new(source.fetch().await?.parse::<KeyRing<P>>()?);
        let held = Held { ring, fetched_at: clock.now() };
        Ok(Self { source: Some(source), clock, held: Arc::new(Mutex::new(held)) })
    }

    /// Keys that nobody rotates.
    pub fn fixed(ring: KeyRing<P>) -> Self {
        let clock = Clock::machine();
        let held = Held { ring: Arc::new(ring), fetched_at: clock.now() };
        Self { source: None, clock, held: Arc::new(Mutex::new(held)) }
    }

    /// The keys, not older than five minutes if they can be had.
    pub async fn ring(&self) -> Arc<KeyRing<P>> {
        self.ring_that(|_, age| age < FRESH_FOR).await
    }

    /// The keys, fetched again if none of them has this name.
    pub async fn ring_with(&self, id: KeyId) -> Arc<KeyRing<P>> {
        self.ring_that(|ring, age| age < if ring.knows(id) { FRESH_FOR } else { UNKNOWN_AFTER })
            .await
    }

    /// The keys that are held if they, at their age, will do; else those of the source.
    async fn ring_that(
        &self,
        will_do: impl Fn(&KeyRing<P>, SignedDuration) -> bool,
    ) -> Arc<KeyRing<P>> {
        let mut held = self.held.lock().await;
        let now = self.clock.now();
        if let Some(source) = &self.source
            && !will_do(&held.ring, now.since(held.fetched_at))
        {
            match source.fetch().await.and_then(|json| Ok(json.parse()?)) {
                Ok(ring) => held.ring = Arc::new(ring),
                // Those that are held are good, and are not asked for in vain by every request.
                Err(error) => {
                    tracing::warn!(error = %ErrorChain(&error), "keys were not refreshed")
                }
            }
            held.fetched_at = now;
        }
        held.ring.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Mutex,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    };

    use domain::keys::Cursors;

    use super::*;

    /// A secret that is rotated, and counts who fetches it.
    #[derive(Debug, Default)]
    struct Secret {
        keys: Mutex<Option<String>>,
        fetched: AtomicUsize,
    }

    #[async_trait]
    impl KeySource for Secret {
        async fn fetch(&self) -> Result<String, KeyError> {
            self.fetched.fetch_add(1, Ordering::SeqCst);
            let keys = self.keys.lock().unwrap().clone();
            keys.ok_or_else(|| KeyError::Unavailable("the source is away".into()))
        }
    }

    struct Running {
        secret: Arc<Secret>,
        seconds: Arc<AtomicI64>,
        keys: Keys<Cursors>,
    }

    impl Running {
        /// A function that started at second 1,000 with one key.
        async fn start() -> Self {
            let (secret, seconds) = (Arc::<Secret>::default(), Arc::new(AtomicI64::new(1000)));
            *secret.keys.lock().unwrap() = json(&["0"]);
            let clock = {
                let seconds = seconds.clone();
                let now = move || Timestamp::from_epoch_ms(seconds.load(Ordering::SeqCst) * 1000);
                Clock::new(move || now().unwrap())
            };
            let keys = Keys::from(secret.clone(), clock).await.unwrap();
            Self { secret, seconds, keys }
        }

        fn at(&self, second: i64) {
            self.seconds.store(second, Ordering::SeqCst);
        }

        fn rotate(&self, names: &[&str]) {
            *self.secret.keys.lock().unwrap() = json(names);
        }

        fn fetched(&self) -> usize {
            self.secret.fetched.load(Ordering::SeqCst)
        }
    }

    fn json(names: &[&str]) -> Option<String> {
        let keys = names.iter().map(|name| format!("\"{name}\": \"{}\"", name.repeat(64)));
        Some(format!("{{{}}}", keys.collect::<Vec<_>>().join(",")))
    }

    #[tokio::test]
    async fn a_running_function_learns_of_a_rotation_within_five_minutes() {
        let running = Running::start().await;
        running.rotate(&["0", "2200"]);
        running.at(1299);
        assert!(!running.keys.ring().await.knows(KeyId(2200)));
        assert_eq!(running.fetched(), 1);
        running.at(1300);
        assert!(running.keys.ring().await.knows(KeyId(2200)));
        running.at(1301);
        running.keys.ring().await;
        assert_eq!(running.fetched(), 2);
    }

    #[tokio::test]
    async fn an_unknown_name_is_looked_up_at_once_and_by_strangers_seldom() {
        let running = Running::start().await;
        running.rotate(&["0", "1005"]);
        running.at(1010);
        assert!(running.keys.ring_with(KeyId(1005)).await.knows(KeyId(1005)));
        for name in 0..100 {
            running.keys.ring_with(KeyId(5000 + name)).await;
        }
        assert_eq!(running.fetched(), 2);
    }

    #[tokio::test]
    async fn while_the_source_is_away_the_keys_that_are_held_go_on() {
        let running = Running::start().await;
        *running.secret.keys.lock().unwrap() = None;
        running.at(5000);
        assert!(running.keys.ring().await.knows(KeyId(0)));
        assert!(running.keys.ring().await.knows(KeyId(0)));
        assert_eq!(running.fetched(), 2, "not for every request");
    }
}
