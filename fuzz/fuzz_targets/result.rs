//! A `result.json` given to `report`: every report is rendered.
#![no_main]

use libfuzzer_sys::fuzz_target;
use redquake_reports::render;
use redquake_reports::result::Document;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(document) = serde_json::from_slice::<Document>(bytes) {
        let _ = (render::html::render(&document), render::junit::render(&document), render::summary::render(&document));
        let _ = (render::metrics::render(&document), render::metrics::prometheus(&document));
    }
});
