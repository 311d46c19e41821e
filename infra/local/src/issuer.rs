use std::sync::Arc;

use authorize::{Claims, after_scheme};
use axum::{
    Form, Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use data_encoding::BASE64;
use http::{HeaderMap, StatusCode, header};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation,
    jwk::{Jwk, JwkSet},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::credentials::{Client, Credentials, User};

/// Issues and verifies access tokens, as the Cognito user pool and the authorizer do.
/// Tokens follow the machine's own time.
#[derive(Clone)]
pub(crate) struct Issuer {
    signing: Arc<EncodingKey>,
    verifying: Arc<DecodingKey>,
    jwks: Arc<JwkSet>,
    credentials: Credentials,
}

/// The client of the staff's own pages.
pub(crate) const STAFF_CLIENT: &str = "staff";

/// How long a client's token is good, in seconds.
const CLIENT_TOKEN_SECONDS: i64 = 3600;
/// How long a person's token is good, in seconds: a day of trying things out.
const USER_TOKEN_SECONDS: i64 = 24 * 3600;

impl Issuer {
    /// With an Ed25519 key of this seed.
    pub(crate) fn new(
        seed: &[u8; 32],
        credentials: Credentials,
    ) -> Result<Self, jsonwebtoken::errors::Error> {
        // PKCS #8 of an Ed25519 key is a fixed prefix and the seed (RFC 8410).
        let prefix = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
        let signing = EncodingKey::from_ed_der(&[prefix.as_slice(), seed].concat());
        let mut jwk = Jwk::from_encoding_key(&signing, Algorithm::EdDSA)?;
        jwk.common.key_id = Some("local".into());
        let verifying = DecodingKey::from_jwk(&jwk)?;
        Ok(Self {
            signing: Arc::new(signing),
            verifying: Arc::new(verifying),
            jwks: Arc::new(JwkSet { keys: vec![jwk] }),
            credentials,
        })
    }

    pub(crate) fn routes(self) -> Router {
        Router::new()
            .route("/oauth2/token", post(token))
            .route("/.well-known/jwks.json", get(jwks))
            .with_state(self)
    }

    /// The claims of a token, if it is ours and good now.
    pub(crate) fn verify(&self, token: &str) -> Option<Claims> {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.validate_aud = false;
        let data = jsonwebtoken::decode(token, &self.verifying, &validation).ok()?;
        Some(data.claims)
    }

    fn issue(&self, claims: Value, seconds: i64) -> Result<String, jsonwebtoken::errors::Error> {
        let now = runtime::machine_time().epoch_ms() / 1000;
        let mut claims = claims;
        claims["iss"] = "local".into();
        claims["iat"] = now.into();
        claims["exp"] = (now + seconds).into();
        let header = Header { kid: Some("local".into()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, &claims, &self.signing)
    }

    pub(crate) fn user_token(&self, user: &User) -> Result<String, jsonwebtoken::errors::Error> {
        let mut claims =
            json!({"sub": user.subject, "client_id": STAFF_CLIENT, "token_use": "access"});
        // Whoever has no role gets a token all the same, as from Cognito: the hub refuses it.
        for (name, value) in staff_claims::claims(&user.attributes()).unwrap_or_default() {
            claims[name] = value.into();
        }
        self.issue(claims, USER_TOKEN_SECONDS)
    }
}

#[derive(Deserialize)]
struct TokenRequest {
    grant_type: String,
    client_id: Option<String>,
    client_secret: Option<String>,
    scope: Option<String>,
}

/// `POST /oauth2/token`: client credentials, by Basic or in the body (RFC 6749).
async fn token(
    State(issuer): State<Issuer>,
    headers: HeaderMap,
    Form(request): Form<TokenRequest>,
) -> Response {
    let refused = |status: StatusCode, error: &str| {
        let headers = [(header::CACHE_CONTROL, "no-store"), (header::WWW_AUTHENTICATE, "Basic")];
        (status, headers, Json(json!({"error": error}))).into_response()
    };
    if request.grant_type != "client_credentials" {
        return refused(StatusCode::BAD_REQUEST, "unsupported_grant_type");
    }
    let basic = headers.get(header::AUTHORIZATION).and_then(|value| basic(value.to_str().ok()?));
    let given = basic.or_else(|| request.client_id.zip(request.client_secret));
    let client = match given {
        Some((id, secret)) => match issuer.credentials.client(&id) {
            Ok(client) => client.filter(|client| client.client_secret == secret),
            Err(_) => return refused(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable"),
        },
        None => None,
    };
    let Some(client) = client else {
        return refused(StatusCode::UNAUTHORIZED, "invalid_client");
    };
    let Some(scopes) = granted(&client, request.scope.as_deref()) else {
        return refused(StatusCode::BAD_REQUEST, "invalid_scope");
    };
    let scope: Vec<String> = scopes.iter().map(|scope| format!("hub/{scope}")).collect();
    let claims = json!({
        "sub": client.client_id, "client_id": client.client_id, "scope": scope.join(" "),
        "token_use": "access",
    });
    match issuer.issue(claims, CLIENT_TOKEN_SECONDS) {
        Ok(token) => (
            [(header::CACHE_CONTROL, "no-store")],
            Json(json!({
                "access_token": token, "token_type": "Bearer",
                "expires_in": CLIENT_TOKEN_SECONDS, "scope": scope.join(" "),
            })),
        )
            .into_response(),
        Err(_) => refused(StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
    }
}

fn basic(header: &str) -> Option<(String, String)> {
    let decoded = BASE64.decode(after_scheme(header, "basic")?.as_bytes()).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// All of the client's scopes, or those it asks for of them.
fn granted<'a>(client: &'a Client, asked: Option<&'a str>) -> Option<Vec<&'a str>> {
    let Some(asked) = asked.filter(|asked| !asked.trim().is_empty()) else {
        return Some(client.scopes.iter().map(String::as_str).collect());
    };
    let asked: Vec<&str> =
        asked.split_whitespace().map(|scope| scope.trim_start_matches("hub/")).collect();
    asked.iter().all(|scope| client.scopes.iter().any(|own| own == scope)).then_some(asked)
}

async fn jwks(State(issuer): State<Issuer>) -> Json<JwkSet> {
    Json((*issuer.jwks).clone())
}
