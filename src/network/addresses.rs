//! Networks of peers: `10.1.0.0/16`, `fd00::/8`, or one address.

use std::{net::IpAddr, str::FromStr};

/// A network of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Whether an address lies in it. An IPv4 address that came over an IPv6 socket counts as itself.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(mine), IpAddr::V4(other)) => {
                same(mine.to_bits().into(), other.to_bits().into(), 32 - u32::from(self.bits))
            }
            (IpAddr::V6(mine), IpAddr::V6(other)) => same(mine.to_bits(), other.to_bits(), 128 - u32::from(self.bits)),
            _ => false,
        }
    }
}

/// Whether two numbers are the same but for their last bits.
fn same(one: u128, other: u128, last: u32) -> bool {
    (one ^ other).checked_shr(last).unwrap_or(0) == 0
}

impl Network {
    /// A network whose last bits any address may have.
    pub(super) const fn of(address: IpAddr, bits: u8) -> Self {
        Self { address, bits }
    }

    /// Whether it is one address.
    pub(super) const fn is_single(&self) -> bool {
        self.bits == if self.address.is_ipv4() { 32 } else { 128 }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no address and no network; write it as 10.1.2.3 or 10.1.0.0/16");
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), |bits| bits.parse().map_err(|_| wrong()))?;
        if bits > most { Err(wrong()) } else { Ok(Self { address, bits }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks() {
        for (network, inside, outside) in [
            ("10.1.2.3", "10.1.2.3", "10.1.2.4"),
            ("10.1.0.0/16", "10.1.255.9", "10.2.0.1"),
            ("10.1.2.128/25", "10.1.2.200", "10.1.2.127"),
            ("0.0.0.0/0", "203.0.113.9", "::1"),
            ("::1", "::1", "127.0.0.1"),
            ("fd00::/8", "fdff::1", "fe80::1"),
            ("::/0", "2001:db8::1", "10.0.0.1"),
            ("127.0.0.0/8", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
        ] {
            let network: Network = network.parse().expect("a network");
            assert!(network.contains(inside.parse().expect("an address")), "{network:?} {inside}");
            assert!(!network.contains(outside.parse().expect("an address")), "{network:?} {outside}");
        }
        for wrong in ["", "10.1", "10.1.2.3/33", "::1/129", "10.1.2.3/", "10.1.2.3/-1", "host", "10.0.0.0/8/8"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
