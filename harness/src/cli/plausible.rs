//! Whether this machine can be asked for it at all: told before the run, beside what the machine has.

use redquake_experiments::spec::{Experiment, Loaded};
use redquake_topologies::doctor;

use super::files::ExperimentFile;
use crate::ui::Failure;

/// Operations a second that every machine carries; only above it is tried what this one does.
const UNTRIED: f64 = 20_000.0;
/// So many times what was carried is a mistake, and less than that is told.
const FAR_TOO_MANY: f64 = 10.0;
/// What a database takes in a server that has nothing in it, in bytes (VmRSS of Redis 7.0.15 with 16 and with a million of them).
const DATABASE: u64 = 460;
/// File descriptors of the tool for everything but clients of workloads.
const OTHER_FILES: u64 = 256;

/// What the machine has.
struct Machine {
    /// Exchanges a second it carried.
    carried: Option<f64>,
    /// Bytes of memory that are available.
    memory: Option<u64>,
    /// Files a process may have open.
    files: Option<u64>,
}

impl Machine {
    /// This one; the load is tried only where a file asks for more than any machine carries.
    fn look(files: &[ExperimentFile]) -> Self {
        let most = files.iter().flat_map(|file| file.loaded.experiments()).map(rate).fold(0.0, f64::max);
        let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let available = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
        Self {
            carried: if most > UNTRIED { doctor::exchanges() } else { None },
            memory: available.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).map(|kib| kib.saturating_mul(1024)),
            files: rustix::process::getrlimit(rustix::process::Resource::Nofile).current,
        }
    }
}

/// Something that is too much for this machine.
struct TooMuch {
    /// Where the file asks for it.
    path: String,
    /// What it asks for and what there is.
    what: String,
    /// Whether the run is refused for it.
    hopeless: bool,
}

/// Tells what is more than this machine carried, and refuses what is hopeless.
pub fn check(files: &[ExperimentFile]) -> Result<(), Failure> {
    let machine = Machine::look(files);
    let mut refused = Vec::new();
    for file in files {
        let mut told: Vec<String> = Vec::new();
        for experiment in file.loaded.experiments() {
            for TooMuch { path, what, hopeless } in too_much(experiment, &machine) {
                let line = format!("{}{what}", place(&file.loaded, &path));
                if told.contains(&line) {
                    continue;
                }
                told.push(line.clone());
                if hopeless {
                    refused.push(line);
                } else {
                    eprintln!("redquake: {line}; trials may prove nothing because the tool itself could not keep up");
                }
            }
        }
    }
    if refused.is_empty() { Ok(()) } else { Err(Failure::usage(format!("{}; ask for less, or use a larger machine", refused.join("\n")))) }
}

fn too_much(experiment: &Experiment, machine: &Machine) -> Vec<TooMuch> {
    let mut found = Vec::new();
    let total = rate(experiment);
    if let (Some(carried), Some(largest)) = (machine.carried, largest(experiment, |workload| workload.rate.as_per_second()))
        && total > carried
    {
        let what = format!("asks for {} operations a second; this machine carried {} in its self-test", whole(total), whole(carried));
        found.push(TooMuch { path: format!("workloads[{largest}].rate"), what, hopeless: total > carried * FAR_TOO_MANY });
    }
    // A client of a Cluster may have a connection to each primary.
    let clients: u64 = experiment.workloads.iter().map(|workload| u64::from(workload.clients)).sum();
    let connections = clients.saturating_mul(u64::from(experiment.topology.shards()));
    if let (Some(files), Some(largest)) = (machine.files, largest(experiment, |workload| f64::from(workload.clients)))
        && connections.saturating_add(OTHER_FILES) > files
    {
        let what = format!(
            "asks for up to {} connections of clients; a process may have {} files open here (`ulimit -n`)",
            whole(connections as f64),
            whole(files as f64)
        );
        found.push(TooMuch { path: format!("workloads[{largest}].clients"), what, hopeless: clients.saturating_add(OTHER_FILES) > files });
    }
    let servers = experiment.topology.nodes().len() as u64;
    if let (Some(memory), Some(databases)) =
        (machine.memory, experiment.topology.redis().get("databases").and_then(|number| number.parse::<u64>().ok()))
    {
        let needed = databases.saturating_mul(DATABASE).saturating_mul(servers);
        if needed > memory / 2 {
            let what = format!(
                "asks for {} databases on {servers} nodes, which take about {} MiB before anything is in them; this machine has {} MiB",
                whole(databases as f64),
                whole((needed >> 20) as f64),
                whole((memory >> 20) as f64)
            );
            found.push(TooMuch { path: "topology.config.redis.databases".to_owned(), what, hopeless: needed > memory });
        }
    }
    found
}

/// Operations begun in a second, all workloads together.
fn rate(experiment: &Experiment) -> f64 {
    experiment.workloads.iter().map(|workload| workload.rate.as_per_second()).sum()
}

fn largest(experiment: &Experiment, of: impl Fn(&redquake_experiments::spec::Workload) -> f64) -> Option<usize> {
    let sizes = experiment.workloads.iter().map(of).enumerate();
    sizes.max_by(|(_, one), (_, other)| one.total_cmp(other)).map(|(index, _)| index)
}

/// Where the file asks for it.
fn place(loaded: &Loaded, path: &str) -> String {
    loaded.location(path).map(|place| format!("{}:{}:{}: ", place.file, place.line, place.column)).unwrap_or_default()
}

/// A number as people write it.
fn whole(number: f64) -> String {
    let digits = format!("{number:.0}");
    let comma = |at: usize| at > 0 && (digits.len() - at).is_multiple_of(3);
    digits.chars().enumerate().flat_map(|(at, digit)| comma(at).then_some(',').into_iter().chain([digit])).collect()
}

#[cfg(test)]
mod tests {
    use redquake_experiments::spec;

    use super::*;

    const MACHINE: Machine = Machine { carried: Some(100_000.0), memory: Some(8 << 30), files: Some(1024) };

    fn asked(redis: &str, workload: &str) -> Vec<(String, bool)> {
        let text = format!(
            "version: 1
name: a
topology: {{ kind: sentinel, config: {{ redis: {{ {redis} }}, sentinel: {{ down-after-milliseconds: 1000 }} }} }}
duration: 20s
workloads:
  - {{ name: sets, kind: set, {workload} }}
faults:
  - {{ name: crash, at: 4s, action: kill, target: {{ role: primary }} }}
assert:
  - {{ metric: failover.write_gap, expect: \"max < 5s\" }}
"
        );
        let loaded = spec::load("a.yaml", text.as_bytes(), &|_| Err(String::new()));
        let experiment = loaded.experiment.as_ref().unwrap_or_else(|| panic!("{}", loaded.render_human(false)));
        too_much(experiment, &MACHINE)
            .into_iter()
            .map(|found| (format!("{}{}", place(&loaded, &found.path), found.what), found.hopeless))
            .collect()
    }

    #[test]
    fn what_a_machine_carries_is_not_told() {
        assert_eq!(asked("databases: 16", "clients: 8, rate: 200/s"), []);
    }

    #[test]
    fn more_operations_than_were_carried_are_told_and_many_more_are_refused() {
        let told = asked("hz: 10", "clients: 8, rate: 200k/s");
        let wanted = "a.yaml:6:48: asks for 200,000 operations a second; this machine carried 100,000 in its self-test";
        assert_eq!(told, [(wanted.to_owned(), false)]);
        assert!(asked("hz: 10", "clients: 8, rate: 100000k/s")[0].1);
    }

    #[test]
    fn more_connections_than_files_are_refused() {
        let told = asked("hz: 10", "clients: 1000, rate: 200/s");
        assert!(told[0].1 && told[0].0.starts_with("a.yaml:6:39: asks for up to 1,000 connections"), "{told:?}");
    }

    #[test]
    fn more_databases_than_memory_are_refused() {
        let told = asked("databases: 2000000000", "clients: 8, rate: 200/s");
        assert!(told[0].1 && told[0].0.contains("2,000,000,000 databases on 6 nodes"), "{told:?}");
    }
}
