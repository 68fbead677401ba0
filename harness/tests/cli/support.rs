//! The binary, files for it to read, and results for it to recompute.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use redquake_reports::testing::{self, FailoverParams};
use serde_json::{Value, json};

/// A command that has ended.
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// The binary, with nothing to read and no colours.
pub fn redquake(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_redquake"));
    command.stdin(Stdio::null()).env("NO_COLOR", "1").args(arguments);
    command
}

/// Runs it to its end.
pub fn ended(command: &mut Command) -> Ended {
    let output = command.output().unwrap();
    Ended {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// `redquake ARGUMENTS` in a folder.
pub fn within(folder: &Path, arguments: &[&str]) -> Ended {
    ended(redquake(arguments).current_dir(folder))
}

/// `redquake ARGUMENTS`.
pub fn tell(arguments: &[&str]) -> Ended {
    ended(&mut redquake(arguments))
}

/// A folder of the repository.
pub fn repository(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(folder)
}

/// A folder with these files.
pub fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

/// An experiment without a mistake.
pub const VALID: &str = "version: 1
name: valid
topology: { kind: sentinel, config: { sentinel: { down-after-milliseconds: 1000 } } }
duration: 20s
faults:
  - { name: crash, at: 4s, action: kill, target: { role: primary } }
assert:
  - { metric: failover.write_gap, expect: \"max < 5s\" }
";

/// The same with one, in line 4.
pub fn broken() -> String {
    VALID.replace("20s", "soon")
}

/// The same with an assertion that needs 20 trials, in line 9.
pub fn percentile() -> String {
    format!("{}  - {{ metric: failover.write_gap, expect: \"p(95) < 5s\" }}\n", VALID.replace("faults:", "trials: 20\nfaults:"))
}

/// The folder of a run of two trials that ended in order.
pub fn results() -> tempfile::TempDir {
    results_of(2, 2)
}

/// The folder of a run, made from forged histories, of which so many of the planned trials were performed.
pub fn results_of(planned: u32, performed: u32) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let params = FailoverParams::default();
    let assembly = testing::assembly(&params, planned);
    let record = json!({
        "format": 1, "run": "0123456789abcdef0123456789abcdef", "plan": assembly.plan, "source": assembly.source,
        "locations": assembly.locations, "environment": assembly.environment, "repro": assembly.repro,
        "started_at": assembly.started_at, "ended_at": assembly.ended_at, "interrupted": null, "residue": [],
    });
    write_record(folder.path(), &record);
    for trial in 1..=performed {
        let events = testing::failover_history(&FailoverParams { trial, ..params.clone() });
        let path = history(folder.path(), trial);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, testing::stored(&events)).unwrap();
    }
    folder
}

pub fn history(results: &Path, trial: u32) -> PathBuf {
    results.join(format!("trial-{trial:03}/history.ndjson.zst"))
}

pub fn record(results: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(results.join("run.json")).unwrap()).unwrap()
}

pub fn write_record(results: &Path, record: &Value) {
    std::fs::write(results.join("run.json"), record.to_string()).unwrap();
}
