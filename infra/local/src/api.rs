//! A caller of the hub's API, for the tour and the tests.

use std::{net::IpAddr, time::Duration};

use http::{Method, StatusCode};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

/// Calls a hub over HTTP.
#[derive(Debug, Clone)]
pub struct Api {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
    watch: Option<Watch>,
}

/// Looks at every answer, by the method and the path of its request.
pub type Watch = fn(&Method, &str, &Answer);

/// What the hub answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; `null` without one.
    pub body: Value,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The hub was not reached.
    #[error("no answer from the hub: {0}")]
    Http(#[from] reqwest::Error),
    /// The issuer of tokens refuses.
    #[error("no token is issued: {0}")]
    NoToken(StatusCode),
    /// The hub knows no such client or person.
    #[error("the hub has no {0} to try it with")]
    NoCredentials(&'static str),
}

impl Api {
    /// Calls the hub at this address on this machine, as nobody.
    pub fn new(base: impl Into<String>) -> Result<Self, ApiError> {
        Self::with(client().no_proxy(), base)
    }

    /// The same, from this address of this machine.
    pub fn from_source(base: impl Into<String>, source: IpAddr) -> Result<Self, ApiError> {
        Self::with(client().no_proxy().local_address(source), base)
    }

    /// Calls the hub at this address anywhere, as nobody: by the proxy and the certificates that this machine trusts.
    pub fn anywhere(base: impl Into<String>) -> Result<Self, ApiError> {
        let base = base.into();
        let patient = client().timeout(Duration::from_secs(30));
        if base.starts_with("http://127.0.0.1") {
            Self::new(base)
        } else {
            Self::with(patient, base)
        }
    }

    fn with(client: reqwest::ClientBuilder, base: impl Into<String>) -> Result<Self, ApiError> {
        Ok(Self { http: client.build()?, base: base.into(), token: None, watch: None })
    }

    /// The same as somebody with this token.
    pub fn with_token(&self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..self.clone() }
    }

    /// The same, while somebody looks at what it is answered.
    pub fn watched(self, watch: Watch) -> Self {
        Self { watch: Some(watch), ..self }
    }

    /// Sends a request; `key` is its `Idempotency-Key`.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Result<Answer, ApiError> {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        self.answered(path, request).await
    }

    /// Posts a list in CSV, which creates something.
    pub async fn send_list(&self, path: &str, key: &str, list: String) -> Result<Answer, ApiError> {
        let request = self.http.post(format!("{}{path}", self.base)).body(list);
        let request = request.header("content-type", "text/csv").header("idempotency-key", key);
        self.answered(path, request).await
    }

    async fn answered(
        &self,
        path: &str,
        request: reqwest::RequestBuilder,
    ) -> Result<Answer, ApiError> {
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let request = request.build()?;
        let method = request.method().clone();
        let response = self.http.execute(request).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await?;
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        let answer = Answer { status, headers, body };
        if let Some(watch) = self.watch {
            watch(&method, path, &answer);
        }
        Ok(answer)
    }

    /// Reads.
    pub async fn get(&self, path: &str) -> Result<Answer, ApiError> {
        self.send(Method::GET, path, None, &[]).await
    }

    /// Reads a file.
    pub async fn file(&self, path: &str) -> Result<String, ApiError> {
        let request = self.http.get(format!("{}{path}", self.base));
        let request = request.bearer_auth(self.token.as_deref().unwrap_or_default());
        Ok(request.send().await?.error_for_status()?.text().await?)
    }

    /// Posts.
    pub async fn post(&self, path: &str, body: Value) -> Result<Answer, ApiError> {
        self.send(Method::POST, path, Some(&body), &[]).await
    }

    /// Posts what creates something.
    pub async fn create(&self, path: &str, key: &str, body: Value) -> Result<Answer, ApiError> {
        self.send(Method::POST, path, Some(&body), &[("idempotency-key", key)]).await
    }

    /// The same as the `nth` client of a kind, `search_site` or `ict`, by its credentials.
    pub async fn as_client(&self, kind: &str, nth: usize) -> Result<Self, ApiError> {
        let credentials = self.get("/_local/credentials").await?.body;
        let clients = credentials["clients"].as_array().into_iter().flatten();
        let client = clients
            .filter(|client| client["kind"] == kind)
            .nth(nth)
            .ok_or(ApiError::NoCredentials("client"))?;
        let text = |name: &str| client[name].as_str().unwrap_or_default();
        let issuer = format!("{}/oauth2/token", self.base);
        self.with_credentials(&issuer, text("client_id"), text("client_secret")).await
    }

    /// The same as the client with these credentials.
    pub async fn with_credentials(
        &self,
        token_url: &str,
        client_id: &str,
        client_secret: &str,
    ) -> Result<Self, ApiError> {
        let asked = self
            .http
            .post(token_url)
            .basic_auth(client_id, Some(client_secret))
            .header("content-type", "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials");
        let issued = asked.send().await?;
        let status = issued.status();
        let issued: Value = issued.json().await.unwrap_or_default();
        let token = issued["access_token"].as_str().ok_or(ApiError::NoToken(status))?;
        Ok(self.with_token(token))
    }

    /// The same as the `nth` person of a role, and the facility they have, if any.
    pub async fn as_user(&self, role: &str, nth: usize) -> Result<(Self, String), ApiError> {
        let credentials = self.get("/_local/credentials").await?.body;
        let users = credentials["users"].as_array().into_iter().flatten();
        let user = users
            .filter(|user| user["role"] == role)
            .nth(nth)
            .ok_or(ApiError::NoCredentials("person"))?;
        let facility = user["facility_ids"][0].as_str().unwrap_or_default().to_owned();
        Ok((self.with_token(user["access_token"].as_str().unwrap_or_default()), facility))
    }

    /// The first slot of a facility that takes requests.
    pub async fn open_slot(&self, facility: &str) -> Result<Value, ApiError> {
        let slots = self.get(&format!("/v1/facilities/{facility}/slots?limit=100")).await?.body;
        let slots = slots["items"].as_array().into_iter().flatten();
        let open = slots.filter(|slot| slot["status"] == "open");
        Ok(open.max_by_key(|slot| slot["starts_at"].to_string()).cloned().unwrap_or_default())
    }

    /// Moves the clock and waits for everything that follows from it.
    pub async fn move_clock(&self, body: Value) -> Result<Answer, ApiError> {
        self.post("/_local/clock", body).await
    }

    /// The mails since the start, oldest first.
    pub async fn mails(&self) -> Result<Vec<Value>, ApiError> {
        self.post("/_local/drain", json!({})).await?;
        let mails = self.get("/_local/mail").await?.body;
        let mut mails = mails["items"].as_array().cloned().unwrap_or_default();
        mails.reverse();
        Ok(mails)
    }
}

fn client() -> reqwest::ClientBuilder {
    // The client wants to know how to speak TLS, also where it never does.
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        rustls::crypto::ring::default_provider().install_default().ok();
    }
    reqwest::Client::builder()
}

/// The body of a request for a visit, by a family that does not exist.
pub fn visit_request(facility: &str, slot: &str) -> Value {
    json!({
        "facility_id": facility,
        "slot_id": slot,
        "applicant": {"name": "保活 花子", "phone": "090-0000-0000", "email": "hanako@example.jp"},
        "party_size": 2,
        "message_to_facility": "アレルギーについて相談したいです。",
        "consent": {"version": "2026-10", "agreed_at": "2026-11-01T09:00:00+09:00"},
    })
}

/// A family of its own for each key.
pub fn family(key: &str) -> Value {
    let digits = key.bytes().fold(7_u64, |sum, byte| sum * 131 % 99_999_989 + u64::from(byte));
    json!({"name": "保活 花子", "phone": format!("090-{:04}-{:04}", digits / 10_000, digits % 10_000),
        "email": format!("hanako-{digits}@example.jp")})
}
