//! What the kernel and this user's rights allow, tried in a network namespace made for the purpose.

use std::io::Write;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

use redquake_experiments::spec::Direction;

use super::Check;
use super::shaping::Shaping;
use crate::namespace::{LOCK, Privilege, search_path};
use crate::process;
use crate::rules::{self, PeerRule};

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
    checks
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
    let mut child = Command::new("unshare")
        .args(namespace)
        .arg("--")
        .args(command)
        .env("PATH", search_path())
        .env(LOCK.0, LOCK.1)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("unshare does not start: {error}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ended early says more on its error output than this write.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or_default().to_owned();
    if output.status.success() { Ok(()) } else { Err(said) }
}

/// Where a program is found.
pub(super) fn program(name: &str) -> Option<String> {
    let path = search_path();
    path.split(':').map(|folder| format!("{folder}/{name}")).find(|file| std::fs::metadata(file).is_ok_and(|meta| meta.is_file()))
}
