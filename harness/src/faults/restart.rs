//! `restart`: the process ends and is started again after a delay, as a supervisor would. Proved by its end, and its return by a
//! server that calls itself another run.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::future::{join_all, try_join_all};
use redquake_experiments::spec::{DataAfter, HowStopped, Restart, RestartConfig};
use redquake_reports::history::{Event, Started};
use redquake_topologies::runtime::{Configuration, RuntimeError, Signal};

use super::ask::ask;
use super::injection::{Done, Injection, NotDone};
use super::kill::{self, gone};
use super::names::names;
use super::stop;
use crate::context::{Member, TrialContext};

/// Longest wait for a server that was started to serve; loading a data set is part of it.
const SERVES_WITHIN: Duration = Duration::from_secs(25);
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// What is recorded of a server that needs no signal.
const DOWN_ALREADY: &str = "down already";
/// What both Redis and Valkey print first.
const BANNER: &str = "oO0OoO0OoO0Oo";

/// The end of some nodes' processes, and their start.
pub struct RestartFault {
    targets: Vec<Member>,
    spec: Restart,
    /// What each node called its run before, where it answered.
    runs: Mutex<HashMap<String, String>>,
    /// Who needed no signal, because an earlier fault had ended it.
    down: Mutex<Vec<String>>,
    /// When all of them were gone.
    ended: Mutex<Option<Instant>>,
    /// When each was started again.
    started: Mutex<HashMap<String, Instant>>,
}

impl RestartFault {
    /// Of these nodes.
    pub fn new(targets: Vec<Member>, spec: Restart) -> Self {
        Self { targets, spec, runs: Mutex::default(), down: Mutex::default(), ended: Mutex::default(), started: Mutex::default() }
    }

    fn signal(&self) -> (Signal, &'static str, Duration) {
        match self.spec.stop {
            HowStopped::Kill => (Signal::Kill, "SIGKILL", kill::PROVE_WITHIN),
            HowStopped::Graceful => (Signal::Terminate, "SIGTERM", stop::ENDS_WITHIN),
        }
    }

    /// Whether the server came back as another run, and what it found on its disk.
    async fn back(&self, context: &TrialContext, target: &Member) -> Result<String, String> {
        let (name, since) = (&target.node.name, Instant::now());
        let before = self.runs.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        loop {
            let why = match info(context, target).await {
                Ok(now) if before.as_ref() == Some(&now.run) => return Err(format!("{name} is still the run it was")),
                Ok(now) if !now.loading => {
                    let log = context.lab.logs(name).await.map_err(|error| error.to_string())?;
                    self.record(context, target, loaded(&log));
                    let found = self.found(&log, name)?;
                    let took = since.elapsed().as_secs_f64() * 1e3;
                    let known = if before.is_some() { "another run than before" } else { "a run; the one before had not answered" };
                    return Ok(format!("{name} answers as {known}, {took:.1} ms after its start; {found}"));
                }
                Ok(_) => format!("{name} was still loading"),
                Err(error) => error,
            };
            if since.elapsed() > SERVES_WITHIN {
                return Err(format!("{why} {SERVES_WITHIN:?} after its start"));
            }
            if !context.lab.alive(name).await.unwrap_or(true) {
                return Err(format!("the process of {name} ended again; its log tells why"));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn record(&self, context: &TrialContext, target: &Member, loaded: Option<String>) {
        let started = self.started.lock().unwrap_or_else(PoisonError::into_inner).get(&target.node.name).copied();
        let now = Instant::now();
        let at = [started.unwrap_or(now), now].map(|at| context.clock.at(at));
        context.recorder.record(Event::Started(Started { at, node: target.index, loaded }));
    }

    /// What the server says it read from its disk. A replica has its data back from the primary before anybody could count its keys, so
    /// its own log is the witness.
    fn found(&self, log: &str, name: &str) -> Result<String, String> {
        let loaded = loaded(log);
        match (self.spec.data, loaded) {
            (DataAfter::Wipe, Some(line)) => Err(format!("{name} was to find an empty disk and said `{line}`")),
            (_, None) => Ok("it read no data from its disk".to_owned()),
            (DataAfter::Keep, Some(line)) => Ok(format!("it said `{line}`")),
        }
    }
}

#[async_trait]
impl Injection for RestartFault {
    fn targets(&self) -> Vec<String> {
        names(&self.targets)
    }

    async fn inject(&self, context: &TrialContext) -> Result<Vec<Done>, NotDone> {
        let asked = join_all(self.targets.iter().map(|target| info(context, target))).await;
        let known = self.targets.iter().zip(asked).filter_map(|(target, info)| Some((target.node.name.clone(), info.ok()?.run)));
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).extend(known);
        let (signal, word, _) = self.signal();
        let ends = self.targets.iter().map(async |target| {
            let name = &target.node.name;
            if !context.lab.alive(name).await? {
                self.down.lock().unwrap_or_else(PoisonError::into_inner).push(name.clone());
                return Ok((Instant::now(), DOWN_ALREADY));
            }
            context.lab.signal(name, signal).await.map(|(at, _)| (at, word))
        });
        let mut done = Vec::new();
        for (target, ended) in self.targets.iter().zip(join_all(ends).await) {
            let (at, detail) = ended.map_err(|error: RuntimeError| error.to_string())?;
            done.push(Done { at, targets: vec![target.node.name.clone()], detail: detail.to_owned() });
        }
        Ok(done)
    }

    async fn prove(&self, context: &TrialContext, _: &[Arc<dyn Injection>]) -> Result<String, String> {
        let (since, (_, word, within)) = (Instant::now(), self.signal());
        let down = self.down.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let looks = self.targets.iter().map(async |target| match down.contains(&target.node.name) {
            true => Ok(format!("{} was {DOWN_ALREADY}", target.node.name)),
            false => gone(context, target, since, word, within).await,
        });
        let told = try_join_all(looks).await?.join("; ");
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        Ok(told)
    }

    /// The delay counts from the end of the process, which a graceful one may have put off.
    fn not_before(&self) -> Option<Instant> {
        let ended = *self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        (self.spec.stop == HowStopped::Graceful).then_some(ended).flatten().map(|ended| ended + self.spec.delay.to_std())
    }

    /// Starts them, but for those that another fault has started in the meantime.
    async fn revert(&self, context: &TrialContext) -> Result<Instant, String> {
        let configuration = match self.spec.config {
            RestartConfig::Rewritten => Configuration::Rewritten,
            RestartConfig::Original => Configuration::Original,
        };
        let mut at = Instant::now();
        for target in &self.targets {
            let name = &target.node.name;
            let were_gone = self.ended.lock().unwrap_or_else(PoisonError::into_inner).is_some();
            if were_gone && self.spec.data == DataAfter::Keep && context.lab.alive(name).await.map_err(|error| error.to_string())? {
                continue;
            }
            if self.spec.data == DataAfter::Wipe {
                context.lab.wipe(name).await.map_err(|error| error.to_string())?;
            }
            at = Instant::now();
            self.started.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), at);
            context.lab.restart(name, configuration).await.map_err(|error| error.to_string())?;
        }
        Ok(at)
    }

    async fn prove_reverted(&self, context: &TrialContext, _: &[Arc<dyn Injection>]) -> Result<String, String> {
        Ok(try_join_all(self.targets.iter().map(|target| self.back(context, target))).await?.join("; "))
    }
}

/// What a server says of its own run.
struct Run {
    run: String,
    loading: bool,
}

async fn info(context: &TrialContext, target: &Member) -> Result<Run, String> {
    let text: String = ask(context, &target.node, redis::cmd("INFO")).await?;
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(|value| value.trim().to_owned());
    let run = field("run_id").ok_or_else(|| format!("{} did not tell its run", target.node.name))?;
    Ok(Run { run, loading: field("loading").is_some_and(|loading| loading != "0") })
}

/// What the latest start of a server read from its disk, in its words.
fn loaded(log: &str) -> Option<String> {
    let start = log.rsplit(BANNER).next().unwrap_or(log);
    // What a replica loads after it was ready came from its primary.
    let start = start.split("Ready to accept connections").next().unwrap_or(start);
    // Each file of an append-only directory has a line of its own; the last line tells of all of them.
    let line = start.lines().rfind(|line| line.contains("DB loaded from"))?;
    Some(line.split_once("* ").map_or(line, |(_, words)| words).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "7:C 23 Nov 06:00:00.000 # oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo\n7:M * DB loaded from disk: 0.001 seconds\n\
                         7:M * Ready to accept connections\n";

    #[test]
    fn what_a_server_read_is_told_by_its_latest_start_only() {
        assert_eq!(loaded(FIRST).as_deref(), Some("DB loaded from disk: 0.001 seconds"));
        let again = format!("{FIRST}7:C # oO0OoO0OoO0Oo Valkey is starting oO0OoO0OoO0Oo\n7:M * Ready to accept connections\n");
        assert_eq!(loaded(&again), None);
    }

    #[test]
    fn of_the_files_of_an_append_only_directory_the_line_for_all_counts() {
        let log = "oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo\n7:M * DB loaded from base file appendonly.aof.1.base.rdb: 0.000 seconds\n\
                   7:M * DB loaded from incr file appendonly.aof.1.incr.aof: 0.002 seconds\n\
                   7:M * DB loaded from append only file: 0.002 seconds\n7:M * Ready to accept connections\n";
        assert_eq!(loaded(log).as_deref(), Some("DB loaded from append only file: 0.002 seconds"));
    }

    #[test]
    fn what_came_from_the_primary_was_not_on_the_disk() {
        let synced = "oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo\n7:S * Ready to accept connections\n7:S * DB loaded from socket\n";
        assert_eq!(loaded(synced), None);
    }
}
