//! Where server images come from.

use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use redquake_experiments::spec::{Server, ServerKind};
use redquake_topologies::runtime::{Announce, Runtime, RuntimeError};

use super::support::{announce, engine, server};

#[tokio::test(flavor = "multi_thread")]
async fn the_default_server_is_here_after_the_first_time_and_nothing_is_announced_then() {
    let Some(engine) = engine().await else { return };
    let first = server(&engine).await;
    let said = Arc::new(Mutex::new(Vec::new()));
    let listener: Announce = {
        let said = Arc::clone(&said);
        Arc::new(move |text| said.lock().unwrap().push(text.to_owned()))
    };
    let second = engine.provide(&Server::default(), &listener).await.unwrap();
    assert_eq!((&first.reference, &first.binary), (&second.reference, &second.binary));
    assert!(second.description.ends_with("already here"), "{}", second.description);
    assert_eq!(*said.lock().unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_by_name_is_used_as_it_is_with_the_server_found_in_it() {
    let Some(engine) = engine().await else { return };
    let known = server(&engine).await;
    let named = engine.provide(&Server::Image(known.reference.clone()), &announce()).await.unwrap();
    assert_eq!(named.reference, known.reference);
    assert!(named.binary.ends_with("/redis-server"), "{}", named.binary);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_be_had_is_refused_with_what_can_be() {
    let Some(engine) = engine().await else { return };
    let engine = &engine;
    let refused = |server| async move { engine.provide(&server, &announce()).await };
    let release = Server::Release { kind: ServerKind::Redis, version: "0.0.1".to_owned() };
    let attempt = tokio::time::timeout(Duration::from_secs(120), refused(release)).await.expect("a refusal takes seconds");
    let RuntimeError::Server(reason) = attempt.unwrap_err() else { panic!("another kind of error") };
    assert!(reason.contains("redis:0.0.1") && reason.ends_with("redis:7.0, redis:8.0, valkey:8.1"), "{reason}");

    let RuntimeError::Server(reason) = refused(Server::Binary("/usr/bin/redis-server".to_owned())).await.unwrap_err() else {
        panic!("another kind of error")
    };
    assert!(reason.contains("--runtime process"), "{reason}");
}

/// An image with nothing in it but one file.
fn empty_image(name: &str) {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(0);
    header.set_mode(0o644);
    header.set_cksum();
    archive.append_data(&mut header, "nothing", std::io::empty()).unwrap();
    let archive = archive.into_inner().unwrap();
    let mut import = Command::new("docker").args(["import", "-", name]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    std::io::Write::write_all(&mut import.stdin.take().unwrap(), &archive).unwrap();
    assert!(import.wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_without_a_shell_is_refused_and_leaves_no_container() {
    let Some(engine) = engine().await else { return };
    let name = format!("redquake-test-empty:{}", std::process::id());
    empty_image(&name);
    let refused = engine.provide(&Server::Image(name.clone()), &announce()).await;
    let left = Command::new("docker").args(["ps", "--all", "--quiet", "--filter", &format!("ancestor={name}")]).output().unwrap();
    let removed = Command::new("docker").args(["rmi", &name]).stdout(Stdio::null()).status().unwrap();
    let RuntimeError::Server(reason) = refused.unwrap_err() else { panic!("another kind of error") };
    assert!(reason.contains("needs /bin/sh") && reason.contains(&name), "{reason}");
    assert_eq!(String::from_utf8_lossy(&left.stdout), "");
    assert!(removed.success());
}
