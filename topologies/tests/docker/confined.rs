//! What a container of a server may do: nothing that a server does not need.

use std::process::Command;

use super::support::{Ready, engine, run, topology};

fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Where a process of the container can make a file.
fn writable(container: &str) -> Vec<String> {
    let script = "for folder in / /* /usr/bin /var/lib; do if touch $folder/planted; then echo $folder; rm $folder/planted; fi; done 2>/dev/null; true";
    docker(&["exec", container, "sh", "-c", script]).lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_in_a_container_has_no_capabilities_none_to_be_had_and_bounds_on_all_it_uses() {
    let Some(engine) = engine().await else { return };
    let run = run("confined");
    let ready = Ready::new(&engine, &run, 1, &topology(1, 1)).await;
    for node in ["redis-1", "sentinel-1", "clients"] {
        let container = format!("redquake-{run}-1-{node}");
        let status = docker(&["exec", &container, "cat", "/proc/1/status"]);
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
        for set in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
            assert_eq!(field(set), "0000000000000000", "{node}: {set}");
        }
        assert_eq!(field("NoNewPrivs:"), "1", "{node}");
        let bounds = "{{.HostConfig.PidsLimit}} {{.HostConfig.Memory}} {{.HostConfig.LogConfig.Config}} {{.HostConfig.ReadonlyRootfs}}";
        let bounds = docker(&["inspect", "--format", bounds, &container]);
        let words: Vec<&str> = bounds.split(' ').collect();
        let [processes, memory, log @ ..] = words.as_slice() else { panic!("{bounds}") };
        assert!(processes.parse::<u64>().unwrap() <= 1024 && memory.parse::<u64>().unwrap() >= 1 << 30, "{node}: {bounds}");
        assert_eq!(log, ["map[max-file:2", "max-size:4m]", "true"], "{node}");
        let folders: &[&str] = if node == "clients" { &["/dev"] } else { &["/dev", "/redquake", "/tmp"] };
        assert_eq!(writable(&container), folders, "{node}");
        let limits = docker(&["exec", &container, "cat", "/proc/1/limits"]);
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().rev().nth(1), Some("0"), "{node}: {core}");
    }
    ready.close(&run).await;
}
