//! What each shard of a Cluster felt, beside all of them.

use redquake_experiments::spec::metrics::{SHARD, of_shard};

use super::{facts, number, outage};
use crate::analysis::OUTAGE;
use crate::result::{Document, MetricSummary, MetricUnit, Sample, Trial};

/// Metrics of shards, a row each: those of the servers first, then those of the workloads.
pub struct ByShard<'a> {
    /// The shards, from 1.
    pub shards: Vec<u32>,
    pub rows: Vec<Row<'a>>,
}

/// One metric over all shards and on each.
pub struct Row<'a> {
    /// `write_gap`, `locks.lost`.
    pub name: &'a str,
    /// Of all shards: the longest gap, the count of all keys.
    pub whole: Option<&'a MetricSummary>,
    /// Of each shard, in order.
    pub each: Vec<Option<&'a MetricSummary>>,
}

/// The metrics of the shards; `None` where there are none.
pub fn by_shard(document: &Document) -> Option<ByShard<'_>> {
    let named = document.metrics.keys().filter_map(|name| {
        let (shard, metric) = name.strip_prefix(SHARD)?.split_once('.')?;
        Some((shard.parse::<u32>().ok()?, metric))
    });
    let named: Vec<(u32, &str)> = named.collect();
    let mut shards: Vec<u32> = named.iter().map(|(shard, _)| *shard).collect();
    shards.sort_unstable();
    shards.dedup();
    let mut names: Vec<&str> = named.iter().map(|(_, metric)| *metric).collect();
    names.sort_unstable_by_key(|name| (name.contains('.'), place(name), *name));
    names.dedup();
    if shards.len() < 2 {
        return None;
    }
    let row = |name| {
        let whole = if str::contains(name, '.') { name.to_owned() } else { format!("failover.{name}") };
        let each = shards.iter().map(|shard| document.metrics.get(&format!("{SHARD}{shard}.{name}"))).collect();
        Row { name, whole: document.metrics.get(&whole), each }
    };
    let rows = names.into_iter().map(row).collect();
    Some(ByShard { shards, rows })
}

/// The gaps stand in the order in which they are told everywhere.
fn place(name: &str) -> usize {
    ["write_gap", "client_gap", "read_gap"].iter().position(|gap| *gap == name).unwrap_or(usize::MAX)
}

/// The value that stands for a metric: its median, or the sum of a count.
pub fn figure(metric: Option<&MetricSummary>) -> String {
    match metric {
        None => "–".to_owned(),
        Some(metric) if metric.unit == MetricUnit::Count => number::count(metric.total),
        Some(metric) => number::sample(metric.unit, metric.median),
    }
}

impl Row<'_> {
    /// Whether it tells anything: something that happened on some shard.
    pub fn happened(&self) -> bool {
        self.each.iter().flatten().any(|metric| metric.max.value() > 0.0)
    }
}

/// A shard whose writes were down in some trial, with its gap and that of its clients.
pub struct Down<'a> {
    pub shard: u32,
    pub write: &'a MetricSummary,
    pub client: Option<&'a MetricSummary>,
}

/// The shards whose writes were down, by number.
pub fn down(document: &Document) -> Vec<Down<'_>> {
    let Some(all) = by_shard(document) else { return Vec::new() };
    let find = |shard: u32, name: &str| document.metrics.get(&format!("{SHARD}{shard}.{name}"));
    let told = all
        .shards
        .into_iter()
        .filter_map(|shard| Some(Down { shard, write: find(shard, "write_gap")?, client: find(shard, "client_gap") }));
    told.filter(|one| one.write.max.value() >= OUTAGE as f64).collect()
}

/// How many of the shards that a fault took hold of were down, for how long, and what the others felt: the headline of a Cluster. `whole` is the
/// longest gap of all shards.
pub fn headline(document: &Document, whole: &MetricSummary) -> Option<String> {
    let shards = by_shard(document)?.shards.len();
    let each: Vec<[usize; 2]> = facts::conclusive(document).map(down_in).collect();
    let of = |place: usize| {
        let counts = each.iter().map(|counts| counts[place]).filter(|count| *count > 0);
        (counts.clone().min().unwrap_or_default(), counts.max().unwrap_or_default())
    };
    let (hit, others) = (of(0), of(1));
    let (least, most) = if hit.1 > 0 { hit } else { others };
    if most == 0 {
        return None;
    }
    let number = if least == most { most.to_string() } else { format!("{least} to {most}") };
    let verb = if most == 1 { "was" } else { "were" };
    let told = outage::down(whole, &format!("{number} of {shards} shards {verb}"));
    let felt = document.metrics.get(facts::BLAST_RADIUS).filter(|felt| hit.1 > 0 && felt.max.value() >= OUTAGE as f64);
    let rest = match felt {
        Some(felt) => format!(", the others for {}", number::sample(felt.unit, felt.median)),
        None if hit.1 == shards || hit.1 == 0 => String::new(),
        None => ", the others took writes".to_owned(),
    };
    Some(format!("{told}{rest}"))
}

/// How many shards were down in a trial: of those a fault took hold of, and of the others.
fn down_in(trial: &Trial) -> [usize; 2] {
    let targets: Vec<&String> = trial.faults.iter().filter(|fault| fault.injected_at.is_some()).flat_map(|fault| &fault.targets).collect();
    let hit = |shard: u32| trial.nodes.iter().any(|node| node.shard == Some(shard) && targets.contains(&&node.name));
    let long = |sample: Sample| sample.value() >= OUTAGE as f64;
    let mut down: Vec<u32> = Vec::new();
    for one in trial.failovers.iter().filter(|one| one.write_gap.as_ref().is_some_and(|gap| long(gap.length))) {
        down.extend(one.shard.filter(|shard| !down.contains(shard)));
    }
    let struck = down.iter().filter(|shard| hit(**shard)).count();
    [struck, down.len() - struck]
}

impl Down<'_> {
    /// `median of 5 trials, 3.31 s to 3.60 s, clients 3.45 s`.
    pub fn words(&self) -> String {
        let clients = self.client.map(|client| format!(", clients {}", number::sample(client.unit, client.median))).unwrap_or_default();
        format!("{}{clients}", facts::spread_text(self.write))
    }
}

/// Whether a metric is one of a workload on one shard, which the table of the shards tells and no other.
pub fn is_told_there(name: &str) -> bool {
    of_shard(name).is_some()
}
