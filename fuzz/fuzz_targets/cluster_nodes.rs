//! The answer of a server to `CLUSTER NODES`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use redquake_topologies::cluster::known_nodes;

fuzz_target!(|bytes: &[u8]| {
    for node in known_nodes(&String::from_utf8_lossy(bytes)) {
        let _ = (node.is("master"), node.slots.to_string());
    }
});
