//! Networks of addresses, as policies name them: `10.0.0.0/8`, `2001:db8::/32`, or one address.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The well-known prefix behind which a translator of IPv6 hides IPv4 addresses (RFC 6052).
const NAT64: Network = Network {
    address: IpAddr::V6(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0)),
    prefix: 96,
};

/// A network: an address and how many of its first bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Why something is not a network.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NetworkError {
    /// No address.
    #[error("expected a network such as `10.0.0.0/8` or `2001:db8::/32`, or one address")]
    Form,
    /// More bits than an address has.
    #[error("the part behind the `/` must be between 0 and {0}")]
    Prefix(u8),
    /// A member of a network instead of the network.
    #[error("not the first address of its network: write `{0}` for the network")]
    HostBits(Network),
}

impl Network {
    /// A network of IPv4.
    #[must_use]
    pub const fn v4(address: Ipv4Addr, prefix: u8) -> Self {
        Self {
            address: IpAddr::V4(address),
            prefix,
        }
    }

    /// A network of IPv6.
    #[must_use]
    pub const fn v6(address: Ipv6Addr, prefix: u8) -> Self {
        Self {
            address: IpAddr::V6(address),
            prefix,
        }
    }

    /// How many bits count: the more, the smaller the network.
    #[must_use]
    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Whether an address is of this network. An IPv4 address counts as such however it is dressed up as IPv6.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        masked(plain(address), self.prefix) == Some(self.address)
            || masked(address, self.prefix) == Some(self.address)
    }
}

/// The IPv4 address within an IPv6 one, if there is one.
#[must_use]
pub fn plain(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if masked(IpAddr::V6(v6), NAT64.prefix) == Some(NAT64.address) => {
            let [.., a, b, c, d] = v6.octets();
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        other => other,
    }
}

/// The address with all but its first bits cleared; none when it has fewer bits.
fn masked(address: IpAddr, prefix: u8) -> Option<IpAddr> {
    let prefix = u32::from(prefix);
    match address {
        IpAddr::V4(v4) if prefix <= 32 => {
            let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
            Some(IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask)))
        }
        IpAddr::V6(v6) if prefix <= 128 => {
            let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
            Some(IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask)))
        }
        _ => None,
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NetworkError::Form)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => most,
            Some(prefix) => prefix.parse().map_err(|_| NetworkError::Prefix(most))?,
        };
        let first = masked(address, prefix).ok_or(NetworkError::Prefix(most))?;
        let network = Self {
            address: first,
            prefix,
        };
        if first == address {
            Ok(network)
        } else {
            Err(NetworkError::HostBits(network))
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_is_of_a_network_however_it_is_dressed_up() {
        let lan = network("10.0.0.0/8");
        for inside in [
            "10.1.2.3",
            "10.255.255.255",
            "::ffff:10.1.2.3",
            "64:ff9b::10.1.2.3",
        ] {
            assert!(lan.contains(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["11.0.0.0", "::1", "64:ff9c::10.1.2.3"] {
            assert!(!lan.contains(outside.parse().unwrap()), "{outside}");
        }
        assert!(network("fe80::/10").contains("febf::1".parse().unwrap()));
        assert!(!network("fe80::/10").contains("fec0::1".parse().unwrap()));
        assert!(network("0.0.0.0/0").contains("8.8.8.8".parse().unwrap()));
        assert!(network("192.168.1.7").contains("192.168.1.7".parse().unwrap()));
    }

    #[test]
    fn what_is_no_network_is_refused_with_what_was_meant() {
        assert_eq!("10.0.0.0/33".parse::<Network>(), Err(NetworkError::Prefix(32)));
        assert_eq!("lan".parse::<Network>(), Err(NetworkError::Form));
        let error = "10.1.2.3/8".parse::<Network>().unwrap_err();
        assert!(error.to_string().contains("write `10.0.0.0/8`"), "{error}");
    }
}
