//! A wall clock that jumps for one server, and a proof that its libraries were there.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use libtest_mimic::Failed;
use redquake_experiments::spec::{Role, Server};
use redquake_topologies::process::ProcessRuntime;
use redquake_topologies::runtime::{Configuration, Lab, NodeSpec, Signal};

use crate::Test;
use crate::inside::{address, answers, ask, config, eventually, open};
use crate::user::User;

pub const TESTS: &[Test] = &[("the_clock_of_one_server_jumps_and_comes_back", |user| {
    if *user == User::Nobody {
        println!("the clock was tried by root already; it needs packages in the cache");
        return Ok(());
    }
    for server in ["redis:7.0", "redis:8.0", "valkey:8.1"] {
        let output = user.tool(&["clock", server]).env("XDG_CACHE_HOME", Path::new(env!("CARGO_TARGET_TMPDIR"))).output()?;
        let said = format!("{server}: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if output.status.code() == Some(crate::NO_SERVER.into()) {
            println!("not tried: {said}");
        } else if server != "redis:7.0" {
            assert!(!output.status.success() && said.contains("tied to jemalloc"), "{said}");
        } else if !output.status.success() {
            return Err(Failed::from(said));
        }
    }
    Ok(())
})];

/// Seconds by which a server's clock is ahead of the true one.
fn ahead(lab: &dyn Lab, node: &str) -> f64 {
    let script = "EVAL \"local t = redis.call('TIME') return t[1]..'.'..string.format('%06d', t[2])\" 0";
    let told = ask(&lab.client_namespace().unwrap(), address(lab, node), script).unwrap();
    let told: f64 = told.parse().unwrap_or_else(|_| panic!("no time: {told}"));
    told - SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

fn near(actual: f64, expected: f64) {
    assert!((actual - expected).abs() < 0.2, "{actual} s ahead instead of {expected} s");
}

pub async fn play(server: &str) {
    let runtime = ProcessRuntime::new().unwrap();
    let server: Server = serde_json::from_value(server.into()).unwrap();
    let nodes = vec![NodeSpec { clock: true, ..NodeSpec::new("redis-1", Role::Primary) }, NodeSpec::new("redis-2", Role::Primary)];
    let lab = open(&runtime, &server, nodes, &[]).await;
    for node in ["redis-1", "redis-2"] {
        lab.boot(node, config("")).await.unwrap();
        answers(&*lab, node, "SET key value EX 60", "+OK").await;
    }
    assert!(lab.set_clock("redis-2", 1).await.unwrap_err().to_string().contains("did not ask"));
    near(ahead(&*lab, "redis-1"), 0.0);
    lab.set_clock("redis-1", -3_600_250_000_000).await.unwrap();
    near(ahead(&*lab, "redis-1"), -3600.25);
    near(ahead(&*lab, "redis-2"), 0.0);
    answers(&*lab, "redis-1", "GET key", "value").await;
    lab.set_clock("redis-1", 120_500_000_000).await.unwrap();
    near(ahead(&*lab, "redis-1"), 120.5);
    // What was to live for a minute is gone two minutes later.
    answers(&*lab, "redis-1", "GET key", "$-1").await;
    answers(&*lab, "redis-2", "GET key", "value").await;
    lab.signal("redis-1", Signal::Kill).await.unwrap();
    eventually("the server ends", || async { !lab.alive("redis-1").await.unwrap() }).await;
    lab.wipe("redis-1").await.unwrap();
    lab.restart("redis-1", Configuration::Original).await.unwrap();
    answers(&*lab, "redis-1", "PING", "+PONG").await;
    near(ahead(&*lab, "redis-1"), 120.5);
    lab.set_clock("redis-1", 0).await.unwrap();
    near(ahead(&*lab, "redis-1"), 0.0);
    assert_eq!(lab.close().await, Vec::<String>::new());
}
