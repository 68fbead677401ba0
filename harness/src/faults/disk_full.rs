//! `disk-full`: no room on the disk a node writes to, and room again when it is over. Proved by a write of the server's that fails.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::future::{join_all, try_join_all};
use redquake_topologies::runtime::LabNode;

use super::ask::ask;
use super::injection::{Done, Injection, NotDone};
use super::names::names;
use crate::context::{Member, OverrideId, TrialContext};

/// What the kernel tells a server that writes to a full disk.
const ENOSPC: &str = "No space left on device";
/// What servers say of it: a write that found a little room first, and a replica that ends rather than fall behind its primary
/// (`replica-ignore-disk-write-errors`).
const COMPLAINTS: [&str; 3] = [ENOSPC, "Short write while writing to the AOF", "unable to write command to disk"];
/// A server with an append-only file writes to it at once, and tries again every second.
const NOTICED_WITHIN: Duration = Duration::from_secs(15);
/// What of a node is full.
const DISK: &str = "disk";
/// A server that has appended nothing for so long has nothing to append: the replicas of a primary that refuses writes.
const QUIET_FOR: Duration = Duration::from_millis(500);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Disks of some nodes without room.
pub struct DiskFullFault {
    targets: Vec<Member>,
    /// How often each target's server had complained before.
    complaints: Mutex<Vec<usize>>,
    /// What it laid over each.
    layers: Mutex<Vec<OverrideId>>,
}

/// What the server says of its last write of a kind.
struct Persistence {
    appends: bool,
    append: String,
    snapshot: String,
    saving: bool,
}

impl DiskFullFault {
    /// Of these nodes.
    pub fn new(targets: Vec<Member>) -> Self {
        Self { targets, complaints: Mutex::default(), layers: Mutex::default() }
    }

    /// Until a write of the server has failed for want of room: of the append-only file where it has one, else of a snapshot it is asked
    /// for. A server that gives up, as one that must sync every write does, is gone.
    async fn failed(&self, context: &TrialContext, target: &Member, before: usize) -> Result<String, String> {
        let (name, since) = (&target.node.name, Instant::now());
        let mut asked = false;
        loop {
            let complained = complaints(context, name).await > before;
            let alive = context.lab.alive(name).await.unwrap_or(true);
            if complained && !alive {
                return Ok(format!("{name} ended, for it could not write: its disk is full"));
            }
            let why = match persistence(context, &target.node).await {
                Ok(now) if complained && now.appends && now.append == "err" => {
                    return Ok(format!("{name} cannot write its append-only file: `{ENOSPC}`"));
                }
                Ok(now) if complained && (asked || !now.appends) && !now.saving && now.snapshot == "err" => {
                    return Ok(format!("{name} was asked for a snapshot and could not write it: `{ENOSPC}`"));
                }
                Ok(now) if (!now.appends || since.elapsed() > QUIET_FOR) && !now.saving && !asked => {
                    asked = snapshot(context, &target.node).await?;
                    continue;
                }
                Ok(_) => format!("no write of {name} failed"),
                Err(error) => error,
            };
            again(since, &why).await?;
        }
    }

    /// Until the server says that it can write again.
    async fn writes(&self, context: &TrialContext, target: &Member) -> Result<String, String> {
        let (name, since) = (&target.node.name, Instant::now());
        let mut asked = false;
        loop {
            if context.standing.full.any(name, DISK) {
                return Ok(format!("another fault keeps the disk of {name} full"));
            }
            if !context.lab.alive(name).await.unwrap_or(true) {
                return Ok(format!("the process of {name} is gone"));
            }
            let why = match persistence(context, &target.node).await {
                Ok(now) if now.appends && now.append == "ok" && now.snapshot == "ok" => {
                    return Ok(format!("{name} writes its append-only file again"));
                }
                Ok(now) if !now.appends && !now.saving && asked && now.snapshot == "ok" => {
                    return Ok(format!("{name} was asked for a snapshot and wrote it"));
                }
                Ok(now) if (!now.appends || now.snapshot == "err") && !now.saving && !asked => {
                    asked = snapshot(context, &target.node).await?;
                    continue;
                }
                Ok(_) => format!("{name} still could not write"),
                Err(error) => error,
            };
            again(since, &why).await?;
        }
    }
}

#[async_trait]
impl Injection for DiskFullFault {
    fn targets(&self) -> Vec<String> {
        names(&self.targets)
    }

    async fn inject(&self, context: &TrialContext) -> Result<Vec<Done>, NotDone> {
        let before = self.targets.iter().map(async |target| match context.standing.full.any(&target.node.name, DISK) {
            // What it says of an earlier fault, which it need not say twice, is true of this one.
            true => 0,
            false => complaints(context, &target.node.name).await,
        });
        let before = join_all(before).await;
        *self.complaints.lock().unwrap_or_else(PoisonError::into_inner) = before;
        let layers = self.targets.iter().map(|target| context.standing.full.lay(&target.node.name, DISK, (), ())).collect();
        *self.layers.lock().unwrap_or_else(PoisonError::into_inner) = layers;
        let fill = self.targets.iter().map(|target| async move {
            context.lab.fill_disk(&target.node.name).await.map_err(|error| error.to_string())?;
            Ok(Done { at: Instant::now(), targets: vec![target.node.name.clone()], detail: "its disk has no room left".to_owned() })
        });
        try_join_all(fill).await
    }

    async fn prove(&self, context: &TrialContext, _: &[Arc<dyn Injection>]) -> Result<String, String> {
        let before = self.complaints.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let looks = self.targets.iter().zip(before).map(|(target, before)| self.failed(context, target, before));
        Ok(try_join_all(looks).await?.join("; "))
    }

    async fn revert(&self, context: &TrialContext) -> Result<Instant, String> {
        let layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (target, layer) in self.targets.iter().zip(layers) {
            context.standing.full.take(&target.node.name, DISK, layer);
            if context.standing.full.any(&target.node.name, DISK) {
                continue;
            }
            context.lab.free_disk(&target.node.name).await.map_err(|error| error.to_string())?;
        }
        Ok(Instant::now())
    }

    async fn prove_reverted(&self, context: &TrialContext, _: &[Arc<dyn Injection>]) -> Result<String, String> {
        Ok(try_join_all(self.targets.iter().map(|target| self.writes(context, target))).await?.join("; "))
    }
}

async fn again(since: Instant, why: &str) -> Result<(), String> {
    if since.elapsed() > NOTICED_WITHIN {
        return Err(format!("{why} within {NOTICED_WITHIN:?}"));
    }
    tokio::time::sleep(LOOK_EVERY).await;
    Ok(())
}

async fn complaints(context: &TrialContext, name: &str) -> usize {
    context.lab.logs(name).await.map_or(0, |log| COMPLAINTS.iter().map(|words| log.matches(words).count()).sum())
}

/// Asks for a snapshot; whether it was begun.
async fn snapshot(context: &TrialContext, node: &LabNode) -> Result<bool, String> {
    match ask::<String>(context, node, redis::cmd("BGSAVE")).await {
        Ok(_) => Ok(true),
        Err(error) if error.contains("in progress") => Ok(false),
        Err(error) => Err(error),
    }
}

async fn persistence(context: &TrialContext, node: &LabNode) -> Result<Persistence, String> {
    let mut command = redis::cmd("INFO");
    command.arg("persistence");
    let text: String = ask(context, node, command).await?;
    let field = |name: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        value.unwrap_or_default().trim().to_owned()
    };
    Ok(Persistence {
        appends: field("aof_enabled") == "1",
        append: field("aof_last_write_status"),
        snapshot: field("rdb_last_bgsave_status"),
        saving: field("rdb_bgsave_in_progress") == "1",
    })
}
