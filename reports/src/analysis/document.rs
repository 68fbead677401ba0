//! All trials of a run put together: summaries, verdicts, exit code.

use std::collections::{BTreeMap, BTreeSet};

use redquake_experiments::plan::{Plan, predict};
use redquake_experiments::spec::metrics::{self, Unit};
use redquake_experiments::spec::{Aggregate, Assertion, Comparison, Expectation, Experiment, Limit, Severity, Until};

use super::phases;
use super::stats::{precision, summarise};
use super::vacuous::vacuous;
use super::verdict::{Evidence, judge};
use super::words::count;
use crate::result::{
    AssertionResult, Document, EndedBy, Environment, Location, MetricSummary, MetricUnit, Precision, Prediction, SCHEMA_VERSION, Sample,
    Source, Tool, Trial, TrialStatus, Verdict,
};

/// What a document is made of, beside what the histories say.
#[derive(Debug, Clone)]
pub struct Assembly {
    /// Version of the tool that assembles it.
    pub tool_version: String,
    /// The plan of the run.
    pub plan: Plan,
    /// What distinguishes it from the other cells, where it is one of a matrix.
    pub cell: Option<String>,
    /// The file the experiment came from.
    pub source: Source,
    /// Where each assertion stands in it, in the file's order; missing ones have no place.
    pub locations: Vec<Option<Location>>,
    /// How sure the run was to become and what ended its trials, where that was asked for.
    pub until: Option<(Until, EndedBy)>,
    /// The machine and the servers.
    pub environment: Environment,
    /// Command that repeats the run.
    pub repro: String,
    /// When the run began, RFC 3339 in UTC.
    pub started_at: String,
    /// When it ended; `None` when the tool was killed.
    pub ended_at: Option<String>,
    /// The signal that interrupted it, for example `SIGINT`.
    pub interrupted: Option<String>,
    /// Objects that could not be removed.
    pub residue: Vec<String>,
    /// The trials that were begun, analysed, in order.
    pub trials: Vec<Trial>,
    /// Planned trials that were never begun.
    pub not_begun: Vec<u32>,
    /// Which trial that proved nothing was not repeated, and why.
    pub not_repeated: Option<String>,
}

/// Puts the trials of a run together. The same input gives the same document.
pub fn assemble(assembly: Assembly) -> Document {
    let Assembly {
        tool_version,
        plan,
        cell,
        source,
        locations,
        until,
        environment,
        repro,
        started_at,
        ended_at,
        interrupted,
        residue,
        trials,
        not_begun,
        not_repeated,
    } = assembly;
    let experiment = &plan.experiment;
    // A repeat stands in for the trial it repeats.
    let planned = plan.trials.iter().filter(|trial| trial.repeats.is_none()).count();
    let catalogue = metrics::all(experiment);
    let mut metrics: BTreeMap<String, MetricSummary> = catalogue
        .iter()
        .filter_map(|(name, metric)| Some((name.clone(), summarise(name, unit(metric.unit), metric.meaning, samples(name, &trials))?)))
        .collect();
    phases::tell(&mut metrics, &trials, plan.window());
    let mut assertions: Vec<AssertionResult> = experiment
        .assertions
        .iter()
        .enumerate()
        .map(|(index, assertion)| {
            let unit = metrics::find(&assertion.metric, experiment).map_or(MetricUnit::Count, |metric| unit(metric.unit));
            let samples: Vec<Sample> = samples(&assertion.metric, &trials).into_iter().map(|(_, sample)| sample).collect();
            let judged = judge(assertion, Evidence { unit, samples: &samples, planned }, locations.get(index).cloned().flatten());
            let vacuous = if judged.verdict == Verdict::Pass { vacuous(assertion, &trials) } else { None };
            AssertionResult { vacuous, ..judged }
        })
        .collect();
    assertions.extend(metrics::UNWANTED.iter().filter_map(|metric| none_of(metric, experiment, &trials, planned)));
    let precision = until.map(|(until, ended_by)| {
        let samples: Vec<Sample> = samples(&until.metric, &trials).into_iter().map(|(_, sample)| sample).collect();
        let n = u32::try_from(samples.len()).unwrap_or(u32::MAX);
        Precision { got: precision(&samples), metric: until.metric, wanted: until.within, n, ended_by }
    });
    let mut judged = Judged::new(&assertions, &trials, planned, interrupted.as_deref(), &residue);
    judged.lost(&trials);
    judged.not_begun(&not_begun, planned);
    judged.reasons.extend(not_repeated.filter(|_| judged.verdict != Verdict::Pass));
    if ended_at.is_none() {
        judged.cut_short();
    }
    let predictions =
        predict(experiment).into_iter().map(|one| (one.metric, Prediction { low: one.low, high: one.high, formula: one.formula }));
    Document {
        schema_version: SCHEMA_VERSION,
        tool: Tool { name: "redquake".to_owned(), version: tool_version },
        verdict: judged.verdict,
        exit_code: judged.exit_code,
        reasons: judged.reasons,
        ended_at: ended_at.unwrap_or_else(|| started_at.clone()),
        started_at,
        environment: Environment { server: server(environment.server, &trials), ..environment },
        name: experiment.name.clone(),
        cell,
        description: experiment.description.clone(),
        source,
        predictions: predictions.collect(),
        // Every type of an experiment has a JSON form: its keys are strings.
        experiment: serde_json::to_value(experiment).unwrap_or_default(),
        seed: plan.seed,
        repro,
        assertions,
        metrics,
        precision,
        trials,
        not_begun,
        residue,
    }
}

/// That a count nobody wants is 0, where the file does not speak of it and it was taken: a crash, or a fault that found nothing to act on,
/// must not hide behind a pass.
fn none_of(metric: &str, experiment: &Experiment, trials: &[Trial], planned: usize) -> Option<AssertionResult> {
    let samples: Vec<Sample> = samples(metric, trials).into_iter().map(|(_, sample)| sample).collect();
    if samples.is_empty() || experiment.assertions.iter().any(|assertion| assertion.metric == metric) {
        return None;
    }
    let expect = Expectation { aggregate: Aggregate::Count, comparison: Comparison::Equal, limit: Limit::Number(0.0) };
    let assertion = Assertion { metric: metric.to_owned(), expect, severity: Severity::Error };
    let judged = judge(&assertion, Evidence { unit: MetricUnit::Count, samples: &samples, planned }, None);
    // Too few trials are told as such already.
    if judged.verdict == Verdict::Inconclusive {
        return None;
    }
    Some(AssertionResult { implicit: true, actual_text: format!("{}, asserted by default", judged.actual_text), ..judged })
}

/// What the servers say they are, where the record of the run does not.
fn server(recorded: String, trials: &[Trial]) -> String {
    let told = trials.iter().find_map(|trial| trial.nodes.first()).map(|node| node.version.clone());
    if recorded.is_empty() { told.unwrap_or_default() } else { recorded }
}

/// The verdict of a run and what follows from it.
struct Judged {
    verdict: Verdict,
    exit_code: u8,
    reasons: Vec<String>,
}

impl Judged {
    fn new(assertions: &[AssertionResult], trials: &[Trial], planned: usize, interrupted: Option<&str>, residue: &[String]) -> Self {
        let with = |status| trials.iter().filter(|trial| trial.status == status).count();
        let (conclusive, failed) = (with(TrialStatus::Conclusive), with(TrialStatus::Error));
        let mut reasons = Vec::new();
        let verdicts = |verdict| assertions.iter().filter(move |one| one.severity == Severity::Error && one.verdict == verdict);
        for one in verdicts(Verdict::Fail).chain(verdicts(Verdict::Inconclusive)) {
            reasons.push(format!("`{} {}`: {}", one.metric, one.expect, one.reason));
        }
        if conclusive < planned {
            reasons.push(format!("{conclusive} of {} conclusive", count(planned as u64, "planned trial")));
        }
        let repeated = trials.iter().filter_map(|trial| trial.repeats).collect::<BTreeSet<u32>>().len();
        if repeated > 0 {
            let verb = if repeated == 1 { "was" } else { "were" };
            reasons.push(format!("{repeated} of {} proved nothing and {verb} repeated", count(trials.len() as u64, "trial")));
        }
        if conclusive < planned {
            reasons
                .extend(trials.iter().flat_map(|trial| trial.reasons.iter().map(move |reason| format!("trial {}: {reason}", trial.index))));
        }
        let enough = conclusive * 2 >= planned;
        let verdict = match (verdicts(Verdict::Fail).next(), verdicts(Verdict::Inconclusive).next()) {
            // Without a single trial that counts, a failed environment is what there is to say.
            _ if conclusive == 0 && failed > 0 && interrupted.is_none() => Verdict::Error,
            (Some(_), _) => Verdict::Fail,
            (None, None) if enough && interrupted.is_none() => Verdict::Pass,
            _ => Verdict::Inconclusive,
        };
        if verdict == Verdict::Pass {
            reasons.clear();
        }
        let mut exit_code = match (verdict, interrupted) {
            (_, Some(signal)) => {
                reasons.insert(0, format!("the run was interrupted by {signal}"));
                match signal {
                    "SIGTERM" => 143,
                    "SIGHUP" => 129,
                    _ => 130,
                }
            }
            (Verdict::Pass, None) => 0,
            (Verdict::Fail, None) => 1,
            (Verdict::Inconclusive, None) => 3,
            (Verdict::Error, None) => 4,
        };
        if !residue.is_empty() {
            reasons.push(format!("{} could not be removed: {}", count(residue.len() as u64, "object"), residue.join(", ")));
            exit_code = 6;
        }
        Self { verdict, exit_code, reasons }
    }
}

impl Judged {
    /// A run without an end was killed: what it would have shown is unknown.
    fn cut_short(&mut self) {
        self.reasons.insert(0, "the run has no end: the tool was killed".to_owned());
        self.no_pass();
    }

    /// What a lost history would have shown is unknown as well, unless another trial stands in for it.
    fn lost(&mut self, trials: &[Trial]) {
        let lost = trials.iter().filter(|trial| !stood_in_for(trial.index, trials));
        let lost: Vec<String> = lost.filter_map(|trial| Some(format!("trial {}: {}", trial.index, trial.damage.as_ref()?))).collect();
        // Every other verdict tells the reasons of its trials anyway.
        if self.verdict == Verdict::Pass && !lost.is_empty() {
            self.reasons.push(format!("{} not whole, and may have shown what is not told here", histories(lost.len())));
            self.reasons.extend(lost);
            self.no_pass();
        }
    }

    /// Trials that never began showed nothing, and are counted.
    fn not_begun(&mut self, not_begun: &[u32], planned: usize) {
        if self.verdict != Verdict::Pass && !not_begun.is_empty() {
            let verb = if not_begun.len() == 1 { "was" } else { "were" };
            self.reasons.push(format!("{} of {} {verb} never begun", not_begun.len(), count(planned as u64, "planned trial")));
        }
    }

    fn no_pass(&mut self) {
        if self.verdict == Verdict::Pass {
            self.verdict = Verdict::Inconclusive;
            // What could not be removed comes before every verdict.
            self.exit_code = if self.exit_code == 0 { 3 } else { self.exit_code };
        }
    }
}

fn histories(number: usize) -> String {
    if number == 1 { "1 history is".to_owned() } else { format!("{number} histories are") }
}

/// Whether a trial counts that repeats it, or that repeats one that does.
fn stood_in_for(index: u32, trials: &[Trial]) -> bool {
    let mut repeats = trials.iter().filter(|trial| trial.repeats == Some(index) && trial.index > index);
    repeats.any(|trial| trial.status == TrialStatus::Conclusive || stood_in_for(trial.index, trials))
}

fn unit(unit: Unit) -> MetricUnit {
    match unit {
        Unit::Ns => MetricUnit::Ns,
        Unit::Count => MetricUnit::Count,
        Unit::Share => MetricUnit::Share,
        Unit::Rate => MetricUnit::Rate,
    }
}

/// The values of a metric in the conclusive trials.
fn samples(name: &str, trials: &[Trial]) -> Vec<(u32, Sample)> {
    let conclusive = trials.iter().filter(|trial| trial.status == TrialStatus::Conclusive);
    conclusive.filter_map(|trial| Some((trial.index, *trial.metrics.get(name)?))).collect()
}
