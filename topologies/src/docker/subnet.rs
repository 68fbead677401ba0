//! Choosing a private subnet for a lab that collides with nothing on this machine.

use std::fmt;
use std::fs;
use std::net::Ipv4Addr;

/// An IPv4 network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Subnet {
    base: u32,
    prefix: u8,
}

impl Subnet {
    pub(super) fn new(base: Ipv4Addr, prefix: u8) -> Self {
        let prefix = prefix.min(32);
        Self { base: u32::from(base) & mask(prefix), prefix }
    }

    /// Reads `10.0.0.0/24`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (base, prefix) = text.split_once('/')?;
        Some(Self::new(base.parse().ok()?, prefix.parse().ok().filter(|bits| *bits <= 32)?))
    }

    /// The host with that number.
    pub(super) fn host(self, number: u32) -> Ipv4Addr {
        Ipv4Addr::from(self.base + number)
    }

    fn overlaps(self, other: Self) -> bool {
        let mask = mask(self.prefix.min(other.prefix));
        self.base & mask == other.base & mask
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from(self.base), self.prefix)
    }
}

fn mask(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0)
}

/// Private ranges labs are put into, as base and number of /24 networks: the upper part of 10/8 first, which neither the engine's
/// default pools nor most VPNs use; then what is left for machines whose VPN claims all of 10/8.
const RANGES: [(Ipv4Addr, u32); 3] =
    [(Ipv4Addr::new(10, 192, 0, 0), 1 << 14), (Ipv4Addr::new(172, 20, 0, 0), 12 << 8), (Ipv4Addr::new(192, 168, 0, 0), 1 << 8)];

/// A /24 that overlaps none of the taken networks; `start` decides where the search begins, so that labs made at the same time
/// by several processes seldom want the same one.
pub(super) fn free(taken: &[Subnet], start: u64) -> Option<Subnet> {
    RANGES.iter().find_map(|(base, count)| {
        let first = u32::try_from(start % u64::from(*count)).unwrap_or_default();
        (0..*count)
            .map(|step| Subnet { base: u32::from(*base) + (((first + step) % count) << 8), prefix: 24 })
            .find(|candidate| !taken.iter().any(|other| other.overlaps(*candidate)))
    })
}

/// Networks this machine has a route to, other than by the default route.
pub(super) fn routed() -> Vec<Subnet> {
    routes(&fs::read_to_string("/proc/net/route").unwrap_or_default())
}

/// Reads the kernel's table: destination and mask are hexadecimal in host byte order of a little-endian value.
fn routes(table: &str) -> Vec<Subnet> {
    let number = |text: &str| u32::from_str_radix(text, 16).ok().map(u32::swap_bytes);
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_ascii_whitespace().collect();
            let (base, mask) = (number(fields.get(1)?)?, number(fields.get(7)?)?);
            (mask != 0).then(|| Subnet::new(base.into(), u8::try_from(mask.count_ones()).unwrap_or(32)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subnet(text: &str) -> Subnet {
        Subnet::parse(text).unwrap()
    }

    #[test]
    fn networks_overlap_when_one_contains_the_other() {
        assert!(subnet("10.0.0.0/8").overlaps(subnet("10.200.3.0/24")));
        assert!(subnet("10.200.3.0/24").overlaps(subnet("10.0.0.0/8")));
        assert!(!subnet("10.200.3.0/24").overlaps(subnet("10.200.4.0/24")));
        assert!(subnet("0.0.0.0/0").overlaps(subnet("192.168.1.0/24")));
    }

    #[test]
    fn a_free_subnet_avoids_what_is_taken() {
        let first = free(&[], 0).unwrap();
        assert_eq!(first.to_string(), "10.192.0.0/24");
        assert_eq!(free(&[first], 0).unwrap().to_string(), "10.192.1.0/24");
    }

    #[test]
    fn the_search_begins_where_told_and_wraps_around() {
        let last = free(&[], (1 << 14) - 1).unwrap();
        assert_eq!(last.to_string(), "10.255.255.0/24");
        assert_eq!(free(&[last], (1 << 14) - 1).unwrap().to_string(), "10.192.0.0/24");
    }

    #[test]
    fn a_vpn_that_claims_all_of_ten_is_evaded() {
        assert_eq!(free(&[subnet("10.0.0.0/8")], 0).unwrap().to_string(), "172.20.0.0/24");
        assert_eq!(free(&[subnet("10.0.0.0/8"), subnet("172.16.0.0/12"), subnet("192.168.0.0/16")], 0), None);
    }

    #[test]
    fn the_default_route_takes_nothing() {
        let table = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n\
                     eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
                     docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n";
        assert_eq!(routes(table), [subnet("172.17.0.0/16")]);
    }
}
