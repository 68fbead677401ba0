//! What this process has done to a namespace. Shapes of one link make one tree, and packets are held by threads of ours: neither
//! can be read back from the kernel by the id of a fault.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

use super::delay::Queues;
use super::tc::{self, Refused, Shape};
use crate::namespace::Namespace;
use crate::runtime::RuntimeError;

/// One a namespace. A namespace's identity is not given to another while a thread of ours holds packets in it.
static SITES: LazyLock<Mutex<Sites>> = LazyLock::new(Mutex::default);

/// By the identity of the namespace.
type Sites = HashMap<(u64, u64), Arc<tokio::sync::Mutex<Site>>>;

/// What this process has done to one namespace.
#[derive(Debug, Default)]
pub(super) struct Site {
    shapes: BTreeMap<String, Shape>,
    /// Packets the link had room for before the first shape.
    queue: Option<u64>,
    pub(super) queues: Queues,
}

/// That of a namespace, for one caller at a time.
pub(super) async fn site(namespace: &Namespace) -> Result<OwnedMutexGuard<Site>, RuntimeError> {
    let identity = namespace.identity().map_err(|error| RuntimeError::failed("looking at a network namespace", error))?;
    let site = Arc::clone(SITES.lock().unwrap_or_else(PoisonError::into_inner).entry(identity).or_default());
    Ok(site.lock_owned().await)
}

impl Site {
    /// The shape a fault has asked for.
    pub(super) fn shape(&self, id: &str) -> Option<&Shape> {
        self.shapes.get(id)
    }

    /// All shapes, of whatever fault.
    pub(super) fn shapes(&self) -> Vec<&Shape> {
        self.shapes.values().collect()
    }

    /// Adds a shape.
    pub(super) async fn add(&mut self, namespace: &Namespace, id: &str, shape: Shape) -> Result<(), Refused> {
        let before = self.shapes.clone();
        // Known before it is done: whatever happens in between, removing it removes all of it.
        self.shapes.insert(id.to_owned(), shape);
        let (from, to): (Vec<&Shape>, Vec<&Shape>) = (before.values().collect(), self.shapes.values().collect());
        let done = tc::change(namespace, &mut self.queue, &from, &to).await;
        if done.is_err() {
            self.shapes = before;
        }
        done
    }

    /// Removes the shape of a fault; fine when there is none.
    pub(super) async fn take(&mut self, namespace: &Namespace, id: &str) -> Result<(), RuntimeError> {
        if !self.shapes.contains_key(id) {
            return Ok(());
        }
        let left: Vec<&Shape> = self.shapes.iter().filter(|(key, _)| *key != id).map(|(_, shape)| shape).collect();
        let all: Vec<&Shape> = self.shapes.values().collect();
        match tc::change(namespace, &mut self.queue, &all, &left).await {
            Ok(()) => {
                self.shapes.remove(id);
                Ok(())
            }
            Err(Refused::Failed(error)) => Err(error),
            Err(Refused::Impossible(reason)) => Err(RuntimeError::failed(format!("no longer shaping traffic by `{id}`"), reason)),
        }
    }
}
