//! Random changes of histories and results: whatever comes out is read to its end, or refused with a reason.

#[path = "../../fuzz/mutate.rs"]
mod mutate;

use mutate::{Dice, changed, times};
use redquake_reports::history::Reader;
use redquake_reports::result::Document;
use redquake_reports::testing::{self, FailoverParams};
use redquake_reports::{analysis, render};

#[test]
fn mutations_of_the_lines_of_a_history_are_analysed_or_refused() {
    let events = testing::failover_history(&FailoverParams::default());
    // Enough of it to have a line of each kind.
    let lines = zstd::decode_all(testing::stored(&events).as_slice()).unwrap();
    let seed = &lines[..lines.len().min(64 << 10)];
    let mut dice = Dice::new(11);
    let (mut read, mut refused) = (0, 0);
    for _ in 0..times() * 4 {
        let bytes = zstd::encode_all(changed(&mut dice, seed, &lines).as_slice(), 1).unwrap();
        match Reader::open(bytes.as_slice()).and_then(analysis::analyze) {
            Ok(_) => read += 1,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                refused += 1;
            }
        }
    }
    assert!(read > 0 && refused > 0, "{read} read, {refused} refused");
}

#[test]
fn mutations_of_a_result_are_rendered_or_refused() {
    let params = FailoverParams::default();
    let seed = serde_json::to_vec(&testing::document(&params, 2)).unwrap();
    let mut dice = Dice::new(13);
    let (mut rendered, mut refused) = (0, 0);
    for _ in 0..times() * 4 {
        match serde_json::from_slice::<Document>(&changed(&mut dice, &seed, &seed)) {
            Ok(document) => {
                assert!(!render::html::render(&document).is_empty() && !render::junit::render(&document).is_empty());
                let _ = (render::summary::render(&document), render::metrics::render(&document), render::metrics::prometheus(&document));
                rendered += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert!(rendered > 0 && refused > 0, "{rendered} rendered, {refused} refused");
}
