//! Somebody who is not root.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{self, Ended, finish};

const KILL: &str = "version: 1
name: kill
topology: { kind: sentinel, config: { sentinel: { down-after-milliseconds: 1000 } } }
duration: 4500ms
faults:
  - { name: crash, at: 500ms, action: kill, target: { role: primary } }
assert:
  - { metric: failover.count, expect: \"count == 1\" }
  - { metric: failover.write_gap, expect: \"max < 3s\" }
";
const PARTITION: &str = "version: 1
name: partition
topology: { kind: sentinel, config: { sentinel: { down-after-milliseconds: 1000 } } }
duration: 4500ms
faults:
  - { name: split, at: 500ms, for: 3s, action: partition, from: { role: primary }, to: { role: sentinel } }
assert:
  - { metric: failover.count, expect: \"count == 1\" }
  - { metric: failover.split_brain, expect: \"max > 500ms\" }
";

/// A folder in which anybody may write, with the tool where anybody may start it: build folders often lie where others may not look.
pub struct Place {
    pub folder: tempfile::TempDir,
    pub tool: PathBuf,
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).expect("open to all");
        let tool = folder.path().join("redquake");
        std::fs::copy(env!("CARGO_BIN_EXE_redquake"), &tool).expect("a copy of the tool");
        Self { folder, tool }
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).expect("a file");
    }

    /// `program`, in this folder, without any right of root's.
    pub fn ordinary(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--"]).arg(program.as_ref());
        command.current_dir(self.folder.path()).env("HOME", self.folder.path()).env_remove("XDG_CACHE_HOME");
        command
    }
}

pub fn root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        support::not_done("only root can become another user; as an ordinary user all the other tests show the same");
    }
    root
}

#[test]
fn an_ordinary_user_kills_a_primary_and_cuts_off_another_without_docker() {
    if !root() {
        return;
    }
    let _bench = support::bench_without_docker();
    let place = Place::new();
    place.write("kill.yaml", KILL);
    place.write("partition.yaml", PARTITION);
    let arguments = ["run", "kill.yaml", "partition.yaml", "--runtime", "process", "--out", "results"];
    let ended = finish(place.ordinary(&place.tool).args(arguments));
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("PASS  kill") && ended.stdout.contains("PASS  partition"), "{}", ended.stdout);
    let results = std::fs::read_dir(place.folder.path().join("results")).expect("results").flatten();
    let owners: Vec<u32> = results.map(|entry| std::os::unix::fs::MetadataExt::uid(&entry.metadata().expect("metadata"))).collect();
    assert_eq!(owners, [65534; 3], "two folders and the link to the latest");
}

/// A user namespace in which nobody may make another one, and a user in it without any capability.
#[test]
fn where_user_namespaces_are_forbidden_a_run_is_refused_with_the_way_out_and_exit_code_4() {
    let place = Place::new();
    place.write("kill.yaml", KILL);
    let forbid = "echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set -all --no-new-privs -- \"$@\"";
    let mut command = if rustix::process::geteuid().is_root() { place.ordinary("unshare") } else { Command::new("unshare") };
    command.current_dir(place.folder.path()).args(["--user", "--map-root-user", "sh", "-c", forbid, "sh"]);
    command.arg(&place.tool).args(["run", "kill.yaml", "--runtime", "process"]);
    let Ended { code, stdout, stderr, .. } = finish(&mut command);
    assert_eq!((code, stdout.as_str()), (Some(4), ""), "{stderr}");
    for way_out in ["sysctl user.max_user_namespaces=", "run as root", "--runtime docker"] {
        assert!(stderr.contains(way_out), "{stderr}");
    }
    assert!(!place.folder.path().join("results").exists(), "something was started");
}
