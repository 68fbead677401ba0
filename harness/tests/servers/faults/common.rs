//! What the tests of faults share: a short experiment, and questions to what came of it.

use std::fs::File;
use std::io::BufReader;

use redquake_reports::history::{Event, Op, Outcome, Probe, ProbeKind, Reader};
use redquake_reports::result::{Document, FaultOutcome, Trial, TrialStatus};

use crate::support::{self, Bench, Ended};

/// A workload whose clients hold nothing and whose writes must not vanish.
pub const SET: &str = "- { name: rows, kind: set, clients: 4, rate: 200/s, keys: 4 }";

/// Runs an experiment of the given length; `redis` is more of the servers' configuration, `faults` are the lines below `faults:`.
pub fn run(bench: &Bench, redis: &str, duration: &str, workload: &str, faults: &str) -> Ended {
    let text = format!(
        "version: 1\nname: nodes\ntopology:\n  kind: sentinel\n  config:\n    redis: {{ appendonly: \"no\"{redis} }}\n    \
         sentinel: {{ down-after-milliseconds: 1000, failover-timeout: 10000 }}\nduration: {duration}\nworkloads:\n  {workload}\n\
         faults:\n{faults}assert:\n  - {{ metric: failover.count, expect: \"count < 9\" }}\n"
    );
    let file = bench.experiment(&text);
    support::finish(&mut bench.run(&[&file, "--runtime", "process"]))
}

/// The trial that counts, whether or not a busy machine spoilt the one before it.
pub fn judged<'d>(document: &'d Document, ended: &Ended) -> &'d Trial {
    let trial = document.trials.iter().find(|trial| trial.status == TrialStatus::Conclusive);
    trial.unwrap_or_else(|| panic!("{}{}", ended.stdout, ended.stderr))
}

/// Everything that happened in a trial.
pub fn events(bench: &Bench, trial: &Trial) -> Vec<Event> {
    let file = File::open(bench.results().join(&trial.history)).expect("a history");
    Reader::open(BufReader::new(file)).expect("a history").collect::<Result<_, _>>().expect("events")
}

pub fn operations(events: &[Event]) -> impl Iterator<Item = &Op> {
    events.iter().filter_map(|event| if let Event::Op(op) = event { Some(op) } else { None })
}

pub fn fault<'t>(trial: &'t Trial, name: &str) -> &'t FaultOutcome {
    trial.faults.iter().find(|fault| fault.name == name).unwrap_or_else(|| panic!("no fault {name}: {:?}", trial.faults))
}

pub fn published<'e>(events: &'e [Event], name: &'e str) -> impl Iterator<Item = u64> + 'e {
    events.iter().filter_map(move |event| match event {
        Event::Sentinel(message) if message.event == name => Some(message.at),
        _ => None,
    })
}

/// Probe writes that a node acknowledged between two instants.
pub fn acknowledged(events: &[Event], node: u16, from: u64, to: u64) -> usize {
    let inside = |probe: &Probe| probe.node == node && probe.at[1] >= from && probe.at[2] <= to && probe.out == Outcome::Ok;
    events.iter().filter(|event| matches!(event, Event::Probe(probe) if probe.op == ProbeKind::Write && inside(probe))).count()
}

/// When a fault was there.
pub fn span(fault: &FaultOutcome) -> (u64, u64) {
    (fault.injected_at.expect("an injection"), fault.reverted_at.expect("a reversal"))
}

pub const MS: u64 = 1_000_000;
