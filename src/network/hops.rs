//! From which address a request comes where proxies stand in between. What a header says of it is believed as far as those wrote it whom the site
//! trusts: anybody can send such a header.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::{
    extract::ConnectInfo,
    http::{Extensions, HeaderMap, header},
};

use super::Network;

/// Proxies that say of whom they pass something on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

/// The header that lists addresses, the nearest last.
const LIST: &str = "x-forwarded-for";

impl TrustedProxies {
    /// Those of these networks. No client may be in one of them: it could say that it is anybody.
    #[must_use]
    pub const fn of(networks: Vec<Network>) -> Self {
        Self(networks)
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The address of who sent a request: that of the other side of the connection, and where it is a trusted proxy, the last one of
    /// `X-Forwarded-For` or `Forwarded` that is no trusted proxy. What is no address ends the search at the proxy that passed it on; so does
    /// a request with both headers that say different things, since a proxy writes one of them and passes the other one on. `::` where the
    /// connection is not known.
    #[must_use]
    pub fn client(&self, extensions: &Extensions, headers: &HeaderMap) -> IpAddr {
        let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
        let peer = peer.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)).to_canonical();
        if !self.trust(peer) {
            return peer;
        }
        let by_list = self.last_untrusted(peer, (headers, LIST), |element| Some(element));
        let by_forwarded = self.last_untrusted(peer, (headers, header::FORWARDED.as_str()), forwarded_for);
        match (by_list, by_forwarded) {
            (Some(one), Some(other)) if one != other => peer,
            (found, other) => found.or(other).unwrap_or(peer),
        }
    }

    fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// The last address of a header that is not trusted, else the last one that was reached before something that is no address. None where
    /// there is no such header.
    fn last_untrusted(
        &self,
        peer: IpAddr,
        (headers, name): (&HeaderMap, &str),
        read: fn(&str) -> Option<&str>,
    ) -> Option<IpAddr> {
        // what is no text is no address, and takes nothing away from what a proxy wrote behind it
        let lines: Vec<_> = headers.get_all(name).iter().map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
        let mut nearest = (!lines.is_empty()).then_some(peer)?;
        for element in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
            let Some(address) = read(element).and_then(address_of) else { break };
            nearest = address;
            if !self.trust(address) {
                break;
            }
        }
        Some(nearest)
    }
}

/// What an element of `Forwarded` (RFC 7239) says of the sender.
fn forwarded_for(element: &str) -> Option<&str> {
    let mut pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for")).map(|(_, value)| value)
}

/// An address as proxies write it: `192.0.2.7`, `2001:db8::7`, `[2001:db8::7]`, each also with a port, also in quotation marks.
fn address_of(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let found = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    found.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const PROXY: &str = "10.0.0.1";

    fn proxies() -> TrustedProxies {
        TrustedProxies::of(["10.0.0.0/24", "fd00::/64"].map(|network| network.parse().expect("a network")).into())
    }

    fn client(peer: &str, lines: &[(&'static str, &[u8])]) -> IpAddr {
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().expect("an address"), 4711)));
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_bytes(value).expect("a value"));
        }
        proxies().client(&extensions, &headers)
    }

    #[test]
    fn the_last_hop_that_is_not_trusted_counts() {
        for (peer, lines, expected) in [
            // whoever is no proxy says nothing of others
            ("192.0.2.9", &[("x-forwarded-for", &b"198.51.100.1"[..])][..], "192.0.2.9"),
            ("::ffff:192.0.2.9", &[][..], "192.0.2.9"),
            (PROXY, &[][..], PROXY),
            (PROXY, &[("x-forwarded-for", b"198.51.100.1")], "198.51.100.1"),
            ("::ffff:10.0.0.1", &[("x-forwarded-for", b"198.51.100.1")], "198.51.100.1"),
            // what the client sent stands to the left
            (PROXY, &[("x-forwarded-for", b"1.1.1.1, 2.2.2.2,198.51.100.1")], "198.51.100.1"),
            (PROXY, &[("x-forwarded-for", b"1.1.1.1"), ("x-forwarded-for", b"198.51.100.1")], "198.51.100.1"),
            // a chain of proxies
            (PROXY, &[("x-forwarded-for", b"1.1.1.1, 198.51.100.1, 10.0.0.7, fd00::1")], "198.51.100.1"),
            (PROXY, &[("x-forwarded-for", b"10.0.0.9, 10.0.0.7")], "10.0.0.9"),
            // with a port, and of version 6
            (PROXY, &[("x-forwarded-for", b"198.51.100.1:8080")], "198.51.100.1"),
            (PROXY, &[("x-forwarded-for", b"[2001:db8::1]:8080")], "2001:db8::1"),
            (PROXY, &[("x-forwarded-for", b"2001:db8::1")], "2001:db8::1"),
            (PROXY, &[("x-forwarded-for", b"::ffff:198.51.100.1")], "198.51.100.1"),
            // what is no address is the proxy's that passed it on
            (PROXY, &[("x-forwarded-for", b"1.1.1.1, unknown")], PROXY),
            (PROXY, &[("x-forwarded-for", b"1.1.1.1, junk, 10.0.0.7")], "10.0.0.7"),
            (PROXY, &[("x-forwarded-for", b"1.1.1.1,")], PROXY),
            (PROXY, &[("x-forwarded-for", b"\xff")], PROXY),
            (PROXY, &[("x-forwarded-for", b"\xff, 198.51.100.1")], "198.51.100.1"),
            (PROXY, &[("x-forwarded-for", b"")], PROXY),
            // as RFC 7239 has it
            (
                PROXY,
                &[("forwarded", b"for=1.1.1.1, For=\"[2001:db8:cafe::17]:4711\";proto=https;by=10.0.0.1")],
                "2001:db8:cafe::17",
            ),
            (PROXY, &[("forwarded", b"proto=http; for = 198.51.100.1")], "198.51.100.1"),
            (PROXY, &[("forwarded", b"for=\"1.1.1.1, for=198.51.100.1")], "198.51.100.1"),
            (PROXY, &[("forwarded", b"for=1.1.1.1, for=_hidden")], PROXY),
            (PROXY, &[("forwarded", b"proto=https")], PROXY),
            // a proxy writes one of them, and the other one is the client's
            (PROXY, &[("forwarded", b"for=198.51.100.1"), ("x-forwarded-for", b"198.51.100.1")], "198.51.100.1"),
            (PROXY, &[("forwarded", b"for=1.1.1.1"), ("x-forwarded-for", b"198.51.100.1")], PROXY),
            (PROXY, &[("forwarded", b"for=198.51.100.1"), ("x-forwarded-for", b"junk")], PROXY),
        ] {
            assert_eq!(client(peer, lines), expected.parse::<IpAddr>().expect("an address"), "{peer} {lines:?}");
        }
        let nowhere = proxies().client(&Extensions::new(), &HeaderMap::new());
        assert_eq!(nowhere, IpAddr::V6(Ipv6Addr::UNSPECIFIED));
    }

    fn junk() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(&b"for="[..]),
            Just(&b","[..]),
            Just(&b";"[..]),
            Just(&b"\""[..]),
            Just(&b"["[..]),
            Just(&b"]:1"[..]),
            Just(&b"10.0.0.3"[..]),
            Just(&b"203.0.113.5"[..]),
            Just(&b"2001:db8::5"[..]),
            Just(&b" "[..]),
            Just(&b"\xe4"[..]),
            Just(&b"unknown"[..]),
            Just(&b"=:"[..]),
        ];
        prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn nobody_but_a_proxy_is_believed(list in junk(), forwarded in junk()) {
            let lines = [("x-forwarded-for", &list[..]), ("forwarded", &forwarded[..])];
            prop_assert_eq!(client("192.0.2.9", &lines), "192.0.2.9".parse::<IpAddr>().expect("an address"));
        }

        #[test]
        fn whatever_a_client_sends_what_the_proxy_adds_counts(sent in junk(), other in junk(), is_own_line: bool) {
            let own = "198.51.100.1".parse::<IpAddr>().expect("an address");
            for (name, added) in [("x-forwarded-for", &b"198.51.100.1"[..]), ("forwarded", &b"for=198.51.100.1;proto=https"[..])] {
                let joined = [&sent[..], b", ", added].concat();
                let lines = if is_own_line { vec![(name, &sent[..]), (name, added)] } else { vec![(name, &joined[..])] };
                prop_assert_eq!(client(PROXY, &lines), own);
                // with the header that the proxy does not write the client gains nobody else's address
                let second = if name == "forwarded" { "x-forwarded-for" } else { "forwarded" };
                let found = client(PROXY, &[&lines[..], &[(second, &other[..])]].concat());
                prop_assert!(found == own || found == PROXY.parse::<IpAddr>().expect("an address"), "{}", found);
            }
        }
    }
}
