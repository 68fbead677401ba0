//! How much memory the analysis of a trial with ten million operations takes: `cargo run --release --features testing
//! --example memory`. Writes the history to a file in the temporary directory and removes it.

use std::fs::File;
use std::io::{BufReader, BufWriter, Error};
use std::time::Instant;

use redquake_reports::analysis::analyze;
use redquake_reports::history::{Event, Reader, Writer};
use redquake_reports::testing::{FailoverParams, failover_history, lock_history};

const OPS: u64 = 10_000_000;

fn main() -> Result<(), Error> {
    let path = std::env::temp_dir().join(format!("redquake-memory-{}.ndjson.zst", std::process::id()));
    let header = failover_history(&FailoverParams::default()).swap_remove(0);
    let mut writer = Writer::create(BufWriter::new(File::create_new(&path)?))?;
    writer.write(&header)?;
    for op in lock_history(OPS, 1_000, 3_000_000_000) {
        writer.write(&Event::Op(op))?;
    }
    drop(writer.finish(0)?);
    let size = path.metadata()?.len();
    println!("{OPS} operations stored in {:.1} MB; writing took {} at most", size as f64 / 1e6, peak()?);

    let began = Instant::now();
    let trial = analyze(Reader::open(BufReader::new(File::open(&path)?)).map_err(Error::other)?).map_err(Error::other)?;
    let acquired = trial.workloads.iter().filter_map(|workload| workload.locks.as_ref()).map(|locks| locks.acquired).sum::<u64>();
    println!("analysed in {:.2} s: {acquired} acquisitions; {} at most", began.elapsed().as_secs_f64(), peak()?);
    std::fs::remove_file(path)
}

/// The largest resident size so far, as Linux tells it.
fn peak() -> Result<String, Error> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    Ok(line.map_or_else(|| "unknown".to_owned(), |size| size.trim().to_owned()))
}
