//! What the API says of itself: its document is small on the wire and kept by whoever stands between, and each
//! problem has a page that a person can read.

use std::io::Read;

use api_documents::SignIn;
use axum::body::Body;
use data_encoding::BASE64;
use flate2::read::GzDecoder;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use hub_http::KINDS;
use runtime::{Start, StartError};
use sha2::{Digest, Sha256};
use tower::ServiceExt;

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }
}

/// Where staff sign in is all that the function needs.
struct Page;

impl Start<Page> for SignIn {
    async fn start(_: &Page) -> Result<Self, StartError> {
        Ok(Self(Some(SIGN_IN.into())))
    }
}

async fn get(path: &str, headers: &[(&str, &str)]) -> Answer {
    let router = hub_http::finish(api_documents::FUNCTION.router(&Page).await.unwrap());
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

const DOCUMENT: &str = "/openapi.json";
const SIGN_IN: &str = "https://sign-in.example.jp/login?a=b&c=d";

#[tokio::test]
async fn the_document_is_sent_packed_to_who_takes_it_so() {
    let whole = get(DOCUMENT, &[]).await;
    assert_eq!(whole.header("content-encoding"), "");
    let document: serde_json::Value = serde_json::from_slice(&whole.body).unwrap();
    let checked_in = include_str!("../../../docs/openapi.json");
    assert_eq!(document, serde_json::from_str::<serde_json::Value>(checked_in).unwrap());
    assert!(whole.body.len() * 3 < checked_in.len() * 2, "{}", whole.body.len());

    for accepted in ["gzip", "br, GZIP;q=0.5", "deflate;q=0, *", "*;q=0, gzip"] {
        let packed = get(DOCUMENT, &[("accept-encoding", accepted)]).await;
        assert_eq!(packed.header("content-encoding"), "gzip", "{accepted}");
        assert!(packed.body.len() * 12 < checked_in.len(), "{}", packed.body.len());
        let mut unpacked = Vec::new();
        GzDecoder::new(packed.body.as_slice()).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, whole.body);
    }
    for accepted in ["", "br", "gzip;q=0", "gzip;q=0, *", "*;q=0"] {
        let plain = get(DOCUMENT, &[("accept-encoding", accepted)]).await;
        assert_eq!((plain.header("content-encoding"), plain.body.len()), ("", whole.body.len()));
    }
}

#[tokio::test]
async fn documents_may_be_kept_and_are_asked_for_by_their_tag() {
    let page = "/problems/slot-full";
    let ways = [
        (DOCUMENT, ("accept-encoding", "identity")),
        (DOCUMENT, ("accept-encoding", "gzip")),
        (page, ("accept-language", "ja")),
        (page, ("accept-language", "en")),
    ];
    let mut tags = Vec::new();
    for (path, way) in ways {
        let read = get(path, &[way]).await;
        assert_eq!(read.header("cache-control"), "public, max-age=3600", "{path}");
        assert_eq!(read.header("vary"), way.0, "{path}");
        let tag = read.header("etag").to_owned();
        let again = get(path, &[way, ("if-none-match", &tag)]).await;
        assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0), "{path}");
        assert_eq!((again.header("etag"), again.header("vary")), (tag.as_str(), way.0));
        assert_eq!(again.header("cache-control"), "public, max-age=3600");
        assert_eq!(again.header("content-encoding"), "");
        tags.push(tag);
    }
    tags.sort_unstable();
    tags.dedup();
    assert_eq!(tags.len(), 4, "each representation has a tag of its own: {tags:?}");
}

#[tokio::test]
async fn invitation_leads_to_where_staff_sign_in() {
    let page = get("/staff", &[]).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(
        (page.header("cache-control"), page.header("referrer-policy")),
        ("no-store", "no-referrer")
    );
    let href = format!("<a href=\"{}\">", SIGN_IN.replace('&', "&#38;"));
    assert!(page.text().contains(&href), "{}", page.text());
    let template = include_str!("../../../template.yaml");
    assert!(template.contains("<a href=\"${BaseUrl}/staff\">"), "the invitation names the page");
}

#[tokio::test]
async fn every_problem_has_a_page_that_says_what_to_do() {
    for kind in KINDS {
        let path = format!("/problems/{}", kind.name);
        for (language, what, advice) in
            [("ja", kind.ja, kind.advice_ja), ("en", kind.en, kind.advice_en)]
        {
            let page = get(&path, &[("accept-language", language)]).await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
            assert_eq!(page.header("content-language"), language);
            let text = page.text();
            assert!(text.contains(&format!("<html lang=\"{language}\">")), "{text}");
            assert!(text.contains("<meta name=\"viewport\""), "{text}");
            // Quotes are escaped in the page.
            for part in [what, advice].into_iter().flat_map(|part| part.split(['"', '\''])) {
                assert!(text.contains(part), "{path} in {language} says {part:?}: {text}");
            }
            assert!(advice.chars().count() >= 10, "{path} in {language}");
        }
    }
    assert_eq!(get("/problems/no-such", &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_page_allows_its_own_style_alone() {
    let page = get("/problems/slot-full", &[]).await;
    let style = page.text().split(['<', '>']).skip_while(|part| *part != "style").nth(1).unwrap();
    let hash = BASE64.encode(&Sha256::digest(style));
    let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    assert!(policy.contains(&format!("style-src 'sha256-{hash}'")), "{policy}");
}
