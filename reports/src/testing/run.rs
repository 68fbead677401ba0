//! A whole run made of forged trials.

use super::{FailoverParams, failover_history, plan, stored};
use crate::analysis::{Assembly, analyze, assemble};
use crate::history::Reader;
use crate::result::{Document, Environment, Location, Source, Trial};

/// One trial, analysed from the bytes of its history.
///
/// # Panics
/// Never with the parameters of a history that can be written.
pub fn trial(params: &FailoverParams) -> Trial {
    let bytes = stored(&failover_history(params));
    let mut trial = analyze(Reader::open(bytes.as_slice()).expect("a stored history")).expect("a stored history");
    trial.history = format!("trial-{:03}/history.ndjson.zst", params.trial);
    trial
}

/// What a run of so many trials with these parameters is assembled from; the plan has as many.
pub fn assembly(params: &FailoverParams, trials: u32) -> Assembly {
    let mut plan = plan(params);
    plan.experiment.trials = trials;
    plan.trials = (1..=trials)
        .map(|index| redquake_experiments::plan::TrialPlan { index, seed: u64::from(index), phase: 0, repeats: None })
        .collect();
    let file = "experiments/sentinel/primary-kill.yaml";
    let locations = (0..3).map(|index| Some(Location { file: file.to_owned(), line: 21 + index, column: 5 })).collect();
    Assembly {
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        cell: None,
        until: None,
        source: Source { path: file.to_owned(), sha256: "0".repeat(64) },
        locations,
        environment: Environment {
            runtime: "docker 20.10.24 (API 1.41)".to_owned(),
            server: "redis 7.0.15".to_owned(),
            server_source: "image redquake/redis:7.0".to_owned(),
            kernel: "6.1.0".to_owned(),
            arch: "x86_64".to_owned(),
            cpus: 4,
            memory: 16 << 30,
        },
        repro: format!("redquake run {file} --seed {}", params.seed),
        started_at: "2025-01-01T00:00:00Z".to_owned(),
        ended_at: Some("2025-01-01T00:02:00Z".to_owned()),
        interrupted: None,
        residue: Vec::new(),
        not_begun: Vec::new(),
        not_repeated: None,
        trials: (1..=trials).map(|index| trial(&FailoverParams { trial: index, ..params.clone() })).collect(),
        plan,
    }
}

/// The result of a run of so many trials that differ only in their seeds.
pub fn document(params: &FailoverParams, trials: u32) -> Document {
    assemble(assembly(params, trials))
}
