//! Which addresses the hub delivers to. A vendor names the address, so it must not lead into our network.

use std::{
    env,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use runtime::{Environment, Start, StartError};
use url::{Host, Url};

/// Where receivers of webhooks may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EgressPolicy {
    /// On the internet, by `https`.
    Internet,
    /// On this machine too, and by `http`: for the local hub and an emulator of AWS.
    ThisMachine,
}

impl Start<Environment> for EgressPolicy {
    async fn start(_: &Environment) -> Result<Self, StartError> {
        Ok(Self::with_aws_at(env::var("AWS_ENDPOINT_URL").ok().as_deref()))
    }
}

impl EgressPolicy {
    /// Of a function that finds AWS at this address in place of AWS's own: this machine only where AWS
    /// itself is emulated on it. With such an address a deployed function would not reach its table,
    /// so no setting opens a deployed hub's own network.
    pub fn with_aws_at(endpoint: Option<&str>) -> Self {
        let endpoint = endpoint.and_then(|endpoint| Url::parse(endpoint).ok());
        match endpoint.as_ref().and_then(Url::host) {
            Some(Host::Ipv4(ip)) if ip.is_loopback() => Self::ThisMachine,
            _ => Self::Internet,
        }
    }

    /// Whether such an address may be a receiver. Names are judged again by what they resolve to.
    pub fn allows(self, url: &Url) -> bool {
        let scheme = match self {
            Self::Internet => url.scheme() == "https",
            Self::ThisMachine => matches!(url.scheme(), "http" | "https"),
        };
        let host = match url.host() {
            Some(Host::Domain(name)) => self == Self::ThisMachine || name.contains('.'),
            Some(Host::Ipv4(ip)) => self.allows_ip(ip.into()),
            Some(Host::Ipv6(ip)) => self.allows_ip(ip.into()),
            None => false,
        };
        scheme && host && url.username().is_empty() && url.password().is_none()
    }

    /// Whether a connection to this IP address may be made.
    pub fn allows_ip(self, ip: IpAddr) -> bool {
        if self == Self::ThisMachine && ip.is_loopback() {
            return true;
        }
        match ip {
            IpAddr::V4(ip) => is_public_v4(ip),
            IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
                Some(ip) => is_public_v4(ip),
                None => is_public_v6(ip),
            },
        }
    }

    /// The form of an address that is allowed.
    pub fn expected(self) -> &'static str {
        match self {
            Self::Internet => "https://vendor.example/path",
            Self::ThisMachine => "http://127.0.0.1:9000/path、https://vendor.example/path",
        }
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, ..] = ip.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let benchmark = a == 198 && (18..20).contains(&b);
    let reserved = a == 0 || a >= 240 || (a == 192 && b == 0);
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation()
        || shared
        || benchmark
        || reserved)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    // Global unicast, less documentation and what embeds an IPv4 address (NAT64, 6to4, Teredo).
    let [first, second, ..] = ip.segments();
    let documentation = first == 0x2001 && second == 0x0db8;
    let embeds = first == 0x2002 || (first == 0x2001 && second == 0);
    (first & 0xe000) == 0x2000 && !documentation && !embeds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_internet_is_delivered_to() {
        let allows = |url: &str| EgressPolicy::Internet.allows(&url.parse().unwrap());
        assert!(allows("https://vendor.example/hook") && allows("https://93.184.216.34/"));
        for url in [
            "http://vendor.example/hook",
            "https://localhost/",
            "https://127.0.0.1/",
            "https://10.0.0.1/",
            "https://169.254.169.254/latest",
            "https://192.168.1.1/",
            "https://100.64.0.1/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[fd00::1]/",
            "https://[64:ff9b::a00:1]/",
            "https://user@vendor.example/",
            "ftp://vendor.example/",
        ] {
            assert!(!allows(url), "{url}");
        }
    }

    #[test]
    fn this_machine_is_delivered_to_only_where_aws_is_emulated_on_it() {
        assert_eq!(
            EgressPolicy::with_aws_at(Some("http://127.0.0.1:4566")),
            EgressPolicy::ThisMachine
        );
        for aws in [
            None,
            Some(""),
            Some("https://dynamodb.ap-northeast-1.amazonaws.com"),
            Some("https://127.0.0.1.example.jp"),
            Some("https://10.0.0.1"),
        ] {
            assert_eq!(EgressPolicy::with_aws_at(aws), EgressPolicy::Internet, "{aws:?}");
        }
    }

    #[test]
    fn the_local_hub_also_delivers_to_its_own_machine() {
        let allows = |url: &str| EgressPolicy::ThisMachine.allows(&url.parse().unwrap());
        assert!(allows("http://127.0.0.1:9000/hook") && allows("http://localhost:9000/"));
        assert!(!allows("http://10.0.0.1/"));
    }
}
