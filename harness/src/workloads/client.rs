//! One client of a workload, between its operations.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use rand_chacha::ChaCha8Rng;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::behaviour::{ClientState, Common, Request};
use crate::clients::Session;

/// One client of the workload.
pub struct Client {
    /// Its number within the workload.
    pub number: u16,
    /// Its connection.
    pub session: Session,
    /// The threads it lives on.
    pub handle: Handle,
    /// As seen from outside.
    pub life: Arc<ClientState>,
    /// Draws its keys.
    pub keys: ChaCha8Rng,
    /// Operations begun.
    pub turn: u64,
    /// Operations begun and not ended.
    pub under_way: Arc<AtomicUsize>,
}

impl Client {
    /// Its next operation, `many` being the number of clients.
    pub fn turn(&mut self, common: &Arc<Common>, many: u64, key: u32, intended: u64, stop: &CancellationToken) -> Request {
        let id = self.turn * many + u64::from(self.number);
        self.turn += 1;
        Request {
            common: Arc::clone(common),
            client: self.number,
            session: self.session.clone(),
            id,
            key,
            intended,
            stop: stop.clone(),
            life: Arc::clone(&self.life),
        }
    }
}
