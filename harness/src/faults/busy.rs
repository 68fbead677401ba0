//! `busy`: a script without end or `DEBUG SLEEP` keeps a server from answering. Proved by silence or `-BUSY` on another connection.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::future::try_join_all;
use redquake_experiments::spec::BusyHow;

use super::ask::{ask, ask_within};
use super::injection::{Done, Injection, NotDone};
use super::names::names;
use super::ping::{Heard, answers_again, patience, say, stopped};
use crate::clients::{Timeouts, open};
use crate::context::{Member, TrialContext};

/// Reads the clock until its time is over and writes nothing, so that it can be killed. A server that freezes the time a script sees
/// has `os.clock`, the processor time of the server, which a script without end uses up one to one.
const SCRIPT: &str = "local limit, began, os = tonumber(ARGV[1]), redis.call('TIME'), rawget(_G, 'os')
local burnt = os and os.clock()
while true do
  local now = redis.call('TIME')
  if (now[1] - began[1]) * 1000 + (now[2] - began[2]) / 1000 >= limit then return 1 end
  if os and (os.clock() - burnt) * 1000 >= limit + 200 then return 1 end
end";

/// A command that was handed over has begun by then.
const BEGINS_WITHIN: Duration = Duration::from_secs(2);
/// Until a script has run for `busy-reply-threshold`, 5 s unless set, the server hears nobody, not even `SCRIPT KILL`.
const KILLED_WITHIN: Duration = Duration::from_secs(8);
const ANSWERS_AGAIN_WITHIN: Duration = Duration::from_secs(10);

/// Some nodes with something endless to do.
pub struct BusyFault {
    targets: Vec<Member>,
    how: BusyHow,
    lasts: Duration,
    /// What a server said in place of becoming busy.
    refused: Arc<Mutex<Option<String>>>,
    /// When a server was done with it.
    ended: Arc<Mutex<Vec<Instant>>>,
}

impl BusyFault {
    /// These nodes, for so long.
    pub fn new(targets: Vec<Member>, how: BusyHow, lasts: Duration) -> Self {
        Self { targets, how, lasts, refused: Arc::default(), ended: Arc::default() }
    }

    fn command(&self) -> redis::Cmd {
        match self.how {
            BusyHow::Script => {
                let mut command = redis::cmd("EVAL");
                command.arg(SCRIPT).arg(0).arg(u64::try_from(self.lasts.as_millis()).unwrap_or(u64::MAX));
                command
            }
            BusyHow::Sleep => {
                let mut command = redis::cmd("DEBUG");
                command.arg("SLEEP").arg(self.lasts.as_secs_f64());
                command
            }
        }
    }

    fn refusal(&self) -> Option<String> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn silent(&self, context: &TrialContext, target: &Member) -> Result<String, String> {
        let since = Instant::now();
        loop {
            match say(context, &target.node, "PING", patience(self.lasts)).await {
                Heard::Silence => return Ok(format!("{} took another connection and did not answer its PING", target.node.name)),
                Heard::Line(line) if line.starts_with("-BUSY") => {
                    return Ok(format!("{} told another connection `{line}`", target.node.name));
                }
                heard if since.elapsed() > BEGINS_WITHIN => return Err(heard.words(&target.node.name)),
                _ => {}
            }
            if let Some(refusal) = self.refusal() {
                return Err(refusal);
            }
        }
    }
}

#[async_trait]
impl Injection for BusyFault {
    fn targets(&self) -> Vec<String> {
        names(&self.targets)
    }

    async fn inject(&self, context: &TrialContext) -> Result<Vec<Done>, NotDone> {
        let mut done = Vec::new();
        for target in &self.targets {
            if self.how == BusyHow::Sleep {
                allowed(context, target).await?;
            }
            // Longer than it lasts: the reply is its end.
            let timeouts = Timeouts { connect: BEGINS_WITHIN, response: self.lasts + KILLED_WITHIN };
            let address = target.node.address;
            let opened = context.control.spawn(async move { open(address, timeouts).await }).await.map_err(|error| error.to_string())?;
            let mut connection = opened.map_err(|error| format!("{}: {error}", target.node.name))?;
            let (command, name, lasts) = (self.command(), target.node.name.clone(), self.lasts);
            let (refused, ends) = (Arc::clone(&self.refused), Arc::clone(&self.ended));
            let at = Instant::now();
            context.control.spawn(async move {
                let ended: redis::RedisResult<redis::Value> = command.query_async(&mut connection).await;
                ends.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
                if let Err(error) = ended
                    && at.elapsed() < lasts
                {
                    *refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(format!("{name}: {error}"));
                }
            });
            let detail = match self.how {
                BusyHow::Script => "a script that runs until its time is over",
                BusyHow::Sleep => "DEBUG SLEEP",
            };
            done.push(Done { at, targets: vec![target.node.name.clone()], detail: detail.to_owned() });
        }
        Ok(done)
    }

    async fn prove(&self, context: &TrialContext, _: &[Arc<dyn Injection>]) -> Result<String, String> {
        Ok(try_join_all(self.targets.iter().map(|target| self.silent(context, target))).await?.join("; "))
    }

    /// At the planned time both have ended by themselves. Before it, a script is killed; a sleep cannot be cut short.
    async fn revert(&self, context: &TrialContext) -> Result<Instant, String> {
        for target in &self.targets {
            // Nobody waits here for one that something else stopped: what is still to be reverted may be just that.
            if stopped(context, &target.node).await {
                continue;
            }
            if self.how == BusyHow::Script {
                // `NOTBUSY` once it has ended, by itself or because a Sentinel killed it: they do that when they are told `-BUSY`.
                say(context, &target.node, "SCRIPT KILL", KILLED_WITHIN).await;
            }
            answers_again(context, &target.node, ANSWERS_AGAIN_WITHIN).await?;
        }
        // The reply to the script or the sleep came before the one to the question after it.
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let last = ended.iter().max().filter(|_| ended.len() == self.targets.len());
        Ok(last.copied().unwrap_or_else(Instant::now))
    }

    async fn prove_reverted(&self, context: &TrialContext, _: &[Arc<dyn Injection>]) -> Result<String, String> {
        Ok(try_join_all(self.targets.iter().map(|target| answers_again(context, &target.node, ANSWERS_AGAIN_WITHIN))).await?.join("; "))
    }
}

/// Since Redis 7.0 a server only obeys `DEBUG` when its configuration says so, which cannot be changed while it runs.
async fn allowed(context: &TrialContext, target: &Member) -> Result<(), String> {
    let mut none = redis::cmd("DEBUG");
    none.arg("SLEEP").arg("0");
    let tried = ask_within::<String>(context, &target.node, none, BEGINS_WITHIN).await;
    let Err(error) = tried else { return Ok(()) };
    let mut get = redis::cmd("CONFIG");
    get.arg("GET").arg("enable-debug-command");
    let setting: Vec<String> = ask(context, &target.node, get).await.unwrap_or_default();
    match setting.get(1).map(String::as_str) {
        Some("yes") | None => Err(error),
        Some(_) => Err(format!(
            "{} does not obey DEBUG; put `enable-debug-command: \"yes\"` below `topology.config.redis`, or use `how: script`",
            target.node.name
        )),
    }
}
