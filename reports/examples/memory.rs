//! How much memory the analysis of a long trial takes, by the kind of its workload: `cargo run --release -p redquake-reports
//! --features testing --example memory -- <kind> [seconds] [operations a second]`. Writes the history to a file in the temporary
//! directory and removes it. Without a kind it names all.

use std::fs::File;
use std::io::{BufReader, BufWriter, Error};
use std::time::Instant;

use redquake_reports::analysis::analyze;
use redquake_reports::history::{Event, Reader, Writer};
use redquake_reports::testing::{KINDS, long_trial};

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let Some(kind) = arguments.next() else {
        println!("{}", KINDS.map(|(kind, _)| kind).join("\n"));
        return Ok(());
    };
    let mut number = |usual: u64| arguments.next().map_or(Ok(usual), |text| text.parse().map_err(Error::other));
    let (seconds, rate) = (number(600)?, number(18_000)?);
    let path = std::env::temp_dir().join(format!("redquake-memory-{}.ndjson.zst", std::process::id()));
    let (header, events) = long_trial(&kind, seconds, rate);
    let mut writer = Writer::create(BufWriter::new(File::create_new(&path)?))?;
    writer.write(&Event::Header(Box::new(header)))?;
    let (mut count, mut last, began) = (0_u64, 0, Instant::now());
    for event in events {
        if let Event::End(end) = &event {
            last = end.at;
        } else {
            writer.write(&event)?;
            count += 1;
        }
    }
    drop(writer.finish(last)?);
    let (size, took) = (path.metadata()?.len() as f64 / 1e6, began.elapsed().as_secs_f64());
    println!("{kind}: {count} events stored in {size:.1} MB and {took:.1} s");

    // Only what comes now counts.
    std::fs::write("/proc/self/clear_refs", "5")?;
    let (before, began) = (peak()?, Instant::now());
    let trial = analyze(Reader::open(BufReader::new(File::open(&path)?)).map_err(Error::other)?).map_err(Error::other)?;
    let took = began.elapsed().as_secs_f64();
    println!(
        "analysed in {took:.1} s: {:?}, {} operations acknowledged, {} anomalies; at most {} MB resident, {before} MB before",
        trial.status,
        trial.workloads.iter().map(|workload| workload.ok).sum::<u64>(),
        trial.anomalies_total,
        peak()?
    );
    trial.reasons.iter().for_each(|reason| println!("  {reason}"));
    std::fs::remove_file(path)
}

/// The largest resident size since it was last reset, MB, as Linux tells it.
fn peak() -> Result<u64, Error> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|size| size.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kib.map(|kib| kib * 1024 / 1_000_000).ok_or_else(|| Error::other("Linux does not tell the largest resident size"))
}
