//! Every action there is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Bandwidth, Busy, ClientCrash, ClientsPause, ClockJump, ConfigSet, Delay, DiskFull, Failover, Group, Kill, Loss, Partition, Pause,
    Reshard, Restart, SentinelCrash, Stop,
};
use crate::spec::Selector;

/// What is done. Every action that leaves something behind has an inverse of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// `SIGKILL`: the process is gone without a word.
    Kill(Kill),
    /// `SIGTERM`: the server shuts down in good order.
    Stop(Stop),
    /// The process ends and is started again after a delay, as a supervisor would.
    Restart(Restart),
    /// `SIGSTOP`, and `SIGCONT` when it is over: a zombie.
    Pause(Pause),
    /// Packets between groups are dropped.
    Partition(Partition),
    /// A share of the packets between two groups is dropped at random.
    Loss(Loss),
    /// Packets between two groups arrive late.
    Delay(Delay),
    /// Packets of the targets pass no faster than a rate.
    Bandwidth(Bandwidth),
    /// The server is kept busy and answers nobody.
    Busy(Busy),
    /// `CLIENT PAUSE`: the server holds back its clients' commands.
    ClientsPause(ClientsPause),
    /// Clients of a workload die at once, holding what they hold.
    ClientCrash(ClientCrash),
    /// A planned failover.
    Failover(Failover),
    /// Slots of one shard of a Cluster move to another.
    Reshard(Reshard),
    /// `CONFIG SET`, and the former values when it is over.
    ConfigSet(ConfigSet),
    /// A Sentinel that crashes at a chosen point of the next failover it leads (`SENTINEL SIMULATE-FAILURE`).
    SentinelCrash(SentinelCrash),
    /// The targets' disk has no room left.
    DiskFull(DiskFull),
    /// The targets' wall clock jumps.
    ClockJump(ClockJump),
}

/// Whether an action is reverted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reversal {
    /// There is nothing to take back; `for` is not known.
    Never,
    /// `for` may be given.
    Optional,
    /// `for` must be given.
    Always,
}

impl Reversal {
    /// Of an action, by its word.
    pub fn of(action: &str) -> Self {
        match action {
            "config-set" | "clock-jump" | "sentinel-crash" => Self::Optional,
            "pause" | "partition" | "loss" | "delay" | "bandwidth" | "busy" | "clients-pause" | "disk-full" => Self::Always,
            _ => Self::Never,
        }
    }
}

impl Action {
    /// The action as written in the file.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Kill(_) => "kill",
            Self::Stop(_) => "stop",
            Self::Restart(_) => "restart",
            Self::Pause(_) => "pause",
            Self::Partition(_) => "partition",
            Self::Loss(_) => "loss",
            Self::Delay(_) => "delay",
            Self::Bandwidth(_) => "bandwidth",
            Self::Busy(_) => "busy",
            Self::ClientsPause(_) => "clients-pause",
            Self::ClientCrash(_) => "client-crash",
            Self::Failover(_) => "failover",
            Self::Reshard(_) => "reshard",
            Self::ConfigSet(_) => "config-set",
            Self::SentinelCrash(_) => "sentinel-crash",
            Self::DiskFull(_) => "disk-full",
            Self::ClockJump(_) => "clock-jump",
        }
    }

    /// The nodes it acts on, where it has a single target.
    pub fn target(&self) -> Option<&Selector> {
        match self {
            Self::Kill(Kill { target })
            | Self::Stop(Stop { target })
            | Self::Restart(Restart { target, .. })
            | Self::Pause(Pause { target })
            | Self::Bandwidth(Bandwidth { target, .. })
            | Self::Busy(Busy { target, .. })
            | Self::ClientsPause(ClientsPause { target, .. })
            | Self::ConfigSet(ConfigSet { target, .. })
            | Self::SentinelCrash(SentinelCrash { target, .. })
            | Self::DiskFull(DiskFull { target })
            | Self::ClockJump(ClockJump { target, .. }) => Some(target),
            Self::Failover(Failover { target, .. }) => target.as_ref(),
            Self::Partition(_) | Self::Loss(_) | Self::Delay(_) | Self::ClientCrash(_) | Self::Reshard(_) => None,
        }
    }

    /// Every selector with its path below the fault, for example `from` or `groups[1][0]`.
    pub fn selectors(&self) -> Vec<(String, &Selector)> {
        let mut all: Vec<(String, &Selector)> = self.target().map(|target| ("target".to_owned(), target)).into_iter().collect();
        if let Self::Reshard(Reshard { from, to, .. }) = self {
            all.extend([("from".to_owned(), from), ("to".to_owned(), to)]);
        }
        for (path, group) in self.groups() {
            all.extend(group.paths(&path).into_iter().zip(group.all()));
        }
        all
    }

    /// Every group with its path below the fault.
    pub fn groups(&self) -> Vec<(String, &Group)> {
        match self {
            Self::Partition(partition) => {
                let sides = [("from", &partition.from), ("to", &partition.to), ("of", &partition.of)];
                let sides = sides.into_iter().filter_map(|(path, side)| Some((path.to_owned(), side.as_ref()?)));
                let groups = partition.groups.iter().flatten().enumerate().map(|(index, group)| (format!("groups[{index}]"), group));
                sides.chain(groups).collect()
            }
            Self::Loss(Loss { from, to, .. }) | Self::Delay(Delay { from, to, .. }) => {
                vec![("from".to_owned(), from), ("to".to_owned(), to)]
            }
            _ => Vec::new(),
        }
    }
}
