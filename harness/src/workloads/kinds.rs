//! Every kind of workload: how its clients are started and how its final state is read.

use std::sync::Arc;
use std::time::Duration;

use redquake_experiments::spec::{Workload, WorkloadKind};
use redquake_topologies::namespace::Zone;

use super::behaviour::Common;
use super::cache::CacheAside;
use super::client_pool::{ClientPool, Shutdown};
use super::counter::{self, CounterClients};
use super::limiter::{self, FixedWindow, SlidingWindow};
use super::lock::{self, LockClients};
use super::payment::{self, PaymentServers};
use super::register::{self, RegisterClients};
use super::set::{self, SetClients};
use crate::clients::Following;
use crate::context::Roster;

/// Starts the clients of a workload, dealt out in turn to the threads of some zones.
pub fn start(workload: &Workload, common: Common, roster: &Arc<Roster>, zones: &[&Zone], ends: &Shutdown) -> std::io::Result<ClientPool> {
    match &workload.kind {
        WorkloadKind::Lock(lock) => ClientPool::start(LockClients::new(lock.clone()), workload, common, roster, zones, ends),
        WorkloadKind::Set(set) => ClientPool::start(SetClients(set.clone()), workload, common, roster, zones, ends),
        WorkloadKind::Counter(counter) => ClientPool::start(CounterClients(counter.clone()), workload, common, roster, zones, ends),
        WorkloadKind::Register(register) => ClientPool::start(RegisterClients(register.clone()), workload, common, roster, zones, ends),
        WorkloadKind::PaymentJob(payment) => {
            let servers = PaymentServers { spec: payment.clone(), database: common.database.clone() };
            ClientPool::start(servers, workload, common, roster, zones, ends)
        }
        WorkloadKind::CacheAside(cache) => {
            ClientPool::start(CacheAside::new(cache.clone(), &common), workload, common, roster, zones, ends)
        }
        WorkloadKind::FixedWindowLimiter(limiter) => {
            ClientPool::start(FixedWindow::new(limiter.clone()), workload, common, roster, zones, ends)
        }
        WorkloadKind::SlidingWindowLimiter(limiter) => {
            ClientPool::start(SlidingWindow::new(limiter.clone()), workload, common, roster, zones, ends)
        }
    }
}

/// Reads what a workload left on the primary and records it.
pub async fn final_read(workload: &Workload, common: &Common, connection: &mut Following) -> redis::RedisResult<()> {
    match &workload.kind {
        // What independent primaries hold, a client with a quorum would not believe.
        WorkloadKind::Lock(lock) if lock.asks_independent() => Ok(()),
        WorkloadKind::Lock(lock) => lock::final_read(common, lock.keys, connection).await,
        WorkloadKind::Set(set) => set::final_read(common, set.keys, connection).await,
        WorkloadKind::Counter(counter) => counter::final_read(common, counter.keys, connection).await,
        WorkloadKind::Register(register) => register::final_read(common, register.keys, connection).await,
        // What a cache holds in the end proves nothing; what counts of payments is in their ledger.
        WorkloadKind::CacheAside(_) | WorkloadKind::PaymentJob(_) => Ok(()),
        WorkloadKind::FixedWindowLimiter(_) | WorkloadKind::SlidingWindowLimiter(_) => limiter::final_read(common, connection).await,
    }
}

/// Reads what a workload left in its database and records it.
pub async fn final_ledger(workload: &Workload, common: &Common) {
    if let WorkloadKind::PaymentJob(_) = &workload.kind {
        payment::final_ledger(common).await;
    }
}

/// How long what is under way may take after the clients were told to stop: each operation connects and waits for a reply.
pub fn longest_operation(workload: &Workload) -> Duration {
    let waits = workload.kind.database().map(|database| database.pool().timeout.to_std()).unwrap_or_default();
    let operations = match workload.kind {
        // A stopped client gives back what it holds at once: connect, acquire, connect, perhaps prolong, release.
        WorkloadKind::Lock(_) => 3,
        // Asked, loaded, filled.
        WorkloadKind::CacheAside(_) => 2,
        // Locked, prolonged, given back.
        WorkloadKind::PaymentJob(_) => 3,
        // Counted, then expiry or taken out again.
        WorkloadKind::FixedWindowLimiter(_) | WorkloadKind::SlidingWindowLimiter(_) => 2,
        WorkloadKind::Set(_) | WorkloadKind::Counter(_) => 1,
        // Read, then replaced.
        WorkloadKind::Register(_) => 2,
    };
    (workload.connect_timeout.to_std() + workload.timeout.to_std()) * operations + waits * 2
}
