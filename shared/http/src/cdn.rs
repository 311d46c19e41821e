//! With a CDN in front, requests come through it: whoever goes past it would go past its firewall.

use std::{env, net::IpAddr, sync::OnceLock};

use http::HeaderMap;

/// What the distribution shows and callers do not know, as `template.yaml` has it.
const HEADER: &str = "x-hub-cdn";
/// Where Amazon CloudFront writes the address and port that a request came from, over whatever a caller wrote there.
const VIEWER: &str = "cloudfront-viewer-address";

/// Whether a request came by the way that requests come by. Without `CDN_SECRET` there is no CDN, and every way is right.
pub(crate) fn is_way_in(headers: &HeaderMap) -> bool {
    shows(headers, secret())
}

/// The address that a request came from: as the gateway saw it, or as the distribution did, before which the gateway
/// sees nobody else. The distribution is believed only where it shows that it is the one.
pub(crate) fn source(headers: &HeaderMap, gateway: Option<&str>) -> Option<IpAddr> {
    source_behind(secret(), headers, gateway)
}

fn source_behind(
    secret: Option<&str>,
    headers: &HeaderMap,
    gateway: Option<&str>,
) -> Option<IpAddr> {
    if secret.is_none() || !shows(headers, secret) {
        return gateway?.parse().ok();
    }
    let viewer = headers.get(VIEWER)?.to_str().ok()?;
    let (address, _port) = viewer.rsplit_once(':')?;
    address.trim_matches(['[', ']']).parse().ok()
}

fn secret() -> Option<&'static str> {
    static SECRET: OnceLock<Option<String>> = OnceLock::new();
    SECRET.get_or_init(|| env::var("CDN_SECRET").ok()).as_deref()
}

fn shows(headers: &HeaderMap, secret: Option<&str>) -> bool {
    let Some(secret) = secret else { return true };
    let mut shown = headers.get_all(HEADER).iter();
    // The distribution puts its own in the place of what a caller sends.
    match (shown.next(), shown.next()) {
        (Some(shown), None) => same(shown.as_bytes(), secret.as_bytes()),
        _ => false,
    }
}

/// Takes as long for a wrong secret that begins well as for any other.
fn same(shown: &[u8], secret: &[u8]) -> bool {
    let differences = shown.iter().zip(secret).fold(0, |all, (a, b)| all | (a ^ b));
    shown.len() == secret.len() && differences == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(shown: &[&str]) -> HeaderMap {
        shown.iter().map(|value| (HEADER.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn past_the_cdn_is_no_way_in() {
        assert!(shows(&headers(&["secret"]), Some("secret")));
        for wrong in [&[][..], &[""], &["secre"], &["secrets"], &["Secret"], &["secret", "secret"]]
        {
            assert!(!shows(&headers(wrong), Some("secret")), "{wrong:?}");
        }
    }

    #[test]
    fn a_callers_word_for_its_address_is_never_taken() {
        let gateway = Some("198.51.100.1");
        let source = |secret: Option<&str>, shown: &[&str], viewer: &str| {
            let mut headers = headers(shown);
            headers.insert(VIEWER, viewer.parse().unwrap());
            source_behind(secret, &headers, gateway).map(|ip| ip.to_string())
        };
        let seen = |ip: &str| Some(ip.to_owned());
        assert_eq!(source(Some("s"), &["s"], "203.0.113.10:46532"), seen("203.0.113.10"));
        assert_eq!(source(Some("s"), &["s"], "2001:db8::1:46532"), seen("2001:db8::1"));
        assert_eq!(source(Some("s"), &["s"], "[2001:db8::1]:46532"), seen("2001:db8::1"));
        assert_eq!(source(Some("s"), &["s"], "nobody"), None);
        for shown in [&[][..], &["t"], &["s", "s"]] {
            assert_eq!(source(Some("s"), shown, "203.0.113.10:1"), seen("198.51.100.1"));
        }
        assert_eq!(source(None, &["s"], "203.0.113.10:1"), seen("198.51.100.1"));
    }

    #[test]
    fn without_a_cdn_every_way_is_right() {
        assert!(shows(&headers(&[]), None));
    }
}
