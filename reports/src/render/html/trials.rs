//! One trial on the page: what was done to it, its charts and the Sentinels' messages.

use super::svg::{self, Html};
use super::timeline::{self, Window};
use crate::render::anomalies;
use crate::render::{facts, number};
use crate::result::{AnomalyKind, Document, Failover, Trial, TrialStatus};

/// A trial, formatted.
pub struct TrialView {
    pub index: u32,
    pub seed: u64,
    pub status: &'static str,
    pub judged: bool,
    pub headline: String,
    /// ` (repeats trial 3, which proved nothing)`, or nothing.
    pub repeats: String,
    pub reasons: Vec<Html>,
    pub remarks: Vec<String>,
    /// Servers that ended by themselves: what happened, and the end of the log.
    pub crashes: Vec<(String, String)>,
    pub faults: Vec<FaultRow>,
    pub overview: String,
    pub closeups: Vec<CloseUp>,
    /// Whether the steps are of shards.
    pub sharded: bool,
    pub steps: Vec<StepRow>,
    pub messages: Vec<MessageRow>,
    pub messages_left: usize,
    pub ready: String,
    /// At which phase of the servers' timers it began, or nothing.
    pub phase: String,
    /// Where all anomalies are; empty where there are none.
    pub anomalies: String,
    pub anomalies_link: String,
    pub history: String,
    /// The history as a link target, where the name is a plain relative path.
    pub link: String,
}

/// A part of the trial's time, drawn by itself.
pub struct CloseUp {
    /// Of whose outage.
    pub whose: String,
    pub svg: String,
}

/// A fault and its proof.
pub struct FaultRow {
    pub when: String,
    pub what: String,
    pub state: &'static str,
    pub proof: String,
}

/// A part of a gap and who reported its end.
pub struct StepRow {
    /// The shard whose gap it is a part of.
    pub shard: String,
    pub number: &'static str,
    pub class: &'static str,
    pub name: String,
    pub from: String,
    pub to: String,
    pub length: String,
    pub ended_by: String,
}

/// A message of a Sentinel.
pub struct MessageRow {
    pub when: String,
    pub node: String,
    pub event: String,
    pub payload: String,
}

/// How much detail a trial is shown with.
#[derive(Clone, Copy)]
pub struct Budget {
    columns: usize,
    messages: usize,
    closeups: usize,
    marks: usize,
}

impl Budget {
    /// For the trial that is shown first.
    pub const FULL: Self = Self { columns: 800, messages: 200, closeups: 3, marks: 200 };

    /// For the others, which share what is left; `detail` goes from 1 down to 0 as the page gets too large.
    pub fn shared(document: &Document, detail: f64) -> Self {
        let charts: usize = document.trials.iter().map(|trial| trial.timeline.workloads.len().max(1)).sum();
        let part = |total: f64, of: usize| (total * detail / of.max(1) as f64) as usize;
        Self {
            columns: part(8_000.0, charts).clamp(50, 800),
            messages: part(2_000.0, document.trials.len()).clamp(5, 200),
            closeups: if detail > 0.1 { 2 } else { 0 },
            marks: part(4_000.0, document.trials.len()).clamp(10, 200),
        }
    }
}

/// Harm that makes a trial worth a look before all others.
const GRAVE: [AnomalyKind; 8] = [
    AnomalyKind::DoubleAcquired,
    AnomalyKind::LostWrite,
    AnomalyKind::ChargedTwice,
    AnomalyKind::LostUpdate,
    AnomalyKind::NotLinearizable,
    AnomalyKind::OverAdmitted,
    AnomalyKind::ImmortalKey,
    AnomalyKind::StuckLock,
];

/// The trial that shows most, and why it is that one.
pub fn worst(document: &Document) -> Option<(&Trial, String)> {
    let count = |trial: &Trial, kinds: &[AnomalyKind]| kinds.iter().map(|kind| anomalies::count(trial, *kind)).sum::<u64>();
    let harm = |trial: &Trial| {
        let grave = count(trial, &GRAVE);
        (grave, count(trial, &[AnomalyKind::LostLock]))
    };
    let gap = |trial: &Trial| trial.failovers.iter().filter_map(facts::gap_length).map(|one| one.value()).fold(0.0, f64::max);
    let judged = |trial: &Trial| trial.status == TrialStatus::Conclusive;
    let worst = document.trials.iter().max_by(|a, b| {
        let order = (judged(a), harm(a)).cmp(&(judged(b), harm(b)));
        // Of equals the first is taken: `max_by` would take the last.
        order.then(gap(a).total_cmp(&gap(b))).then(b.index.cmp(&a.index))
    })?;
    let why = match document.trials.len() {
        1 => String::new(),
        _ if harm(worst).0 > 0 => "shown first because most went wrong in it".to_owned(),
        _ if harm(worst).1 > 0 => "shown first because it lost the most locks".to_owned(),
        _ if gap(worst) > 0.0 => "shown first because it has the longest gap".to_owned(),
        _ => String::new(),
    };
    Some((worst, why))
}

impl TrialView {
    /// Formats a trial.
    pub fn new(trial: &Trial, budget: &Budget) -> Self {
        let id = format!("t{}", trial.index);
        let begin = trial.timeline.workloads.iter().filter_map(|w| w.buckets.first()).map(|b| b.at).min().unwrap_or(trial.zero);
        let whole = [begin.min(trial.zero), trial.end.max(trial.zero.saturating_add(1))];
        let overview = timeline::draw(trial, &Window { id: &id, time: whole, columns: budget.columns, marks: budget.marks, close: false });
        let close = |(n, (time, shards)): (usize, ([u64; 2], Vec<u32>))| CloseUp {
            whose: of_shards(&shards),
            svg: timeline::draw(
                trial,
                &Window { id: &format!("{id}-{n}"), time, columns: budget.columns, marks: budget.marks, close: true },
            ),
        };
        let closeups = close_ups(trial, whole).into_iter().take(budget.closeups).enumerate().map(close).collect();
        let shown = &trial.timeline.sentinel[..trial.timeline.sentinel.len().min(budget.messages)];
        let at = |at: u64| number::instant(at, trial.zero);
        let messages = shown
            .iter()
            .map(|mark| MessageRow { when: at(mark.at), node: mark.node.clone(), event: mark.event.clone(), payload: mark.payload.clone() })
            .collect();
        Self {
            index: trial.index,
            seed: trial.seed,
            status: status(trial.status),
            judged: trial.status == TrialStatus::Conclusive,
            headline: headline(trial),
            repeats: trial.repeats.map_or_else(String::new, |of| format!(" (repeats trial {of}, which proved nothing)")),
            reasons: trial.reasons.iter().map(|reason| svg::prose(reason)).collect(),
            remarks: trial.remarks.clone(),
            crashes: trial
                .crashes
                .iter()
                .map(|crash| (format!("{} crashed by itself ({}) at {}", crash.node, crash.by(), at(crash.at)), crash.log.join("\n")))
                .collect(),
            faults: faults(trial),
            overview,
            closeups,
            sharded: trial.nodes.iter().any(|node| node.shard.is_some()),
            steps: steps(trial),
            messages,
            messages_left: trial.timeline.sentinel.len() - shown.len(),
            phase: trial.phase.map_or_else(String::new, |phase| number::duration(phase as f64)),
            ready: trial.ready_after.map_or_else(String::new, |nanos| number::duration(nanos as f64)),
            anomalies: trial.anomalies_file.clone(),
            anomalies_link: svg::link(&trial.anomalies_file),
            history: trial.history.clone(),
            link: svg::link(&trial.history),
        }
    }
}

fn status(status: TrialStatus) -> &'static str {
    match status {
        TrialStatus::Conclusive => "conclusive",
        TrialStatus::Inconclusive => "inconclusive, not judged",
        TrialStatus::Error => "failed by the environment, not judged",
    }
}

/// `write gap 1.39 s, client gap 2.31 s, 3 double-acquired, 6 lost lock`.
fn headline(trial: &Trial) -> String {
    let mut parts = Vec::new();
    for failover in trial.failovers.iter().take(MOST_TOLD) {
        let shard = failover.shard.map(|shard| format!("shard {shard} ")).unwrap_or_default();
        let whose = if failover.aftershock { format!("{shard}aftershock ") } else { shard };
        if let Some(gap) = &failover.write_gap {
            parts.push(format!("{whose}write gap {}", timeline::gap_label(gap)));
        }
        if let Some(gap) = &failover.client_gap {
            parts.push(format!("{whose}client gap {}", number::sample(crate::result::MetricUnit::Ns, gap.length)));
        }
    }
    if trial.failovers.len() > MOST_TOLD {
        parts.push(format!("{} more outages", trial.failovers.len() - MOST_TOLD));
    }
    if trial.failovers.is_empty() {
        parts.push("no outage".to_owned());
    }
    let mut kinds: Vec<(AnomalyKind, u64)> = Vec::new();
    for one in anomalies::counts(trial).iter().filter(|one| one.kind != AnomalyKind::PossibleDouble) {
        match kinds.last_mut() {
            Some((kind, total)) if *kind == one.kind => *total += one.total,
            _ => kinds.push((one.kind, one.total)),
        }
    }
    parts.extend(kinds.iter().map(|(kind, total)| format!("{} {}", number::count(*total as f64), facts::anomaly_name(*kind))));
    parts.join(", ")
}

/// Outages that are told in the headline of a trial.
const MOST_TOLD: usize = 4;

/// ` of shard 2`, ` of shards 1, 2 and 3`; nothing where there are none.
fn of_shards(shards: &[u32]) -> String {
    let names: Vec<String> = shards.iter().map(ToString::to_string).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => format!(" of shard {one}"),
        [head @ .., last] => format!(" of shards {} and {last}", head.join(", ")),
    }
}

/// When to look closer, and at the outages of which shards: shards that are out at the same time are looked at together.
fn close_ups(trial: &Trial, whole: [u64; 2]) -> Vec<([u64; 2], Vec<u32>)> {
    let mut all: Vec<([u64; 2], Vec<u32>)> = Vec::new();
    for failover in trial.failovers.iter().filter(|failover| facts::is_outage(failover)) {
        let Some(time) = close_up(trial, failover, whole) else { continue };
        let meets = |other: &&mut ([u64; 2], Vec<u32>)| !other.1.is_empty() && other.0[0] <= time[1] && time[0] <= other.0[1];
        match failover.shard.and_then(|shard| Some((shard, all.iter_mut().find(meets)?))) {
            Some((shard, (other, shards))) => {
                *other = [other[0].min(time[0]), other[1].max(time[1])];
                if !shards.contains(&shard) {
                    shards.push(shard);
                    shards.sort_unstable();
                }
            }
            None => all.push((time, failover.shard.into_iter().collect())),
        }
    }
    all
}

/// From a little before the outage to a little after everybody writes again; `None` when that is most of the trial anyway.
fn close_up(trial: &Trial, failover: &Failover, [begin, end]: [u64; 2]) -> Option<[u64; 2]> {
    let gaps = || [&failover.write_gap, &failover.client_gap].into_iter().flatten();
    let from = gaps().map(|gap| gap.from).chain(failover.fault_at).min()?;
    let closed = gaps().filter_map(|gap| gap.to).chain(failover.parts.iter().map(|part| part.to)).max();
    let spoke = trial.timeline.sentinel.iter().map(|mark| mark.at).filter(|at| *at > from).max();
    // A gap that stays open has no end to look at: what the Sentinels said last is the place of interest.
    let open = gaps().any(|gap| gap.to.is_none());
    let to = if open { closed.max(spoke) } else { closed }?;
    let length = to.saturating_sub(from);
    if length == 0 {
        return None;
    }
    // Room for the name of the last message.
    let after = if open { length / 3 } else { length / 6 };
    let window = [from.saturating_sub(length / 12).max(begin), (to + after).min(end)];
    (window[0] < window[1] && (window[1] - window[0]) * 10 < (end - begin) * 7).then_some(window)
}

fn faults(trial: &Trial) -> Vec<FaultRow> {
    let row = |fault: &crate::result::FaultOutcome| FaultRow {
        when: fault.injected_at.or(fault.planned_at).map_or_else(|| "never".to_owned(), |at| number::instant(at, trial.zero)),
        what: format!("{}: {} {}", fault.name, fault.action, fault.targets.join(", ")),
        state: facts::fault_state(fault),
        proof: match fault.reverted_at {
            Some(at) => format!("{}; {} at {}", fault.proof, ended(fault), number::instant(at, trial.zero)),
            None => fault.proof.clone(),
        },
    };
    trial.faults.iter().map(row).collect()
}

/// How the end of a fault is called.
fn ended(fault: &crate::result::FaultOutcome) -> &'static str {
    if fault.action == "reshard" { "over" } else { "reverted" }
}

fn steps(trial: &Trial) -> Vec<StepRow> {
    let at = |at: u64| number::instant(at, trial.zero);
    let row = |shard: Option<u32>, part: &crate::result::FailoverPart, cut: bool| {
        let length = number::duration(part.to.saturating_sub(part.from) as f64);
        let (class, _, number) = super::anatomy::part_style(&part.name);
        StepRow {
            shard: shard.map(|shard| shard.to_string()).unwrap_or_default(),
            number,
            class,
            name: part.name.clone(),
            from: at(part.from),
            to: at(part.to),
            length: if cut { format!("≥ {length}") } else { length },
            ended_by: part.ended_by.clone(),
        }
    };
    let rows = trial.failovers.iter().flat_map(|failover| {
        let last = failover.parts.len().saturating_sub(1);
        failover.parts.iter().enumerate().map(move |(index, part)| row(failover.shard, part, index == last && facts::unended(failover)))
    });
    rows.collect()
}
