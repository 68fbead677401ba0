//! Shaped traffic between containers.

use std::future::Future;

use redquake_experiments::spec::Role;
use redquake_topologies::runtime::{LabRequest, NodeSpec, Runtime};
use tokio::sync::Mutex;

use super::scenes::{self, Ends, NODES};
use super::support::{engine, may_enter, objects, run, server};

/// One scene at a time: they measure milliseconds.
static ALONE: Mutex<()> = Mutex::const_new(());

/// Plays a scene in a lab of its own whose servers are not started.
async fn plays<F: Future<Output = ()> + Send + 'static>(name: &str, scene: impl FnOnce(Ends) -> F) {
    let _alone = ALONE.lock().await;
    let Some(engine) = engine().await else { return };
    let run = run(name);
    let nodes = NODES.map(|name| NodeSpec::new(name, Role::Replica)).to_vec();
    let request = LabRequest { run: run.clone(), trial: 1, server: server(&engine).await, nodes, zones: Vec::new() };
    let lab = engine.open(request).await.unwrap();
    let played = if may_enter(&*lab) { tokio::spawn(scene(Ends::of(&lab).await)).await } else { Ok(()) };
    assert_eq!(lab.close().await, Vec::<String>::new());
    assert_eq!(objects(&run), Vec::<String>::new());
    played.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a minute of measuring in all, done on the other runtime: ci/test --all"]
async fn packets_are_lost_as_asked_and_only_those() {
    plays("loss", |ends| async move { scenes::loss::all(&ends).await }).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a minute of measuring in all, done on the other runtime: ci/test --all"]
async fn packets_are_delayed_as_asked_and_only_those() {
    plays("delay", |ends| async move { scenes::delay::all(&ends).await }).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a minute of measuring in all, done on the other runtime: ci/test --all"]
async fn a_rate_is_not_exceeded() {
    plays("bandwidth", |ends| async move { scenes::bandwidth::all(&ends).await }).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a minute of measuring in all, done on the other runtime: ci/test --all"]
async fn the_kernel_takes_the_tree_for_netem() {
    plays("netem", |ends| async move { scenes::netem::all(&ends).await }).await;
}
