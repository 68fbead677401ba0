//! A node's own disk: full, freed, and still there after a restart.

use redquake_topologies::runtime::{Configuration, LabRequest};

use super::comeback::{kill, text};
use super::support::{Ready, engine, objects, request, run, topology};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "several restarts of a container, done on the other runtime: ci/test --all"]
async fn a_full_disk_refuses_snapshots_until_it_is_freed_and_outlives_the_server() {
    let Some(engine) = engine().await else { return };
    let run = run("disk");
    let mut set = topology(1, 1);
    // It must stay the primary whatever happens to it.
    set.config.sentinel = redquake_experiments::spec::Directives::new([("down-after-milliseconds", "600000")]).unwrap();
    let mut wanted: LabRequest = request(&engine, &run, 1, &set).await;
    wanted.nodes[0].disk = Some(4 << 20);
    let ready = Ready::boot(&engine, wanted, &set).await;
    assert!(objects(&run).contains(&format!("redquake-{run}-1-disks")), "what holds the disks can be found");
    let primary = ready.address("redis-1");
    assert_eq!(text(&ready, &["SET", "key", "value"]).await.as_deref(), Some("OK"));
    assert!(ready.lab.fill_disk("redis-2").await.unwrap_err().to_string().contains("none of its own"));

    ready.lab.fill_disk("redis-1").await.unwrap();
    assert!(ready.ask(primary, &["SAVE"]).await.is_err());
    // Its neighbour and the machine have room.
    assert!(ready.ask(ready.address("redis-2"), &["SAVE"]).await.is_ok());
    assert!(ready.lab.logs("redis-1").await.unwrap().contains("No space left on device"));
    ready.lab.free_disk("redis-1").await.unwrap();
    ready.lab.free_disk("redis-1").await.unwrap();
    assert!(ready.ask(primary, &["SAVE"]).await.is_ok());

    kill(&ready).await;
    // Also while nobody runs, and the configuration can be written nevertheless.
    ready.lab.fill_disk("redis-1").await.unwrap();
    ready.lab.restart("redis-1", Configuration::Original).await.unwrap();
    assert_eq!(text(&ready, &["GET", "key"]).await.as_deref(), Some("value"));
    assert!(ready.ask(primary, &["SAVE"]).await.is_err());
    ready.close(&run).await;
}
