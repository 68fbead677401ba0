//! A second observer of the same outage, with its own connections and clock, must see the same gap.

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
    let Some(bench) = support::bench() else { return };
    let file = bench.experiment(&support::quick("max < 3s"));
    let mut tool = support::Reaped(bench.run(&[&file]).stdout(Stdio::null()).spawn().expect("redquake"));

    let (namespace, nodes) = lab();
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

/// Waits for the lab of the run and returns the namespace of its clients and the addresses of its data nodes.
fn lab() -> (Namespace, Vec<SocketAddr>) {
    let docker = |arguments: &[&str]| {
        let output = Command::new("docker").args(arguments).output().expect("docker");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let format = "{{index .Config.Labels \"redquake.node\"}} {{.State.Pid}} {{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let ids = docker(&["ps", "-q", "--filter", "label=redquake.run"]);
        let ids: Vec<&str> = ids.split_whitespace().collect();
        // Three data nodes, three Sentinels, one place for clients.
        if ids.len() == 7 {
            let described = docker(&[&["inspect", "--format", format], ids.as_slice()].concat());
            let rows: Vec<Vec<&str>> = described.lines().map(|line| line.split_whitespace().collect()).collect();
            let nodes: Vec<SocketAddr> = rows
                .iter()
                .filter(|row| row.len() == 3 && row[0].starts_with("redis-"))
                .filter_map(|row| format!("{}:6379", row[2]).parse().ok())
                .collect();
            let clients = rows.iter().find(|row| row.len() == 3 && !row[0].starts_with("redis-") && !row[0].starts_with("sentinel-"));
            if let (3, Some(clients)) = (nodes.len(), clients) {
                let pid = clients[1].parse().expect("a pid");
                return (Namespace::of_process(pid).expect("the clients' namespace"), nodes);
            }
        }
        assert!(Instant::now() < deadline, "the lab never appeared");
        std::thread::sleep(Duration::from_millis(20));
    }
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
