//! Random changes of files: whatever comes out is read to its end, and shown without harm.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../../fuzz/mutate.rs"]
mod mutate;

use std::path::Path;
use std::time::{Duration, Instant};

use mutate::{Dice, changed, times};
use redquake_experiments::spec::{self, Loaded};

fn root(folder: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(folder)
}

/// The files of a folder, in the order of their names.
fn seeds(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let files = entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_file());
    let mut seeds: Vec<(String, Vec<u8>)> = files.map(|path| (path.display().to_string(), std::fs::read(&path).expect("a seed"))).collect();
    seeds.sort();
    assert!(!seeds.is_empty(), "{} has no seeds", folder.display());
    seeds
}

/// Each changed seed in turn; how many were tried and how many of them were still accepted.
fn try_all(seeds: &[(String, Vec<u8>)], read: impl Fn(&[u8]) -> Loaded) -> (usize, usize) {
    let mut dice = Dice::new(7);
    let (mut tried, mut accepted) = (0, 0);
    for (name, seed) in seeds {
        for time in 0..times() {
            let other = &seeds[dice.below(seeds.len())].1;
            let bytes = changed(&mut dice, seed, other);
            let begun = Instant::now();
            let loaded = read(&bytes);
            let shown = loaded.render_human(false);
            assert!(begun.elapsed() < Duration::from_secs(5), "{name}, change {time}: {:?}", begun.elapsed());
            assert_eq!(loaded.has_errors(), loaded.experiment.is_none(), "{name}, change {time}: {shown}");
            assert!(loaded.problems.iter().all(|problem| problem.code != "RQ0199"), "{name}, change {time}: {shown}");
            assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{name}, change {time}: {shown:?}");
            assert!(!loaded.render_github().contains('\r') && loaded.problems_as_json().len() == loaded.problems.len());
            tried += 1;
            accepted += usize::from(loaded.experiment.is_some());
        }
    }
    (tried, accepted)
}

#[test]
fn mutations_of_experiments_are_read_to_their_end() {
    let mut all = seeds(&root("fuzz/corpus/spec"));
    all.extend(seeds(&root("experiments/tests/hostile")).into_iter().filter(|(name, _)| !name.contains("much-")));
    let (tried, accepted) = try_all(&all, |bytes| spec::load("a.yaml", bytes, &|_| Err("nothing is read".to_owned())));
    assert!(tried >= all.len() && accepted > 0 && accepted < tried, "{accepted} of {tried}");
}

const INCLUDING: &[u8] = b"version: 1
name: including
topology: { kind: sentinel, config: { redis: { include: a.conf }, sentinel: { down-after-milliseconds: 1000 } } }
duration: 20s
faults:
  - { name: crash, at: 4s, action: kill, target: { role: primary } }
assert:
  - { metric: failover.write_gap, expect: \"max < 5s\" }
";

#[test]
fn mutations_of_configurations_bring_in_no_directive_that_is_not_allowed() {
    let all = seeds(&root("fuzz/corpus/conf"));
    let refused = ["dir", "logfile", "loadmodule", "pidfile", "aclfile", "unixsocket", "include", "bind", "port", "requirepass", "user"];
    let (tried, accepted) = try_all(&all, |bytes| {
        let loaded = spec::load("a.yaml", INCLUDING, &|_| Ok(bytes.to_vec()));
        for (name, value) in loaded.experiment.iter().flat_map(|experiment| experiment.topology.redis().iter()) {
            assert!(!refused.contains(&name) && !value.contains(['\n', '\r', '\0']), "{name} {value:?}");
        }
        loaded
    });
    assert!(accepted > 0 && accepted < tried, "{accepted} of {tried}");
}
