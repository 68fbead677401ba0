//! The scenes that are played inside the namespaces. A failed assertion ends the program with code 101.

use std::ffi::OsString;
use std::future::Future;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

use redquake_experiments::spec::{Role, Server};
use redquake_topologies::namespace::Namespace;
use redquake_topologies::postgres;
use redquake_topologies::process::ProcessRuntime;
use redquake_topologies::runtime::{Announce, DatabaseNode, Lab, LabRequest, NodeAddress, NodeFile, NodeSpec, Runtime, Signal};
use tokio::signal::unix::{SignalKind, signal};

use crate::{captive, clock, comeback, disk, shaping, zones};

pub fn play(arguments: &[OsString]) -> ExitCode {
    let words: Vec<&str> = arguments.iter().filter_map(|argument| argument.to_str()).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        match words.as_slice() {
            ["exit", code] => return ExitCode::from(code.parse::<u8>().unwrap()),
            ["die", number] => {
                let own = rustix::process::getpid();
                rustix::process::kill_process(own, rustix::process::Signal::from_named_raw(number.parse().unwrap()).unwrap()).unwrap();
                std::future::pending::<()>().await;
            }
            ["signals"] => return count_signals().await,
            ["print", rest @ ..] => println!("{}", rest.join(" ")),
            ["two-labs"] => two_labs().await,
            ["restart"] => restart().await,
            ["pause"] => pause().await,
            ["orphans"] => orphans().await,
            ["comeback"] => comeback::play().await,
            ["disk"] => disk::play().await,
            ["captive", server, kind, guarded] => captive::play(server, kind, guarded).await,
            ["flood", server] => captive::flood(server).await,
            ["clock", name] => clock::play(name).await,
            ["zones"] => zones::play().await,
            ["close"] => close().await,
            ["refusals"] => refusals().await,
            ["hold"] => hold().await,
            ["hold-back", namespace, peer] => shaping::hold_back(namespace, peer).await,
            ["shaping", mechanism] => shaping::play(mechanism).await,
            ["server", name] => server(name).await,
            ["database"] => database().await,
            other => panic!("no scene {other:?}"),
        }
        ExitCode::SUCCESS
    })
}

pub async fn lab(runtime: &ProcessRuntime, server: &Server, nodes: &[(&str, Role)]) -> Arc<dyn Lab> {
    open(runtime, server, nodes.iter().map(|&(name, role)| NodeSpec::new(name, role)).collect(), &[]).await
}

pub async fn open(runtime: &ProcessRuntime, server: &Server, nodes: Vec<NodeSpec>, zones: &[&str]) -> Arc<dyn Lab> {
    let quiet: Announce = Arc::new(|_| ());
    let server = runtime.provide(server, &quiet).await.unwrap();
    let zones = zones.iter().map(|&zone| zone.to_owned()).collect();
    runtime.open(LabRequest { run: "test".to_owned(), trial: 1, server, nodes, zones }).await.unwrap()
}

pub fn config(lines: &str) -> NodeFile {
    NodeFile { name: "redis.conf".to_owned(), content: format!("protected-mode no\nsave \"\"\n{lines}\n") }
}

pub fn address(lab: &dyn Lab, node: &str) -> NodeAddress {
    lab.nodes().iter().find(|each| each.name == node).unwrap().address
}

/// One inline command from within a namespace; the first line of the answer.
pub fn ask(namespace: &Namespace, address: NodeAddress, command: &str) -> std::io::Result<String> {
    let within = || {
        namespace.enter()?;
        let mut stream = TcpStream::connect_timeout(&SocketAddr::from((address.ip, address.port)), Duration::from_millis(300))?;
        stream.set_read_timeout(Some(Duration::from_millis(300)))?;
        stream.write_all(format!("{command}\r\n").as_bytes())?;
        let mut answer = [0; 4096];
        let length = stream.read(&mut answer)?;
        let text = String::from_utf8_lossy(&answer[..length]).into_owned();
        // A bulk answer has its length on the first line.
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        Ok(if first.starts_with('$') && first != "$-1" { lines.next().unwrap_or_default() } else { first }.to_owned())
    };
    std::thread::scope(|scope| scope.spawn(within).join().unwrap())
}

/// Asks clients' way until the answer is `expected`.
pub async fn answers(lab: &dyn Lab, node: &str, command: &str, expected: &str) {
    let clients = lab.client_namespace().unwrap();
    let mut last = String::new();
    eventually(&format!("{node}: {command} → {expected}"), || {
        last = ask(&clients, address(lab, node), command).unwrap_or_else(|error| error.to_string());
        let met = last == expected;
        async move { met }
    })
    .await;
}

pub async fn eventually<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition().await {
        assert!(Instant::now() < deadline, "did not happen: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn two_labs() {
    let runtime = ProcessRuntime::new().unwrap();
    let nodes = [("redis-1", Role::Primary), ("redis-2", Role::Replica)];
    let redis = Server::default();
    let (one, two) = tokio::join!(lab(&runtime, &redis, &nodes), lab(&runtime, &redis, &nodes));
    for lab in [&one, &two] {
        lab.boot("redis-1", config("")).await.unwrap();
        let primary = address(&**lab, "redis-1");
        lab.boot("redis-2", config(&format!("replicaof {} {}\nrepl-diskless-sync-delay 0", primary.ip, primary.port))).await.unwrap();
    }
    for (lab, value) in [(&one, "first"), (&two, "second")] {
        answers(&**lab, "redis-1", &format!("SET lab {value}"), "+OK").await;
    }
    for (lab, value) in [(&one, "first"), (&two, "second")] {
        answers(&**lab, "redis-2", "GET lab", value).await;
    }
    let clients_of_one = one.client_namespace().unwrap();
    let stray = ask(&clients_of_one, address(&*two, "redis-1"), "PING");
    assert!(stray.is_err(), "a client of one lab reached the other: {stray:?}");
    assert_eq!(one.close().await, Vec::<String>::new());
    answers(&*two, "redis-2", "GET lab", "second").await;
    assert_eq!(two.close().await, Vec::<String>::new());
}

async fn restart() {
    let runtime = ProcessRuntime::new().unwrap();
    let lab = lab(&runtime, &Server::default(), &[("redis-1", Role::Primary)]).await;
    let config = config("appendonly yes\nappendfsync always");
    for round in 0..5 {
        assert!(!lab.alive("redis-1").await.unwrap());
        lab.boot("redis-1", config.clone()).await.unwrap();
        assert!(lab.alive("redis-1").await.unwrap());
        assert!(lab.boot("redis-1", config.clone()).await.is_err(), "a running server was started again");
        answers(&*lab, "redis-1", "INCR starts", &format!(":{}", round + 1)).await;
        let (before, after) = lab.signal("redis-1", if round % 2 == 0 { Signal::Kill } else { Signal::Terminate }).await.unwrap();
        assert!(before <= after && after - before < Duration::from_millis(50));
        eventually("the server ends", || async { !lab.alive("redis-1").await.unwrap() }).await;
        assert!(lab.signal("redis-1", Signal::Kill).await.is_err(), "a signal to nobody was called sent");
        let refused = ask(&lab.client_namespace().unwrap(), address(&*lab, "redis-1"), "PING").unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    }
    let logs = lab.logs("redis-1").await.unwrap();
    assert_eq!(logs.matches("Ready to accept connections").count(), 5, "{logs}");
    assert_eq!(lab.close().await, Vec::<String>::new());
}

async fn pause() {
    let runtime = ProcessRuntime::new().unwrap();
    let lab = lab(&runtime, &Server::default(), &[("redis-1", Role::Primary)]).await;
    lab.boot("redis-1", config("")).await.unwrap();
    answers(&*lab, "redis-1", "PING", "+PONG").await;
    lab.signal("redis-1", Signal::Stop).await.unwrap();
    assert!(lab.alive("redis-1").await.unwrap());
    let silent = ask(&lab.client_namespace().unwrap(), address(&*lab, "redis-1"), "PING");
    assert!(silent.is_err(), "a paused server answered: {silent:?}");
    lab.signal("redis-1", Signal::Continue).await.unwrap();
    answers(&*lab, "redis-1", "PING", "+PONG").await;
    lab.signal("redis-1", Signal::Stop).await.unwrap();
    assert_eq!(lab.close().await, Vec::<String>::new());
}

/// State letters of all processes of the pid namespace, by name.
fn processes() -> Vec<(String, char)> {
    let stats = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| {
        entry.file_name().to_str()?.parse::<u32>().ok()?;
        std::fs::read_to_string(entry.path().join("stat")).ok()
    });
    stats
        .filter_map(|stat| {
            let (head, rest) = stat.rsplit_once(") ")?;
            Some((head.split_once('(')?.1.to_owned(), rest.chars().next()?))
        })
        .collect()
}

async fn orphans() {
    let runtime = ProcessRuntime::new().unwrap();
    let lab = lab(&runtime, &Server::default(), &[("redis-1", Role::Primary)]).await;
    for _ in 0..3 {
        // Ten keys at 20 ms each keep the forked saver busy for longer than its parent lives.
        lab.boot("redis-1", config("rdb-key-save-delay 20000")).await.unwrap();
        for key in 0..10 {
            answers(&*lab, "redis-1", &format!("SET key{key} 1"), "+OK").await;
        }
        answers(&*lab, "redis-1", "BGSAVE", "+Background saving started").await;
        let servers = || processes().into_iter().filter(|(name, _)| name.starts_with("redis")).count();
        assert_eq!(servers(), 2, "the server and its forked saver");
        lab.signal("redis-1", Signal::Kill).await.unwrap();
        eventually("the server ends", || async { !lab.alive("redis-1").await.unwrap() }).await;
        // Its own pid namespace went with it: nothing waits for the saver to be done.
        assert!(servers() < 2, "{:?}", processes());
    }
    eventually("only this program and init are left", || async { processes().len() == 2 }).await;
    assert_eq!(lab.close().await, Vec::<String>::new());
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

async fn close() {
    let runtime = ProcessRuntime::new().unwrap();
    for _ in 0..3 {
        let nodes = [("redis-1", Role::Primary), ("sentinel-1", Role::Sentinel)].map(|(name, role)| NodeSpec::new(name, role));
        let lab = open(&runtime, &Server::default(), nodes.to_vec(), &["a", "b"]).await;
        lab.boot("redis-1", config("")).await.unwrap();
        lab.boot("sentinel-1", config("")).await.unwrap();
        answers(&*lab, "redis-1", "PING", "+PONG").await;
        answers(&*lab, "sentinel-1", "PING", "+PONG").await;
        assert_eq!(lab.close().await, Vec::<String>::new());
        assert_eq!(lab.close().await, Vec::<String>::new(), "closing twice");
        assert_eq!(processes().len(), 2, "{:?}", processes());
        assert_eq!(said("ip", &["netns", "list"]), "");
        assert_eq!(std::fs::read_dir("/run/redquake").unwrap().count(), 0);
        // Links go with their namespaces, which the kernel takes down in its own time.
        eventually("only loopback is left", || async { said("ip", &["-o", "link"]).lines().count() == 1 }).await;
    }
}

async fn refusals() {
    let runtime = ProcessRuntime::new().unwrap();
    let lab = lab(&runtime, &Server::default(), &[("redis-1", Role::Primary)]).await;
    let unknown = lab.boot("redis-9", config("")).await.unwrap_err();
    assert_eq!(unknown.to_string(), "no node named `redis-9` in this lab");
    lab.boot("redis-1", config("no-such-directive 1")).await.unwrap();
    eventually("the server refuses its configuration", || async { !lab.alive("redis-1").await.unwrap() }).await;
    let logs = lab.logs("redis-1").await.unwrap();
    assert!(logs.contains("no-such-directive"), "{logs}");
    assert_eq!(lab.close().await, Vec::<String>::new());
    let quiet: Announce = Arc::new(|_| ());
    let error = runtime.provide(&Server::Binary("/no/such/server".to_owned()), &quiet).await.unwrap_err();
    assert!(error.to_string().contains("/no/such/server"));
    let error = runtime.provide(&Server::Binary("/bin/true".to_owned()), &quiet).await.unwrap_err().to_string();
    assert!(error.contains("`/bin/true` is not a Redis or Valkey server (`--version` says `true (GNU coreutils)"), "{error}");
    let error = runtime.provide(&Server::Binary("/dev/zero".to_owned()), &quiet).await.unwrap_err().to_string();
    assert!(error.contains("it is not a file"), "{error}");
}

/// Opens a lab with running servers and stays until it is killed.
async fn hold() {
    println!("begun");
    let runtime = ProcessRuntime::new().unwrap();
    let nodes = [("redis-1", Role::Primary), ("redis-2", Role::Replica), ("sentinel-1", Role::Sentinel)];
    let wanted = nodes.map(|(name, role)| NodeSpec::new(name, role)).to_vec();
    let lab = open(&runtime, &Server::default(), wanted, &["a"]).await;
    for (node, _) in nodes {
        lab.boot(node, config("")).await.unwrap();
    }
    answers(&*lab, "redis-1", "PING", "+PONG").await;
    println!("running");
    std::future::pending::<()>().await;
}

/// Serves, forks, rewrites its configuration, and serves again after a restart.
async fn server(name: &str) {
    let runtime = ProcessRuntime::new().unwrap();
    let wanted: Server = serde_json::from_value(name.into()).unwrap();
    let lab = lab(&runtime, &wanted, &[("redis-1", Role::Primary), ("redis-2", Role::Replica), ("sentinel-1", Role::Sentinel)]).await;
    lab.boot("redis-1", config("")).await.unwrap();
    let primary = address(&*lab, "redis-1");
    lab.boot("redis-2", config(&format!("replicaof {} {}\nrepl-diskless-sync-delay 0", primary.ip, primary.port))).await.unwrap();
    answers(&*lab, "redis-1", "SET key value", "+OK").await;
    answers(&*lab, "redis-2", "GET key", "value").await;
    answers(&*lab, "redis-1", "CONFIG SET maxmemory 123456789", "+OK").await;
    answers(&*lab, "redis-1", "CONFIG REWRITE", "+OK").await;
    answers(&*lab, "redis-1", "BGSAVE", "+Background saving started").await;
    eventually("the dump is written", || async {
        lab.logs("redis-1").await.unwrap().contains("Background saving terminated with success")
    })
    .await;
    lab.boot("sentinel-1", config(&format!("sentinel monitor main {} {} 1", primary.ip, primary.port))).await.unwrap();
    answers(&*lab, "sentinel-1", "SENTINEL CKQUORUM main", "+OK 1 usable Sentinels. Quorum and failover authorization can be reached")
        .await;
    lab.signal("redis-1", Signal::Kill).await.unwrap();
    eventually("the server ends", || async { !lab.alive("redis-1").await.unwrap() }).await;
    lab.boot("redis-1", config("")).await.unwrap();
    answers(&*lab, "redis-1", "GET key", "value").await;
    assert_eq!(lab.close().await, Vec::<String>::new());
}

/// PostgreSQL answers clients on the lab's network beside a Redis, is found by its name, and leaves nothing.
async fn database() {
    let runtime = ProcessRuntime::new().unwrap();
    let quiet: Announce = Arc::new(|_| ());
    let source = runtime.provide_postgres("15", &quiet).await.unwrap();
    let lab = lab(&runtime, &Server::default(), &[("redis-1", Role::Primary)]).await;
    let node = DatabaseNode { source, max_connections: 10 };
    let address = lab.attach(node.clone()).await.unwrap();
    assert!(lab.attach(node).await.is_err(), "a lab has one database");
    lab.boot("redis-1", config("")).await.unwrap();
    answers(&*lab, "redis-1", "PING", "+PONG").await;
    let clients = lab.client_namespace().unwrap();
    eventually("PostgreSQL answers", || {
        let met = speaks_postgres(&clients, address);
        async move { met }
    })
    .await;
    assert!(lab.namespace(postgres::NAME).await.is_ok());
    lab.signal(postgres::NAME, Signal::Kill).await.unwrap();
    eventually("the database ends", || async { !lab.alive(postgres::NAME).await.unwrap() }).await;
    let log = lab.logs(postgres::NAME).await.unwrap();
    assert!(log.contains("listening on IPv4 address"), "{log}");
    let segments = std::fs::read_to_string("/proc/sysvipc/shm").unwrap();
    assert_eq!(segments.lines().filter(|line| line.contains(" 65534 ")).count(), 0, "{segments}");
    assert_eq!(lab.close().await, Vec::<String>::new());
}

/// Whether a postmaster answers whether it would speak TLS, which is the first thing a client asks.
fn speaks_postgres(namespace: &Namespace, address: NodeAddress) -> bool {
    let within = || -> std::io::Result<u8> {
        namespace.enter()?;
        let mut stream = TcpStream::connect_timeout(&SocketAddr::from((address.ip, address.port)), Duration::from_millis(300))?;
        stream.set_read_timeout(Some(Duration::from_millis(300)))?;
        stream.write_all(&[0, 0, 0, 8, 4, 210, 22, 47])?;
        let mut answer = [0];
        stream.read_exact(&mut answer)?;
        Ok(answer[0])
    };
    std::thread::scope(|scope| scope.spawn(within).join().unwrap()).is_ok_and(|answer| answer == b'N')
}

/// Says which signals arrive, until the second after the first is over.
async fn count_signals() -> ExitCode {
    let mut interrupt = signal(SignalKind::interrupt()).unwrap();
    let mut terminate = signal(SignalKind::terminate()).unwrap();
    let mut hang_up = signal(SignalKind::hangup()).unwrap();
    println!("ready");
    let mut end = Duration::from_secs(20);
    loop {
        let name = tokio::select! {
            _ = interrupt.recv() => "interrupt",
            _ = terminate.recv() => "terminate",
            _ = hang_up.recv() => "hang-up",
            () = tokio::time::sleep(end) => return ExitCode::from(130),
        };
        println!("{name}");
        end = Duration::from_millis(500);
    }
}
