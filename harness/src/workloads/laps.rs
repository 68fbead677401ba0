//! Clients that begin again as soon as they are done: what servers and engine can do. It is no measure of a gap: whoever waits for a
//! stalled server begins nothing meanwhile, and so has nothing to tell (coordinated omission). No experiment asks for it.

use std::sync::Arc;

use tokio_util::sync::{CancellationToken, DropGuard};

use super::behaviour::{Common, WorkloadClient};
use super::client::Client;
use super::client_pool::Shutdown;

/// Every client begins an operation when its previous one has ended, until the returned guard is dropped.
pub fn run<B: WorkloadClient>(behaviour: B, clients: Vec<Client>, common: Common, ends: &Shutdown) -> DropGuard {
    let (behaviour, common, many) = (Arc::new(behaviour), Arc::new(common), clients.len() as u64);
    let enough = CancellationToken::new();
    for mut client in clients {
        let (behaviour, common, stop, enough) = (Arc::clone(&behaviour), Arc::clone(&common), ends.stop.clone(), enough.clone());
        client.handle.clone().spawn(ends.tasks.track_future(async move {
            while !enough.is_cancelled() && !client.life.crashed.is_cancelled() {
                let key = behaviour.key(&mut client.keys);
                let turn = client.turn(&common, many, key, common.clock.now(), &stop);
                behaviour.run(&turn).await;
            }
        }));
    }
    enough.drop_guard()
}
