use std::{env, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::Timestamp;
use futures::lock::Mutex;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use runtime::{ConfigError, aws, machine_time, telemetry::ErrorChain, variable};
use serde::Deserialize;

/// What the hub reads of an access token.
#[derive(Debug, Clone, Deserialize)]
pub struct Claims {
    /// The person, or the client itself.
    pub sub: String,
    /// The client that the token was given to.
    pub client_id: String,
    /// `access`: a token about who somebody is (`id`) is none to call with.
    pub token_use: String,
    /// What a client may do, with spaces between.
    pub scope: Option<String>,
    /// What a person is (`staff_claims`).
    pub role: Option<String>,
    /// The facilities of a person, with spaces between.
    pub facility_id: Option<String>,
    /// The municipality of a person.
    pub municipality: Option<String>,
}

/// Why the keys are not there.
#[derive(Debug, thiserror::Error)]
#[error("the keys of the user pool cannot be read")]
pub struct KeyError(#[source] reqwest::Error);

/// Where the keys are published that tokens are signed with.
#[async_trait]
pub trait TokenKeys: fmt::Debug + Send + Sync {
    /// All that are in use.
    async fn fetch(&self) -> Result<JwkSet, KeyError>;
}

/// Those of the Cognito user pool.
#[derive(Debug)]
pub struct PoolKeys {
    http: reqwest::Client,
    url: String,
}

impl PoolKeys {
    /// From the environment: `ISSUER`, the address of the user pool. Where AWS is not AWS itself, its keys are below
    /// `AWS_ENDPOINT_URL`.
    pub fn start() -> Result<Self, ConfigError> {
        let issuer = variable("ISSUER")?;
        let pool = issuer.rsplit('/').next().unwrap_or_default();
        let url = match env::var("AWS_ENDPOINT_URL") {
            Ok(endpoint) => format!("{endpoint}/{pool}/.well-known/jwks.json"),
            Err(_) => format!("{issuer}/.well-known/jwks.json"),
        };
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(aws::tls()?)
            .timeout(Duration::from_secs(2))
            .no_proxy()
            .build()
            .map_err(|_| ConfigError::Invalid { name: "ISSUER", expected: "an address" })?;
        Ok(Self { http, url })
    }
}

#[async_trait]
impl TokenKeys for PoolKeys {
    async fn fetch(&self) -> Result<JwkSet, KeyError> {
        let response = self.http.get(&self.url).send().await.map_err(KeyError)?;
        response.error_for_status().map_err(KeyError)?.json().await.map_err(KeyError)
    }
}

/// How soon the keys are fetched again for a token whose key is none of them: anybody can name one.
const UNKNOWN_AFTER: Duration = Duration::from_secs(60);

/// Verifies access tokens.
#[derive(Debug)]
pub struct Tokens {
    validation: Validation,
    source: Arc<dyn TokenKeys>,
    held: Mutex<Option<Held>>,
}

#[derive(Debug)]
struct Held {
    keys: JwkSet,
    fetched_at: Timestamp,
}

impl Tokens {
    /// Tokens of this issuer, signed with one of these keys.
    pub fn new(issuer: String, source: Arc<dyn TokenKeys>) -> Self {
        // The one algorithm that Cognito signs with: a token does not choose how it is verified.
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_issuer(&[issuer]);
        validation.set_required_spec_claims(&["exp", "iss"]);
        // Access tokens have no audience; their client is judged by the registry.
        validation.validate_aud = false;
        Self { validation, source, held: Mutex::default() }
    }

    /// What a token says, if it is ours and good now.
    pub async fn verify(&self, token: &str) -> Result<Option<Claims>, KeyError> {
        let Some(id) = decode_header(token).ok().and_then(|header| header.kid) else {
            return Ok(None);
        };
        let Some(key) = self.key(&id).await? else { return Ok(None) };
        let claims = decode::<Claims>(token, &key, &self.validation);
        Ok(claims.ok().map(|token| token.claims).filter(|claims| claims.token_use == "access"))
    }

    async fn key(&self, id: &str) -> Result<Option<DecodingKey>, KeyError> {
        let mut held = self.held.lock().await;
        let now = machine_time();
        let will_do = held.as_ref().is_some_and(|held| {
            held.keys.find(id).is_some()
                || now.since(held.fetched_at).unsigned_abs() < UNKNOWN_AFTER
        });
        if !will_do {
            match (self.source.fetch().await, &mut *held) {
                (Ok(keys), held) => *held = Some(Held { keys, fetched_at: now }),
                (Err(error), None) => return Err(error),
                // The keys that are held are good, and the source is not asked in vain by every request.
                (Err(error), Some(held)) => {
                    tracing::warn!(error = %ErrorChain(&error), "keys were not refreshed");
                    held.fetched_at = now;
                }
            }
        }
        let key = held.as_ref().and_then(|held| held.keys.find(id));
        Ok(key.and_then(|key| DecodingKey::from_jwk(key).ok()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    };

    use jsonwebtoken::{EncodingKey, Header, encode, jwk::Jwk};
    use rsa::{RsaPrivateKey, pkcs1::EncodeRsaPrivateKey, rand_core::OsRng};
    use serde_json::{Value, json};

    use super::*;

    const ISSUER: &str = "https://cognito-idp.ap-northeast-1.amazonaws.com/ap-northeast-1_Example";

    fn rsa_key() -> EncodingKey {
        let key = RsaPrivateKey::new(&mut OsRng, 2048).unwrap();
        EncodingKey::from_rsa_der(key.to_pkcs1_der().unwrap().as_bytes())
    }

    static OURS: LazyLock<EncodingKey> = LazyLock::new(rsa_key);

    /// A user pool with one key, which counts who asks for it.
    #[derive(Debug, Default)]
    struct Pool(AtomicUsize);

    #[async_trait]
    impl TokenKeys for Pool {
        async fn fetch(&self) -> Result<JwkSet, KeyError> {
            self.0.fetch_add(1, Ordering::SeqCst);
            let mut key = Jwk::from_encoding_key(&OURS, Algorithm::RS256).unwrap();
            key.common.key_id = Some("first".into());
            Ok(JwkSet { keys: vec![key] })
        }
    }

    fn claims() -> Value {
        let expires = machine_time().epoch_ms() / 1000 + 3600;
        json!({"iss": ISSUER, "exp": expires, "sub": "site", "client_id": "site",
            "token_use": "access", "scope": "hub/reservations:read"})
    }

    fn token(algorithm: Algorithm, name: &str, key: &EncodingKey, claims: &Value) -> String {
        let header = Header { kid: Some(name.into()), ..Header::new(algorithm) };
        encode(&header, claims, key).unwrap()
    }

    fn with(name: &str, value: Value) -> Value {
        let mut claims = claims();
        claims[name] = value;
        claims
    }

    #[tokio::test]
    async fn only_an_access_token_that_the_pool_signed_is_taken() {
        let tokens = Tokens::new(ISSUER.into(), Arc::<Pool>::default());
        let rs256 = |claims| token(Algorithm::RS256, "first", &OURS, &claims);
        let verified = tokens.verify(&rs256(claims())).await.unwrap().unwrap();
        assert_eq!((verified.client_id.as_str(), verified.role), ("site", None));
        let by_text = EncodingKey::from_secret(b"the public key is no secret");
        for refused in [
            rs256(with("iss", format!("{ISSUER}2").into())),
            rs256(with("exp", 1_700_000_000.into())),
            rs256(with("token_use", "id".into())),
            token(Algorithm::RS256, "first", &rsa_key(), &claims()),
            token(Algorithm::RS512, "first", &OURS, &claims()),
            token(Algorithm::HS256, "first", &by_text, &claims()),
            token(Algorithm::RS256, "second", &OURS, &claims()),
            rs256(claims()).replace('.', ""),
            "token".into(),
        ] {
            assert!(tokens.verify(&refused).await.unwrap().is_none(), "{refused}");
        }
    }

    #[tokio::test]
    async fn strangers_who_name_keys_make_nobody_fetch_them() {
        let pool = Arc::<Pool>::default();
        let tokens = Tokens::new(ISSUER.into(), pool.clone());
        for count in 0..100 {
            let stranger = token(Algorithm::RS256, &format!("key-{count}"), &OURS, &claims());
            assert!(tokens.verify(&stranger).await.unwrap().is_none());
        }
        assert_eq!(pool.0.load(Ordering::SeqCst), 1);
    }
}
