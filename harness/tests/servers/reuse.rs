//! Servers that serve several trials: only where they are reset and verified, and never after what could have left a trace.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use redquake_reports::history::{Event, Reader};
use redquake_reports::result::{MatrixDocument, Trial, TrialStatus};

use crate::support::{self, Bench, finish};

const PARTITION: &str =
    "faults:\n  - { name: cut, at: 500ms, for: 1s, action: partition, from: { role: primary }, to: { role: replica } }\n";
const KILL: &str = "faults:\n  - { name: crash, at: 500ms, action: kill, target: { role: primary } }\n";

/// The trials of a results folder, each with what told its nodes apart: `run_id` by name.
fn trials_of(results: &Path) -> Vec<(Trial, BTreeMap<String, String>)> {
    let mut trials = Vec::new();
    for trial in support::document(results).trials {
        let file = std::fs::File::open(results.join(&trial.history)).expect("a history");
        let reader = Reader::open(std::io::BufReader::new(file)).expect("a history");
        let nodes = reader.filter_map(|event| match event.expect("an event") {
            Event::Node(node) => Some((node.name, node.run_id)),
            _ => None,
        });
        let nodes: BTreeMap<String, String> = nodes.collect();
        assert_eq!(nodes.len(), 6, "{nodes:?}");
        trials.push((trial, nodes));
    }
    trials
}

/// Trials of an experiment one after the other, each with what told its nodes apart: `run_id` by name.
fn several(bench: &Bench, count: usize, faults: &str, duration: &str, spoilt: Option<&str>) -> Vec<(Trial, BTreeMap<String, String>)> {
    let text = format!(
        "version: 1\nname: reused\ntrials: {count}\ntopology:\n  kind: sentinel\n  config:\n    \
         sentinel: {{ down-after-milliseconds: 1000, failover-timeout: 10000 }}\nduration: {duration}\nworkloads:\n  \
         - {{ name: locks, kind: lock, clients: 4, rate: 100/s, keys: 8, ttl: 3s, hold: 20ms }}\n{faults}\
         assert:\n  - {{ metric: failover.write_gap, expect: \"max < 4s\" }}\n"
    );
    let file = bench.experiment(&text);
    let mut command = bench.run(&[&file, "--runtime", "process", "--reuse", "--seed", "5"]);
    if let Some(how) = spoilt {
        command.env("REDQUAKE_FAILPOINT", format!("spoil@{how}"));
    }
    let ended = finish(&mut command);
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(bench.document().repro.contains("--reuse"));
    let trials = trials_of(&bench.results());
    assert!(trials.len() >= count);
    trials
}

/// Whether a trial says that its servers were used before; one that does not says why.
fn again(trial: &Trial) -> bool {
    let said = |text: &str| trial.remarks.iter().any(|remark| remark.contains(text));
    let again = said(" again, reset and verified in ");
    assert_ne!(again, said("fresh servers: "), "{:?}", trial.remarks);
    again
}

/// What is said of servers is true: the same processes, or none of those there were.
fn told_truly(trials: &[(Trial, BTreeMap<String, String>)]) {
    for (index, (trial, nodes)) in trials.iter().enumerate() {
        let before = trials[..index].iter().rev().map(|(_, nodes)| nodes);
        if again(trial) {
            assert_eq!(before.into_iter().next(), Some(nodes), "trial {}", trial.index);
        } else {
            let known: Vec<&String> = before.flat_map(BTreeMap::values).collect();
            assert!(nodes.values().all(|id| !known.contains(&id)), "trial {}", trial.index);
        }
    }
}

#[test]
fn servers_serve_again_after_trials_that_left_no_trace_and_results_are_as_conclusive() {
    support::each(["", PARTITION], |faults| {
        let bench = support::bench_without_docker();
        let trials = several(&bench, 3, faults, "2500ms", None);
        told_truly(&trials);
        let reasons: Vec<_> = trials.iter().map(|(trial, _)| (&trial.reasons, &trial.remarks)).collect();
        assert!(trials.iter().skip(1).all(|(trial, _)| again(trial)), "{reasons:#?}");
        // Whatever else the machine does may spoil a trial, on whichever servers; their past may not.
        assert!(
            trials.iter().flat_map(|(trial, _)| &trial.reasons).all(|reason| reason.contains("the machine is too busy")),
            "{reasons:#?}"
        );
        assert!(trials.iter().any(|(trial, _)| again(trial) && trial.status == TrialStatus::Conclusive), "{reasons:#?}");
    });
}

#[test]
fn servers_serve_again_in_their_own_cell_of_a_matrix_while_other_trials_go_on() {
    let bench = support::bench_without_docker();
    let text = "version: 1\nname: cells\ntrials: 3\ntopology: { kind: sentinel }\nduration: 1500ms\nworkloads:\n  \
                - { name: locks, kind: lock, clients: 2, rate: 50/s, keys: 8, ttl: 3s, hold: 20ms }\n\
                matrix:\n  topology.config.sentinel.down-after-milliseconds: [5000, 6000]\n\
                assert:\n  - { metric: failover.count, expect: \"count == 0\" }\n";
    let file = bench.experiment(text);
    let ended = finish(&mut bench.run(&[&file, "--runtime", "process", "--reuse", "--jobs", "2", "--seed", "6"]));
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let whole = std::fs::read(bench.results().join("result.json")).expect("result.json");
    let whole: MatrixDocument = serde_json::from_slice(&whole).expect("a matrix");
    let cells: Vec<_> = whole.cells.iter().map(|cell| trials_of(&bench.results().join(&cell.folder))).collect();
    let ids = |cell: &[(Trial, BTreeMap<String, String>)]| -> BTreeSet<String> {
        cell.iter().flat_map(|(_, nodes)| nodes.values().cloned()).collect()
    };
    assert_eq!(ids(&cells[0]).intersection(&ids(&cells[1])).count(), 0, "servers of one configuration never serve another");
    for (trial, nodes) in cells.iter().flatten() {
        let earlier = |other: &Trial| other.index != trial.index;
        let served = cells.iter().flatten().any(|(other, theirs)| earlier(other) && theirs == nodes);
        assert!(served || !again(trial), "trial {} says that its servers served before", trial.index);
    }
    assert!(cells.iter().all(|cell| cell.iter().any(|(trial, _)| again(trial))), "some served again in each cell");
}

#[test]
fn servers_never_serve_again_after_a_kill() {
    let bench = support::bench_without_docker();
    let trials = several(&bench, 2, KILL, "4s", None);
    told_truly(&trials);
    for (trial, _) in &trials {
        assert!(!again(trial));
        assert!(trial.remarks.iter().any(|remark| remark.contains("`crash` (kill) acts on the servers")), "{:?}", trial.remarks);
    }
}

#[test]
#[ignore = "six trials: ci/test --all"]
fn servers_that_differ_in_a_key_or_a_directive_do_not_serve_again() {
    support::each([("key", "redis-1: keys is `1` instead of `0`"), ("config", "config slowlog-max-len is `7`")], |(how, difference)| {
        let bench = support::bench_without_docker();
        let trials = several(&bench, 3, "", "2500ms", Some(how));
        told_truly(&trials);
        assert!(trials.iter().all(|(trial, _)| !again(trial)));
        for (trial, _) in &trials[1..] {
            assert!(trial.remarks.iter().any(|remark| remark.contains(difference)), "{:?}", trial.remarks);
        }
    });
}
