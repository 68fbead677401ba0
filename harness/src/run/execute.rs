//! All trials of one experiment.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use redquake_experiments::plan::{Plan, TrialPlan, trial_seed};
use redquake_experiments::spec::Topology;
use redquake_reports::result::{Document, Location, Source, Trial, TrialStatus};
use redquake_topologies::runtime::{Runtime, ServerSource};
use tokio::sync::Semaphore;

use super::lanes::{Jobs, Lanes};
use super::record::{FORMAT, RunRecord};
use super::{Folder, Interrupt, environment, judge};
use crate::cli::{Failure, Progress};
use crate::trial::{Performed, TrialRequest, perform};

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
    /// How many trials go on at once.
    pub jobs: Jobs,
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

    let cpus = record.environment.cpus as usize;
    let session = Session { runtime: &*runtime, server: &server, folder: &folder, progress: &progress, interrupt: &interrupt };
    session.all_trials(&mut record, Lanes::new(order.jobs, cpus)).await?;

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

/// What all trials of a run share.
struct Session<'a> {
    runtime: &'a dyn Runtime,
    server: &'a ServerSource,
    folder: &'a Folder,
    progress: &'a Progress,
    interrupt: &'a Interrupt,
}

impl Session<'_> {
    /// Performs every trial, as many at once as the lanes allow. A trial that proved nothing is repeated, in all at most as often
    /// as trials were asked for. What is told of trials is told in their order.
    async fn all_trials(&self, record: &mut RunRecord, mut lanes: Lanes) -> Result<(), Failure> {
        let asked = record.plan.trials.len();
        let starting = Arc::new(Semaphore::new(1));
        let mut waiting: VecDeque<TrialPlan> = record.plan.trials.iter().copied().collect();
        let mut running = FuturesUnordered::new();
        let mut told = Told::default();
        loop {
            while running.len() < lanes.limit() && !self.interrupt.cancel.is_cancelled() {
                let Some(trial) = waiting.pop_front() else { break };
                running.push(self.one_trial(record.plan.clone(), record.run.clone(), trial, Arc::clone(&starting)));
            }
            let Some(ended) = running.next().await else { break };
            let (trial, performed, analysed) = ended?;
            record.residue.extend(performed.residue);
            let disturbed = analysed.as_ref().is_ok_and(|analysed| analysed.disturbed);
            lanes.learn(performed.strain, disturbed);
            let repeats = record.plan.trials.len() - asked;
            let proved_nothing = analysed.as_ref().is_ok_and(|analysed| analysed.status == TrialStatus::Inconclusive);
            if proved_nothing && repeats < asked && !self.interrupt.cancel.is_cancelled() {
                let index = u32::try_from(asked + repeats + 1).unwrap_or(u32::MAX);
                let again = TrialPlan { index, seed: trial_seed(record.plan.seed, index), repeats: Some(trial.index) };
                record.plan.trials.push(again);
                save(self.folder, record)?;
                waiting.push_back(again);
            }
            let line = match &analysed {
                Ok(analysed) => in_a_line(analysed),
                Err(reason) => reason.clone(),
            };
            // What the environment refused once, a configuration that a server does not take for example, it refuses every time.
            if analysed.as_ref().is_ok_and(|analysed| analysed.status == TrialStatus::Error) {
                waiting.clear();
            }
            let which = match trial.repeats {
                None => format!("trial {}/{asked}", trial.index),
                Some(repeated) => format!("trial {} (repeats {repeated})", trial.index),
            };
            told.tell(trial.index, format!("{which}: {line}"), self.progress);
        }
        told.rest(self.progress);
        Ok(())
    }

    async fn one_trial(
        &self,
        plan: Plan,
        run: String,
        trial: TrialPlan,
        starting: Arc<Semaphore>,
    ) -> Result<(TrialPlan, Performed, Result<Trial, String>), Failure> {
        let permit = starting.acquire_owned().await.ok();
        self.progress.prefix(&format!("trial {}", trial.index));
        self.progress.transient("bringing up the servers");
        let request = TrialRequest {
            plan: &plan,
            trial,
            runtime: self.runtime,
            server: self.server,
            run: &run,
            folder: &self.folder.trial(trial.index).map_err(|error| Failure::environment(error.to_string()))?,
            starting: Mutex::new(permit),
            cancel: &self.interrupt.cancel,
            progress: self.progress,
        };
        let performed =
            perform(request).await.map_err(|error| Failure::environment(format!("the history could not be written: {error}")))?;
        let (folder, history) = (self.folder.clone(), format!("{}/history.ndjson.zst", Folder::trial_name(trial.index)));
        // On a thread of its own: other trials are being measured.
        let analysed = tokio::task::spawn_blocking(move || judge::trial(&folder, &history)).await;
        Ok((trial, performed, analysed.unwrap_or_else(|error| Err(error.to_string()))))
    }
}

/// Lines about trials, told in the order of the trials.
#[derive(Default)]
struct Told {
    last: u32,
    held_back: BTreeMap<u32, String>,
}

impl Told {
    fn tell(&mut self, index: u32, line: String, progress: &Progress) {
        self.held_back.insert(index, line);
        while let Some(line) = self.held_back.remove(&(self.last + 1)) {
            progress.line(&line);
            self.last += 1;
        }
    }

    /// What was held back by a trial that never ended.
    fn rest(&mut self, progress: &Progress) {
        for (_, line) in std::mem::take(&mut self.held_back) {
            progress.line(&line);
        }
    }
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
