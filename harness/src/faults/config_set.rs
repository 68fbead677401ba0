//! `config-set`: `CONFIG SET`, and the former values when it is over. Proved by what `CONFIG GET` says on another connection.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use redquake_experiments::spec::DirectiveName;
use redquake_topologies::runtime::LabNode;

use super::ask::ask;
use super::injection::{Done, Injection, NotDone};
use super::names::names;
use crate::context::{Member, OverrideId, TrialContext};

/// New values of directives on some nodes.
pub struct ConfigSetFault {
    targets: Vec<Member>,
    set: BTreeMap<DirectiveName, String>,
    /// What was changed and has to come back.
    changes: Mutex<Vec<Change>>,
}

/// A directive of one node that was changed.
#[derive(Clone)]
struct Change {
    node: LabNode,
    name: DirectiveName,
    /// What it was just before.
    before: String,
    layer: OverrideId,
}

impl ConfigSetFault {
    /// On these nodes.
    pub fn new(targets: Vec<Member>, set: BTreeMap<DirectiveName, String>) -> Self {
        Self { targets, set, changes: Mutex::default() }
    }

    fn changes(&self) -> Vec<Change> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Injection for ConfigSetFault {
    fn targets(&self) -> Vec<String> {
        names(&self.targets)
    }

    async fn inject(&self, context: &TrialContext) -> Result<Vec<Done>, NotDone> {
        let mut done = Vec::new();
        for target in &self.targets {
            let at = Instant::now();
            let mut words = Vec::new();
            for (name, value) in &self.set {
                let before = get(context, &target.node, name).await?;
                // Noted first: a reply that got lost may have been a change.
                let layer = context.standing.settings.lay(&target.node.name, name.as_str(), before.clone(), value.clone());
                let change = Change { node: target.node.clone(), name: name.clone(), before: before.clone(), layer };
                self.changes.lock().unwrap_or_else(PoisonError::into_inner).push(change);
                set(context, &target.node, name, value).await?;
                // Servers write values their own way: `1mb` reads `1048576`.
                let now = get(context, &target.node, name).await?;
                context.standing.settings.reword(&target.node.name, name.as_str(), layer, now);
                words.push(format!("{name} from `{before}` to `{value}`"));
            }
            done.push(Done { at, targets: vec![target.node.name.clone()], detail: words.join(", ") });
        }
        Ok(done)
    }

    async fn prove(&self, context: &TrialContext, _: &[Arc<dyn Injection>]) -> Result<String, String> {
        let mut told = Vec::new();
        for Change { node, name, before, .. } in self.changes() {
            let (now, wanted) = (get(context, &node, &name).await?, self.set.get(&name).cloned().unwrap_or_default());
            if !took_effect(&before, &wanted, &now) {
                return Err(format!("{} of {} is still `{now}`", name, node.name));
            }
            told.push(format!("{} says that {name} is `{now}`", node.name));
        }
        Ok(told.join("; "))
    }

    async fn revert(&self, context: &TrialContext) -> Result<Instant, String> {
        let mut failures = Vec::new();
        for Change { node, name, before, layer } in self.changes().into_iter().rev() {
            let settings = &context.standing.settings;
            settings.take(&node.name, name.as_str(), layer);
            // Not always what it was before: another fault may have set it since, or have ended that had set it then.
            let wanted = settings.wanted(&node.name, name.as_str()).unwrap_or(before);
            // A server that ended has forgotten what was set.
            if let Err(error) = set(context, &node, &name, &wanted).await
                && context.lab.alive(&node.name).await.unwrap_or(true)
            {
                failures.push(error);
            }
        }
        if failures.is_empty() { Ok(Instant::now()) } else { Err(failures.join("; ")) }
    }

    async fn prove_reverted(&self, context: &TrialContext, _: &[Arc<dyn Injection>]) -> Result<String, String> {
        let mut told = Vec::new();
        for Change { node, name, before, .. } in self.changes() {
            let settings = &context.standing.settings;
            let wanted = settings.wanted(&node.name, name.as_str()).unwrap_or(before);
            let why = if settings.any(&node.name, name.as_str()) { ", as another fault set it" } else { " again" };
            match get(context, &node, &name).await {
                Ok(now) if now == wanted => told.push(format!("{} says that {name} is `{now}`{why}", node.name)),
                Ok(now) => return Err(format!("{name} of {} is `{now}` instead of `{wanted}`", node.name)),
                Err(_) if !context.lab.alive(&node.name).await.unwrap_or(true) => {
                    told.push(format!("the process of {} is gone", node.name))
                }
                Err(error) => return Err(error),
            }
        }
        Ok(told.join("; "))
    }
}

/// Whether a value that reads `now` is the one that was `wanted`; servers write values their own way: `1mb` reads `1048576`.
fn took_effect(before: &str, wanted: &str, now: &str) -> bool {
    now != before || in_bytes(now) == in_bytes(wanted)
}

/// The words of a value in lower case, amounts of memory in bytes.
fn in_bytes(value: &str) -> Vec<String> {
    const UNITS: [(&str, u64); 7] =
        [("kb", 1 << 10), ("mb", 1 << 20), ("gb", 1 << 30), ("k", 1_000), ("m", 1_000_000), ("g", 1_000_000_000), ("b", 1)];
    let amount = |word: &str| {
        let (unit, factor) = UNITS.iter().find(|(unit, _)| word.ends_with(unit))?;
        word.strip_suffix(unit)?.parse::<u64>().ok()?.checked_mul(*factor)
    };
    let words = value.split_whitespace().map(str::to_lowercase);
    words.map(|word| amount(&word).map_or(word, |bytes| bytes.to_string())).collect()
}

async fn get(context: &TrialContext, node: &LabNode, name: &DirectiveName) -> Result<String, String> {
    let mut command = redis::cmd("CONFIG");
    command.arg("GET").arg(name.as_str());
    let pair: Vec<String> = ask(context, node, command).await?;
    pair.into_iter().nth(1).ok_or_else(|| format!("{} has no directive `{name}`", node.name))
}

async fn set(context: &TrialContext, node: &LabNode, name: &DirectiveName, value: &str) -> Result<(), String> {
    let mut command = redis::cmd("CONFIG");
    command.arg("SET").arg(name.as_str()).arg(value);
    ask::<String>(context, node, command).await.map(drop).map_err(|error| format!("CONFIG SET {name}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_in_the_servers_own_words_is_the_one_that_was_asked_for_and_an_old_one_is_not() {
        assert!(took_effect("0", "1mb", "1048576"));
        assert!(took_effect("no", "YES", "yes"));
        assert!(!took_effect("noeviction", "allkeys-lru", "noeviction"));
        assert!(took_effect("yes", "yes", "yes"), "it is as asked for, whoever did it");
        assert!(took_effect("314572800", "300MB", "314572800"), "and in whatever unit");
        assert!(!took_effect("314572800", "300m", "314572800"), "which is not the same amount");
        assert!(took_effect("normal 0 0 60", "normal 0 0 60", "normal 0 0 60"));
    }
}
