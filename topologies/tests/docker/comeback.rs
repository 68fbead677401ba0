//! Restarts: with which configuration, with or without data; and what the kernel says meanwhile.

use std::time::Duration;

use redquake_experiments::spec::Directives;
use redquake_topologies::runtime::{Configuration, ServerState, Signal};

use super::support::{LIMIT, Ready, engine, run, topology};

/// Waits until the kernel says so.
pub async fn becomes(ready: &Ready, wanted: ServerState) {
    let met = async {
        while ready.lab.state("redis-1").await.unwrap() != wanted {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(LIMIT, met).await.unwrap_or_else(|_| panic!("redis-1 does not become {wanted:?}"));
}

pub async fn kill(ready: &Ready) {
    ready.lab.signal("redis-1", Signal::Kill).await.unwrap();
    becomes(ready, ServerState::Gone).await;
}

/// What the server answers, as text.
pub async fn text(ready: &Ready, words: &'static [&'static str]) -> Option<String> {
    redis::from_redis_value(ready.until_answered(ready.address("redis-1"), words).await).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "several restarts of a container, done on the other runtime: ci/test --all"]
async fn a_server_comes_back_as_it_was_started_or_as_it_was_left_with_or_without_data() {
    let Some(engine) = engine().await else { return };
    let run = run("comeback");
    let mut set = topology(0, 1);
    let directives = [("appendonly", "yes"), ("appendfsync", "always"), ("appenddirname", "journal"), ("maxmemory", "111111111")];
    set.config.redis = Directives::new(directives).unwrap();
    // It must stay the primary whatever happens to it.
    set.config.sentinel = Directives::new([("down-after-milliseconds", "600000")]).unwrap();
    let ready = Ready::new(&engine, &run, 1, &set).await;
    assert_eq!(text(&ready, &["SET", "key", "value"]).await.as_deref(), Some("OK"));
    for refused in [ready.lab.restart("redis-1", Configuration::Original).await, ready.lab.wipe("redis-1").await] {
        assert!(refused.unwrap_err().to_string().contains("its server is running"));
    }

    ready.lab.signal("redis-1", Signal::Stop).await.unwrap();
    becomes(&ready, ServerState::Stopped).await;
    assert!(ready.ask(ready.address("redis-1"), &["PING"]).await.is_err());
    ready.lab.signal("redis-1", Signal::Continue).await.unwrap();
    assert_eq!(text(&ready, &["GET", "key"]).await.as_deref(), Some("value"));
    becomes(&ready, ServerState::Running).await;

    assert_eq!(text(&ready, &["CONFIG", "SET", "maxmemory", "222222222"]).await.as_deref(), Some("OK"));
    assert_eq!(text(&ready, &["CONFIG", "REWRITE"]).await.as_deref(), Some("OK"));
    for (configuration, maxmemory) in [(Configuration::Rewritten, "222222222"), (Configuration::Original, "111111111")] {
        kill(&ready).await;
        ready.lab.restart("redis-1", configuration).await.unwrap();
        assert_eq!(text(&ready, &["GET", "key"]).await.as_deref(), Some("value"), "{configuration:?}");
        let limit = ready.until_answered(ready.address("redis-1"), &["CONFIG", "GET", "maxmemory"]).await;
        assert_eq!(redis::from_redis_value::<(String, String)>(limit).unwrap().1, maxmemory);
    }
    kill(&ready).await;
    ready.lab.wipe("redis-1").await.unwrap();
    ready.lab.restart("redis-1", Configuration::Rewritten).await.unwrap();
    assert_eq!(text(&ready, &["GET", "key"]).await, None);
    // Wiped once, not at every start.
    assert_eq!(text(&ready, &["SET", "key", "again"]).await.as_deref(), Some("OK"));
    kill(&ready).await;
    ready.lab.restart("redis-1", Configuration::Original).await.unwrap();
    assert_eq!(text(&ready, &["GET", "key"]).await.as_deref(), Some("again"));
    let logs = ready.lab.logs("redis-1").await.unwrap();
    assert_eq!(logs.matches("Ready to accept connections").count(), 5, "{logs}");
    ready.close(&run).await;
}
