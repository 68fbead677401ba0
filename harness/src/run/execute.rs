//! All trials of one experiment, one after the other.

use std::path::PathBuf;
use std::sync::Arc;

use redquake_experiments::plan::Plan;
use redquake_experiments::spec::Topology;
use redquake_reports::result::{Document, Location, Source, Trial, TrialStatus};
use redquake_topologies::runtime::{Runtime, ServerSource};

use super::record::{FORMAT, RunRecord};
use super::{Folder, Interrupt, environment, judge};
use crate::cli::{Failure, Progress};
use crate::trial::{TrialRequest, perform};

/// What is to be run.
pub struct Order {
    /// Id every object is labelled with.
    pub run: String,
    /// The plan.
    pub plan: Plan,
    /// The file it came from.
    pub source: Source,
    /// Its bytes, kept beside the results.
    pub text: Vec<u8>,
    /// Where each assertion stands in it.
    pub locations: Vec<Option<Location>>,
    /// Command that repeats the run.
    pub repro: String,
    /// Folder that holds the results folders.
    pub out: PathBuf,
}

/// Performs a run and writes its reports; returns the result and where it lies.
pub async fn execute(
    order: Order,
    runtime: Arc<dyn Runtime>,
    progress: Progress,
    interrupt: Interrupt,
) -> Result<(Document, Folder), Failure> {
    let unwritable = |error: std::io::Error| {
        Failure::usage(format!("the results cannot be written to {}: {error}; choose another folder with --out", order.out.display()))
    };
    let folder = Folder::create(&order.out, &order.plan.experiment.name, order.plan.seed).map_err(unwritable)?;
    folder.write("experiment.yaml", &order.text).map_err(unwritable)?;

    let server = provide(&order.plan, &*runtime, &progress, &interrupt).await?;
    let mut record = RunRecord {
        format: FORMAT,
        run: order.run,
        environment: environment::describe(&runtime.info(), &server),
        plan: order.plan,
        source: order.source,
        locations: order.locations,
        repro: order.repro,
        started_at: jiff::Timestamp::now().to_string(),
        ended_at: None,
        interrupted: None,
        residue: Vec::new(),
    };
    save(&folder, &record)?;

    let total = record.plan.trials.len();
    for trial in record.plan.trials.clone() {
        if interrupt.cancel.is_cancelled() {
            break;
        }
        progress.prefix(&format!("trial {}/{total}", trial.index));
        progress.transient("bringing up the servers");
        let request = TrialRequest {
            plan: &record.plan,
            trial,
            runtime: &*runtime,
            server: &server,
            run: &record.run,
            folder: &folder.trial(trial.index).map_err(|error| Failure::environment(error.to_string()))?,
            cancel: &interrupt.cancel,
            progress: &progress,
        };
        let performed =
            perform(request).await.map_err(|error| Failure::environment(format!("the history could not be written: {error}")))?;
        record.residue.extend(performed.residue);
        let history = format!("{}/history.ndjson.zst", Folder::trial_name(trial.index));
        if let Ok(analysed) = judge::trial(&folder, &history) {
            progress.line(&format!("trial {}/{total}: {}", trial.index, in_a_line(&analysed)));
        }
    }

    record.ended_at = Some(jiff::Timestamp::now().to_string());
    record.interrupted = interrupt.name().map(str::to_owned);
    save(&folder, &record)?;
    progress.transient("analysing");
    let document = judge::judge(&folder).map_err(Failure::environment)?;
    judge::write_reports(&folder, &document).map_err(Failure::environment)?;
    Ok((document, folder))
}

async fn provide(plan: &Plan, runtime: &dyn Runtime, progress: &Progress, interrupt: &Interrupt) -> Result<ServerSource, Failure> {
    let Topology::Sentinel(topology) = &plan.experiment.topology;
    let provided = interrupt.cancel.run_until_cancelled(runtime.provide(&topology.server, &progress.announce())).await;
    match provided {
        Some(Ok(server)) => Ok(server),
        Some(Err(error)) => Err(Failure::environment(error.to_string())),
        None => Err(Failure::told(interrupt.exit().unwrap_or(crate::cli::Exit::Interrupted))),
    }
}

fn save(folder: &Folder, record: &RunRecord) -> Result<(), Failure> {
    let json = serde_json::to_vec_pretty(record).map_err(|error| Failure::environment(error.to_string()))?;
    folder.write(RunRecord::FILE, &json).map_err(|error| Failure::environment(format!("{}: {error}", folder.path().display())))
}

/// The trial in one line, for whoever watches.
fn in_a_line(trial: &Trial) -> String {
    let millis = |name: &str| trial.metrics.get(name).map(|sample| format!("{name} {:.0} ms", sample.value() / 1e6));
    let gaps: Vec<String> = ["failover.write_gap", "failover.client_gap"].into_iter().filter_map(millis).collect();
    match trial.status {
        TrialStatus::Conclusive => gaps.join(", "),
        TrialStatus::Inconclusive => format!("inconclusive: {}", trial.reasons.join("; ")),
        TrialStatus::Error => format!("error: {}", trial.reasons.join("; ")),
    }
}
