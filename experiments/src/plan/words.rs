//! Faults in plain words.

use super::{Act, Plan, PlannedFault, Start};
use crate::spec::{
    Action, BusyHow, CrashPoint, DataAfter, Direction, FailoverMode, Group, HowStopped, Link, Partition, PauseMode, Pick, Restart,
    RestartConfig, Role, Selector, Shape, SlotChoice, WantedRole, key_slot,
};

/// When a fault without a fixed time is injected.
pub(super) fn started(plan: &Plan, planned: &PlannedFault) -> String {
    let start = match &planned.start {
        Start::At(at) => format!("at T+{}", seconds(*at)),
        Start::After { fault, delay } => {
            let other = plan.faults.get(*fault).map(PlannedFault::label).unwrap_or_default();
            if *delay == 0 { format!("as soon as {other} is injected") } else { format!("{} after {other}", seconds(*delay)) }
        }
        Start::When { trigger, deadline } => format!("when {trigger}, which must be seen before T+{}", seconds(*deadline)),
    };
    match planned.lasts {
        Some(lasts) => format!("{start}; {} after {}", reverted(&planned.fault.action), seconds(lasts)),
        None => start,
    }
}

/// What a step does.
pub(super) fn action(plan: &Plan, planned: &PlannedFault, act: Act) -> String {
    let action = &planned.fault.action;
    let words = match act {
        Act::Revert => reverted(action).to_owned(),
        Act::Inject => injected(plan, action),
    };
    format!("{}: {words}", planned.label())
}

fn reverted(action: &Action) -> &'static str {
    match action {
        Action::Restart(_) => "started again",
        Action::Reshard(_) => "all slots moved",
        Action::Pause(_) => "resumed (SIGCONT)",
        Action::Partition(_) => "healed",
        Action::Loss(_) | Action::Delay(_) | Action::Bandwidth(_) => "packets pass as before",
        Action::Busy(_) => "freed",
        Action::ClientsPause(_) => "CLIENT UNPAUSE",
        Action::ConfigSet(_) => "former values set again",
        Action::DiskFull(_) => "room on the disk again",
        Action::ClockJump(_) => "clock set right again",
        _ => "reverted",
    }
}

fn injected(plan: &Plan, action: &Action) -> String {
    let target = || action.target().map(|target| whom(plan, target)).unwrap_or_default();
    match action {
        Action::Kill(_) => format!("SIGKILL to {}", target()),
        Action::Stop(_) => format!("SIGTERM to {}", target()),
        Action::Restart(restart) => restarted(restart, &target()),
        Action::Pause(_) => format!("SIGSTOP to {}", target()),
        Action::Partition(partition) => cut(plan, partition),
        Action::Loss(loss) => {
            let links = links(&sides(plan, &loss.from), &sides(plan, &loss.to), loss.direction);
            format!("{} of the packets dropped {links}", loss.percent)
        }
        Action::Delay(delay) => {
            let jitter = if delay.jitter.is_zero() { String::new() } else { format!(" ± {}", delay.jitter) };
            let links = links(&sides(plan, &delay.from), &sides(plan, &delay.to), delay.direction);
            format!("packets late by {}{jitter} {links}", delay.delay)
        }
        Action::Bandwidth(bandwidth) => {
            let does = match bandwidth.direction {
                Direction::Both => "sent and received",
                Direction::To => "sent",
                Direction::From => "received",
            };
            format!("no more than {} a second {does} by {}", bandwidth.rate, target())
        }
        Action::Busy(busy) => match busy.how {
            BusyHow::Script => format!("a script that does not end on {}", target()),
            BusyHow::Sleep => format!("DEBUG SLEEP on {}", target()),
        },
        Action::ClientsPause(pause) => match pause.mode {
            PauseMode::Write => format!("CLIENT PAUSE WRITE on {}", target()),
            PauseMode::All => format!("CLIENT PAUSE ALL on {}", target()),
        },
        Action::ClientCrash(crash) => {
            let many = match crash.pick {
                Pick::All => "all clients".to_owned(),
                Pick::One => "one client".to_owned(),
                Pick::Count(count) => format!("{count} clients"),
            };
            format!("{many} of `{}` gone without a word, those that hold something first", crash.workload)
        }
        Action::Failover(failover) if plan.experiment.topology.cluster().is_some() => {
            let mode = match failover.mode.unwrap_or_default() {
                FailoverMode::Graceful => "",
                FailoverMode::Force => " FORCE",
                FailoverMode::Takeover => " TAKEOVER",
            };
            format!("CLUSTER FAILOVER{mode} told to {}", target())
        }
        Action::Failover(failover) => {
            let asked = failover.target.as_ref().map_or_else(|| "any Sentinel".to_owned(), |target| whom(plan, target));
            format!("SENTINEL FAILOVER asked of {asked}")
        }
        Action::Reshard(reshard) => {
            let which = match &reshard.slots {
                SlotChoice::Count(1) => "1 slot".to_owned(),
                SlotChoice::Count(count) => format!("{count} slots"),
                SlotChoice::These(slots) => format!("the slots {slots}"),
            };
            format!("{which} of {} to {}, one after the other", whom(plan, &reshard.from), whom(plan, &reshard.to))
        }
        Action::ConfigSet(config) => {
            let pairs: Vec<String> = config.set.iter().map(|(name, value)| format!("{name} {}", quoted(value))).collect();
            format!("CONFIG SET {} on {}", pairs.join(", "), target())
        }
        Action::SentinelCrash(crash) => {
            let point = match crash.point {
                CrashPoint::AfterElection => "right after it was elected",
                CrashPoint::AfterPromotion => "right after it promoted a replica",
            };
            format!("whoever of {} leads the next failover crashes {point}", target())
        }
        Action::DiskFull(_) => format!("no room on the disk of {}", target()),
        Action::ClockJump(jump) => format!("the clock of {} jumps by {}", target(), jump.by),
    }
}

fn quoted(value: &str) -> &str {
    if value.is_empty() { "\"\"" } else { value }
}

fn restarted(restart: &Restart, target: &str) -> String {
    let signal = match restart.stop {
        HowStopped::Kill => "SIGKILL",
        HowStopped::Graceful => "SIGTERM",
    };
    let data = match restart.data {
        DataAfter::Keep => "with what it had written",
        DataAfter::Wipe => "with nothing on its disk",
    };
    let config = match restart.config {
        RestartConfig::Rewritten => "",
        RestartConfig::Original => " and the configuration it was first started with",
    };
    format!("{signal} to {target}, to come back {data}{config}")
}

fn cut(plan: &Plan, partition: &Partition) -> String {
    let only = match partition.link {
        Link::All => "",
        Link::Client => ", only those of clients' connections",
        Link::Bus => ", only those of the Cluster bus",
    };
    if let (Some(from), Some(to)) = (&partition.from, &partition.to) {
        return format!("packets dropped {}{only}", links(&sides(plan, from), &sides(plan, to), partition.direction));
    }
    if let Some(groups) = &partition.groups {
        let groups: Vec<String> = groups.iter().map(|group| format!("[{}]", sides(plan, group))).collect();
        return format!("packets dropped between any two of {}{only}", groups.join(", "));
    }
    let of = partition.of.as_ref().map_or_else(|| "every node".to_owned(), |of| sides(plan, of));
    let shape = match partition.shape {
        Some(Shape::Isolate) => "one cut off from all others",
        Some(Shape::Halves) => "two halves cut off from each other",
        Some(Shape::MajorityMinority) => "a majority and the rest cut off from each other",
        Some(Shape::Bridge) => "two halves that see each other through one member only",
        Some(Shape::Ring) => "each sees only its nearest neighbours on a ring",
        Some(Shape::Random) => "a shape drawn from the trial's seed",
        None => "nothing cut",
    };
    format!("of {of}: {shape}{only}")
}

fn sides(plan: &Plan, group: &Group) -> String {
    group.all().iter().map(|selector| whom(plan, selector)).collect::<Vec<_>>().join(" together with ")
}

fn links(from: &str, to: &str, direction: Direction) -> String {
    match direction {
        Direction::Both => format!("between {from} and {to}, both ways"),
        Direction::To => format!("from {from} to {to}"),
        Direction::From => format!("from {to} to {from}"),
    }
}

/// A selector, and what it would resolve to if no role had moved by then.
fn whom(plan: &Plan, selector: &Selector) -> String {
    if let Some(node) = &selector.node {
        return node.clone();
    }
    if let Some(zone) = &selector.zone {
        return format!("zone {zone}");
    }
    let Some(role) = selector.role else { return "nobody".to_owned() };
    let fits = |node: Role| match role {
        WantedRole::Primary => node == Role::Primary,
        WantedRole::Replica => node == Role::Replica,
        WantedRole::Sentinel => node == Role::Sentinel,
        // Who leads is only known when a failover was led.
        WantedRole::LeaderSentinel => false,
        WantedRole::Data => node.is_data(),
        WantedRole::Independent => node == Role::Independent,
        WantedRole::Any => true,
    };
    if role == WantedRole::LeaderSentinel {
        return "the Sentinel elected last".to_owned();
    }
    let cluster = plan.experiment.topology.cluster();
    let by_key = selector.shard_of.as_deref().map(|key| (key, key_slot(key)));
    let wanted = selector.shard.or_else(|| by_key.and_then(|(_, slot)| cluster?.shard_of_slot(slot)));
    let here = |shard: Option<u32>| wanted.is_none_or(|wanted| shard == Some(wanted));
    let matching = plan.nodes.iter().filter(|node| fits(node.role) && here(node.shard));
    let matching: Vec<&str> = matching.map(|node| node.name.as_str()).collect();
    let word = match role {
        WantedRole::Data => "data node",
        WantedRole::Independent => "independent primary",
        WantedRole::Any => "node",
        other => other.as_str(),
    };
    let words = match (by_key, selector.shard) {
        (Some((key, slot)), _) => format!("{word} of the shard of key `{key}`, slot {slot}"),
        (None, Some(shard)) => format!("{word} of shard {shard}"),
        (None, None) => word.to_owned(),
    };
    let names = matching.join(", ");
    match selector.pick {
        _ if matching.len() == 1 => format!("the {words} (now {names})"),
        Pick::All => format!("every {words} (now {names})"),
        Pick::One => format!("one {words} (now one of {names})"),
        Pick::Count(count) if role == WantedRole::Independent => format!("{count} independent primaries (now {count} of {names})"),
        Pick::Count(count) => format!("{count} {words}s (now {count} of {names})"),
    }
}

pub(super) fn seconds(nanos: u64) -> String {
    format!("{:.3}s", nanos as f64 / 1e9)
}
