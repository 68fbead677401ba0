//! The queues of one namespace: each fault has chains, a queue and a thread of its own.

use std::collections::BTreeMap;

use redquake_experiments::plan::DelayPath;

use super::chains;
use super::fault::{Counters, Delay};
use super::hold::{Hold, Wait};
use super::tables::Before;
use crate::namespace::{IPTABLES_RESTORE, IPTABLES_SAVE, Namespace};
use crate::runtime::RuntimeError;

/// Number of the first queue.
const FIRST: u16 = 0x7ed0;
/// Delays in one namespace at a time: each has a bit of the mark.
const MOST: u8 = 12;
/// The lowest of these bits; others use the lower half.
const LOWEST_BIT: u32 = 1 << 16;

/// Rules like those of a delay, to see whether they can be had.
pub(crate) fn chains_of(delay: &Delay) -> String {
    chains::addition("doctor", &delay.traffic, FIRST, LOWEST_BIT)
}

/// The queues of one namespace that this process serves.
#[derive(Debug, Default)]
pub(in crate::shaping) struct Queues {
    served: BTreeMap<String, (u8, Hold)>,
    /// What was there before the first of them.
    before: Option<Before>,
}

impl Queues {
    /// Whether a fault has a queue here.
    pub(in crate::shaping) fn knows(&self, id: &str) -> bool {
        self.served.contains_key(id)
    }

    /// Begins to hold packets back.
    pub(super) async fn inject(&mut self, namespace: &Namespace, id: &str, delay: &Delay) -> Result<(), RuntimeError> {
        let listing = save(namespace).await?;
        if chains::counted(id, &listing).is_some() {
            return Err(failed("a fault of that id is there already"));
        }
        let taken: Vec<u8> = self.served.values().map(|(place, _)| *place).collect();
        let place =
            (0..MOST).find(|place| !taken.contains(place)).ok_or_else(|| failed(format!("there are {MOST} delays here already")))?;
        if self.before.is_none() {
            self.before = Some(Before::look(namespace).await?);
        }
        let bit = LOWEST_BIT << place;
        let number = FIRST + u16::from(place);
        // Somebody listens before the first packet comes, and is known before anything is done.
        let hold = Hold::start(namespace, number, Wait { delay: delay.delay, jitter: delay.jitter, bit })?;
        self.served.insert(id.to_owned(), (place, hold));
        let added = restore(namespace, chains::addition(id, &delay.traffic, number, bit)).await;
        if added.is_err() {
            // The first error says more than one of cleaning up after it.
            let _ = self.remove(namespace, id).await;
        }
        added
    }

    /// Ends it: first nothing comes any more, then what waits goes on.
    pub(super) async fn remove(&mut self, namespace: &Namespace, id: &str) -> Result<(), RuntimeError> {
        if let Some(removal) = chains::removal(id, &save(namespace).await?) {
            restore(namespace, removal).await?;
        }
        if let Some((_, hold)) = self.served.remove(id) {
            let finished = tokio::task::spawn_blocking(move || hold.finish()).await;
            finished.map_err(failed)?;
        }
        if self.served.is_empty()
            && let Some(before) = self.before.take()
        {
            before.restore(namespace).await?;
        }
        Ok(())
    }

    pub(super) async fn present(&self, namespace: &Namespace, id: &str) -> Result<Option<Counters>, RuntimeError> {
        let Some((to, from)) = chains::counted(id, &save(namespace).await?) else { return Ok(None) };
        let mut counters = Counters { path: DelayPath::Queue, to, from, dropped: 0, latest: None, serves: false };
        if let Some((place, hold)) = self.served.get(id) {
            counters.serves = hold.serves();
            counters.latest = Some(hold.latest());
            counters.dropped = dropped(namespace, FIRST + u16::from(*place)).await?;
        }
        Ok(Some(counters))
    }
}

async fn save(namespace: &Namespace) -> Result<String, RuntimeError> {
    IPTABLES_SAVE.run(namespace, &["-c"], "").await?.map_err(failed)
}

/// All of it at the same instant, or nothing.
async fn restore(namespace: &Namespace, text: String) -> Result<(), RuntimeError> {
    IPTABLES_RESTORE.run(namespace, &["--noflush", "--wait", "5"], text).await?.map(drop).map_err(failed)
}

/// Packets the kernel could not hold or tell of, by its own count.
async fn dropped(namespace: &Namespace, number: u16) -> Result<u64, RuntimeError> {
    let namespace = namespace.clone();
    let read = move || {
        let within = move || {
            namespace.enter()?;
            std::fs::read_to_string("/proc/thread-self/net/netfilter/nfnetlink_queue")
        };
        std::thread::scope(|scope| scope.spawn(within).join()).unwrap_or_else(|_| Err(std::io::Error::other("a thread panicked")))
    };
    let table = tokio::task::spawn_blocking(read).await.map_err(failed)?.map_err(failed)?;
    let line = table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .find(|fields| fields.first().is_some_and(|first| *first == number.to_string()));
    // Number, owner, waiting, mode, range, dropped for want of room in the queue, and in the socket.
    let counts = line.iter().flat_map(|fields| fields.iter().skip(5).take(2));
    Ok(counts.filter_map(|field| field.parse::<u64>().ok()).sum())
}

fn failed(reason: impl std::fmt::Display) -> RuntimeError {
    RuntimeError::failed("holding packets back", reason)
}
