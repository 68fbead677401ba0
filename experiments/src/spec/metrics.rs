//! Every metric there is: what assertions may name and reports must compute.

use super::structure;
use super::{Action, Experiment, Workload, WorkloadKind};

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
    metric(
        "detection",
        Unit::Ns,
        "From the last acknowledged write until the first Sentinel marks the primary as down (`+sdown`); in a Cluster, until the first node marks it as possibly failing (`fail?`).",
    ),
    metric(
        "agreement",
        Unit::Ns,
        "From then until the quorum agrees that the primary is down (`+odown`); in a Cluster, a majority of the primaries (`fail`).",
    ),
    metric(
        "election",
        Unit::Ns,
        "From `+odown` until one Sentinel is elected to lead the failover (`+elected-leader`); in a Cluster, from the request for votes until the replica has won.",
    ),
    metric("promotion", Unit::Ns, "From the election until the promoted replica acknowledges writes."),
    metric(
        "announcement",
        Unit::Ns,
        "From the first write the promoted replica acknowledges until a Sentinel announces its address to clients.",
    ),
    metric("rediscovery", Unit::Ns, "From the announcement of the new primary until the first success of a workload's client."),
    metric("count", Unit::Count, "Number of times another node became primary."),
    metric(
        "aftershocks",
        Unit::Count,
        "Further promotions and outages that the servers caused themselves after a fault, with nothing else injected.",
    ),
    metric("split_brain", Unit::Ns, "Total time in which two nodes acknowledged writes at the same time, seen by probes."),
    metric("still_acknowledged", Unit::Ns, "How long the primary that a fault affects goes on acknowledging writes after the fault."),
    metric(
        "split_brain_writes",
        Unit::Count,
        "Writes of clients that were acknowledged in that time by nodes other than the final primary. They are lost once those nodes follow it.",
    ),
    metric("data_resets", Unit::Count, "Times a primary restarted with less data and without a failover. Its replicas lose the same data."),
    metric("crashes", Unit::Count, "Servers that ended by themselves: no fault ended them, and nothing outside the lab did."),
    metric(
        "missed_faults",
        Unit::Count,
        "Faults that did not happen because of the servers: no node was as the target asks, an awaited event did not come, or an order was refused or not carried out.",
    ),
];

/// Counts of which nobody wants any. Where a file does not mention one, it is asserted to be 0.
pub const UNWANTED: [&str; 2] = ["failover.crashes", "failover.missed_faults"];

/// Further metrics `failover.<name>` of a Cluster.
pub const CLUSTER_METRICS: &[Metric] = &[
    metric(
        "delay",
        Unit::Ns,
        "In a Cluster: from `fail` until a replica asks for votes, 500 ms to 1 s by design and a second more for each sibling with more data.",
    ),
    metric(
        "blast_radius",
        Unit::Ns,
        "In a Cluster: the longest time without acknowledged writes on a shard none of whose nodes a fault took hold of.",
    ),
];

/// Further metrics `failover.<name>` of a Cluster in which slots are moved (`reshard`).
pub const RESHARD_METRICS: &[Metric] = &[
    metric("slots_moved", Unit::Count, "Slots of a `reshard` that the target shard served in the end."),
    metric(
        "open_slots",
        Unit::Count,
        "Slots of a `reshard` that were still migrating or importing in the end: clients are redirected with `ASK`, or do not find their keys.",
    ),
    metric(
        "stranded_keys",
        Unit::Count,
        "Keys in slots of a `reshard` that were on a primary in the end, and that no client could reach there.",
    ),
    metric("ask", Unit::Count, "Attempts of all clients that were answered `ASK`: the key was on its way to another node."),
    metric("moved", Unit::Count, "Attempts of all clients that were answered `MOVED`: another node served the slot."),
    metric("tryagain", Unit::Count, "Attempts of all clients that were answered `TRYAGAIN`: some of their keys were on their way."),
];

/// Prefix of the metrics of a shard, before its number.
pub const SHARD: &str = "shard-";

/// Metrics `shard-<n>.<name>` of each shard of a Cluster. `failover.<name>` is the longest of all shards. Beside these, `shard-<n>.<workload>.<name>` is
/// the metric `<workload>.<name>` of the keys of that shard alone.
pub const SHARD_METRICS: &[Metric] = &[
    metric("write_gap", Unit::Ns, "Time without acknowledged writes on the servers of the shard, seen by probes on each of its nodes."),
    metric("read_gap", Unit::Ns, "Time without answered reads on the shard's primary, seen by probes."),
    metric("client_gap", Unit::Ns, "Time the clients of the workloads were without service for keys of the shard."),
    metric("data_resets", Unit::Count, "Times a primary of the shard restarted with less data."),
];

/// Metrics `<workload>.<name>` of every kind of workload.
pub const WORKLOAD_METRICS: &[Metric] = &[
    metric("error_rate", Unit::Share, "Share of attempts that certainly failed; a lock that another client holds is no failure."),
    metric("unknown", Unit::Count, "Attempts with an unknown outcome: sent, without a conclusive reply."),
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

/// Further metrics `<workload>.<name>` of a `lock` workload whose locks guard something.
pub const GUARDED_METRICS: &[Metric] = &[
    metric("updates", Unit::Count, "Updates of guarded values that went through."),
    metric(
        "lost_updates",
        Unit::Count,
        "Updates that went through and overwrote one their holder had not seen: the harm of two holders at once.",
    ),
];

/// Further metrics `<workload>.<name>` of a `lock` workload with fencing tokens.
pub const FENCED_METRICS: &[Metric] = &[
    metric("fenced_out", Unit::Count, "Holders that the guarded value refused because of their fencing token."),
    metric(
        "fenced_alone",
        Unit::Count,
        "Of those, holders with a running lease that held the lock alone: refused because the token numbers had gone back.",
    ),
    metric("token_regressions", Unit::Count, "Fencing tokens that were handed out before, or are not above one handed out before."),
];

/// Further metrics `<workload>.<name>` of a `set` workload.
pub const SET_METRICS: &[Metric] = &[
    metric("acknowledged", Unit::Count, "Elements whose addition was acknowledged."),
    metric("lost", Unit::Count, "Acknowledged elements that the final read did not find."),
    metric("lost_share", Unit::Share, "Lost elements as a share of the acknowledged ones."),
    metric("recovered", Unit::Count, "Elements whose addition had an unknown outcome and that the final read found."),
    metric(
        "unexpected",
        Unit::Count,
        "Elements that the final read found although their addition had certainly failed, or that nobody added.",
    ),
    metric("never_read", Unit::Count, "Acknowledged elements whose set could not be read in the end: neither lost nor safe."),
];

/// Further metrics `<workload>.<name>` of a `counter` workload.
pub const COUNTER_METRICS: &[Metric] = &[
    metric("acknowledged", Unit::Count, "Increments that were acknowledged."),
    metric("lost", Unit::Count, "Acknowledged increments that the final value certainly lacks."),
    metric("lost_share", Unit::Share, "Lost increments as a share of the acknowledged ones."),
    metric("lost_at_most", Unit::Count, "The same if every increment without an answer was executed and kept."),
    metric("ghosts", Unit::Count, "Increments of unknown outcome that the final value certainly has."),
    metric("unexpected", Unit::Count, "What the final value has beyond every increment that can have been executed."),
    metric("rolled_back", Unit::Count, "Answers that were not above a value answered before, or were given twice."),
    metric("never_read", Unit::Count, "Acknowledged increments whose counter could not be read in the end: neither lost nor safe."),
];

/// Further metrics `<workload>.<name>` of a `register` workload.
pub const REGISTER_METRICS: &[Metric] = &[
    metric("acknowledged", Unit::Count, "Writes and swaps that were acknowledged."),
    metric("violations", Unit::Count, "Registers whose calls cannot be put into any order that one register would have answered."),
    metric("inconclusive", Unit::Count, "Registers for which the search for such an order was given up: neither linearizable nor not."),
    metric("lost", Unit::Count, "Acknowledged writes and swaps that the primary of the end certainly never had."),
    metric("lost_share", Unit::Share, "Lost ones as a share of the acknowledged ones."),
    metric("lost_updates", Unit::Count, "Acknowledged swaps of a value that another acknowledged swap had replaced as well."),
    metric("stale_reads", Unit::Count, "Answers with a value that had certainly been replaced before the question."),
    metric("unexpected", Unit::Count, "Answers with a value that nobody can have written by then."),
    metric("never_read", Unit::Count, "Registers with acknowledged writes that could not be read in the end."),
];

/// Further metrics `<workload>.<name>` of both kinds of limiters.
pub const LIMITER_METRICS: &[Metric] = &[
    metric("admitted", Unit::Count, "Requests admitted, by Redis or in its stead."),
    metric("denied", Unit::Count, "Requests turned away, by Redis or in its stead."),
    metric("admitted_open", Unit::Count, "Requests admitted because Redis gave no answer (`on_error: allow`)."),
    metric("admitted_local", Unit::Count, "Requests admitted by a counter of the client's own (`on_error: local`)."),
    metric("denied_error", Unit::Count, "Requests turned away because Redis gave no answer (`on_error: deny`)."),
    metric(
        "over_admitted",
        Unit::Count,
        "Admissions beyond the limit of a window: certain for every order of events the times leave open.",
    ),
    metric("over_admitted_redis", Unit::Count, "The same among admissions by Redis alone: what no policy of the client explains."),
    metric("peak", Unit::Count, "Most requests of one subject admitted within any one window of true time."),
    metric("rolled_back", Unit::Count, "Answers of Redis that counted fewer requests than had certainly been counted before."),
    metric("lost_counts", Unit::Count, "Counted requests that were missing from the count, at least."),
    metric("wrongly_denied", Unit::Count, "Requests turned away by Redis although all that can have been counted leaves room."),
    metric("ghosts", Unit::Count, "Requests without an answer that were counted all the same, at least (fixed windows only)."),
    metric("immortal", Unit::Count, "Keys of the limiter that never expire, found in the end."),
    metric("bytes_per_subject", Unit::Count, "Memory the server used for the limiter in the end, by subject with a key, in bytes."),
];

/// Further metrics `<workload>.<name>` of a `cache-aside` workload.
pub const CACHE_METRICS: &[Metric] = &[
    metric("hit_ratio", Unit::Share, "Share of reads the cache answered before the first fault."),
    metric("lowest_hit_ratio", Unit::Share, "Lowest share of reads the cache answered in any second from the first fault on."),
    metric("hit_ratio_back", Unit::Ns, "From the first fault until the cache answered 95 % of its usual share for good."),
    metric("failed_reads", Unit::Count, "Reads that neither cache nor database nor an old value could answer."),
    metric("stale_reads", Unit::Count, "Reads answered with an old value because the database gave none."),
    metric("db_baseline", Unit::Rate, "Queries of the database per second before the first fault."),
    metric("db_peak", Unit::Rate, "Most queries of the database within any second."),
    metric("db_peak_multiplier", Unit::Count, "Peak by baseline: how many times its usual load the database took."),
    metric("db_extra", Unit::Count, "Queries after the first fault beyond what the baseline makes of that time."),
    metric("db_overloaded", Unit::Ns, "Time after the first fault with more than `overload` times the baseline."),
    metric("db_p99", Unit::Ns, "99th percentile from asking the database to its answer, the wait for a connection included."),
    metric("db_longest_wait", Unit::Ns, "Longest wait for a connection of the pool."),
    metric("db_queue", Unit::Count, "Most queries that waited for a connection at once."),
    metric("db_refused", Unit::Count, "Queries refused: too many waited, or the server had no connection left."),
    metric("db_timed_out", Unit::Count, "Queries without an answer in time."),
    metric("db_failed", Unit::Count, "Queries that failed in another way."),
    metric("duplicate_loads", Unit::Count, "Queries for an item that another query was loading already."),
    metric("stampede", Unit::Count, "Most queries for one item at once."),
    metric("projected_baseline", Unit::Rate, "Extrapolated, not measured: the reads `scale` offers times the share its cache misses."),
    metric(
        "projected_peak",
        Unit::Rate,
        "Extrapolated, not measured: the projected baseline, and of what its cache would answer the largest share that became queries in a second here.",
    ),
    metric("projected_multiplier", Unit::Count, "Extrapolated, not measured: projected peak by projected baseline."),
    metric(
        "projected_extra",
        Unit::Count,
        "Extrapolated, not measured: queries beyond the projected baseline, in an outage as long as the one here.",
    ),
];

/// Further metrics `<workload>.<name>` of a `payment-job` workload.
pub const PAYMENT_METRICS: &[Metric] = &[
    metric("jobs", Unit::Count, "Jobs that at least one server had taken on, or that have a payment."),
    metric("paid", Unit::Count, "Jobs with a payment in the ledger."),
    metric("charges_per_job", Unit::Count, "Payments in the ledger by paid job."),
    metric("charged_twice", Unit::Count, "Payments beyond the first of their job."),
    metric("twice_no_lock", Unit::Count, "Of those, where at least one of the two servers worked without a lock."),
    metric(
        "twice_lost_lock",
        Unit::Count,
        "Of those, where the lock was granted again while the first lease certainly ran: the servers forgot it.",
    ),
    metric("twice_lease_ended", Unit::Count, "Of those, where the lock was granted again after the first lease: the work outlived it."),
    metric("twice_late", Unit::Count, "Of those, where the first charge took effect after its server had stopped waiting."),
    metric("twice_unexplained", Unit::Count, "Of those, what none of these explains."),
    metric("fenced_out", Unit::Count, "Payments and looks that the database refused because it knew a newer fencing token."),
    metric(
        "token_regressions",
        Unit::Count,
        "Fencing tokens of a job that were handed out before, or are not above one handed out before.",
    ),
    metric("unpaid", Unit::Count, "Jobs a server had taken on that have no payment in the end."),
];

/// The metrics a workload has.
pub fn of_workload(workload: &Workload) -> impl Iterator<Item = &'static Metric> {
    let own = match workload.kind {
        WorkloadKind::Lock(_) => LOCK_METRICS,
        WorkloadKind::Set(_) => SET_METRICS,
        WorkloadKind::Counter(_) => COUNTER_METRICS,
        WorkloadKind::Register(_) => REGISTER_METRICS,
        WorkloadKind::CacheAside(_) => CACHE_METRICS,
        WorkloadKind::PaymentJob(_) => PAYMENT_METRICS,
        WorkloadKind::FixedWindowLimiter(_) | WorkloadKind::SlidingWindowLimiter(_) => LIMITER_METRICS,
    };
    let (guarded, fenced): (&[Metric], &[Metric]) = match &workload.kind {
        WorkloadKind::Lock(lock) if lock.fenced() => (GUARDED_METRICS, FENCED_METRICS),
        WorkloadKind::Lock(lock) if lock.guards() => (GUARDED_METRICS, &[]),
        _ => (&[], &[]),
    };
    own.iter().chain(guarded).chain(fenced).chain(WORKLOAD_METRICS)
}

/// Metrics of workloads that cannot be told of some keys alone: what is left on the servers in the end, and what is projected for a whole service.
const OF_ALL_KEYS: [&str; 6] =
    ["immortal", "bytes_per_subject", "projected_baseline", "projected_peak", "projected_multiplier", "projected_extra"];

/// Whether a metric of a workload, by its name after the prefix, can be told of the keys of one shard.
pub fn is_of_keys(name: &str) -> bool {
    !OF_ALL_KEYS.contains(&name)
}

/// The shard, and the name after it, of a metric of a workload on one shard: `2` and `locks.lost` of `shard-2.locks.lost`.
pub fn of_shard(name: &str) -> Option<(u32, &str)> {
    let (shard, rest) = name.strip_prefix(SHARD)?.split_once('.')?;
    rest.contains('.').then_some((shard.parse().ok()?, rest))
}

/// Every metric an experiment has, with its full name.
pub fn all(experiment: &Experiment) -> Vec<(String, &'static Metric)> {
    let of_cluster = experiment.topology.cluster().map_or(&[] as &[Metric], |_| CLUSTER_METRICS);
    let reshards = experiment.faults.iter().any(|fault| matches!(fault.action, Action::Reshard(_)));
    let of_reshard = if reshards { RESHARD_METRICS } else { &[] };
    let servers = FAILOVER_METRICS.iter().chain(of_cluster).chain(of_reshard).map(|metric| (format!("{FAILOVER}.{}", metric.name), metric));
    let shards = experiment.topology.cluster().map_or(0, |cluster| cluster.shards);
    let of_shards =
        (1..=shards).flat_map(|shard| SHARD_METRICS.iter().map(move |metric| (format!("{SHARD}{shard}.{}", metric.name), metric)));
    let clients = experiment
        .workloads
        .iter()
        .flat_map(|workload| of_workload(workload).map(move |metric| (format!("{}.{}", workload.name, metric.name), metric)));
    let on_shards = (1..=shards).flat_map(|shard| {
        experiment.workloads.iter().flat_map(move |workload| {
            let own = of_workload(workload).filter(|metric| is_of_keys(metric.name));
            own.map(move |metric| (format!("{SHARD}{shard}.{}.{}", workload.name, metric.name), metric))
        })
    });
    servers.chain(of_shards).chain(clients).chain(on_shards).collect()
}

/// The metric of that full name.
pub fn find(name: &str, experiment: &Experiment) -> Option<&'static Metric> {
    all(experiment).into_iter().find(|(full, _)| full == name).map(|(_, metric)| metric)
}

/// The metric whose name is closest to a misspelt one.
pub fn closest(name: &str, experiment: &Experiment) -> Option<String> {
    let names: Vec<String> = all(experiment).into_iter().map(|(full, _)| full).collect();
    if let Some(found) = structure::closest(name, names.iter().map(String::as_str)) {
        return Some(found.to_owned());
    }
    // A right metric behind a wrong prefix, or none at all.
    let tail = name.rsplit('.').next().unwrap_or(name);
    let tails: Vec<&str> = names.iter().filter_map(|full| full.rsplit('.').next()).collect();
    let meant = structure::closest(tail, tails)?;
    names.iter().find(|full| full.rsplit('.').next() == Some(meant)).cloned()
}
