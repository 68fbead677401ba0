//! Experiments of somebody who means harm: each is refused where it says so, nothing of the machine is shown, nothing is run or written.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::Value;

use crate::support::{Ended, ended, redquake, repository, within};

/// In every secret that lies about, and nowhere else.
const CANARY: &str = "canary-7d1c";

/// A checkout with the hostile files in a folder `mine`, secrets in it and beside it, and what no reader likes.
struct Checkout {
    root: tempfile::TempDir,
    /// Whether `nobody` gives the commands, with a copy of the tool in this folder: build folders often lie where others may not look.
    ordinary: bool,
}

impl Checkout {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let mine = root.path().join("mine");
        let from = repository("experiments/tests/hostile");
        for folder in ["", "parts"] {
            fs::create_dir_all(mine.join(folder)).unwrap();
            for entry in fs::read_dir(from.join(folder)).unwrap().map(|entry| entry.unwrap()) {
                if entry.file_type().unwrap().is_file() {
                    fs::copy(entry.path(), mine.join(folder).join(entry.file_name())).unwrap();
                }
            }
        }
        let known = "hz 10\n".repeat(50);
        let many: String = (0..45_000).map(|number| format!("word{number} {CANARY}\n")).collect();
        let program = format!("#!/bin/sh\necho {CANARY}\ntouch {}\n", root.path().join("was-run").display());
        let secrets = [
            ("outside.conf", format!("masterauth {CANARY}\n{CANARY} 1\n")),
            ("outside.yaml", format!("version: 1\nkind: {CANARY}\n")),
            ("outside.sh", program.clone()),
            (
                "mine/.git/config",
                format!("[core]\n\tbare = false\n[http \"https://github.com/\"]\n\textraheader = AUTHORIZATION: basic {CANARY}\n"),
            ),
            ("mine/.env", format!("TOKEN={CANARY}\nPASSWORD=\"{CANARY}\n")),
            ("mine/parts/netrc", format!("machine {CANARY} login {CANARY} password {CANARY}\n")),
            (
                "mine/parts/id_rsa",
                format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----\n", CANARY.repeat(6)),
            ),
            ("mine/parts/one-secret.conf", format!("{known}TOKEN={CANARY}\n{known}")),
            ("mine/parts/many.conf", many),
            ("mine/parts/known.conf", "hz 10\n".repeat(5_000)),
            ("mine/parts/binary.conf", format!("A={CANARY}\0B={CANARY}\0")),
            ("mine/parts/secret.yaml", format!("password: {CANARY}\n")),
            ("mine/parts/kubernetes.yaml", format!("apiVersion: v1\nkind: Secret\ndata: {{ token: {CANARY} }}\n")),
            ("mine/parts/broken-secret.yaml", format!("version: 1\npassword: \"{CANARY}\n")),
            ("mine/parts/versioned-secret.yaml", format!("version: 1\nservices: {{ web: {CANARY} }}\n")),
            ("mine/parts/program.sh", program),
        ];
        for (name, text) in secrets {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            if path.extension() == Some(OsStr::new("sh")) {
                fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
            }
        }
        let parts = mine.join("parts");
        fs::write(parts.join("latin.conf"), [b"pass\xe9 ", CANARY.as_bytes()].concat()).unwrap();
        mknodat(CWD, parts.join("fifo"), FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        fs::File::create(parts.join("sparse")).unwrap().set_len(1 << 40).unwrap();
        for (name, to) in [
            ("parts/outside.conf", "../../outside.conf"),
            ("parts/outside.yaml", "../../outside.yaml"),
            ("parts/outside.sh", "../../outside.sh"),
            ("parts/root", "/"),
            ("parts/environ.conf", "/proc/self/environ"),
            ("linked-environ.yaml", "/proc/self/environ"),
            ("linked-outside.yaml", "../outside.yaml"),
            ("linked-git.yaml", ".git/config"),
            ("linked-env.yaml", ".env"),
            ("linked-fifo.yaml", "parts/fifo"),
            ("linked-zero.yaml", "/dev/zero"),
        ] {
            symlink(to, mine.join(name)).unwrap();
        }
        Self { root, ordinary: false }
    }

    fn of_an_ordinary_user() -> Self {
        let checkout = Self { ordinary: true, ..Self::new() };
        // Where it may write, it could have begun a run.
        fs::set_permissions(checkout.mine(), fs::Permissions::from_mode(0o777)).unwrap();
        fs::copy(env!("CARGO_BIN_EXE_redquake"), checkout.root.path().join("redquake")).unwrap();
        checkout
    }

    fn mine(&self) -> PathBuf {
        self.root.path().join("mine")
    }

    /// The experiments, each with what its first line says of it.
    fn experiments(&self) -> Vec<(String, String)> {
        let mut found: Vec<(String, String)> = fs::read_dir(self.mine())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension() == Some(OsStr::new("yaml")))
            .map(|path| {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                let fate = if path.is_symlink() { "refused RQ0".to_owned() } else { first_line(&path) };
                (name, fate)
            })
            .collect();
        found.sort();
        found
    }

    /// The tool in the folder, in an environment in which nothing is known but a secret.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = redquake(arguments);
        if self.ordinary {
            command = Command::new("setpriv");
            command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--"]).arg(self.root.path().join("redquake"));
            command.args(arguments);
        }
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("SECRET_OF_CI", CANARY).env("HOME", self.root.path());
        command.current_dir(self.mine());
        command
    }

    /// Runs the tool on one of them, and asserts that it came to an end, showed nothing and did nothing.
    fn tell(&self, arguments: &[&str]) -> Ended {
        let mut command = self.command(arguments);
        let begun = Instant::now();
        let ended = ended(&mut command);
        assert!(begun.elapsed() < Duration::from_secs(20), "{arguments:?} took {:?}", begun.elapsed());
        let output = format!("{}{}", ended.stdout, ended.stderr);
        for secret in [CANARY, "root:x:0", "SECRET_OF_CI", "BEGIN OPENSSH", &shadow()] {
            assert!(!output.contains(secret), "{arguments:?} shows {secret}:\n{output}");
        }
        let plain = output.chars().all(|c| c == '\n' || !c.is_control());
        assert!(plain, "{arguments:?} lets control characters through:\n{output:?}");
        assert!(!self.root.path().join("was-run").exists(), "{arguments:?} ran the program");
        assert!(!self.mine().join("results").exists(), "{arguments:?} began a run");
        assert_ne!(ended.code, 70, "{arguments:?}: {output}");
        ended
    }
}

fn first_line(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.lines().next().unwrap().trim_start_matches("# ").to_owned()
}

/// The password of root in its stored form, where it can be read.
fn shadow() -> String {
    let text = fs::read_to_string("/etc/shadow").unwrap_or_default();
    let line = text.lines().next().unwrap_or("root:not-readable").to_owned();
    format!("{line}\n")
}

/// Gives one experiment to every command.
fn try_one(checkout: &Checkout, index: usize, file: &str, fate: &str) {
    let refused = fate.strip_prefix("refused ");
    let wanted = if refused.is_some() { 2 } else { 0 };
    let json = checkout.tell(&["validate", file, "--format", "json"]);
    assert_eq!(json.code, wanted, "{file}: {}", json.stdout);
    let problems: Vec<Value> = serde_json::from_str(&json.stdout).unwrap();
    if let Some(code) = refused {
        let told = |problem: &&Value| problem["code"].as_str().is_some_and(|found| found.starts_with(code));
        let problem = problems.iter().find(told).unwrap_or_else(|| panic!("{file} is not refused for {code}: {}", json.stdout));
        assert!(problem["place"]["line"].as_u64() > Some(0) && problem["place"]["column"].as_u64() > Some(0), "{file}");
    }
    for format in ["human", "github"] {
        assert_eq!(checkout.tell(&["validate", file, "--format", format]).code, wanted, "{file}");
    }
    let planned = checkout.tell(&["plan", file, "--runtime", "process"]);
    // What only a trusted file may name may also not be there.
    assert!(planned.code == wanted || fate.starts_with("refused-"), "{file}: {}", planned.stderr);
    if refused.is_some() {
        // It is refused before the runtime matters, so that each of them gets half of the files.
        let runtime = if index.is_multiple_of(2) { "process" } else { "docker" };
        assert_eq!(checkout.tell(&["run", file, "--runtime", runtime, "--trials", "1"]).code, 2, "{file}");
    }
}

#[test]
fn hostile_experiments_are_refused_or_survived_and_show_nothing() {
    refused_or_survived(&Checkout::new());
}

#[test]
fn hostile_experiments_of_an_ordinary_user_are_refused_or_survived_and_show_nothing() {
    if !rustix::process::geteuid().is_root() {
        return eprintln!("not done: only root can become another user; an ordinary user has just done the same as itself");
    }
    refused_or_survived(&Checkout::of_an_ordinary_user());
}

fn refused_or_survived(checkout: &Checkout) {
    let experiments = checkout.experiments();
    assert!(experiments.len() >= 60, "only {}", experiments.len());
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for part in experiments.chunks(experiments.len().div_ceil(at_once)) {
            scope.spawn(|| part.iter().enumerate().for_each(|(index, (file, fate))| try_one(checkout, index, file, fate)));
        }
    });
    // The whole folder at once, as CI would.
    assert_eq!(checkout.tell(&["validate", "."]).code, 2);
    assert_eq!(checkout.tell(&["validate", ".", "--format", "github"]).code, 2);
}

#[test]
fn an_untrusted_file_names_no_program_and_no_image() {
    let checkout = Checkout::new();
    let asks: Vec<(String, String)> =
        checkout.experiments().into_iter().filter(|(_, fate)| fate.starts_with("refused-untrusted")).collect();
    assert_eq!(asks.len(), 2);
    for (file, _) in asks {
        for command in ["validate", "plan", "run"] {
            let ended = checkout.tell(&[command, &file, "--trust", "untrusted"]);
            assert_eq!(ended.code, 2, "{}", ended.stdout);
            assert!(ended.stderr.contains("RQ0285") && ended.stderr.contains(&format!("{file}:4:")), "{}", ended.stderr);
        }
        let in_ci = ended(checkout.command(&["validate", &file]).env("GITHUB_EVENT_NAME", "pull_request"));
        assert_eq!(in_ci.code, 2, "{}", in_ci.stdout);
        assert!(in_ci.stderr.contains("GITHUB_EVENT_NAME"), "{}", in_ci.stderr);
        let overruled = ended(checkout.command(&["validate", &file, "--trust", "trusted"]).env("GITHUB_EVENT_NAME", "pull_request"));
        assert_eq!(overruled.code, 0, "{file}: {}", overruled.stderr);
    }
}

#[test]
fn what_no_machine_carries_is_refused_before_the_run_beside_what_this_one_has() {
    let checkout = Checkout::new();
    let asks: Vec<String> = checkout.experiments().into_iter().filter(|(_, fate)| fate == "refused-here").map(|(file, _)| file).collect();
    assert_eq!(asks, ["much-databases.yaml", "much-load.yaml"]);
    for (file, told) in asks.iter().zip(["2,000,000,000 databases on 6 nodes", "100,000,000 operations a second; this machine carried"]) {
        for command in ["plan", "run"] {
            let ended = checkout.tell(&[command, file, "--runtime", "process"]);
            assert_eq!(ended.code, 2, "{}", ended.stdout);
            assert!(ended.stderr.contains(told) && ended.stderr.contains(&format!("{file}:")), "{}", ended.stderr);
        }
    }
}

#[test]
fn a_folder_that_was_allowed_may_be_named() {
    let files = [("mine/a.yaml", INCLUDES), ("shared/prod.conf", "hz 20\n"), ("shared/redis-server", "")];
    let folder = crate::support::folder(&files);
    let refused = within(folder.path(), &["validate", "mine/a.yaml"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("RQ0010") && refused.stderr.contains("mine/a.yaml:6:23"), "{}", refused.stderr);
    assert!(refused.stderr.contains("--allow-path"), "{}", refused.stderr);
    for command in ["validate", "plan"] {
        let allowed = within(folder.path(), &[command, "mine/a.yaml", "--allow-path", "shared"]);
        assert_eq!((allowed.code, allowed.stderr.as_str()), (0, ""));
    }
    let missing = within(folder.path(), &["validate", "mine/a.yaml", "--allow-path", "nowhere"]);
    assert_eq!(missing.code, 2);
    assert!(missing.stderr.contains("--allow-path nowhere"), "{}", missing.stderr);
}

const INCLUDES: &str = "version: 1
name: includes
topology:
  kind: sentinel
  config:
    redis: { include: ../shared/prod.conf }
    sentinel: { down-after-milliseconds: 1000 }
duration: 20s
faults:
  - { name: crash, at: 4s, action: kill, target: { role: primary } }
assert:
  - { metric: failover.write_gap, expect: \"max < 5s\" }
";

#[test]
fn a_megabyte_of_unknown_names_is_answered_soon_however_many_cells_include_it() {
    let checkout = Checkout::new();
    let ended = checkout.tell(&["validate", "matrix-many-unknown.yaml"]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("and 44,950 more lines"), "{}", ended.stderr);
    assert!(ended.stderr.len() < 64 * 1024, "{} bytes", ended.stderr.len());
}
