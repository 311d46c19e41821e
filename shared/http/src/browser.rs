//! Pages of the hub, and what their scripts may do with a cookie.

use axum::response::{Html, IntoResponse, Response};
use data_encoding::BASE64;
use http::{HeaderMap, Method, header, request::Parts};
use sha2::{Digest, Sha256};

use crate::Problem;

/// A page with a style and a script of its own. A browser runs these, which the policy names by their hashes, and
/// nothing that somebody else brings into it.
#[derive(Debug)]
pub struct Page {
    html: &'static str,
    policy: String,
}

impl Page {
    /// Of this text.
    pub fn new(html: &'static str) -> Self {
        let hashes = |element: &str| -> String {
            let (open, close) = (format!("<{element}>"), format!("</{element}>"));
            let inside = html.split(&open).skip(1).filter_map(|rest| rest.split(&close).next());
            let hash = |text: &str| format!(" 'sha256-{}'", BASE64.encode(&Sha256::digest(text)));
            inside.map(hash).collect()
        };
        let policy = format!(
            "default-src 'none'; connect-src 'self'; script-src{}; style-src{}; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'",
            hashes("script"),
            hashes("style"),
        );
        Self { html, policy }
    }
}

impl IntoResponse for &Page {
    fn into_response(self) -> Response {
        let headers = [
            (header::CACHE_CONTROL, "no-store"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::X_FRAME_OPTIONS, "DENY"),
            (header::CONTENT_SECURITY_POLICY, &self.policy),
        ];
        (headers, Html(self.html)).into_response()
    }
}

/// Goes on with what a cookie lets do only for our own page: browsers send cookies whoever asks, but say who asks,
/// and let nobody else's page send JSON.
pub fn acts_on_our_page(parts: &Parts, base_url: &str) -> Result<(), Problem> {
    if parts.method == Method::GET {
        return Ok(());
    }
    let origin = parts.headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    if origin != Some(base_url) {
        return Err(Problem::Forbidden);
    }
    if is_json(&parts.headers) { Ok(()) } else { Err(Problem::UnsupportedMediaType) }
}

/// Whether the body is said to be JSON.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let said = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    said.is_some_and(|value| {
        let essence = value.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/json")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policy_names_style_and_script_by_their_hashes() {
        let page = Page::new("<style>a</style><script>b</script>");
        // As `printf b | openssl dgst -sha256 -binary | base64` tells it.
        let script = "script-src 'sha256-PiPoFgA5WUoziU9lZOGxNIu9egCI1CxKy3PurtWcAJ0='";
        assert!(page.policy.contains(script), "{}", page.policy);
        assert!(!page.policy.contains("unsafe"));
    }
}
