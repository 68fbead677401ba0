//! Processors, memory and clock.

use std::fs;

use super::{Check, carried};

/// Below this, servers and clients of one trial crowd each other out, in KiB.
const ENOUGH_MEMORY: u64 = 1024 * 1024;

/// Checks the machine.
pub(super) fn checks() -> Vec<Check> {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    vec![
        processors(cpus),
        memory(&read("/proc/meminfo")),
        clock(read("/sys/devices/system/clocksource/clocksource0/current_clocksource").trim()),
        carried::check(),
    ]
}

fn processors(count: usize) -> Check {
    if count >= 2 {
        Check::ok("processors", count.to_string())
    } else {
        Check::warn(
            "processors",
            count.to_string(),
            "use a machine with two or more, or expect trials that prove nothing because the tool itself stalled",
        )
    }
}

fn memory(meminfo: &str) -> Check {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let available = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    match available {
        Some(kib) if kib >= ENOUGH_MEMORY => Check::ok("memory", format!("{:.1} GiB available", kib as f64 / 1024.0 / 1024.0)),
        Some(kib) => {
            Check::warn("memory", format!("{} MiB available", kib / 1024), "free some: a Sentinel set under load wants about 1 GiB")
        }
        None => Check::warn("memory", "the kernel does not say how much is available", "nothing, if there is about 1 GiB"),
    }
}

fn clock(source: &str) -> Check {
    match source {
        "" => Check::warn("clock", "the kernel does not name its clock source", "nothing, if it is not an old virtual machine"),
        "hpet" | "acpi_pm" | "jiffies" => Check::warn(
            "clock",
            format!("{source}, which takes about a microsecond to read"),
            "nothing for failover times; for the highest rates use a machine whose clock source is tsc or kvm-clock",
        ),
        fast => Check::ok("clock", fast),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Status;

    #[test]
    fn little_memory_one_processor_and_a_slow_clock_are_warned_of() {
        assert_eq!(memory("MemTotal: 1 kB\nMemAvailable:    2097152 kB\n"), Check::ok("memory", "2.0 GiB available"));
        assert_eq!(memory("MemAvailable:     524288 kB\n").status, Status::Warn);
        assert_eq!((processors(1).status, processors(2).status), (Status::Warn, Status::Ok));
        assert_eq!((clock("tsc").status, clock("hpet").status), (Status::Ok, Status::Warn));
    }
}
