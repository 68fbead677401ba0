//! A plan as text.

use std::fmt::Write;

use serde_json::{Value, json};

use super::{Act, Plan, Prediction, predict};
use crate::spec::{Direction, Duration, Fault, Pick, Role, Selector, Topology, Workload};

/// A plan for people: what is brought up, what loads it, what happens when and to whom, and what is to be expected.
pub fn render(plan: &Plan) -> String {
    let mut out = String::new();
    write(plan, &mut out).unwrap_or_default();
    out
}

/// A plan for programs: the plan itself, its steps in order and the predictions.
pub fn json(plan: &Plan) -> Value {
    json!({ "plan": plan, "steps": plan.timeline(), "predictions": predict(&plan.experiment) })
}

fn write(plan: &Plan, out: &mut String) -> std::fmt::Result {
    let experiment = &plan.experiment;
    let Topology::Sentinel(topology) = &experiment.topology;
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
    writeln!(out, "  server     {}", topology.server)?;
    writeln!(out, "  primary    {}", names(Role::Primary))?;
    writeln!(out, "  replicas   {}", names(Role::Replica))?;
    writeln!(out, "  sentinels  {}, quorum {}", names(Role::Sentinel), topology.quorum)?;
    for (title, directives) in [("redis.conf", &topology.config.redis), ("sentinel", &topology.config.sentinel)] {
        for (index, (name, value)) in directives.iter().enumerate() {
            let title = if index == 0 { title } else { "" };
            writeln!(out, "  {title:<10} {name} {}", if value.is_empty() { "\"\"" } else { value })?;
        }
    }
    writeln!(out)?;
    writeln!(out, "Loads it with")?;
    for workload in &experiment.workloads {
        let Workload::Lock(lock) = workload;
        writeln!(
            out,
            "  {}: {} lock clients, together {} attempts, {} keys, held {} of {} ({} drift margin)",
            lock.name,
            lock.clients,
            lock.rate,
            lock.keys,
            lock.hold,
            lock.ttl,
            lock.drift()
        )?;
    }
    if experiment.workloads.is_empty() {
        writeln!(out, "  nothing but the probes")?;
    }
    writeln!(out)?;
    writeln!(out, "Does, counted from the start of the baseline window")?;
    writeln!(out, "  {:>9}  clients start", at(0))?;
    for step in plan.timeline() {
        if let Some(planned) = plan.faults.get(step.fault) {
            writeln!(out, "  {:>9}  {}", at(step.at), action(plan, &planned.fault, step.act))?;
        }
    }
    writeln!(out, "  {:>9}  clients stop, everything is healed and removed", at(experiment.duration.as_nanos()))?;
    writeln!(out)?;
    writeln!(out, "Expects")?;
    let predictions = predict(experiment);
    for Prediction { metric, low, high, formula } in &predictions {
        writeln!(out, "  {metric:<22} {} to {}", seconds(*low), seconds(*high))?;
        writeln!(out, "  {:<22} {formula}", "")?;
    }
    if predictions.is_empty() {
        writeln!(out, "  no prediction: the formula is for one kill of the primary with Sentinels and a replica left")?;
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

fn action(plan: &Plan, fault: &Fault, act: Act) -> String {
    let name = fault.name();
    match (fault, act) {
        (Fault::Kill(kill), _) => format!("{name}: SIGKILL to {}", whom(plan, &kill.target)),
        (Fault::Partition(_), Act::Revert) => format!("{name}: healed"),
        (Fault::Partition(partition), Act::Inject) => {
            let (from, to) = (whom(plan, &partition.from), whom(plan, &partition.to));
            match partition.direction {
                Direction::Both => format!("{name}: packets dropped between {from} and {to}, both ways"),
                Direction::To => format!("{name}: packets dropped from {from} to {to}"),
                Direction::From => format!("{name}: packets dropped from {to} to {from}"),
            }
        }
    }
}

/// A selector, and what it would resolve to if no role had moved by then.
fn whom(plan: &Plan, selector: &Selector) -> String {
    let (words, matching): (String, Vec<&str>) = match (&selector.role, &selector.node) {
        (_, Some(node)) => return node.clone(),
        (Some(role), None) => {
            let matching = plan.nodes.iter().filter(|node| node.role == *role).map(|node| node.name.as_str());
            (role.as_str().to_owned(), matching.collect())
        }
        (None, None) => ("nobody".to_owned(), Vec::new()),
    };
    let names = matching.join(", ");
    match selector.pick {
        _ if matching.len() == 1 => format!("the {words} (now {names})"),
        Pick::All => format!("every {words} (now {names})"),
        Pick::One => format!("one {words} (now one of {names})"),
        Pick::Count(count) => format!("{count} {words}s (now {count} of {names})"),
    }
}

fn at(nanos: u64) -> String {
    format!("T+{}", seconds(nanos))
}

fn seconds(nanos: u64) -> String {
    format!("{:.3}s", nanos as f64 / 1e9)
}
