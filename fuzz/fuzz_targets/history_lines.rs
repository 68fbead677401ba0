//! The lines of a history: read to their end, and analysed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use redquake_reports::analysis;
use redquake_reports::history::Reader;

fuzz_target!(|bytes: &[u8]| {
    let stored = zstd::encode_all(bytes, 1).expect("memory");
    if let Ok(reader) = Reader::open(stored.as_slice()) {
        let _ = analysis::analyze(reader);
    }
});
