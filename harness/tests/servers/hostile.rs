//! Experiments that mean harm and are not refused, on real servers: they end as others do, and nothing of the machine is in what they leave.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ordinary_user::{Place, root};
use crate::support::{self, finish};

/// In the secrets that lie about, and nowhere else.
const CANARY: &str = "canary-7d1c";

/// The folder of hostile experiments with a secret beside it, and those that are not refused.
fn survivors(into: &Path) -> Vec<String> {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../experiments/tests/hostile");
    fs::create_dir(into.join("parts")).expect("a folder");
    fs::copy(from.join("parts/quoted.conf"), into.join("parts/quoted.conf")).expect("a copy");
    fs::write(into.join(".env"), format!("TOKEN={CANARY}\n")).expect("a secret");
    let mut found = Vec::new();
    for entry in fs::read_dir(from).expect("the folder").flatten() {
        if fs::read_to_string(entry.path()).is_ok_and(|text| text.starts_with("# survives")) {
            fs::copy(entry.path(), into.join(entry.file_name())).expect("a copy");
            found.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    assert!(found.len() >= 4, "{found:?}");
    found
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path()).filter(|path| !path.is_symlink());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Runs them, and looks through everything they printed and left.
fn survive(tool: &mut Command, folder: &Path, runtime: &str) {
    let names = survivors(folder);
    tool.current_dir(folder).env("SECRET_OF_CI", CANARY).args(["run", "--runtime", runtime, "--trials", "1"]).args(&names);
    let ended = finish(tool);
    let output = format!("{}{}", ended.stdout, ended.stderr);
    assert_eq!(ended.code, Some(0), "{output}");
    assert_eq!(ended.residue, Vec::<String>::new());
    assert!(output.chars().all(|c| c == '\n' || !c.is_control()) && !output.contains("\n::"), "{output:?}");
    let left = files(&folder.join("results"));
    assert!(left.iter().filter(|path| path.ends_with("report.html")).count() == names.len(), "{left:?}");
    for path in left {
        let mut bytes = fs::read(&path).expect("a file");
        if path.extension().is_some_and(|extension| extension == "zst") {
            bytes = zstd::decode_all(bytes.as_slice()).expect("a history");
        }
        let text = String::from_utf8_lossy(&bytes);
        for secret in [CANARY, "SECRET_OF_CI", "root:x:0"] {
            assert!(!text.contains(secret), "{} has {secret}", path.display());
        }
    }
}

#[test]
fn hostile_experiments_that_are_not_refused_run_without_showing_anything() {
    let _bench = support::bench_without_docker();
    survive(&mut support::redquake(), tempfile::tempdir().expect("a temporary folder").path(), "process");
}

#[test]
fn hostile_experiments_of_an_ordinary_user_run_without_showing_anything() {
    if !root() {
        return;
    }
    let _bench = support::bench_without_docker();
    let place = Place::new();
    survive(&mut place.ordinary(&place.tool), place.folder.path(), "process");
}

#[test]
#[ignore = "the same as on `process`, in containers: ci/test --all"]
fn hostile_experiments_in_docker_run_without_showing_anything() {
    let Some(_bench) = support::bench_in_docker_beside_others() else { return };
    survive(&mut support::redquake(), tempfile::tempdir().expect("a temporary folder").path(), "docker");
}
