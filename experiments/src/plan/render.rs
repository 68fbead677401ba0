//! A plan as text.

use std::fmt::Write;

use serde_json::{Value, json};

use super::words::{action, seconds, started};
use super::{Act, Plan, Prediction, predict, sides};
use crate::spec::{Access, Burst, Database, Duration, Mix, Role, SlidingBy, Topology, WorkloadKind};

/// A plan for people: what is brought up, what loads it, what happens when and to whom, and what is to be expected.
pub fn render(plan: &Plan) -> String {
    let mut out = String::new();
    write(plan, &mut out).unwrap_or_default();
    out
}

/// A plan for programs: the plan itself, its steps in order and the predictions.
pub fn json(plan: &Plan) -> Value {
    json!({ "plan": plan, "steps": plan.timeline(), "cuts": plan.cuts(), "predictions": predict(&plan.experiment) })
}

fn write(plan: &Plan, out: &mut String) -> std::fmt::Result {
    let experiment = &plan.experiment;
    writeln!(out, "{}", experiment.name)?;
    if !experiment.description.is_empty() {
        writeln!(out, "  {}", experiment.description)?;
    }
    writeln!(out)?;
    writeln!(out, "Brings up, on {} and anew for each trial", plan.runtime.as_str())?;
    let names = |role: Role| {
        let names: Vec<&str> = plan.nodes.iter().filter(|node| node.role == role).map(|node| node.name.as_str()).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    writeln!(out, "  server     {}", experiment.topology.server())?;
    match &experiment.topology {
        Topology::Sentinel(topology) => {
            writeln!(out, "  primary    {}", names(Role::Primary))?;
            writeln!(out, "  replicas   {}", names(Role::Replica))?;
            writeln!(out, "  sentinels  {}, quorum {}", names(Role::Sentinel), topology.quorum)?;
            if topology.independent > 0 {
                writeln!(out, "  alone      {}", names(Role::Independent))?;
            }
        }
        Topology::Cluster(topology) => {
            for (slots, shard) in topology.slots().iter().zip(1_u32..) {
                let of_shard = |role: Role| {
                    let here = plan.nodes.iter().filter(|node| node.role == role && node.shard == Some(shard));
                    here.map(|node| node.name.as_str()).collect::<Vec<_>>().join(", ")
                };
                let replicas = of_shard(Role::Replica);
                let replicas = if replicas.is_empty() { "no replica".to_owned() } else { format!("replicas {replicas}") };
                writeln!(out, "  {:<10} primary {}, {replicas}, slots {slots}", format!("shard {shard}"), of_shard(Role::Primary))?;
            }
        }
    }
    let sentinel = experiment.topology.sentinel().map(|topology| ("sentinel", &topology.config.sentinel));
    for (title, directives) in std::iter::once(("redis.conf", experiment.topology.redis())).chain(sentinel) {
        for (index, (name, value)) in directives.iter().enumerate() {
            let title = if index == 0 { title } else { "" };
            writeln!(out, "  {title:<10} {name} {}", if value.is_empty() { "\"\"" } else { value })?;
        }
    }
    writeln!(out)?;
    writeln!(out, "Loads it with")?;
    for workload in &experiment.workloads {
        let clients = format!("{} {} clients, together {} attempts", workload.clients, workload.kind.word(), workload.rate);
        let place = workload.zone.as_ref().map(|zone| format!(", in zone {zone}")).unwrap_or_default();
        let rest = match &workload.kind {
            WorkloadKind::Lock(lock) => {
                let more = [
                    (lock.quorum > 0).then(|| format!(", on {} independent primaries", lock.quorum)),
                    (lock.wait > 0).then(|| format!(", on {} replica{}", lock.wait, if lock.wait == 1 { "" } else { "s" })),
                    lock.renew.then(|| ", prolonged".to_owned()),
                    lock.fenced().then(|| ", with a fencing token".to_owned()),
                ];
                let more: String = more.into_iter().flatten().collect();
                format!("{} keys, held {} of {} ({} drift margin){more}", lock.keys, lock.hold, lock.ttl, lock.drift())
            }
            WorkloadKind::Set(set) => format!("{} keys{}", set.keys, copied(set.wait)),
            WorkloadKind::Counter(counter) => format!("{} keys{}", counter.keys, copied(counter.wait)),
            WorkloadKind::Register(register) => {
                let Mix { read, write, swap } = register.mix;
                format!("{} keys{}, reads : writes : swaps = {read} : {write} : {swap}", register.keys, copied(register.wait))
            }
            WorkloadKind::PaymentJob(payment) => {
                let lock = match payment.lock {
                    false => "without a lock".to_owned(),
                    true => format!("under a lock of {}", payment.ttl),
                };
                let more = [
                    (payment.wait > 0).then(|| format!(" on {} replicas", payment.wait)),
                    payment.fencing.then(|| " with a fencing token".to_owned()),
                    payment.renew.then(|| ", prolonged".to_owned()),
                ];
                let more: String = more.into_iter().flatten().collect();
                format!(
                    "each picks up every job and pays it after {} {lock}{more}, ledger in {}",
                    payment.work,
                    database(&payment.database)
                )
            }
            WorkloadKind::CacheAside(cache) => {
                let access = match cache.access {
                    Access::Uniform => "evenly",
                    Access::Zipf => "by popularity (Zipf)",
                };
                format!("{} items read {access}, cached for {}, behind them {}", cache.keys, cache.ttl, database(&cache.database))
            }
            WorkloadKind::FixedWindowLimiter(limiter) => {
                let by = if limiter.atomic { "by script" } else { "by INCR and PEXPIRE" };
                limited(limiter.limit, limiter.window, limiter.subjects, by, limiter.burst)
            }
            WorkloadKind::SlidingWindowLimiter(limiter) => {
                let by = match limiter.by {
                    SlidingBy::Script => "by script",
                    SlidingBy::Multi => "by MULTI",
                };
                limited(limiter.limit, limiter.window, limiter.subjects, by, limiter.burst)
            }
        };
        writeln!(out, "  {}: {clients}, {rest}{place}", workload.name)?;
    }
    if experiment.workloads.is_empty() {
        writeln!(out, "  nothing but the probes")?;
    }
    writeln!(out)?;
    writeln!(out, "Does, counted from the start of the baseline window")?;
    if plan.window() > 0 {
        writeln!(
            out,
            "  {:>9}  each trial begins up to {} later, at its own phase of the servers' timers:",
            "",
            Duration::from_nanos(plan.window())
        )?;
        writeln!(out, "  {:>9}  {}", "", phases(plan))?;
    }
    writeln!(out, "  {:>9}  clients start", at(0))?;
    for step in plan.timeline() {
        if let Some(planned) = plan.faults.get(step.fault) {
            writeln!(out, "  {:>9}  {}", at(step.at), action(plan, planned, step.act))?;
        }
    }
    for planned in plan.faults.iter().filter(|planned| planned.inject_at().is_none()) {
        writeln!(out, "  {:>9}  {}", "", action(plan, planned, Act::Inject))?;
        writeln!(out, "  {:>9}  {}", "", started(plan, planned))?;
    }
    writeln!(out, "  {:>9}  clients stop, everything is healed and removed", at(experiment.duration.as_nanos()))?;
    writeln!(out)?;
    let cuts = sides::drawn(plan);
    if !cuts.is_empty() {
        writeln!(out, "Cuts, by the roles at the start")?;
        writeln!(out, "{cuts}")?;
    }
    writeln!(out, "Expects")?;
    let predictions = predict(experiment);
    for Prediction { metric, low, high, formula } in &predictions {
        writeln!(out, "  {metric:<22} {} to {}", seconds(*low), seconds(*high))?;
        writeln!(out, "  {:<22} {formula}", "")?;
    }
    if predictions.is_empty() {
        let whom = match &experiment.topology {
            Topology::Sentinel(_) => "a single kill, freeze, planned failover or cut of the primary, with Sentinels and a replica left",
            Topology::Cluster(_) => "a single kill of a shard's primary, with a replica and a majority of the primaries left",
        };
        writeln!(out, "  no prediction for this combination of faults: formulas exist for {whom}")?;
    }
    writeln!(out)?;
    writeln!(out, "Asserts")?;
    for assertion in &experiment.assertions {
        let severity = match assertion.severity {
            crate::spec::Severity::Error => "",
            crate::spec::Severity::Warn => " (only reported)",
        };
        writeln!(out, "  {} {}{severity}", assertion.metric, assertion.expect)?;
    }
    if experiment.assertions.is_empty() {
        writeln!(out, "  nothing")?;
    }
    writeln!(out)?;
    let trials = plan.trials.len() as u64;
    let whole = Duration::from_nanos(experiment.duration.as_nanos().saturating_mul(trials));
    let plural = if trials == 1 { "" } else { "s" };
    writeln!(out, "{trials} trial{plural} of {}, {whole} of measured time; seed {}", experiment.duration, plan.seed)
}

/// The phases of the trials: `0.13 s, 0.75 s and 0.37 s in trials 1 to 3`.
fn phases(plan: &Plan) -> String {
    const SHOWN: usize = 8;
    let shown: Vec<String> = plan.trials.iter().take(SHOWN).map(|trial| format!("{:.2} s", trial.phase as f64 / 1e9)).collect();
    let more = if plan.trials.len() > SHOWN { ", ..." } else { "" };
    let trials = if plan.trials.len() == 1 { "trial 1".to_owned() } else { format!("trials 1 to {}", plan.trials.len()) };
    format!("{}{more} in {trials}", shown.join(", "))
}

fn database(database: &Database) -> String {
    let pool = database.pool();
    let name = match database {
        Database::Sqlite(_) => "SQLite".to_owned(),
        Database::Postgres(postgres) => format!("PostgreSQL {} for {} connections", postgres.version, postgres.max_connections),
    };
    let most = database.capacity().map(|most| format!(", {most:.0} queries/s at most")).unwrap_or_default();
    format!("{name} with a pool of {} ({} a query{most}), {} may wait", pool.pool, pool.service_time, pool.queue)
}

fn copied(wait: u32) -> String {
    match wait {
        0 => String::new(),
        1 => ", acknowledged once a replica has it".to_owned(),
        several => format!(", acknowledged once {several} replicas have it"),
    }
}

fn limited(limit: u32, window: Duration, subjects: u32, by: &str, burst: Option<Burst>) -> String {
    let burst = burst.map(|burst| format!(", only for {} from {} of every {}", burst.lasts, burst.at, burst.every)).unwrap_or_default();
    format!("{limit} in {window} for each of {subjects} subjects {by}{burst}")
}

fn at(nanos: u64) -> String {
    format!("T+{}", seconds(nanos))
}
