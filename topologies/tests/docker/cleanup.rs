//! What is left: nothing, however a lab ends.

use std::process::{Command, Stdio};
use std::time::Duration;

use redquake_topologies::namespace::Zone;
use redquake_topologies::runtime::{Fate, Owner, Runtime, ServerSource, Sweep};

use super::support::{LIMIT, Ready, engine, objects, request, run, server, topology};

#[tokio::test(flavor = "multi_thread")]
async fn an_open_that_fails_leaves_nothing() {
    let Some(engine) = engine().await else { return };
    let run = run("failing");
    let mut request = request(&engine, &run, 1, &topology(2, 3)).await;
    request.server = ServerSource { reference: "redquake/no-such-image:0".to_owned(), ..request.server };
    let error = engine.open(request).await.err().expect("there is no such image").to_string();
    assert!(error.contains("no-such-image"), "{error}");
    assert_eq!(objects(&run), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_that_is_dropped_at_any_moment_is_swept_by_its_run() {
    let Some(engine) = engine().await else { return };
    let run = run("dropped");
    for (trial, millis) in [0_u64, 20, 60, 120, 250, 500].into_iter().enumerate() {
        let mut request = request(&engine, &run, u32::try_from(trial).unwrap(), &topology(1, 1)).await;
        request.nodes[0].disk = Some(1 << 20);
        request.zones.push("a".to_owned());
        let opened = tokio::time::timeout(Duration::from_millis(millis), engine.open(request)).await;
        drop(opened);
        assert_eq!(engine.sweep_run(&run).await, Vec::<String>::new());
        assert_eq!(objects(&run), Vec::<String>::new(), "dropped after {millis} ms");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lab_dropped_without_being_closed_is_swept_by_its_run() {
    let Some(engine) = engine().await else { return };
    let run = run("forgotten");
    let lab = engine.open(request(&engine, &run, 1, &topology(1, 1)).await).await.unwrap();
    // Threads in the namespace of a removed container do no harm either.
    let zone = Zone::open("clients", lab.client_namespace(), 1).unwrap();
    drop(lab);
    assert_eq!(engine.sweep_run(&run).await, Vec::<String>::new());
    assert_eq!(objects(&run), Vec::<String>::new());
    zone.close(LIMIT).await;
}

/// A sweep takes what another test has just made to be swept, so tests that sweep more than their own run take turns.
static SWEEPS: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A network with the labels of a run, made with the engine's own client.
fn make_network(run: &str, owner: &Owner) {
    let made = Command::new("docker")
        .args(["network", "create", "--internal", "--label", &format!("redquake.run={run}")])
        .args(["--label", &format!("redquake.owner={owner}"), &format!("redquake-{run}-1")])
        .stdout(Stdio::null())
        .status();
    assert!(made.unwrap().success());
}

/// A container with the labels of a run that does nothing.
fn make_container(run: &str, owner: &Owner, image: &str) {
    let made = Command::new("docker")
        .args(["run", "--detach", "--network", "none", "--label", &format!("redquake.run={run}")])
        .args(["--label", &format!("redquake.owner={owner}"), "--entrypoint", "sleep", image, "infinity"])
        .stdout(Stdio::null())
        .status();
    assert!(made.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_removes_what_a_dead_owner_left_and_nothing_of_a_living_one() {
    let Some(engine) = engine().await else { return };
    let _turn = SWEEPS.lock().await;
    let (dead, living) = (run("dead"), run("living"));
    let image = server(&engine).await.reference;
    let owner = Owner::current();
    // The same process id with another start time: the id was used again.
    let gone = Owner { started: owner.started + 1, ..owner.clone() };
    make_network(&dead, &gone);
    make_container(&dead, &gone, &image);
    let ready = Ready::new(&engine, &living, 1, &topology(0, 1)).await;

    let left = engine.leftovers().await.unwrap();
    let of = |run: &str| left.iter().filter(|object| object.what.contains(run)).collect::<Vec<_>>();
    assert!(
        of(&dead).len() == 2 && of(&dead).iter().all(|object| object.fate == Fate::Dead && object.what.ends_with("which is gone")),
        "{left:?}"
    );
    assert!(!of(&living).is_empty(), "{left:?}");
    assert!(of(&living).iter().all(|object| object.fate == Fate::Alive && object.what.ends_with("which lives")), "{left:?}");
    let swept = engine.sweep(Sweep::Dead).await.unwrap();
    // Something somebody else left here long ago may resist; ours must not.
    assert!(swept.removed.iter().filter(|object| object.contains(&dead)).count() == 2, "{swept:?}");
    assert!(!swept.left.iter().any(|object| object.contains(&dead)), "{swept:?}");
    assert_eq!(objects(&dead), Vec::<String>::new());
    assert!(ready.ask(ready.address("redis-1"), &["PING"]).await.is_ok());
    ready.close(&living).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_boot_left_is_removed_only_by_who_asks_for_it() {
    let Some(engine) = engine().await else { return };
    let _turn = SWEEPS.lock().await;
    let run = run("elsewhere");
    make_network(&run, &Owner { boot: "another".to_owned(), ..Owner::current() });
    engine.sweep(Sweep::Dead).await.unwrap();
    assert_eq!(objects(&run).len(), 1, "it may be in use by another machine");
    engine.sweep(Sweep::OtherBootsToo).await.unwrap();
    assert_eq!(objects(&run), Vec::<String>::new());
}
