//! A zone: worker threads that live in one network namespace, with a tokio runtime on them.

use std::future::Future;
use std::sync::mpsc;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

use super::Namespace;
use crate::runtime::RuntimeError;

/// Longest wait for the worker threads to report that they are inside; takes about a millisecond.
const START_LIMIT: Duration = Duration::from_secs(5);

/// A place on the network where clients live: a tokio runtime whose threads all entered one namespace as they started.
///
/// Sockets belong to the namespace of the thread that makes them, so a task of a zone only reaches what the zone reaches.
#[derive(Debug)]
pub struct Zone {
    name: String,
    runtime: Option<Runtime>,
}

impl Zone {
    /// Starts `threads` workers inside the namespace; without one they stay where this process is.
    ///
    /// # Errors
    /// When the threads cannot be started or one of them is not inside the namespace; no task has run then.
    pub fn open(name: &str, namespace: Option<Namespace>, threads: usize) -> Result<Self, RuntimeError> {
        let (report, reports) = mpsc::channel();
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name(format!("zone-{name}"))
            .enable_all()
            .on_thread_start(move || {
                let entered = namespace.as_ref().map_or(Ok(()), Namespace::enter_and_check);
                let outside = entered.is_err();
                // Nobody listens once the zone is open: later threads are those of blocking tasks. One that stayed outside
                // must not run any, or its packets would leave the lab.
                let late = report.send(entered).is_err();
                assert!(!(outside && late), "a thread of a zone could not enter its network namespace");
            })
            .build()
            .map_err(|error| RuntimeError::failed(format!("starting the threads of zone `{name}`"), error))?;
        let zone = Self { name: name.to_owned(), runtime: Some(runtime) };
        for _ in 0..threads {
            reports
                .recv_timeout(START_LIMIT)
                .map_err(|_| RuntimeError::failed(format!("starting the threads of zone `{name}`"), "a thread did not start in time"))?
                .map_err(|error| {
                    RuntimeError::Privilege(format!(
                        "a thread of zone `{name}` could not enter its network namespace ({error}); run as root with a local engine"
                    ))
                })?;
        }
        Ok(zone)
    }

    /// The name given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs a task inside the zone.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.handle().spawn(task)
    }

    /// Handle of the zone's runtime.
    #[expect(clippy::expect_used, reason = "the runtime is only taken by `drop` and `close`, which end the zone")]
    pub fn handle(&self) -> &Handle {
        self.runtime.as_ref().expect("an open zone has a runtime").handle()
    }

    /// Ends the zone: its tasks are dropped at their next await, its threads have ended when this returns or the limit has passed.
    pub async fn close(mut self, limit: Duration) {
        if let Some(runtime) = self.runtime.take() {
            // A runtime must not be waited for on an async worker, whichever runtime that worker belongs to.
            let _ = tokio::task::spawn_blocking(move || runtime.shutdown_timeout(limit)).await;
        }
    }
}

impl Drop for Zone {
    /// Ends the zone without waiting, which is allowed anywhere, also inside a runtime.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_without_a_namespace_runs_its_tasks_where_this_process_is() {
        let zone = Zone::open("here", None, 2).unwrap();
        let outside = std::fs::read_link("/proc/self/ns/net").unwrap();
        let (send, receive) = mpsc::channel();
        zone.spawn(async move { send.send(std::fs::read_link("/proc/thread-self/ns/net").unwrap()) });
        assert_eq!(receive.recv_timeout(START_LIMIT).unwrap(), outside);
    }

    #[tokio::test]
    async fn a_zone_can_be_closed_and_dropped_inside_a_runtime() {
        let zone = Zone::open("closed", None, 1).unwrap();
        zone.spawn(std::future::pending::<()>());
        zone.close(Duration::from_secs(1)).await;
        drop(Zone::open("dropped", None, 1).unwrap());
    }
}
