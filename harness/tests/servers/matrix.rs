//! A matrix on real servers, and trials that go on until a median is precise.

use std::collections::BTreeMap;

use redquake_reports::history::Reader;
use redquake_reports::result::{Document, EndedBy, MatrixDocument, TrialStatus};

use crate::support::{self, Bench, finish};

fn whole(bench: &Bench) -> MatrixDocument {
    serde_json::from_slice(&std::fs::read(bench.results().join("result.json")).expect("result.json")).expect("a matrix")
}

/// When each trial began by its own history: cell, trial, RFC 3339 in UTC.
fn begun(bench: &Bench, document: &MatrixDocument) -> Vec<(String, usize, u32)> {
    let mut begun = Vec::new();
    for (index, cell) in document.cells.iter().enumerate() {
        let own: Document = support::document(&bench.results().join(&cell.folder));
        for trial in &own.trials {
            let path = bench.results().join(&cell.folder).join(&trial.history);
            let file = std::fs::File::open(path).expect("a history");
            let reader = Reader::open(std::io::BufReader::new(file)).expect("a history");
            begun.push((reader.header().began.clone(), index, trial.index));
        }
    }
    begun.sort();
    begun
}

#[test]
fn two_cells_of_two_trials_take_turns_and_their_report_compares_them() {
    let bench = support::bench_without_docker();
    let matrix = "matrix:\n  topology.config.sentinel.down-after-milliseconds: [1000, 2000]\n";
    let text = support::quick("max < 5s").replace("duration: 4s", "duration: 5s\ntrials: 2");
    let file = bench.experiment(&format!("{text}{matrix}"));
    let ended = finish(&mut bench.run(&[&file, "--runtime", "process", "--jobs", "2", "--seed", "11"]));
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);

    let document = whole(&bench);
    assert_eq!(document.cells.iter().map(|cell| cell.values.concat()).collect::<Vec<_>>(), ["1000", "2000"]);
    // Whatever was repeated came last: the first two rounds hold each cell once.
    let begun = begun(&bench, &document);
    for (round, pair) in begun[..4].chunks(2).enumerate() {
        let mut cells: Vec<usize> = pair.iter().map(|(_, cell, _)| *cell).collect();
        cells.sort_unstable();
        assert_eq!(cells, [0, 1], "{begun:?}");
        assert!(pair.iter().all(|(_, _, trial)| *trial as usize == round + 1), "{begun:?}");
    }
    let gap = |cell: usize| document.cells[cell].metrics["failover.write_gap"].median.value();
    assert!((gap(1) - gap(0) - 1e9).abs() < 0.4e9, "a second more of down-after: {} and {}", gap(0), gap(1));
    let page = std::fs::read_to_string(bench.results().join("report.html")).expect("report.html");
    for cell in &document.cells {
        assert!(page.contains(&format!("{}/report.html", cell.folder)));
        assert!(bench.results().join(&cell.folder).join("report.html").exists());
    }
    // Trials of one number have one seed and one phase in every cell.
    let mut seeds: BTreeMap<u32, Vec<(u64, u64)>> = BTreeMap::new();
    for cell in &document.cells {
        let own: Document = support::document(&bench.results().join(&cell.folder));
        own.trials
            .iter()
            .filter(|trial| trial.repeats.is_none())
            .for_each(|trial| seeds.entry(trial.index).or_default().push((trial.seed, trial.phase.expect("a phase"))));
    }
    // A phase that was waited for is late by a moment, never early.
    let alike = |[one, other]: [(u64, u64); 2]| {
        let apart = (one.1 + 1_000_000_000 - other.1) % 1_000_000_000;
        one.0 == other.0 && apart.min(1_000_000_000 - apart) < 200_000_000
    };
    assert!(seeds.values().all(|seeds| <[_; 2]>::try_from(seeds.as_slice()).is_ok_and(alike)), "{seeds:?}");

    let before = std::fs::read(bench.results().join("result.json")).expect("result.json");
    let again = finish(support::redquake().arg("analyze").arg(bench.results()));
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert_eq!(before, std::fs::read(bench.results().join("result.json")).expect("result.json"));
}

/// Followed by the precision that is wanted.
const UNTIL: [&str; 7] = ["--runtime", "process", "--jobs", "2", "--seed", "4", "--until"];

#[test]
fn trials_go_on_until_the_median_is_precise() {
    let bench = support::bench_without_docker();
    let healthy = "version: 1\nname: until\ntopology: { kind: sentinel }\nduration: 1500ms\nworkloads:\n  \
                   - { name: locks, kind: lock, clients: 2, rate: 50/s, keys: 80, ttl: 3s, hold: 20ms }\n\
                   assert:\n  - { metric: locks.lost, expect: \"count == 0\" }\n";
    let file = bench.experiment(healthy);
    let ended = finish(&mut bench.run(&[&[file.as_str()], &UNTIL[..], &["locks.acquired median ±60%"]].concat()));
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let document = bench.document();
    let precision = document.precision.clone().expect("a precision");
    assert_eq!(precision.ended_by, EndedBy::Precision);
    assert!(precision.got.is_some_and(|got| got <= 0.6) && precision.n >= 5, "{precision:?}");
    let conclusive = document.trials.iter().filter(|trial| trial.status == TrialStatus::Conclusive).count();
    assert_eq!(conclusive as u32, precision.n);
}

#[test]
#[ignore = "six trials: ci/test --all"]
fn trials_end_when_those_that_were_allowed_are_spent() {
    let bench = support::bench_without_docker();
    let file = bench.experiment(&support::quick("max < 5s"));
    let narrow = ["failover.write_gap median ±0.001%", "--max-trials", "6"];
    let ended = finish(&mut bench.run(&[&[file.as_str()], &UNTIL[..], &narrow].concat()));
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let document = bench.document();
    assert_eq!(document.precision.expect("a precision").ended_by, EndedBy::Trials);
    assert_eq!(document.trials.iter().filter(|trial| trial.repeats.is_none()).count(), 6);
    assert!(ended.stdout.contains("not reached with the trials that were allowed"), "{}", ended.stdout);
}
