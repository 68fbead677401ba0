//! The value of every metric in one trial, by the names of the catalogue (`redquake_experiments::spec::metrics`).

use std::collections::BTreeMap;

use super::gap::OUTAGE;
use super::outages::ExplainedOutage;
use super::stats;
use super::tally::Tally;
use crate::result::{Gap, Sample};

/// Values by full name.
pub type Samples = BTreeMap<String, Sample>;

/// Metrics `failover.*`, given the number of promotions and that of aftershocks. What the machine did is no value of them.
///
/// Each gap is the longest of its kind; the parts are those of the longest write gap, so that they add up.
pub fn of_failovers(told: &[ExplainedOutage], [promotions, aftershocks]: [u64; 2], samples: &mut Samples) {
    let mut put = |name: &str, sample: Option<Sample>| {
        if let Some(sample) = sample {
            samples.insert(format!("failover.{name}"), sample);
        }
    };
    let counted: Vec<&ExplainedOutage> = told.iter().filter(|one| one.counts()).collect();
    let longest = |gap: fn(&ExplainedOutage) -> Option<&Gap>| longest(counted.iter().filter_map(|one| gap(one)).map(|gap| gap.length));
    put("write_gap", longest(|one| one.failover.write_gap.as_ref()));
    put("read_gap", longest(|one| one.failover.read_gap.as_ref()));
    put("client_gap", longest(|one| one.failover.client_gap.as_ref()));
    // Beside an outage, what a fault that stopped nothing cost is noise.
    let down = counted.iter().any(|one| out(one));
    put("library_cost", stats::max(counted.iter().filter(|one| !down || out(one)).filter_map(|one| one.failover.library_cost)));
    put("still_acknowledged", stats::max(counted.iter().filter_map(|one| one.went_on).map(|long| Sample::Exact(long as f64))));
    put("count", Some(Sample::Exact(promotions as f64)));
    put("aftershocks", Some(Sample::Exact(aftershocks as f64)));

    let felt = counted.iter().filter(|one| !one.hit && out(one)).filter_map(|one| one.failover.write_gap.as_ref());
    let felt = stats::max(felt.map(|gap| gap.length));
    // Where a shard was out and no other was, nobody else felt anything.
    let out_elsewhere = counted.iter().any(|one| one.failover.shard.is_some() && out(one));
    put("blast_radius", felt.or(out_elsewhere.then_some(Sample::Exact(0.0))));

    let length = |one: &ExplainedOutage| one.failover.write_gap.as_ref().map_or(0.0, |gap| gap.length.value());
    let own = counted.iter().filter(|one| !one.anatomy.parts.is_empty() && one.failover.refused_for_coverage.is_none());
    let worst = own.max_by(|one, other| length(one).total_cmp(&length(other)));
    let Some(worst) = worst else { return };
    for part in &worst.anatomy.parts {
        let long = part.to.saturating_sub(part.from) as f64;
        let open = worst.anatomy.open.as_ref() == Some(&part.name);
        // `retry` and `order` are told in the report and are no metrics.
        if !matches!(part.name.as_str(), "retry" | "order") && (open || worst.anatomy.pure.contains(&part.name)) {
            put(&part.name, Some(if open { Sample::AtLeast(long) } else { Sample::Exact(long) }));
        }
    }
}

/// Metrics `shard-<n>.*` of a Cluster: the longest gap of each kind of each shard.
pub fn of_shards(told: &[ExplainedOutage], samples: &mut Samples) {
    type Pick = fn(&ExplainedOutage) -> Option<&Gap>;
    let gaps: [(&str, Pick); 3] = [
        ("write_gap", |one| one.failover.write_gap.as_ref()),
        ("read_gap", |one| one.failover.read_gap.as_ref()),
        ("client_gap", |one| one.failover.client_gap.as_ref()),
    ];
    for one in told.iter().filter(|one| one.counts()) {
        let Some(shard) = one.failover.shard else { continue };
        for (name, gap) in gaps {
            let Some(length) = gap(one).map(|gap| gap.length) else { continue };
            let metric = format!("shard-{shard}.{name}");
            let longest = longest(samples.get(&metric).copied().into_iter().chain([length]));
            samples.extend(longest.map(|longest| (metric, longest)));
        }
    }
}

/// The longest of some gaps. A wait that the end of the trial cut short while it was still an ordinary one makes no lower bound of a longer one.
fn longest(gaps: impl Iterator<Item = Sample>) -> Option<Sample> {
    let (cut, whole): (Vec<Sample>, Vec<Sample>) = gaps.partition(|gap| matches!(gap, Sample::AtLeast(_)) && gap.value() < OUTAGE as f64);
    stats::max(whole.into_iter()).or_else(|| stats::max(cut.into_iter()))
}

fn out(told: &ExplainedOutage) -> bool {
    told.failover.write_gap.as_ref().is_some_and(|gap| gap.length.value() >= OUTAGE as f64)
}

/// Metrics of a workload: those of its kind and those every kind has. `measured` is the length of the measured time, ns; 0 when it never began.
pub fn of_workload(name: &str, tally: &Tally, own: &[(&'static str, f64)], measured: u64, samples: &mut Samples) {
    let mut put = |metric: &str, value: f64| {
        samples.insert(format!("{name}.{metric}"), Sample::Exact(value));
    };
    for (metric, value) in own {
        put(metric, *value);
    }
    put("unknown", tally.info as f64);
    if let Some(rate) = tally.error_rate() {
        put("error_rate", rate);
    }
    if measured > 0 {
        put("ok_rate", tally.ok as f64 * 1e9 / measured as f64);
    }
    if tally.ok > 0 {
        put("latency_p99", tally.latency()[1] as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::{Sample, longest};

    #[test]
    fn an_ordinary_wait_that_the_end_cut_short_leaves_a_longer_gap_exact() {
        let (cut, gap) = (Sample::AtLeast(2e8), Sample::Exact(3.61e9));
        assert_eq!(longest([cut, gap].into_iter()), Some(gap));
        assert_eq!(longest([cut].into_iter()), Some(cut), "where nothing else is known it is told");
        let outage = Sample::AtLeast(3e9);
        assert_eq!(longest([outage, gap].into_iter()), Some(Sample::AtLeast(3.61e9)), "an outage at the end may be the longest");
    }
}
