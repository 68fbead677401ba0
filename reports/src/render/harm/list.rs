//! The list of harm: which metrics count it, and what each is called.
//!
//! A new metric must be listed here, as harm with its words or as none; a test compares this list with the catalogue of metrics.

use crate::analysis::OUTAGE;
use crate::render::number;
use crate::result::{MetricUnit, Sample};

/// A metric that counts harm.
pub struct Harm {
    /// Kind of the workloads that have it; `failover` for the servers.
    pub kind: &'static str,
    /// Its name after the prefix.
    pub metric: &'static str,
    /// What it is called among the key figures.
    pub label: &'static str,
    /// Whether it is data, a lock, money or a limit that was wronged, rather than time in which nobody was served.
    pub wrong: bool,
    /// Metrics that tell of the same harm: whoever asserts one of them has thought of it.
    pub(super) also: &'static [&'static str],
    /// The metric it is a part of, if any.
    pub(super) of: &'static str,
    pub(super) words: fn(&Amount) -> String,
}

/// How much harm was done, for words.
#[derive(Debug, Clone, Copy)]
pub struct Amount {
    /// The sum of a count; of times and peaks the largest.
    pub value: f64,
    pub(super) unit: MetricUnit,
    /// The sum of what it is a part of.
    pub(super) of: Option<f64>,
    pub(super) several: bool,
    /// Whether it had not ended: it is at least so much.
    pub(super) open: bool,
    /// Limit and window of a limiter, ns.
    pub(super) limit: Option<[u64; 2]>,
}

impl Amount {
    pub(super) fn n(&self) -> String {
        let sample = if self.open { Sample::AtLeast(self.value) } else { Sample::Exact(self.value) };
        number::sample(self.unit, sample)
    }

    fn some(&self, one: &str, many: &str) -> String {
        let many = if self.value == 1.0 { one } else { many };
        format!("{} {many}", self.n())
    }

    /// `3 of 40 acknowledged writes`.
    fn part(&self, many: &str) -> String {
        self.of.map_or_else(|| format!("{} {many}", self.n()), |of| format!("{} of {} {many}", self.n(), number::count(of)))
    }

    fn verb(&self, one: &'static str, many: &'static str) -> &'static str {
        if self.value == 1.0 { one } else { many }
    }

    fn most(&self) -> &'static str {
        if self.several { "up to " } else { "" }
    }
}

/// All harm there is, worst first.
pub const HARMS: &[Harm] = &[
    harm("lock", "double_acquired", "locks held twice", |a| match a.value {
        1.0 => "once a lock had two holders at the same time".to_owned(),
        _ => format!("{} times a lock had two holders at once", a.n()),
    })
    .told_by(&["double_held_time"]),
    harm("set", "lost", "writes lost", |a| format!("{} were lost", a.part("acknowledged writes")))
        .told_by(&["lost_share"])
        .part_of("acknowledged"),
    harm("counter", "lost", "increments lost", |a| format!("{} were lost", a.part("acknowledged increments")))
        .told_by(&["lost_share", "lost_at_most"])
        .part_of("acknowledged"),
    harm("register", "lost", "register writes lost", |a| format!("{} to registers were lost", a.part("acknowledged writes")))
        .told_by(&["lost_share"])
        .part_of("acknowledged"),
    harm("payment-job", "charged_twice", "charged twice", |a| format!("{} charged twice", a.some("payment was", "payments were")))
        .told_by(&["charges_per_job", "twice_no_lock", "twice_lost_lock", "twice_lease_ended", "twice_late", "twice_unexplained"]),
    harm("lock", "lost_updates", "updates lost", |a| format!("{} overwrote one unseen", a.part("guarded updates"))).part_of("updates"),
    harm("register", "lost_updates", "swaps lost", |a| {
        format!("{} unaware of another one", a.some("acknowledged swap was", "acknowledged swaps were"))
    }),
    harm("register", "violations", "registers broken", |a| {
        format!("{} as no single one would", a.some("register answered", "registers answered"))
    }),
    harm("failover", "data_resets", "data wiped", |a| {
        let often = if a.value > 1.0 { format!(" ({} times)", a.n()) } else { String::new() };
        format!("a primary came back with less than it had{often} and its replicas copied that")
    }),
    // What two primaries lead to is counted where it is suffered: by clients, in the metrics of their workloads.
    time("failover", "split_brain", "two primaries", |a| format!("two nodes took writes at the same time for {}{}", a.most(), a.n()))
        .told_by(&["split_brain_writes"]),
    time("failover", "split_brain_writes", "writes to the wrong primary", |a| {
        format!("the wrong one of two primaries took {}", a.some("write of a client", "writes of clients"))
    })
    .told_by(&["split_brain"]),
    harm("limiter", "peak", "requests in one window", |a| {
        let (limit, window) = a.limit.map_or_else(Default::default, |[limit, window]| (limit, window));
        let long = if window > 0 { format!(" of {}", number::duration(window as f64)) } else { String::new() };
        format!(
            "up to {} requests of one subject passed within one window{long}, where the limit is {}",
            a.n(),
            number::count(limit as f64)
        )
    })
    .told_by(&["over_admitted", "over_admitted_redis"]),
    harm("limiter", "over_admitted", "requests beyond limits", |a| {
        format!("{} admitted {} beyond a limit", a.part(a.verb("request", "requests")), a.verb("was", "were"))
    })
    .told_by(&["over_admitted_redis", "peak", "rolled_back", "lost_counts"])
    .part_of("admitted"),
    harm("limiter", "immortal", "keys that never expire", |a| format!("{} expire", a.some("key will never", "keys will never"))),
    harm("lock", "stuck", "locks stuck", |a| format!("{} not be taken again", a.some("lock could", "locks could"))),
    harm("lock", "lost", "locks lost", |a| format!("{} under their holders", a.some("lock vanished", "locks vanished"))),
    harm("lock", "token_regressions", "tokens gone back", tokens),
    harm("payment-job", "token_regressions", "tokens gone back", tokens),
    harm("lock", "fenced_alone", "holders fenced out alone", |a| {
        format!("{} though nobody else held the lock", a.some("holder was refused", "holders were refused"))
    })
    .told_by(&["fenced_out", "token_regressions"]),
    harm("set", "unexpected", "unexpected elements", |a| {
        format!("{} that nobody can have added", a.some("element is there", "elements are there"))
    }),
    harm("counter", "unexpected", "unexpected increments", |a| format!("counters show {} more than can have been counted", a.n())),
    harm("register", "unexpected", "unexpected values", |a| {
        format!("{} a value that nobody can have written", a.some("answer told", "answers told"))
    }),
    harm("register", "stale_reads", "stale reads", |a| format!("{} a value that had been replaced", a.some("answer told", "answers told"))),
    harm("counter", "rolled_back", "counters gone back", |a| {
        format!("{} back", a.some("answer of a counter went", "answers of counters went"))
    })
    .told_by(&["lost"]),
    harm("limiter", "rolled_back", "limiters gone back", |a| {
        format!("{} fewer requests than had been counted", a.some("answer of a limiter told", "answers of limiters told"))
    })
    .told_by(&["lost_counts", "over_admitted", "over_admitted_redis", "peak"]),
    harm("limiter", "lost_counts", "requests forgotten", |a| {
        format!("{} forgotten", a.some("counted request was", "counted requests were"))
    })
    .told_by(&["rolled_back", "over_admitted", "over_admitted_redis", "peak"]),
    harm("limiter", "wrongly_denied", "wrongly denied", |a| {
        format!("{} although there was room", a.some("request was denied", "requests were denied"))
    }),
    harm("lock", "ttl_overrun", "TTL overruns", |a| {
        format!("{} beyond their lease while another had the lock", a.some("holder stayed", "holders stayed"))
    }),
    harm("failover", "stranded_keys", "keys stranded", |a| format!("{} out of reach", a.some("key was left", "keys were left"))),
    harm("failover", "crashes", "servers crashed", |a| format!("{} by themselves", a.some("server ended", "servers ended"))),
    time("failover", "aftershocks", "aftershocks", |a| {
        format!(
            "the primary changed {} without a further fault",
            if a.value == 1.0 { "once more".to_owned() } else { format!("{} more times", a.n()) }
        )
    }),
    time("failover", "missed_faults", "faults that did not happen", |a| {
        format!("{} not happen because of the servers", a.some("fault could", "faults could"))
    }),
    time("failover", "open_slots", "slots left open", |a| format!("{} open", a.some("slot was left", "slots were left"))),
    time("set", "never_read", "writes never read", unread),
    time("counter", "never_read", "increments never read", unread),
    time("register", "never_read", "registers never read", |a| {
        format!("{} not be read in the end", a.some("register could", "registers could"))
    }),
    time("register", "inconclusive", "registers not judged", |a| format!("{} not be judged", a.some("register could", "registers could"))),
    time("lock", "fenced_out", "holders fenced out", |a| {
        format!("{} because of their fencing token", a.some("holder was refused", "holders were refused"))
    }),
    time("payment-job", "unpaid", "jobs unpaid", |a| {
        format!("{} never paid", a.some("job that a server had taken on was", "jobs that servers had taken on were"))
    }),
    time("cache-aside", "failed_reads", "reads without an answer", |a| format!("{} no answer", a.some("read got", "reads got"))),
    time("cache-aside", "stale_reads", "reads of old values", |a| format!("{} an old value", a.some("read got", "reads got"))),
    time("cache-aside", "db_peak_multiplier", "database load", |a| format!("the database took up to {:.1} times its usual load", a.value)),
    time("cache-aside", "db_overloaded", "database overloaded", |a| format!("the database was overloaded for {}{}", a.most(), a.n())),
    time("cache-aside", "db_refused", "queries refused", |a| format!("the database refused {}", a.some("query", "queries"))),
    time("cache-aside", "db_timed_out", "queries timed out", |a| format!("{} of the database timed out", a.some("query", "queries"))),
    time("cache-aside", "db_failed", "queries failed", |a| format!("{} of the database failed", a.some("query", "queries"))),
    time("limiter", "denied_error", "turned away without Redis", |a| {
        format!("{} because Redis gave no answer", a.some("request was turned away", "requests were turned away"))
    }),
    time("limiter", "admitted_open", "let through without Redis", |a| {
        format!("{} because Redis gave no answer", a.some("request was let through", "requests were let through"))
    }),
    time("limiter", "ghosts", "counted without an answer", |a| {
        format!("{} all the same", a.some("request without an answer was counted", "requests without an answer were counted"))
    }),
];

/// Harm of which the first sentence tells in other words, each with where it does: the outages.
pub const OUTAGES: &[&str] = &["write_gap", "read_gap", "client_gap", "still_acknowledged", "blast_radius"];

/// Metrics that count no harm of their own, by kind: how long a part took, how much was done, or what another metric tells.
pub const NO_HARM: &[(&str, &[&str])] = &[
    (
        "failover",
        &[
            "library_cost",
            "detection",
            "agreement",
            "delay",
            "election",
            "promotion",
            "announcement",
            "rediscovery",
            "count",
            "slots_moved",
            "ask",
            "moved",
            "tryagain",
        ],
    ),
    ("lock", &["double_held_time", "possible", "acquired", "updates"]),
    ("set", &["acknowledged", "lost_share", "recovered"]),
    ("counter", &["acknowledged", "lost_share", "lost_at_most", "ghosts"]),
    ("register", &["acknowledged", "lost_share"]),
    ("limiter", &["admitted", "denied", "admitted_local", "over_admitted_redis", "bytes_per_subject"]),
    (
        "cache-aside",
        &[
            "hit_ratio",
            "lowest_hit_ratio",
            "hit_ratio_back",
            "db_baseline",
            "db_peak",
            "db_extra",
            "db_p99",
            "db_longest_wait",
            "db_queue",
            "duplicate_loads",
            "stampede",
            "projected_baseline",
            "projected_peak",
            "projected_multiplier",
            "projected_extra",
        ],
    ),
    (
        "payment-job",
        &[
            "jobs",
            "paid",
            "charges_per_job",
            "twice_no_lock",
            "twice_lost_lock",
            "twice_lease_ended",
            "twice_late",
            "twice_unexplained",
            "fenced_out",
        ],
    ),
    ("any", &["error_rate", "unknown", "ok_rate", "latency_p99"]),
];

const fn harm(kind: &'static str, metric: &'static str, label: &'static str, words: fn(&Amount) -> String) -> Harm {
    Harm { kind, metric, label, wrong: true, also: &[], of: "", words }
}

/// Harm that is no more than time without service, or what a client or database did about it.
const fn time(kind: &'static str, metric: &'static str, label: &'static str, words: fn(&Amount) -> String) -> Harm {
    Harm { wrong: false, ..harm(kind, metric, label, words) }
}

impl Harm {
    const fn told_by(self, also: &'static [&'static str]) -> Self {
        Self { also, ..self }
    }

    const fn part_of(self, of: &'static str) -> Self {
        Self { of, ..self }
    }

    /// What is no harm yet: a moment in which two nodes write, and the usual load.
    pub(super) fn ordinary(&self, limit: Option<[u64; 2]>) -> f64 {
        match self.metric {
            "split_brain" => OUTAGE as f64 - 1.0,
            "peak" => limit.map_or(f64::INFINITY, |[limit, _]| limit as f64),
            "db_peak_multiplier" => 2.0,
            _ => 0.0,
        }
    }
}

fn tokens(a: &Amount) -> String {
    format!("{} or came twice", a.some("fencing token went back", "fencing tokens went back"))
}

fn unread(a: &Amount) -> String {
    format!("whether acknowledged writes were lost is not known of {}", a.n())
}
