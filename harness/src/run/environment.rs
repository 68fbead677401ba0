//! The machine, for the report.

use redquake_reports::result::Environment;
use redquake_topologies::runtime::RuntimeInfo;

/// What the report says of the machine. Where the servers come from is filled in when that is known, their own version from the histories.
pub fn describe(runtime: &RuntimeInfo) -> Environment {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned();
    let cpus = std::thread::available_parallelism().map_or(0, |cpus| u32::try_from(cpus.get()).unwrap_or(u32::MAX));
    Environment {
        runtime: runtime.version.clone(),
        server: String::new(),
        server_source: String::new(),
        kernel,
        arch: std::env::consts::ARCH.to_owned(),
        cpus,
        memory: memory().unwrap_or(0),
    }
}

fn memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}
