//! The tree of queueing disciplines on one link that shapes what several faults ask for, as text for `tc -batch`. Pure.
//!
//! One tree for all faults of a namespace, since a link has one root: a token bucket for the slowest rate, below it a class for
//! each peer that is delayed, with the sum of what delays it. It is made anew whenever a fault comes or goes.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::Ipv4Addr;
use std::time::Duration;

use crate::rules::Traffic;

/// Handle of our token bucket, and of our classes. What is at the root and has neither is somebody else's.
pub(super) const BUCKET: &str = "7ed0:";
pub(super) const CLASSES: &str = "7ed1:";
/// Our link through which what a node receives is sent, so that it can be shaped like what it sends.
pub(super) const INTERMEDIATE: &str = "redquake0";
/// Packets a delay may hold: as many as the other way to delay.
const HELD: u32 = 65_536;
/// Lower rates would let a single packet wait for seconds.
pub(in crate::shaping) const SLOWEST: u64 = 8_000;
/// Beyond this, a rate is no limit for links within a machine.
pub(in crate::shaping) const FASTEST: u64 = 10_000_000_000;

/// What one fault asks of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::shaping) enum Shape {
    /// Packets wait.
    Delay { delay: Duration, jitter: Duration, traffic: Vec<Traffic> },
    /// Bits a second, Ethernet frames and all.
    Rate { bits: u64, going: bool, coming: bool },
}

/// Side of a node on which packets are shaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// What it sends.
    Going,
    /// What it receives.
    Coming,
}

/// Commands that make the tree on a link; empty when nothing is asked of that side.
pub(super) fn tree(link: &str, side: Side, shapes: &[&Shape]) -> String {
    let mut text = String::new();
    let mut parent = "root".to_owned();
    if let Some(bits) = rate(side, shapes) {
        let (burst, limit) = bucket(bits);
        let _ = writeln!(text, "qdisc add dev {link} root handle {BUCKET} tbf rate {bits}bit burst {burst}b limit {limit}b");
        parent = format!("parent {BUCKET}");
    }
    let cells = cells(side, shapes);
    if cells.is_empty() {
        return text;
    }
    // There is no class 1: what no filter meets goes straight on.
    let _ = writeln!(text, "qdisc add dev {link} {parent} handle {CLASSES} htb default 1");
    for (cell, class) in cells.iter().zip(0x10..) {
        let class = format!("{CLASSES}{class:x}");
        let _ = writeln!(text, "class add dev {link} parent {CLASSES} classid {class} htb rate {FASTEST}bit quantum 60000");
        let (delay, jitter) = (cell.delay.as_micros(), cell.jitter.as_micros());
        let _ = writeln!(text, "qdisc add dev {link} parent {class} netem limit {HELD} delay {delay}us {jitter}us");
        let address = if side == Side::Going { "dst" } else { "src" };
        let port = cell.port.map(|(end, port)| format!(" match ip {end} {port} 0xffff")).unwrap_or_default();
        // Filters about a port are asked first.
        let order = if cell.port.is_some() { 1 } else { 2 };
        let _ = writeln!(
            text,
            "filter add dev {link} parent {CLASSES} protocol ip prio {order} u32 match ip {address} {}/32{port} flowid {class}",
            cell.peer
        );
    }
    text
}

/// Commands that send what a link receives through the intermediate one.
pub(super) fn redirection(link: &str) -> String {
    format!(
        "qdisc add dev {link} handle ffff: ingress\n\
         filter add dev {link} parent ffff: protocol all prio 1 u32 match u32 0 0 action mirred egress redirect dev {INTERMEDIATE}\n"
    )
}

/// The rate that limits that side: the slowest of those asked for.
pub(super) fn rate(side: Side, shapes: &[&Shape]) -> Option<u64> {
    let asked = shapes.iter().filter_map(|shape| match shape {
        Shape::Rate { bits, going, coming } => (if side == Side::Going { *going } else { *coming }).then_some(*bits),
        Shape::Delay { .. } => None,
    });
    asked.min()
}

/// Bytes that may pass at once and bytes that may wait: 5 ms and 200 ms of the rate, and never too little for a frame.
pub(in crate::shaping) fn bucket(bits: u64) -> (u64, u64) {
    let bytes = bits / 8;
    let burst = (bytes / 200).max(3_200);
    (burst, (bytes / 5).max(30_000) + burst)
}

/// Packets that are delayed alike.
#[derive(Debug, PartialEq, Eq)]
struct Cell {
    peer: Ipv4Addr,
    port: Option<(&'static str, u16)>,
    delay: Duration,
    jitter: Duration,
}

fn cells(side: Side, shapes: &[&Shape]) -> Vec<Cell> {
    let meant = |traffic: &&Traffic| if side == Side::Going { traffic.goes() } else { traffic.comes() };
    let ports = |traffic: &Traffic| {
        let named = |end: &'static str, ports: &[u16]| ports.iter().map(move |&port| Some((end, port))).collect::<Vec<_>>();
        let mut all = [named("sport", &traffic.ports.source), named("dport", &traffic.ports.destination)].concat();
        if all.is_empty() {
            all.push(None);
        }
        all
    };
    let mut keys = BTreeSet::new();
    for shape in shapes {
        if let Shape::Delay { traffic, .. } = shape {
            keys.extend(traffic.iter().filter(meant).flat_map(|each| ports(each).into_iter().map(|port| (each.peer, port))));
        }
    }
    let sum = |(peer, port): (Ipv4Addr, Option<(&'static str, u16)>)| {
        let mut cell = Cell { peer, port, delay: Duration::ZERO, jitter: Duration::ZERO };
        for shape in shapes {
            if let Shape::Delay { delay, jitter, traffic } = shape
                && traffic.iter().filter(meant).any(|each| each.peer == peer && (each.ports.is_any() || ports(each).contains(&port)))
            {
                cell.delay += *delay;
                cell.jitter += *jitter;
            }
        }
        cell
    };
    keys.into_iter().map(sum).collect()
}

#[cfg(test)]
mod tests {
    use redquake_experiments::spec::Direction;

    use super::*;
    use crate::rules::{PeerRule, Ports};

    fn peer(last: u8, direction: Direction) -> PeerRule {
        PeerRule { peer: Ipv4Addr::new(10, 64, 1, last), direction }
    }

    fn delay(ms: u64, jitter: u64, traffic: Vec<Traffic>) -> Shape {
        Shape::Delay { delay: Duration::from_millis(ms), jitter: Duration::from_millis(jitter), traffic }
    }

    #[test]
    fn delays_of_one_peer_add_up_and_the_slowest_rate_holds_for_all() {
        let both = delay(50, 10, vec![peer(12, Direction::Both).into(), peer(13, Direction::Both).into()]);
        let more = delay(5, 0, vec![peer(12, Direction::To).into()]);
        let bus = delay(100, 20, vec![peer(12, Direction::To).on(Ports::of_services(&[16379]))]);
        let slow = Shape::Rate { bits: 8_000_000, going: true, coming: false };
        let slower = Shape::Rate { bits: 1_000_000, going: true, coming: false };
        let shapes = [&both, &more, &bus, &slow, &slower];
        insta::assert_snapshot!(format!("{}---\n{}", tree("eth0", Side::Going, &shapes), tree("redquake0", Side::Coming, &shapes)));
    }

    #[test]
    fn a_side_nothing_is_asked_of_is_left_alone() {
        let coming = delay(50, 10, vec![peer(12, Direction::From).into()]);
        assert_eq!(tree("eth0", Side::Going, &[&coming]), "");
        assert_eq!(tree("eth0", Side::Going, &[]), "");
    }

    #[test]
    fn a_bucket_always_holds_a_frame_and_never_waits_long_at_a_high_rate() {
        assert_eq!(bucket(SLOWEST), (3_200, 33_200));
        assert_eq!(bucket(1_000_000_000), (625_000, 25_625_000));
    }
}
