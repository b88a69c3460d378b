//! Who is asking.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

use axum::http::HeaderMap;

const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// Who a budget belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Client {
    /// Whoever asks from there.
    Address(IpAddr),
    /// Whoever has signed in, from wherever they ask.
    User(uuid::Uuid),
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::User(id) => write!(f, "user:{id}"),
        }
    }
}

/// Where a request comes from, behind `proxies` trusted proxies; without any, the peer. Of IPv6 the
/// /64, which is what one subscriber has to choose from.
///
/// Each proxy appends the address that it was called from, so the entry to believe is the one
/// `proxies` from the right. What stands further left is whatever the client wrote.
pub fn address(peer: IpAddr, headers: &HeaderMap, proxies: u32) -> IpAddr {
    let forwarded = (proxies as usize).checked_sub(1).and_then(|skip| {
        let lines = headers.get_all(X_FORWARDED_FOR).iter().rev();
        let mut entries = lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(','));
        parse(entries.nth(skip)?.trim())
    });
    group(forwarded.unwrap_or(peer))
}

/// With or without a port: `192.0.2.1`, `192.0.2.1:443`, `2001:db8::1`, `[2001:db8::1]:443`.
fn parse(entry: &str) -> Option<IpAddr> {
    let bare = entry.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok().or_else(|| Some(entry.parse::<SocketAddr>().ok()?.ip()))
}

fn group(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 9));

    fn from(lines: &[&'static str], proxies: u32) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(X_FORWARDED_FOR, line.parse().unwrap());
        }
        address(PEER, &headers, proxies).to_string()
    }

    #[test]
    fn without_proxies_the_header_is_not_believed() {
        assert_eq!(from(&["1.1.1.1"], 0), "10.0.0.9");
    }

    #[test]
    fn only_what_trusted_proxies_appended_is_believed() {
        assert_eq!(from(&["6.6.6.6, 1.1.1.1"], 1), "1.1.1.1");
        assert_eq!(from(&["6.6.6.6, 1.1.1.1", "10.0.0.2"], 2), "1.1.1.1");
        assert_eq!(from(&["6.6.6.6", "[2001:db8::1]:443"], 1), "2001:db8::");
    }

    #[test]
    fn too_few_or_unreadable_entries_fall_back_to_the_peer() {
        assert_eq!(from(&[], 1), "10.0.0.9");
        assert_eq!(from(&["1.1.1.1"], 2), "10.0.0.9");
        assert_eq!(from(&["1.1.1.1, unknown"], 1), "10.0.0.9");
    }

    #[test]
    fn ipv6_is_grouped_by_network() {
        assert_eq!(from(&["2001:db8:1:2:aaaa::1"], 1), "2001:db8:1:2::");
        assert_eq!(from(&["::ffff:1.1.1.1"], 1), "1.1.1.1");
    }
}
