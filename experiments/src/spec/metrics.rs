//! Every metric there is: what assertions may name and reports must compute.

use super::Workload;
use super::structure;

/// What a metric's numbers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Nanoseconds; limits are durations.
    Ns,
    /// A count of events; limits are plain numbers, and `count` sums it over the trials.
    Count,
    /// A share between 0 and 1; limits are percentages or plain numbers.
    Share,
    /// Events per second; limits are plain numbers.
    Rate,
}

/// One metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Name after the prefix: `write_gap` of `failover.write_gap`.
    pub name: &'static str,
    /// What its numbers are.
    pub unit: Unit,
    /// What it means and how it is measured, in one sentence.
    pub meaning: &'static str,
}

const fn metric(name: &'static str, unit: Unit, meaning: &'static str) -> Metric {
    Metric { name, unit, meaning }
}

/// Prefix of the metrics of the servers.
pub const FAILOVER: &str = "failover";

/// Metrics `failover.<name>`. Where a trial has several outages, its value is the longest of them.
pub const FAILOVER_METRICS: &[Metric] = &[
    metric(
        "write_gap",
        Unit::Ns,
        "Time without acknowledged writes on the servers: from the last write acknowledged before the outage to the first after it, seen by probes on every data node.",
    ),
    metric(
        "read_gap",
        Unit::Ns,
        "Time without answered reads on a primary: from the last read answered before the outage to the first after it, seen by probes.",
    ),
    metric(
        "client_gap",
        Unit::Ns,
        "Time the clients of the workloads were without service: from the last write acknowledged before the outage to their first success after it.",
    ),
    metric("library_cost", Unit::Ns, "Client gap minus server write gap: what finding the new primary costs the clients."),
    metric("detection", Unit::Ns, "From the last acknowledged write until the first Sentinel holds the primary for down (`+sdown`)."),
    metric("agreement", Unit::Ns, "From `+sdown` until the quorum agrees that the primary is down (`+odown`)."),
    metric("election", Unit::Ns, "From `+odown` until one Sentinel is elected to lead the failover (`+elected-leader`)."),
    metric("promotion", Unit::Ns, "From `+elected-leader` until the promoted replica acknowledges writes."),
    metric(
        "announcement",
        Unit::Ns,
        "From the first write the promoted replica acknowledges until a Sentinel tells its address to clients.",
    ),
    metric("rediscovery", Unit::Ns, "From the announcement of the new primary until the first success of a workload's client."),
    metric("count", Unit::Count, "Number of outages in which another node became primary."),
    metric("split_brain", Unit::Ns, "Total time in which two nodes acknowledged writes at the same time, seen by probes."),
];

/// Metrics `<workload>.<name>` of every kind of workload.
pub const WORKLOAD_METRICS: &[Metric] = &[
    metric("error_rate", Unit::Share, "Share of attempts that certainly failed; a lock that another client holds is no failure."),
    metric("unknown", Unit::Count, "Attempts whose outcome is not known: sent, and no reply that tells."),
    metric("ok_rate", Unit::Rate, "Successful attempts per second of measured time."),
    metric("latency_p99", Unit::Ns, "99th percentile of the latency of successful attempts, counted from their intended start."),
];

/// Further metrics `<workload>.<name>` of a `lock` workload.
pub const LOCK_METRICS: &[Metric] = &[
    metric("double_acquired", Unit::Count, "Pairs of holders of one lock whose certain holding times overlap."),
    metric("double_held_time", Unit::Ns, "Total time for which a lock certainly had two holders."),
    metric("ttl_overrun", Unit::Count, "Pairs of holders that overlap only after the first one's lease had ended."),
    metric("possible", Unit::Count, "Acquires whose reply was lost and that, if granted, would have overlapped another hold."),
    metric("lost", Unit::Count, "Locks that were gone, or another's, while their holder's lease still ran."),
    metric("stuck", Unit::Count, "Locks nobody could take a lifetime after everything was healed."),
    metric("acquired", Unit::Count, "Acknowledged acquisitions."),
];

/// The metrics a workload has.
pub fn of_workload(workload: &Workload) -> impl Iterator<Item = &'static Metric> {
    let own = match workload {
        Workload::Lock(_) => LOCK_METRICS,
    };
    own.iter().chain(WORKLOAD_METRICS)
}

/// Every metric an experiment with these workloads has, with its full name.
pub fn all(workloads: &[Workload]) -> Vec<(String, &'static Metric)> {
    let servers = FAILOVER_METRICS.iter().map(|metric| (format!("{FAILOVER}.{}", metric.name), metric));
    let clients = workloads
        .iter()
        .flat_map(|workload| of_workload(workload).map(move |metric| (format!("{}.{}", workload.name(), metric.name), metric)));
    servers.chain(clients).collect()
}

/// The metric of that full name.
pub fn find(name: &str, workloads: &[Workload]) -> Option<&'static Metric> {
    all(workloads).into_iter().find(|(full, _)| full == name).map(|(_, metric)| metric)
}

/// The metric whose name is closest to a misspelt one.
pub fn closest(name: &str, workloads: &[Workload]) -> Option<String> {
    let names: Vec<String> = all(workloads).into_iter().map(|(full, _)| full).collect();
    if let Some(found) = structure::closest(name, names.iter().map(String::as_str)) {
        return Some(found.to_owned());
    }
    // A right metric behind a wrong prefix, or none at all.
    let tail = name.rsplit('.').next().unwrap_or(name);
    let tails: Vec<&str> = names.iter().filter_map(|full| full.rsplit('.').next()).collect();
    let meant = structure::closest(tail, tails)?;
    names.iter().find(|full| full.rsplit('.').next() == Some(meant)).cloned()
}
