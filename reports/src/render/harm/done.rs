//! The harm that was done, and whether the experiment expects it.

use std::collections::BTreeMap;

use redquake_experiments::spec::metrics::of_shard;
use redquake_experiments::spec::{Comparison, Expectation};

use super::list::{Amount, HARMS, Harm};
use crate::render::facts;
use crate::result::{AssertionResult, Document, MetricSummary, MetricUnit, Verdict};

/// What the assertions have to say about some harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asserted {
    /// It is limited, whether or not the limit is kept.
    Limited,
    /// Nothing asserts it.
    Not,
    /// The experiment expects it: an assertion that holds and would not hold without it.
    Expected,
}

/// Harm that was done.
pub struct Done {
    /// Which.
    pub harm: &'static Harm,
    /// Full name of the metric.
    pub name: String,
    /// The workload, or `failover`.
    pub of: String,
    /// How much.
    pub amount: Amount,
    /// What the assertions say of it.
    pub asserted: Asserted,
    /// How many workloads of the kind there are.
    peers: usize,
    /// Whether the amounts of workloads add up.
    sum: bool,
}

impl Done {
    /// What happened, and in which workload where several are of the kind.
    pub fn words(&self) -> String {
        together(&[self])
    }

    /// The number, in its unit.
    pub fn value(&self) -> String {
        self.amount.n()
    }

    /// `locks.lost 12`.
    pub fn figure(&self) -> String {
        format!("`{}` {}", self.name, self.amount.n())
    }
}

/// What is known of the workloads: kind, limit and window by name.
pub type Kinds = BTreeMap<String, (String, Option<[u64; 2]>)>;

/// The workloads of a document.
pub fn kinds(document: &Document) -> Kinds {
    let all = facts::conclusive(document).flat_map(|trial| &trial.workloads);
    all.map(|one| {
        let limit = one.limiter.as_ref().map(|limiter| [limiter.limit, limiter.window]);
        (one.name.clone(), (kind_of(&one.kind).to_owned(), limit))
    })
    .collect()
}

/// Both kinds of limiters are one here.
pub fn kind_of(kind: &str) -> &str {
    if kind.ends_with("-limiter") { "limiter" } else { kind }
}

/// The harm that was done in the conclusive trials of a document, worst first.
pub fn done(document: &Document) -> Vec<Done> {
    done_in(&document.metrics, &document.assertions, &kinds(document))
}

/// The harm that some metrics tell of, worst first. Of a workload of unknown kind the first entry of the metric's name is taken.
pub fn done_in(metrics: &BTreeMap<String, MetricSummary>, assertions: &[AssertionResult], kinds: &Kinds) -> Vec<Done> {
    let mut found: Vec<(usize, Done)> = Vec::new();
    for (name, metric) in metrics.iter().filter(|(name, _)| of_shard(name).is_none()) {
        let Some((of, tail)) = name.split_once('.') else { continue };
        let known = kinds.get(of);
        let kind = if of == "failover" { Some("failover") } else { known.map(|(kind, _)| kind.as_str()) };
        let fits = |harm: &Harm| harm.metric == tail && kind.map_or(harm.kind != "failover", |kind| harm.kind == kind);
        let Some(place) = HARMS.iter().position(fits) else { continue };
        let harm = &HARMS[place];
        let limit = known.and_then(|(_, limit)| *limit);
        // Counts of the trials add up; times, peaks and multiples do not.
        let sum = metric.unit == MetricUnit::Count && !matches!(tail, "peak" | "db_peak_multiplier");
        let value = if sum { metric.total } else { metric.max.value() };
        let ordinary = harm.ordinary(limit);
        if value <= ordinary {
            continue;
        }
        let whole = metrics.get(&format!("{of}.{}", harm.of)).map(|whole| whole.total).filter(|whole| *whole > 0.0);
        let open = if sum { metric.samples.iter().any(|(_, sample)| facts::is_open(*sample)) } else { facts::is_open(metric.max) };
        let amount = Amount { open, value, unit: metric.unit, of: whole, several: metric.samples.len() > 1, limit };
        let asserted = asserted(harm, of, ordinary, assertions);
        let peers = kinds.values().filter(|(other, _)| Some(other.as_str()) == kind).count();
        found.push((place, Done { harm, name: name.clone(), of: of.to_owned(), amount, asserted, peers, sum }));
    }
    found.sort_by(|(place, one), (other_place, other)| (place, &one.of).cmp(&(other_place, &other.of)));
    found.into_iter().map(|(_, done)| done).collect()
}

fn asserted(harm: &Harm, of: &str, ordinary: f64, assertions: &[AssertionResult]) -> Asserted {
    // Of one shard as well as of all.
    let about = |one: &&AssertionResult| {
        let name = of_shard(&one.metric).map_or(one.metric.as_str(), |(_, rest)| rest);
        name.split_once('.').is_some_and(|(whose, tail)| whose == of && (tail == harm.metric || harm.also.contains(&tail)))
    };
    let mut all = assertions.iter().filter(about).peekable();
    if all.peek().is_none() {
        return Asserted::Not;
    }
    let expects = |one: &AssertionResult| {
        // The ordinary value of another metric that tells of the same harm is taken for zero; one payment a job is no harm.
        let floor = if one.metric.ends_with(harm.metric) { ordinary } else { f64::from(u8::from(one.metric.ends_with("charges_per_job"))) };
        one.verdict == Verdict::Pass && needs_more_than(one, floor)
    };
    if all.any(expects) { Asserted::Expected } else { Asserted::Limited }
}

/// Whether an expectation holds for no value up to `floor`.
pub fn needs_more_than(assertion: &AssertionResult, floor: f64) -> bool {
    let (Ok(expect), Some(limit)) = (assertion.expect.parse::<Expectation>(), facts::limit_of(assertion)) else { return false };
    match expect.comparison {
        Comparison::Greater => limit >= floor,
        Comparison::AtLeast | Comparison::Equal => limit > floor,
        Comparison::NotEqual => limit == floor,
        Comparison::Less | Comparison::AtMost => false,
    }
}

/// What happened in words, a phrase for each harm: that of several workloads is added up, and told by workload.
pub fn phrases(done: &[&Done]) -> Vec<String> {
    done.chunk_by(|one, next| std::ptr::eq(one.harm, next.harm)).map(together).collect()
}

/// One harm of some workloads: `495 payments were charged twice (`plain` 300, `renewed` 195)`.
fn together(done: &[&Done]) -> String {
    let Some(first) = done.first() else { return String::new() };
    let worst = done.iter().max_by(|one, other| one.amount.value.total_cmp(&other.amount.value)).unwrap_or(first);
    let mut amount = worst.amount;
    if worst.sum {
        amount.value = done.iter().map(|one| one.amount.value).sum();
        amount.of = done.iter().map(|one| one.amount.of).sum();
        amount.open = done.iter().any(|one| one.amount.open);
    }
    let words = (first.harm.words)(&amount);
    match done {
        [one] if one.peers > 1 => format!("{words} (`{}`)", one.of),
        [_] => words,
        several => {
            let each: Vec<String> = several.iter().map(|one| format!("`{}` {}", one.of, one.value())).collect();
            format!("{words} ({})", each.join(", "))
        }
    }
}

/// The wrongs that nothing asserts, where a run passed: `writes.lost 11,345`.
pub fn unasserted(done: &[Done]) -> Vec<String> {
    done.iter().filter(|one| one.harm.wrong && one.asserted == Asserted::Not).map(Done::figure).collect()
}
