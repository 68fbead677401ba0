//! Restarts: with which configuration, with or without data; and what the kernel says meanwhile.

use redquake_experiments::spec::{Role, Server};
use redquake_topologies::process::ProcessRuntime;
use redquake_topologies::runtime::{Configuration, Lab, ServerState, Signal};

use crate::inside::{answers, config, eventually, lab};

async fn kill(lab: &dyn Lab) {
    lab.signal("redis-1", Signal::Kill).await.unwrap();
    eventually("the server ends", || async { lab.state("redis-1").await.unwrap() == ServerState::Gone }).await;
}

pub async fn play() {
    let runtime = ProcessRuntime::new().unwrap();
    let lab = lab(&runtime, &Server::default(), &[("redis-1", Role::Primary)]).await;
    assert_eq!(lab.state("redis-1").await.unwrap(), ServerState::Gone);
    assert!(lab.restart("redis-1", Configuration::Original).await.unwrap_err().to_string().contains("never started"));
    let file = config("appendonly yes\nappendfsync always\nappenddirname journal");
    lab.boot("redis-1", file).await.unwrap();
    answers(&*lab, "redis-1", "SET key value", "+OK").await;
    for refused in [lab.restart("redis-1", Configuration::Original).await, lab.wipe("redis-1").await] {
        assert!(refused.unwrap_err().to_string().contains("its server is running"));
    }

    lab.signal("redis-1", Signal::Stop).await.unwrap();
    eventually("every thread stops", || async { lab.state("redis-1").await.unwrap() == ServerState::Stopped }).await;
    lab.signal("redis-1", Signal::Continue).await.unwrap();
    answers(&*lab, "redis-1", "GET key", "value").await;
    assert_eq!(lab.state("redis-1").await.unwrap(), ServerState::Running);

    answers(&*lab, "redis-1", "CONFIG SET maxmemory 1", "+OK").await;
    answers(&*lab, "redis-1", "CONFIG REWRITE", "+OK").await;
    let full = "-OOM command not allowed when used memory > 'maxmemory'.";
    for (configuration, answer) in [(Configuration::Rewritten, full), (Configuration::Original, "+OK")] {
        kill(&*lab).await;
        lab.restart("redis-1", configuration).await.unwrap();
        answers(&*lab, "redis-1", "GET key", "value").await;
        answers(&*lab, "redis-1", "SET other value", answer).await;
    }
    kill(&*lab).await;
    lab.wipe("redis-1").await.unwrap();
    lab.restart("redis-1", Configuration::Rewritten).await.unwrap();
    answers(&*lab, "redis-1", "GET key", "$-1").await;
    // Wiped once, not at every start.
    answers(&*lab, "redis-1", "SET key again", "+OK").await;
    kill(&*lab).await;
    lab.restart("redis-1", Configuration::Original).await.unwrap();
    answers(&*lab, "redis-1", "GET key", "again").await;
    let logs = lab.logs("redis-1").await.unwrap();
    assert_eq!(logs.matches("Ready to accept connections").count(), 5, "{logs}");
    assert_eq!(lab.close().await, Vec::<String>::new());
}
