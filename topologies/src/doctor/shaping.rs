//! Whether traffic can be shaped, tried with the very rules that faults use.

use std::net::Ipv4Addr;
use std::time::Duration;

use redquake_experiments::plan::DelayPath;
use redquake_experiments::spec::Direction;

use super::Check;
use super::kernel::inside;
use crate::rules::{PeerRule, Traffic};
use crate::shaping::{delay, loss, tc};

/// What a fault would find here. Each `Err` is the reason, ending with the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shaping {
    pub(super) lose: Result<(), String>,
    pub(super) delay: Result<DelayPath, String>,
    pub(super) limit: Result<(), String>,
}

impl Shaping {
    /// Tries all of it in namespaces that end with the attempt.
    pub(super) fn attempt() -> Self {
        let lossy = loss::Loss { percent: 50.0, traffic: nobody() };
        let lose = inside(&["nft", "-f", "-"], &loss::table("doctor", &lossy)).map_err(|said| refused_loss(&said));
        let late = delay::Delay { delay: Duration::from_millis(1), jitter: Duration::ZERO, traffic: nobody() };
        let netem = inside(&["tc", "-batch", "-"], &tc::delay_on_loopback(&late));
        let queue = inside(&["iptables-restore", "--noflush"], &delay::chains_of(&late));
        let intermediate = "ip link add redquake0 type ifb && ip link set redquake0 up && tc -batch -";
        let limit = inside(&["sh", "-c", intermediate], &tc::rate_on_loopback()).map_err(|said| refused_rate(&said));
        Self { lose, delay: path(netem, queue), limit }
    }

    /// Where no namespace can be entered, none of it can be done, for that reason.
    pub(super) fn none(reason: &str) -> Self {
        Self { lose: Err(reason.to_owned()), delay: Err(reason.to_owned()), limit: Err(reason.to_owned()) }
    }

    pub(super) fn checks(&self) -> Vec<Check> {
        let refused = |name: &str, fault: &str, reason: &str| {
            let (found, todo) = reason.split_once("; ").unwrap_or((reason, ""));
            Check::warn(name, format!("{found}; faults of the kind `{fault}` are refused"), todo)
        };
        let loss = match &self.lose {
            Ok(()) => Check::ok("packet loss", "nft can drop a share of the packets"),
            Err(reason) => refused("packet loss", "loss", reason),
        };
        let delay = match &self.delay {
            Ok(DelayPath::Netem) => Check::ok("packet delay", "by tc netem"),
            Ok(DelayPath::Queue) => Check::ok("packet delay", "by NFQUEUE and a thread of the tool, as this kernel has no netem"),
            Err(reason) => refused("packet delay", "delay", reason),
        };
        let limit = match &self.limit {
            Ok(()) => Check::ok("bandwidth", "tc can limit what a node sends and what it receives"),
            Err(reason) => refused("bandwidth", "bandwidth", reason),
        };
        vec![loss, delay, limit]
    }
}

fn nobody() -> Vec<Traffic> {
    vec![PeerRule { peer: Ipv4Addr::new(192, 0, 2, 1), direction: Direction::Both }.into()]
}

fn refused_loss(said: &str) -> String {
    format!(
        "nft cannot drop a share of the packets ({said}); install it with `apt-get install nftables`, load `nft_numgen`, and run as root"
    )
}

fn refused_rate(said: &str) -> String {
    format!(
        "tc cannot limit a rate ({said}); install it with `apt-get install iproute2`, load `sch_tbf`, `sch_ingress`, `cls_u32`, `act_mirred` \
         and `ifb`, and run as root"
    )
}

/// netem first: the kernel keeps time better than a thread.
fn path(netem: Result<(), String>, queue: Result<(), String>) -> Result<DelayPath, String> {
    match (netem, queue) {
        (Ok(()), _) => Ok(DelayPath::Netem),
        (Err(_), Ok(())) => Ok(DelayPath::Queue),
        (Err(netem), Err(queue)) => Err(format!(
            "packets can be delayed neither by tc netem ({netem}) nor by NFQUEUE ({queue}); load `sch_netem`, or install iptables with \
             `apt-get install iptables` and load `xt_NFQUEUE`, and run as root"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn netem_is_preferred_and_the_queue_is_enough() {
        let no = |text: &str| Err(text.to_owned());
        assert_eq!(path(Ok(()), Ok(())), Ok(DelayPath::Netem));
        assert_eq!(path(Ok(()), no("no iptables")), Ok(DelayPath::Netem));
        assert_eq!(path(no("no netem"), Ok(())), Ok(DelayPath::Queue));
    }

    #[test]
    fn what_cannot_be_done_is_told_with_its_reason_and_its_way_out() {
        let no = |text: &str| Err(text.to_owned());
        let nothing = Shaping {
            lose: Err(refused_loss("Error: syntax error")),
            delay: path(no("Error: Specified qdisc kind is unknown."), no("unshare: failed to execute iptables-restore")),
            limit: Err(refused_rate("Error: Unknown device type.")),
        };
        let told: Vec<String> =
            nothing.checks().into_iter().map(|check| format!("{}: {}\n  {}", check.name, check.found, check.todo)).collect();
        insta::assert_snapshot!(told.join("\n"));
    }
}
