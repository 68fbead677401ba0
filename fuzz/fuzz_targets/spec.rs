//! An experiment file, and everything that is printed of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use redquake_experiments::spec;

fuzz_target!(|bytes: &[u8]| {
    let loaded = spec::load("fuzz.yaml", bytes, &|_| Err("nothing is read".to_owned()));
    let shown = loaded.render_human(false);
    let _ = (loaded.render_github(), loaded.problems_as_json());
    assert_eq!(loaded.has_errors(), loaded.experiment.is_none(), "{shown}");
    assert!(shown.chars().all(|c| c == '\n' || !c.is_control()));
});
