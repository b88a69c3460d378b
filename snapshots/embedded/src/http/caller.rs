//! The caller of a request: its address, and its account where it sent a valid token.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

use axum::{
    extract::{FromRequestParts, Request},
    http::{HeaderMap, request::Parts},
};
use uuid::Uuid;

use crate::error::Error;

const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// The caller of a request. The middleware `identify` puts it into the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Address of the client.
    pub address: IpAddr,
    /// Account of a valid access token. Its session may have ended: a guard asks.
    pub account: Option<Uuid>,
}

impl Caller {
    /// The caller of a request.
    ///
    /// # Panics
    /// No middleware has identified it.
    pub fn of(request: &Request) -> Self {
        *request.extensions().get().expect("`identify` is outside of all that ask")
    }

    /// The client, as a budget or a key belongs to it.
    pub fn client(self) -> Client {
        self.account.map_or_else(|| Client::Address(self.network()), Client::Account)
    }

    /// Who has the address: of IPv6, the /64 network, because a subscriber has all of it.
    pub fn network(self) -> IpAddr {
        match self.address {
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
            v4 @ IpAddr::V4(_) => v4,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let caller = parts.extensions.get().copied();
        caller.ok_or_else(|| Error::internal("no middleware has identified the caller"))
    }
}

/// An account, or else an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Client {
    /// Any client without an account that calls from this [network](Caller::network).
    Address(IpAddr),
    /// An account, from any address.
    Account(Uuid),
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Account(id) => write!(f, "user:{id}"),
        }
    }
}

/// Address of the client behind `proxies` trusted proxies; without any, the peer.
///
/// Each proxy appends the address that called it, so the entry to trust is the one `proxies` from
/// the right. A client can forge the entries to its left.
pub fn address(peer: IpAddr, headers: &HeaderMap, proxies: u32) -> IpAddr {
    let forwarded = (proxies as usize).checked_sub(1).and_then(|skip| {
        let lines = headers.get_all(X_FORWARDED_FOR).iter().rev();
        // By bytes: a proxy appends to what the client has sent, which may be no text.
        let mut entries = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
        parse(std::str::from_utf8(entries.nth(skip)?).ok()?.trim())
    });
    forwarded.unwrap_or(peer).to_canonical()
}

/// With or without a port: `192.0.2.1`, `192.0.2.1:443`, `2001:db8::1`, `[2001:db8::1]:443`.
fn parse(entry: &str) -> Option<IpAddr> {
    let bare = entry.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok().or_else(|| Some(entry.parse::<SocketAddr>().ok()?.ip()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 9));

    fn from(lines: &[&str], proxies: u32) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        address(PEER, &headers, proxies).to_string()
    }

    #[test]
    fn without_proxies_the_header_is_ignored() {
        assert_eq!(from(&["1.1.1.1"], 0), "10.0.0.9");
    }

    #[test]
    fn only_entries_of_trusted_proxies_count() {
        assert_eq!(from(&["6.6.6.6, 1.1.1.1"], 1), "1.1.1.1");
        assert_eq!(from(&["caf\u{e9}, 1.1.1.1"], 1), "1.1.1.1");
        assert_eq!(from(&["6.6.6.6, 1.1.1.1", "10.0.0.2"], 2), "1.1.1.1");
        assert_eq!(from(&["6.6.6.6", "[2001:db8::1]:443"], 1), "2001:db8::1");
    }

    #[test]
    fn too_few_or_unreadable_entries_fall_back_to_the_peer() {
        assert_eq!(from(&[], 1), "10.0.0.9");
        assert_eq!(from(&["1.1.1.1"], 2), "10.0.0.9");
        assert_eq!(from(&["1.1.1.1, unknown"], 1), "10.0.0.9");
    }

    #[test]
    fn ipv6_is_grouped_by_network() {
        let client = |address: &str| {
            let caller = Caller { address: address.parse().unwrap(), account: None };
            caller.client().to_string()
        };
        assert_eq!(client("2001:db8:1:2:aaaa::1"), "2001:db8:1:2::");
        assert_eq!(client("1.1.1.1"), "1.1.1.1");
        assert_eq!(from(&["::ffff:1.1.1.1"], 1), "1.1.1.1");
    }
}
