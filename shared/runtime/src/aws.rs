//! AWS clients without what a function does not need: no shared configuration files, no default
//! TLS stack, no system certificates. Lambda gives region and credentials in the environment.

use std::{env, sync::OnceLock};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_dynamodb::config::BehaviorVersion;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::{SdkConfig, region::Region};

use crate::{ConfigError, variable};

/// The roots that AWS's endpoints chain to. Loading the system's hundreds instead takes nine
/// tenths of the instructions of a start.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");

/// What every client is built from: `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
/// `AWS_SESSION_TOKEN`, and `AWS_ENDPOINT_URL` where AWS is not AWS itself.
pub fn config() -> Result<SdkConfig, ConfigError> {
    let credentials = Credentials::new(
        variable("AWS_ACCESS_KEY_ID")?,
        variable("AWS_SECRET_ACCESS_KEY")?,
        env::var("AWS_SESSION_TOKEN").ok(),
        None,
        "environment",
    );
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http_client()?)
        .region(Region::new(variable("AWS_REGION")?))
        .credentials_provider(SharedCredentialsProvider::new(credentials));
    if let Ok(url) = env::var("AWS_ENDPOINT_URL") {
        config = config.endpoint_url(url);
    }
    Ok(config.build())
}

/// One for all clients of a function: the roots are parsed, and connections kept, once.
fn http_client() -> Result<SharedHttpClient, ConfigError> {
    static SHARED: OnceLock<SharedHttpClient> = OnceLock::new();
    if let Some(client) = SHARED.get() {
        return Ok(client.clone());
    }
    let roots = TrustStore::empty().with_native_roots(false).with_pem_certificate(AMAZON_ROOTS);
    let context = TlsContext::builder().with_trust_store(roots).build().map_err(|_| {
        ConfigError::Invalid { name: "amazon-roots.pem", expected: "a list of certificates" }
    })?;
    let client = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(context)
        .build_https();
    Ok(SHARED.get_or_init(|| client).clone())
}
