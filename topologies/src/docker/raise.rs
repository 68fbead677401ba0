//! Creating and starting a lab's containers, as fast as the engine can.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bollard::Docker;
use bollard::query_parameters::EventsOptionsBuilder;
use futures_util::StreamExt;
use futures_util::future::join_all;
use tokio::sync::{mpsc, watch};
use tokio_util::task::TaskTracker;

use super::container::{self, Blueprint};
use super::process::Process;

/// Longest wait for the engine to say that a container has joined the network, which takes about 20 ms.
const JOIN_LIMIT: Duration = Duration::from_secs(1);

/// How far a container has come.
#[derive(Debug, Clone)]
pub(super) enum State {
    Starting,
    Up(Arc<Process>),
    Failed(String),
}

/// Creates all containers at once, then starts them one after the other in the order given, each as soon as the one before has
/// joined the network, while its process is still being made.
///
/// Not all at once: the engine keeps a counter of who has joined a network, and two that join at the same moment collide on it.
/// One of them then sleeps 50 to 150 ms before it tries again (libnetwork, `endpoint_cnt.go`). The counter is also known to drift,
/// after which the network cannot be removed until the engine is restarted (moby issue 42119); fewer collisions, fewer chances.
pub(super) async fn all(engine: Docker, work: TaskTracker, network: String, places: Vec<(Blueprint, watch::Sender<State>)>) {
    let mut joins = Joins::watch(&engine, &work, network);
    let created = join_all(places.iter().map(|(blueprint, _)| blueprint.create(&engine))).await;
    for ((blueprint, state), created) in places.into_iter().zip(created) {
        let engine = engine.clone();
        let starting = work.spawn(async move {
            let started = match created {
                Ok(()) => container::start(&engine, &blueprint.name).await,
                Err(error) => Err(error),
            };
            state.send_replace(match started {
                Ok(process) => State::Up(Arc::new(process)),
                Err(error) => State::Failed(error.to_string()),
            });
        });
        tokio::select! {
            () = joins.next() => {}
            // It failed, or joined without its event being seen.
            _ = starting => {}
        }
    }
}

/// What the engine says of containers joining a network.
struct Joins(mpsc::Receiver<()>);

impl Joins {
    fn watch(engine: &Docker, work: &TaskTracker, network: String) -> Self {
        let (joined, joins) = mpsc::channel(1);
        let engine = engine.clone();
        work.spawn(async move {
            let filters = HashMap::from([("type", vec!["network"]), ("event", vec!["connect"]), ("network", vec![network.as_str()])]);
            let mut events = engine.events(Some(EventsOptionsBuilder::new().filters(&filters).build()));
            loop {
                tokio::select! {
                    event = events.next() => match event {
                        Some(Ok(_)) if joined.send(()).await.is_ok() => {}
                        _ => return,
                    },
                    () = joined.closed() => return,
                }
            }
        });
        Self(joins)
    }

    /// Waits for the next container to join; not for ever, because a missed event must only cost time.
    async fn next(&mut self) {
        if let Ok(None) = tokio::time::timeout(JOIN_LIMIT, self.0.recv()).await {
            // No events can be had from this engine: the start itself is waited for.
            std::future::pending().await
        }
    }
}
