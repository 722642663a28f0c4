//! Which addresses the service may connect to when it sends to a destination: public ones, and the networks that the configuration allows.
//!
//! Who may add a destination must not reach this way what only the machine itself reaches: its own services, the metadata of a cloud, the
//! devices of the hospital. What counts is the address that is connected to, after the name was looked up.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use thiserror::Error;

use super::Network;

/// How long the look-up of a name may take.
const LOOK_UP: Duration = Duration::from_secs(5);

/// Where clouds tell a machine its secrets: never meant by a network around them, only by the address itself.
const METADATA: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

const fn v4(first: u8, second: u8, third: u8, bits: u8) -> Network {
    Network::of(IpAddr::V4(Ipv4Addr::new(first, second, third, 0)), bits)
}

const fn v6(first: u16, second: u16, bits: u8) -> Network {
    Network::of(IpAddr::V6(Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, 0)), bits)
}

/// What is not public of IPv4, as IANA registers it.
const SPECIAL_V4: [Network; 15] = [
    v4(0, 0, 0, 8),
    v4(10, 0, 0, 8),
    v4(100, 64, 0, 10),
    v4(127, 0, 0, 8),
    v4(169, 254, 0, 16),
    v4(172, 16, 0, 12),
    v4(192, 0, 0, 24),
    v4(192, 0, 2, 24),
    v4(192, 88, 99, 24),
    v4(192, 168, 0, 16),
    v4(198, 18, 0, 15),
    v4(198, 51, 100, 24),
    v4(203, 0, 113, 24),
    v4(224, 0, 0, 4),
    v4(240, 0, 0, 4),
];

/// Public addresses of IPv6 lie here ...
const GLOBAL_V6: Network = v6(0x2000, 0, 3);
/// ... but for these, some of which lead to an IPv4 address within them.
const SPECIAL_V6: [Network; 4] = [v6(0x2001, 0, 23), v6(0x2001, 0xdb8, 32), v6(0x2002, 0, 16), v6(0x3fff, 0, 20)];

/// Which addresses may be connected to. By default public ones alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    allow: Vec<Network>,
}

/// Why nothing is connected to.
#[derive(Debug, Error)]
pub enum ReachError {
    /// The name has no address, or nobody says which.
    #[error("the name of the receiver has no address: {0}")]
    Unknown(io::ErrorKind),
    /// None of its addresses may be connected to.
    #[error(
        "the address of the receiver may not be connected to; [deliveries] allow of the configuration names the networks that may"
    )]
    Refused,
}

impl Reach {
    /// Public addresses, and these networks.
    #[must_use]
    pub fn allowing(allow: Vec<Network>) -> Self {
        Self { allow }
    }

    /// Public addresses, and this machine itself.
    #[must_use]
    pub fn with_this_machine() -> Self {
        Self { allow: vec![v4(127, 0, 0, 8), Network::of(IpAddr::V6(Ipv6Addr::LOCALHOST), 128)] }
    }

    /// Whether an address may be connected to.
    #[must_use]
    pub fn permits(&self, address: IpAddr) -> bool {
        // an IPv4 address in the clothes of an IPv6 one is that IPv4 address
        let address = address.to_canonical();
        let mut allowed = self.allow.iter().filter(|network| network.contains(address));
        if METADATA.contains(&address) {
            return allowed.any(Network::is_single);
        }
        is_public(address) || allowed.next().is_some()
    }

    /// The addresses of `HOST:PORT` that may be connected to.
    ///
    /// # Errors
    /// [`ReachError`]; never an empty list.
    pub async fn addresses_of(&self, host_and_port: &str) -> Result<Vec<SocketAddr>, ReachError> {
        let look_up = tokio::time::timeout(LOOK_UP, tokio::net::lookup_host(host_and_port));
        let found = look_up.await.map_err(|_| ReachError::Unknown(io::ErrorKind::TimedOut))?;
        let found: Vec<SocketAddr> = found.map_err(|error| ReachError::Unknown(error.kind()))?.collect();
        if found.is_empty() {
            return Err(ReachError::Unknown(io::ErrorKind::NotFound));
        }
        let permitted: Vec<SocketAddr> = found.into_iter().filter(|address| self.permits(address.ip())).collect();
        if permitted.is_empty() { Err(ReachError::Refused) } else { Ok(permitted) }
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => !SPECIAL_V4.iter().any(|network| network.contains(address)),
        IpAddr::V6(_) => GLOBAL_V6.contains(address) && !SPECIAL_V6.iter().any(|network| network.contains(address)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn allowing(networks: &[&str]) -> Reach {
        Reach::allowing(networks.iter().map(|network| network.parse().expect("a network")).collect())
    }

    const REFUSED: [&str; 36] = [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.5",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.168.1.1",
        "198.18.0.1",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ];

    #[test]
    fn what_is_not_public_is_refused_unless_it_is_allowed() {
        let nothing = Reach::default();
        for refused in REFUSED {
            assert!(!nothing.permits(address(refused)), "{refused}");
            assert!(allowing(&[&address(refused).to_canonical().to_string()]).permits(address(refused)), "{refused} by itself");
        }
        for public in ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "192.167.255.255", "2606:4700::1111", "2a00::1"] {
            assert!(nothing.permits(address(public)), "{public}");
        }
        let hospital = allowing(&["10.0.0.0/8", "fd12::/16"]);
        for (to, may) in [("10.200.3.4", true), ("::ffff:10.200.3.4", true), ("fd12::5", true), ("192.168.1.1", false)] {
            assert_eq!(hospital.permits(address(to)), may, "{to}");
        }
        let here = Reach::with_this_machine();
        assert!(here.permits(address("127.0.0.1")) && here.permits(address("::1")) && !here.permits(address("10.0.0.1")));
    }

    #[test]
    fn where_a_cloud_keeps_its_secrets_is_allowed_by_its_address_alone() {
        let wide = allowing(&["0.0.0.0/0", "::/0"]);
        assert!(wide.permits(address("169.254.0.1")) && wide.permits(address("127.0.0.1")) && wide.permits(address("fd00::1")));
        for metadata in ["169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254", "100.100.100.200"] {
            assert!(!wide.permits(address(metadata)), "{metadata}");
        }
    }

    #[tokio::test]
    async fn names_are_looked_up_before_they_are_judged() {
        let nothing = Reach::default();
        // numbers in every spelling that the system takes for an address
        for host in ["127.0.0.1:80", "[::1]:80", "localhost:80", "2130706433:80", "0x7f000001:80", "127.1:80", "0:80"] {
            assert!(nothing.addresses_of(host).await.is_err(), "{host}");
        }
        let refused = nothing.addresses_of("localhost:80").await;
        assert!(matches!(refused, Err(ReachError::Refused)), "{refused:?}");
        let found = Reach::with_this_machine().addresses_of("localhost:80").await.expect("is permitted");
        assert!(found.iter().all(|found| found.ip().is_loopback() && found.port() == 80), "{found:?}");
    }
}
