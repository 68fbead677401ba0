//! A second observer of the same outage, with its own connections and clock, must see the same gap.

use crate::leftovers::{all, command};
use crate::support;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use redquake_reports::result::Sample;
use redquake_topologies::namespace::Namespace;

const AGREE_WITHIN: Duration = Duration::from_millis(2);

#[test]
fn the_write_gap_agrees_within_two_milliseconds_with_an_independent_observer() {
    if !rustix::process::geteuid().is_root() {
        return support::not_done("only root can enter the namespaces of a lab from outside");
    }
    let bench = support::bench_alone();
    let file = bench.experiment(&support::quick("max < 3s"));
    let mut tool = support::Reaped(bench.run(&[&file, "--runtime", "process"]).stdout(Stdio::null()).spawn().expect("redquake"));

    let (namespace, nodes) = lab(tool.0.id());
    let stop = Arc::new(AtomicBool::new(false));
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let writers: Vec<_> = nodes
        .into_iter()
        .map(|node| {
            let (namespace, stop, acknowledged) = (namespace.clone(), Arc::clone(&stop), Arc::clone(&acknowledged));
            std::thread::spawn(move || {
                namespace.enter().expect("the clients' namespace");
                while !stop.load(Ordering::Relaxed) {
                    write_until_lost(node, &stop, &acknowledged);
                    std::thread::sleep(Duration::from_micros(500));
                }
            })
        })
        .collect();
    let status = tool.0.wait().expect("redquake");
    stop.store(true, Ordering::Relaxed);
    writers.into_iter().for_each(|writer| writer.join().expect("a writer"));
    assert!(status.success());

    let mut acknowledged = acknowledged.lock().expect("acknowledged").clone();
    acknowledged.sort();
    let observed = acknowledged.windows(2).map(|pair| pair[1] - pair[0]).max().expect("acknowledged writes");
    let failover = bench.document().trials[0].failovers[0].clone();
    let Sample::Exact(told) = failover.write_gap.expect("a write gap").length else { panic!("the gap never ended") };
    let told = Duration::from_nanos(told as u64);
    println!("told {told:?}, observed {observed:?}");
    assert!(told.abs_diff(observed) <= AGREE_WITHIN, "told {told:?}, observed {observed:?}");
}

/// Waits for the servers below the tool and returns a place on their network and the addresses of the data nodes.
fn lab(tool: u32) -> (Namespace, Vec<SocketAddr>) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let servers: Vec<(u32, String)> = below(tool).into_iter().map(|pid| (pid, command(pid))).collect();
        let (sentinels, data): (Vec<_>, Vec<_>) = servers
            .iter()
            .filter(|(_, command)| command.contains("redis-server "))
            .partition(|(_, command)| command.contains("[sentinel]"));
        let nodes: Vec<SocketAddr> =
            data.iter().filter(|(_, command)| command.contains(":6379")).filter_map(|(pid, _)| address(*pid)).collect();
        if let (3, 3, Some((sentinel, _))) = (nodes.len(), sentinels.len(), sentinels.first()) {
            return (Namespace::of_process(*sentinel).expect("the namespace of a Sentinel"), nodes);
        }
        assert!(Instant::now() < deadline, "the lab never appeared: {servers:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Every process below another.
fn below(root: u32) -> Vec<u32> {
    let children = |parent: &u32| -> Vec<u32> {
        let of = |pid: &u32| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)?.parse().ok()) == Some(*parent)
        };
        all().filter(of).collect()
    };
    let mut found = vec![root];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(children(&parent));
        next += 1;
    }
    found
}

/// Where the data node that runs as this process listens.
fn address(pid: u32) -> Option<SocketAddr> {
    let shown = Command::new("nsenter").args(["--net", "--target", &pid.to_string(), "ip", "-4", "-o", "addr", "show", "eth0"]).output();
    let shown = String::from_utf8(shown.expect("nsenter of util-linux").stdout).ok()?;
    format!("{}:6379", shown.split_whitespace().nth(3)?.split('/').next()?).parse().ok()
}

/// Writes twice a millisecond over one connection, each reply awaited, until the connection is of no more use.
fn write_until_lost(node: SocketAddr, stop: &AtomicBool, acknowledged: &Mutex<Vec<Instant>>) {
    let Ok(mut stream) = TcpStream::connect_timeout(&node, Duration::from_millis(100)) else { return };
    stream.set_nodelay(true).expect("nodelay");
    stream.set_read_timeout(Some(Duration::from_millis(100))).expect("a timeout");
    let mut reply = [0; 256];
    while !stop.load(Ordering::Relaxed) {
        if stream.write_all(b"*3\r\n$3\r\nSET\r\n$8\r\nobserver\r\n$1\r\n1\r\n").is_err() {
            return;
        }
        match stream.read(&mut reply) {
            Ok(0) | Err(_) => return,
            Ok(_) if reply[0] == b'+' => acknowledged.lock().expect("acknowledged").push(Instant::now()),
            Ok(_) => {}
        }
        std::thread::sleep(Duration::from_micros(400));
    }
}
