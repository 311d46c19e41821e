//! AWS clients without what a function does not need: no shared configuration files, no default
//! TLS stack, no system certificates. Lambda gives region and credentials in the environment.

use std::{
    borrow::Cow,
    env, fs,
    path::Path,
    sync::{Arc, OnceLock},
    time::Duration,
};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_dynamodb::config::{BehaviorVersion, retry::RetryConfig, timeout::TimeoutConfig};
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::{SdkConfig, region::Region};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::{ConfigError, calls, variable};

/// The roots that AWS's endpoints chain to (<https://www.amazontrust.com/repository/>), as Mozilla publishes them.
/// Loading the system's hundreds instead takes nine tenths of the instructions of a start.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");

/// What every client is built from: `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
/// `AWS_SESSION_TOKEN`. Where AWS is not AWS itself, also `AWS_ENDPOINT_URL` and `AWS_CA_BUNDLE`.
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
        .timeout_config(timeouts(Duration::from_secs(1)))
        .retry_config(retries())
        .http_client(shared_http_client()?)
        .region(Region::new(variable("AWS_REGION")?))
        .credentials_provider(SharedCredentialsProvider::new(credentials));
    if let Ok(url) = env::var("AWS_ENDPOINT_URL") {
        config = config.endpoint_url(url);
    }
    Ok(config.build())
}

/// An attempt that hangs ends after this long. All attempts together end well before the function does, which can
/// then say so.
pub(crate) fn timeouts(attempt: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(attempt)
        .operation_timeout(attempt * 4)
        .build()
}

/// Three attempts, with waits of a fraction of a second between them.
fn retries() -> RetryConfig {
    RetryConfig::standard().with_initial_backoff(Duration::from_millis(100))
}

/// One for all clients of a function: the roots are parsed, and connections kept, once.
fn shared_http_client() -> Result<SharedHttpClient, ConfigError> {
    static SHARED: OnceLock<SharedHttpClient> = OnceLock::new();
    if let Some(client) = SHARED.get() {
        return Ok(client.clone());
    }
    let client = http_client(&trusted()?)?;
    Ok(SHARED.get_or_init(|| client).clone())
}

/// The roots that are trusted, as PEM.
fn trusted() -> Result<Cow<'static, [u8]>, ConfigError> {
    // As in AWS's own tools, the roots of this file are trusted in place of the others: whoever speaks to an
    // emulator means to speak to nobody else.
    match env::var_os("AWS_CA_BUNDLE") {
        Some(bundle) => Ok(read_roots(Path::new(&bundle))?.into()),
        None => Ok(AMAZON_ROOTS.into()),
    }
}

/// TLS to what AWS serves beside its API: the keys of a user pool.
pub fn tls() -> Result<ClientConfig, ConfigError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&trusted()?).flatten());
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().map_err(|_| NOT_A_BUNDLE)?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// The client that trusts these roots and no others.
fn http_client(roots: &[u8]) -> Result<SharedHttpClient, ConfigError> {
    let roots = TrustStore::empty().with_pem_certificate(roots);
    let context = TlsContext::builder().with_trust_store(roots).build();
    let context = context.map_err(|_| NOT_A_BUNDLE)?;
    let client = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(context)
        .build_https();
    Ok(calls::timed(client))
}

const NOT_A_BUNDLE: ConfigError =
    ConfigError::Invalid { name: "AWS_CA_BUNDLE", expected: "a file of certificates (PEM)" };

/// Reads a file of roots. The client would panic at one that is none.
fn read_roots(path: &Path) -> Result<Vec<u8>, ConfigError> {
    let pem = fs::read(path).map_err(|_| NOT_A_BUNDLE)?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|_| NOT_A_BUNDLE)?;
        roots.add(certificate).map_err(|_| NOT_A_BUNDLE)?;
    }
    if roots.is_empty() { Err(NOT_A_BUNDLE) } else { Ok(pem) }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpListener,
        sync::atomic::{AtomicUsize, Ordering},
        thread,
    };

    use aws_sdk_dynamodb::error::DisplayErrorContext;
    use aws_smithy_runtime_api::client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
        orchestrator::HttpRequest,
    };
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
    use rustls::{ServerConfig, ServerConnection, StreamOwned};
    use sha2::{Digest, Sha256};
    use tracing::instrument::WithSubscriber;

    use super::*;
    use crate::telemetry::{self, lines, tests::Written};

    /// As <https://www.amazontrust.com/repository/> publishes them: Amazon Root CA 1 to 4, and Starfield
    /// Services Root Certificate Authority - G2, to which older endpoints chain.
    const FINGERPRINTS: [&str; 5] = [
        "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
        "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
        "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
        "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
        "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5",
    ];

    #[test]
    fn roots_are_amazons() {
        let ours: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(AMAZON_ROOTS).collect();
        let ours = ours.unwrap();
        let hex = |root: &CertificateDer<'_>| {
            Sha256::digest(root).iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        assert_eq!(ours.iter().map(hex).collect::<Vec<_>>(), FINGERPRINTS);
        for root in &ours {
            assert!(webpki_root_certs::TLS_SERVER_ROOT_CERTS.contains(root), "not Mozilla's");
        }
    }

    type Root = CertifiedIssuer<'static, KeyPair>;

    fn root(name: &str) -> Root {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    /// A DynamoDB without tables, whose certificate for `localhost` is this root's.
    fn dynamodb_under(root: &Root) -> String {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".into()]).unwrap();
        let certificate = params.signed_by(&key, root).unwrap().der().clone();
        let key = key.serialize_der().try_into().unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("localhost:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for socket in listener.incoming() {
                let connection = ServerConnection::new(config.clone()).unwrap();
                // Who does not trust the certificate goes away in the middle of the handshake.
                answer(StreamOwned::new(connection, socket.unwrap())).ok();
            }
        });
        format!("https://localhost:{port}")
    }

    fn answer(mut stream: impl Read + Write) -> std::io::Result<()> {
        let mut request = Vec::new();
        while !request.ends_with(b"{}") {
            let mut bytes = [0; 1024];
            let read = stream.read(&mut bytes)?;
            request.extend(&bytes[..read]);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n{\"TableNames\":[]}")
    }

    fn config_with(client: SharedHttpClient) -> aws_types::sdk_config::Builder {
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(client)
            .region(Region::from_static("ap-northeast-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::for_tests()))
    }

    async fn ask(url: String, trusted: &[u8]) -> Result<(), String> {
        let config = config_with(http_client(trusted).unwrap())
            .retry_config(RetryConfig::disabled())
            .endpoint_url(url)
            .build();
        let asked = aws_sdk_dynamodb::Client::new(&config).list_tables().send().await;
        asked.map(|_| ()).map_err(|error| DisplayErrorContext(error).to_string())
    }

    #[tokio::test]
    async fn only_a_certificate_under_a_trusted_root_is_taken() {
        let (ours, others) = (root("ours"), root("another's"));
        let url = dynamodb_under(&ours);
        assert_eq!(ask(url.clone(), ours.pem().as_bytes()).await, Ok(()));
        for root in [others.pem().as_bytes(), AMAZON_ROOTS] {
            let refused = ask(url.clone(), root).await.unwrap_err();
            assert!(refused.contains("UnknownIssuer"), "{refused}");
        }
    }

    #[tokio::test]
    async fn calls_are_told_in_the_line_of_their_work() {
        let root = root("ours");
        let (url, trusted) = (dynamodb_under(&root), root.pem());
        let written = Written::default();
        let writer = written.clone();
        let work = telemetry::follow(None, async {
            ask(url.clone(), trusted.as_bytes()).await.unwrap();
            ask(url.clone(), AMAZON_ROOTS).await.unwrap_err();
            tracing::info!("nothing has ended yet");
            tracing::info!(duration_ms = 9, "request");
        });
        work.with_subscriber(lines(move || writer.clone(), "info", None)).await;
        let said = written.lines();
        assert_eq!(said[0].get("calls"), None);
        let calls = &said[1]["calls"]["ListTables"];
        assert_eq!(calls["times"], 2);
        assert!(calls["longest_ms"].as_u64() <= calls["ms"].as_u64(), "{calls}");
    }

    /// A service that takes every call and answers none; counts them.
    #[derive(Debug, Clone, Default)]
    struct Hanging(Arc<AtomicUsize>);

    impl HttpConnector for Hanging {
        fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
            self.0.fetch_add(1, Ordering::SeqCst);
            HttpConnectorFuture::new(std::future::pending())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn attempt_that_hangs_is_made_again_and_given_up_before_the_function_ends() {
        let hanging = Hanging::default();
        let client = {
            let hanging = hanging.clone();
            http_client_fn(move |_, _| SharedHttpConnector::new(hanging.clone()))
        };
        let config = config_with(client)
            .timeout_config(timeouts(Duration::from_secs(1)))
            .retry_config(retries())
            .build();
        let started = tokio::time::Instant::now();
        let asked = aws_sdk_dynamodb::Client::new(&config).list_tables().send().await;
        assert!(asked.is_err());
        assert_eq!(hanging.0.load(Ordering::SeqCst), 3);
        // The shortest limit of a function is five seconds, that of most ten. Time is tokio's, which stands still.
        assert!(started.elapsed() <= Duration::from_secs(4), "{:?}", started.elapsed());
    }

    #[test]
    fn bundle_that_is_none_is_an_error() {
        let file = |name: &str, text: &str| {
            let path = env::temp_dir().join(format!("{}-{name}", std::process::id()));
            fs::write(&path, text).unwrap();
            let read = read_roots(&path);
            fs::remove_file(path).unwrap();
            read
        };
        assert!(file("roots.pem", &root("ours").pem()).is_ok());
        let broken = "-----BEGIN CERTIFICATE-----\nMAo=\n-----END CERTIFICATE-----\n";
        for (name, text) in [("empty.pem", ""), ("words.pem", "words"), ("broken.pem", broken)] {
            let error = file(name, text).unwrap_err().to_string();
            assert!(error.contains("AWS_CA_BUNDLE"), "{error}");
        }
        assert!(read_roots(Path::new("/nowhere/roots.pem")).is_err());
    }
}
