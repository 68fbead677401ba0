//! A wall clock that jumps for one server, and comes back.

use std::time::{SystemTime, UNIX_EPOCH};

use redquake_topologies::runtime::{Configuration, RuntimeError};

use super::comeback::{kill, text};
use super::support::{Ready, engine, request, run, topology};

/// Makes sure by how many seconds a server's clock is ahead of the true one.
async fn ahead(ready: &Ready, node: &str, expected: f64) {
    let (seconds, micros): (f64, f64) = redis::from_redis_value(ready.until_answered(ready.address(node), &["TIME"]).await).unwrap();
    let actual = seconds + micros / 1e6 - SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    assert!((actual - expected).abs() < 0.2, "{node}: {actual} s ahead instead of {expected} s");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "builds an image with libfaketime: ci/test --all"]
async fn the_clock_of_one_server_jumps_and_comes_back() {
    let Some(engine) = engine().await else { return };
    let run = run("clock");
    let mut set = topology(1, 1);
    // It must stay the primary whatever happens to it.
    set.config.sentinel = redquake_experiments::spec::Directives::new([("down-after-milliseconds", "600000")]).unwrap();
    let mut wanted = request(&engine, &run, 1, &set).await;
    wanted.nodes[0].clock = true;
    if let Err(error @ RuntimeError::Server(_)) =
        tokio::task::spawn_blocking(|| redquake_topologies::process::provide_clock(&super::support::announce())).await.unwrap()
    {
        return println!("skipped: {error}");
    }
    let ready = Ready::boot(&engine, wanted, &set).await;
    assert!(ready.lab.set_clock("redis-2", 1).await.unwrap_err().to_string().contains("did not ask"));
    assert_eq!(text(&ready, &["SET", "key", "value", "EX", "60"]).await.as_deref(), Some("OK"));
    ahead(&ready, "redis-1", 0.0).await;
    ready.lab.set_clock("redis-1", -3_600_250_000_000).await.unwrap();
    ahead(&ready, "redis-1", -3600.25).await;
    ahead(&ready, "redis-2", 0.0).await;
    ready.lab.set_clock("redis-1", 120_500_000_000).await.unwrap();
    ahead(&ready, "redis-1", 120.5).await;
    // What was to live for a minute is gone two minutes later.
    assert_eq!(text(&ready, &["GET", "key"]).await, None);
    kill(&ready).await;
    ready.lab.wipe("redis-1").await.unwrap();
    ready.lab.restart("redis-1", Configuration::Original).await.unwrap();
    ahead(&ready, "redis-1", 120.5).await;
    ready.lab.set_clock("redis-1", 0).await.unwrap();
    ahead(&ready, "redis-1", 0.0).await;
    ready.close(&run).await;
}
