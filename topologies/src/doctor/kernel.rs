//! What the kernel and this user's rights allow, tried in a network namespace made for the purpose.

use std::net::Ipv4Addr;
use std::process::Command;
use std::time::Duration;

use redquake_experiments::spec::Direction;

use super::Check;
use super::shaping::Shaping;
use crate::foreign::{self, Bounds};
use crate::namespace::{LOCK, Privilege, search_path};
use crate::process;
use crate::rules::{self, PeerRule};
use crate::sandbox;

/// What an attempt may take.
const BOUNDS: Bounds = Bounds { time: Duration::from_secs(20), bytes: 1 << 20 };
const AS_ROOT: &str = "run as root";

/// Checks rights, packet rules and what shapes traffic.
pub(super) fn checks() -> Vec<Check> {
    let privilege = Privilege::current();
    let namespaces = if privilege.enter_namespaces() {
        Check::ok("enter namespaces", "CAP_SYS_ADMIN is in force")
    } else {
        Check::warn(
            "enter namespaces",
            "CAP_SYS_ADMIN is missing: with Docker, clients run outside the lab network and partitions are refused",
            format!("{AS_ROOT}, or use `--runtime process`"),
        )
    };
    let rules = match packet_rules() {
        Ok(()) => Check::ok("packet rules", "nft can drop packets in a namespace"),
        Err(reason) => {
            Check::warn("packet rules", format!("{reason}; partitions are refused"), "apt-get install nftables, and run as root")
        }
    };
    let processes = match process::check() {
        Ok(()) => Check::ok("servers as processes", "this user may make the namespaces they need"),
        Err(reason) => Check::warn("servers as processes", reason, "nothing, if Docker is used"),
    };
    let mut checks = vec![namespaces, rules];
    checks.extend(Shaping::attempt().checks());
    checks.push(processes);
    checks.push(walls(sandbox::landlock(), sandbox::seccomp()));
    checks
}

/// What a server's sandbox has beside what it always has.
fn walls(landlock: Result<(), String>, seccomp: Result<(), String>) -> Check {
    const NAME: &str = "sandbox of servers";
    const ALWAYS: &str = "namespaces, no capabilities, no new privileges, limits";
    match (landlock, seccomp) {
        (Ok(()), Ok(())) => Check::ok(NAME, format!("{ALWAYS}; Landlock; seccomp")),
        (landlock, seccomp) => {
            let missing = [("Landlock", landlock), ("seccomp", seccomp)];
            let missing = missing.into_iter().filter_map(|(name, there)| Some(format!("no {name} ({})", there.err()?)));
            let found = format!("{ALWAYS}; {}", missing.collect::<Vec<_>>().join("; "));
            Check::warn(NAME, found, "nothing, if you know the servers; for strangers' experiments use a kernel that has both")
        }
    }
}

/// Whether packets can be dropped in a namespace of this user's.
pub(super) fn packet_rules() -> Result<(), String> {
    if program("nft").is_none() {
        return Err("nft is not installed".to_owned());
    }
    let nobody = PeerRule { peer: Ipv4Addr::new(192, 0, 2, 1), direction: Direction::Both };
    inside(&["nft", "-f", "-"], &rules::drop_table("doctor", &[nobody.into()]))
        .map_err(|said| format!("nft does not work in a namespace ({said})"))
}

/// Runs a program in a fresh network namespace that is gone when it ends; the error is what it said.
pub(super) fn inside(command: &[&str], input: &str) -> Result<(), String> {
    let mut namespace = vec!["--net"];
    if !Privilege::current().change_rules() {
        namespace.extend(["--user", "--map-root-user"]);
    }
    let mut attempt = Command::new("unshare");
    attempt.args(namespace).arg("--").args(command).env("PATH", search_path()).env(LOCK.0, LOCK.1);
    let answer = foreign::run(&mut attempt, input.as_bytes(), BOUNDS).map_err(|refusal| format!("unshare: {refusal}"))?;
    if answer.status.success() { Ok(()) } else { Err(answer.errors.lines().next().unwrap_or_default().to_owned()) }
}

/// Where a program is found.
pub(super) fn program(name: &str) -> Option<String> {
    let path = search_path();
    path.split(':').map(|folder| format!("{folder}/{name}")).find(|file| std::fs::metadata(file).is_ok_and(|meta| meta.is_file()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Status;

    #[test]
    fn a_wall_the_kernel_does_not_have_is_named() {
        assert_eq!(walls(Ok(()), Ok(())).status, Status::Ok);
        let check = walls(Err("it is switched off".to_owned()), Ok(()));
        assert!(check.status == Status::Warn && check.found.ends_with("; no Landlock (it is switched off)"), "{check:?}");
    }
}
