//! Shaped traffic between namespaces of the run.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use libtest_mimic::Failed;
use redquake_experiments::plan::RuntimeKind;
use redquake_experiments::spec::{Direction, Role, Server};
use redquake_topologies::namespace::Namespace;
use redquake_topologies::process::ProcessRuntime;
use redquake_topologies::rules::PeerRule;
use redquake_topologies::shaping::delay::Delay;

use crate::Test;
use crate::scenes::{Ends, FEW, NODES, bandwidth, delay, loss, netem, said};
use crate::user::User;

pub const TESTS: &[Test] = &[
    ("packets_are_lost_as_asked_and_only_those", |user| plays(user, "loss")),
    ("packets_are_delayed_as_asked_and_only_those", |user| plays(user, "delay")),
    ("a_rate_is_not_exceeded", |user| plays(user, "bandwidth")),
    ("the_kernel_takes_the_tree_for_netem", |user| plays(user, "netem")),
    ("a_killed_tool_holds_nothing_back", |user| plays(user, "death")),
];

/// Why a test is not done by default.
pub fn long(name: &str, user: User) -> Option<&'static str> {
    match (name, user) {
        ("a_rate_is_not_exceeded", _) => Some("half a minute"),
        // Inside its namespaces everybody is root, so the mechanisms are the same.
        (_, User::Nobody) => Some("half a minute in all, done as root"),
        _ => None,
    }
}

fn plays(user: &User, mechanism: &str) -> Result<(), Failed> {
    let output = user.tool(&["shaping", mechanism]).output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    print!("{}", text(&output.stdout));
    if output.status.success() { Ok(()) } else { Err(format!("{}\n{}", output.status, text(&output.stderr)).into()) }
}

/// Traffic is shaped as asked in a lab whose servers are not started.
pub async fn play(mechanism: &str) {
    let runtime = ProcessRuntime::new().unwrap();
    let lab = crate::inside::lab(&runtime, &Server::default(), &NODES.map(|name| (name, Role::Replica))).await;
    let ends = Ends::of(&lab).await;
    let able = redquake_topologies::doctor::capabilities(RuntimeKind::Process).await;
    assert!(able.lose_packets.is_ok() && able.delay_packets.is_ok() && able.limit_bandwidth.is_ok(), "{able:?}");
    match mechanism {
        "bandwidth" => bandwidth::all(&ends).await,
        "delay" => delay::all(&ends).await,
        "netem" => netem::all(&ends).await,
        "death" => death(&ends).await,
        "loss" => loss::all(&ends).await,
        other => panic!("no mechanism {other}"),
    }
    assert_eq!(lab.close().await, Vec::<String>::new());
}

/// Delays what the first node exchanges with a peer until it is killed.
pub async fn hold_back(namespace: &str, peer: &str) {
    let namespace = Namespace::at(Path::new(namespace)).unwrap();
    let traffic = vec![PeerRule { peer: peer.parse().unwrap(), direction: Direction::Both }.into()];
    let late = Delay { delay: Duration::from_millis(200), jitter: Duration::ZERO, traffic };
    redquake_topologies::shaping::delay::inject(&namespace, HELD, &late).await.unwrap();
    println!("held");
    std::future::pending::<()>().await;
}

/// Id of that delay.
const HELD: &str = "held";

async fn death(ends: &Ends) {
    use redquake_topologies::shaping::delay::{present, remove};
    let near = &ends.near.namespace;
    let mut tool = Command::new(std::env::current_exe().unwrap())
        .args(["hold-back", "/run/netns/lab1-redis-1", &ends.far.address.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(tool.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "held\n");
    let link = ends.measured(FEW).await;
    assert!(link.there.delay_quantile(0.0).unwrap() >= Duration::from_millis(200));
    assert!(link.back.delay_quantile(0.0).unwrap() >= Duration::from_millis(200));
    tool.kill().unwrap();
    tool.wait().unwrap();

    let link = ends.measured(FEW).await;
    assert_eq!((link.there.loss_percent(), link.back.loss_percent()), (0.0, 0.0));
    assert!(link.there.mean_delay().unwrap() < Duration::from_millis(20), "{:?}", link.there.mean_delay());
    // Whoever comes next sees that nothing is held, and can take the rules away.
    let left = present(near, HELD).await.unwrap().unwrap();
    assert!(!left.serves && left.to > 0, "{left:?}");
    remove(near, HELD).await.unwrap();
    assert_eq!(present(near, HELD).await.unwrap(), None);
    assert!(!said(near, "iptables-save", &[]).contains("redquake"));
}
