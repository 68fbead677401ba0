//! What the tests with servers share: the binary, a results folder, and what a run left on the machine.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use redquake_reports::result::{Document, Trial, TrialStatus};

use crate::turns::Turn;

/// A results folder and the right to run.
pub struct Bench {
    pub out: tempfile::TempDir,
    _turn: Option<Turn>,
}

/// Servers in Docker, with nothing else going on. `None`, with the reason printed, where no engine answers. Tests that ask for it are
/// long and marked `#[ignore]`; `ci/test --all` performs them.
pub fn bench() -> Option<Bench> {
    in_docker(Turn::alone)
}

/// Servers in Docker, beside tests that use the other runtime.
pub fn bench_in_docker_beside_others() -> Option<Bench> {
    in_docker(Turn::shared)
}

fn in_docker(turn: fn() -> Turn) -> Option<Bench> {
    if engine_answers() {
        return Some(Bench::new(Some(turn())));
    }
    not_done("no Docker engine answers `docker version`");
    None
}

fn engine_answers() -> bool {
    static ANSWERS: OnceLock<bool> = OnceLock::new();
    *ANSWERS.get_or_init(|| {
        let version = Command::new("docker").arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        version.is_ok_and(|status| status.success())
    })
}

/// Servers as child processes, beside other tests: nothing is needed that `ci/setup` does not install.
pub fn bench_without_docker() -> Bench {
    Bench::new(Some(Turn::shared()))
}

/// Servers as child processes, with nothing else going on: for what measures.
pub fn bench_alone() -> Bench {
    Bench::new(Some(Turn::alone()))
}

/// Does a piece of work for each item, as many at once as tests may share the machine. The work takes its own right to run, so the
/// caller must hold none.
pub fn each<T: Send>(items: impl IntoIterator<Item = T>, work: impl Fn(T) + Sync) {
    std::thread::scope(|scope| {
        for item in items {
            scope.spawn(|| work(item));
        }
    });
}

/// Says why something was not tried, where the output of tests that pass is not kept back.
pub fn not_done(reason: &str) {
    let name = std::thread::current().name().unwrap_or("a test").to_owned();
    let _ = writeln!(std::io::stderr(), "not done: {name}: {reason}");
}

impl Bench {
    fn new(turn: Option<Turn>) -> Self {
        Self { out: tempfile::tempdir().expect("a temporary folder"), _turn: turn }
    }

    /// Another results folder under the same right to run.
    pub fn again(&self) -> Self {
        Self::new(None)
    }

    /// `redquake run --out <folder> ARGUMENTS`.
    pub fn run(&self, arguments: &[&str]) -> Command {
        let mut command = redquake();
        command.arg("run").arg("--out").arg(self.out.path()).args(arguments);
        command
    }

    /// Writes an experiment file into the folder.
    pub fn experiment(&self, text: &str) -> String {
        let path = self.out.path().join("experiment.yaml");
        std::fs::write(&path, text).expect("the experiment");
        path.display().to_string()
    }

    /// The results folder of the only run.
    pub fn results(&self) -> PathBuf {
        self.out.path().join("latest").canonicalize().expect("a results folder")
    }

    /// The result of the only run.
    pub fn document(&self) -> Document {
        document(&self.results())
    }
}

/// The binary.
pub fn redquake() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_redquake"));
    command.stdin(Stdio::null());
    command
}

/// `result.json` of a results folder.
pub fn document(folder: &Path) -> Document {
    let text = std::fs::read(folder.join("result.json")).expect("result.json");
    serde_json::from_slice(&text).expect("a result")
}

/// The trial that counts, whether or not a busy machine spoilt the one before it.
pub fn judged(document: &Document) -> &Trial {
    let reasons: Vec<_> = document.trials.iter().map(|trial| &trial.reasons).collect();
    document.trials.iter().find(|trial| trial.status == TrialStatus::Conclusive).unwrap_or_else(|| panic!("{reasons:?}"))
}

/// Ends the child if the test ends first.
pub struct Reaped(pub Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A run that has ended.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    /// Containers, networks and volumes on the engine that this process owned.
    pub residue: Vec<String>,
}

/// Runs a command to its end. Another run at the same time does not count as residue: objects carry their owner's process id.
pub fn finish(command: &mut Command) -> Ended {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("redquake");
    let pid = child.id();
    let output = child.wait_with_output().expect("redquake");
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        residue: owned_by(pid),
    }
}

/// Containers, networks and volumes whose owner is the process; none where there is no engine.
pub fn owned_by(pid: u32) -> Vec<String> {
    if !engine_answers() {
        return Vec::new();
    }
    let list = |arguments: &[&str]| {
        let output = Command::new("docker").args(arguments).output().expect("docker");
        assert!(output.status.success(), "docker {arguments:?}");
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let format = "{{.Name}} {{.Label \"redquake.owner\"}}";
    let mut objects = list(&["ps", "-a", "--filter", "label=redquake.owner", "--format", "{{.Names}} {{.Label \"redquake.owner\"}}"]);
    objects.extend(list(&["network", "ls", "--filter", "label=redquake.owner", "--format", format]));
    objects.extend(list(&["volume", "ls", "--filter", "label=redquake.owner", "--format", format]));
    objects.retain(|object| object.contains(&format!(":{pid}:")));
    objects
}

/// A short experiment: the primary of a fast set is killed. `{assert}` is replaced.
pub fn quick(assertion: &str) -> String {
    format!(
        "version: 1
name: quick
topology:
  kind: sentinel
  config:
    sentinel: {{ down-after-milliseconds: 1000, failover-timeout: 10000 }}
duration: 4s
workloads:
  - {{ name: locks, kind: lock, clients: 4, rate: 100/s, keys: 8, ttl: 3s, hold: 20ms }}
faults:
  - {{ name: crash, at: 500ms, action: kill, target: {{ role: primary }} }}
assert:
  - {{ metric: failover.write_gap, expect: \"{assertion}\" }}
"
    )
}
