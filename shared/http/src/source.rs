//! Where a request without a token comes from.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::{Problem, caller::gateway_context, cdn};

/// Who is taken to be one stranger: an IPv4 address, or an IPv6 network of 64 bits, which is what one connection is
/// given. As the gateway saw it, or the CDN before it: a caller's header may say anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source(String);

impl Source {
    fn of(ip: Option<IpAddr>) -> Self {
        Self(match ip {
            Some(IpAddr::V4(ip)) => ip.to_string(),
            Some(IpAddr::V6(ip)) => match ip.to_ipv4_mapped() {
                Some(ip) => ip.to_string(),
                None => {
                    let [a, b, c, d, ..] = ip.segments();
                    format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
                }
            },
            // All whom the gateway does not name share the limits of one.
            None => "unknown".into(),
        })
    }

    /// What it is hashed by.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Source {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let seen = gateway_context(&parts.extensions).and_then(|it| it.http.source_ip.as_deref());
        Ok(Self::of(cdn::source(&parts.headers, seen)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_an_address_or_a_network_of_64_bits() {
        let source = |ip: &str| Source::of(ip.parse().ok()).0;
        assert_eq!(source("203.0.113.10"), "203.0.113.10");
        assert_eq!(source("::ffff:203.0.113.10"), "203.0.113.10");
        assert_eq!(source("2001:db8:1:2:3:4:5:6"), source("2001:db8:1:2::1"));
        assert_ne!(source("2001:db8:1:2::1"), source("2001:db8:1:3::1"));
        assert_eq!(source(""), "unknown");
    }
}
