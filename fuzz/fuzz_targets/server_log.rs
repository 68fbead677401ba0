//! What a server says: it is kept in bounds, and a refused directive is found in it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use redquake_topologies::fuzzing::server_log;

fuzz_target!(|bytes: &[u8]| {
    let (first, second) = bytes.split_at(bytes.len() / 2);
    let (text, told) = server_log(first, second);
    assert!(text.len() <= 3 * bytes.len().min(5 << 20) + 200);
    if let Some(told) = told {
        assert!(told.lines().count() == 1, "{told:?}");
    }
});
