//! An included `redis.conf`: what comes through is a directive of the list, on one line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use redquake_experiments::spec;

const EXPERIMENT: &[u8] = b"version: 1
name: fuzz
topology: { kind: sentinel, config: { redis: { include: a.conf }, sentinel: { down-after-milliseconds: 1000 } } }
duration: 20s
";

fuzz_target!(|bytes: &[u8]| {
    let loaded = spec::load("fuzz.yaml", EXPERIMENT, &|_| Ok(bytes.to_vec()));
    let _ = (loaded.render_human(false), loaded.render_github(), loaded.problems_as_json());
    for (name, value) in loaded.experiment.iter().flat_map(|experiment| experiment.topology.redis().iter()) {
        assert!(!["dir", "logfile", "loadmodule", "pidfile", "aclfile", "unixsocket", "include"].contains(&name));
        assert!(!value.contains(['\n', '\r', '\0']));
    }
});
