//! Whether this system lets the tool make the namespaces it needs; found by making them.

use std::fs;
use std::process::Command;
use std::time::Duration;

use crate::foreign::{self, Bounds, Refusal};

/// What the attempt may take.
const BOUNDS: Bounds = Bounds { time: Duration::from_secs(20), bytes: 1 << 20 };
const DOCKER: &str = "use the Docker runtime (`--runtime docker`)";

/// Arguments of `unshare` for the namespaces of a run. Root makes them directly; everybody else, and a root whose
/// capabilities were taken away, makes a user namespace first, in which they are root.
pub(super) fn namespaces() -> Vec<&'static str> {
    let mut arguments = vec!["--net", "--pid", "--fork", "--kill-child=SIGKILL", "--mount", "--propagation", "private"];
    if !privileged() {
        arguments.extend(["--user", "--map-root-user"]);
    }
    arguments
}

/// Whether this process may make namespaces and links without a user namespace.
pub(super) fn privileged() -> bool {
    /// `CAP_NET_ADMIN` (12) and `CAP_SYS_ADMIN` (21).
    const NEEDED: u64 = 1 << 12 | 1 << 21;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    effective.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).is_some_and(|held| held & NEEDED == NEEDED)
}

/// Makes and drops the namespaces of a run, with a `/proc` and a working link in them.
///
/// # Errors
/// In words: why this system does not allow it, and the way out.
pub fn check() -> Result<(), String> {
    let mut attempt = Command::new("unshare");
    attempt.args(namespaces()).args(["--mount-proc", "--", "ip", "link", "set", "lo", "up"]).env("PATH", search_path());
    match foreign::run(&mut attempt, b"", BOUNDS) {
        Ok(answer) if answer.status.success() => Ok(()),
        Ok(answer) => Err(explain(&answer.errors, &Settings::of_this_system())),
        Err(Refusal::Start(error)) => {
            Err(format!("`unshare` of util-linux does not start ({error}); install the package `util-linux`, or {DOCKER}"))
        }
        Err(refusal) => Err(format!("`unshare` of util-linux: {refusal}; {DOCKER}")),
    }
}

/// `PATH` with the folders of system tools, which an ordinary user's lacks.
fn search_path() -> String {
    format!("{}:/usr/local/sbin:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default())
}

/// The switches by which distributions forbid user namespaces.
#[derive(Debug, Default)]
struct Settings {
    clone: Option<String>,
    limit: Option<String>,
    apparmor: Option<String>,
}

impl Settings {
    fn of_this_system() -> Self {
        let read = |path: &str| fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
        Self {
            clone: read("/proc/sys/kernel/unprivileged_userns_clone"),
            limit: read("/proc/sys/user/max_user_namespaces"),
            apparmor: read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
        }
    }
}

fn explain(said: &str, settings: &Settings) -> String {
    if said.contains("execute ip") {
        return format!("`ip` is missing; install the package `iproute2`, or {DOCKER}");
    }
    if said.contains("unrecognized option") {
        return format!("`unshare` here is not that of util-linux 2.32 or later ({said}); install `util-linux`, or {DOCKER}");
    }
    let way_out = if settings.clone.as_deref() == Some("0") {
        "the system administrator can allow them with `sysctl kernel.unprivileged_userns_clone=1`"
    } else if settings.limit.as_deref() == Some("0") {
        "the system administrator can allow them with `sysctl user.max_user_namespaces=10000`"
    } else if settings.apparmor.as_deref() == Some("1") {
        "AppArmor restricts them; the system administrator can allow them with `sysctl kernel.apparmor_restrict_unprivileged_userns=0`"
    } else {
        "in a container this needs `--privileged`"
    };
    format!("this system does not allow user and network namespaces to this user (`{said}`); {way_out}; or run as root, or {DOCKER}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_forbid_namespaces_is_told_with_its_way_out() {
        let refused = "unshare: unshare failed: Operation not permitted";
        let off = Some("0".to_owned());
        let texts = [
            explain(refused, &Settings { clone: off.clone(), ..Settings::default() }),
            explain(refused, &Settings { limit: off, ..Settings::default() }),
            explain(refused, &Settings { apparmor: Some("1".to_owned()), ..Settings::default() }),
            explain(refused, &Settings::default()),
            explain("unshare: failed to execute ip: No such file or directory", &Settings::default()),
            explain("unshare: unrecognized option '--kill-child=SIGKILL'", &Settings::default()),
        ];
        insta::assert_snapshot!(texts.join("\n"));
    }
}
