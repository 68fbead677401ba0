//! Prints how many operations a second the engine's clients perform and record, beside `redis-benchmark` with the same operation on
//! as many connections of the same server, one at a time on each: `cargo bench -p redquake --bench engine [-- <rounds> <seconds>
//! <clients>]`. It passes no verdict.
//!
//! Each round does, in turning order: `redis-benchmark` with one thread, the engine as fast as the server answers, `redis-benchmark` with
//! as many threads as the engine's clients have, and the engine as experiments use it, open loop, at 0.9 times what the first one did.
//! The engine's operations are counted in the history it wrote, up to the instant at which all of it was on the disk.

use std::error::Error;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redquake::speed::{self, CLIENT_THREADS, Order};
use redquake_experiments::plan::{Plan, RuntimeKind, plan};
use redquake_experiments::spec::{self, Rate, Topology};
use redquake_reports::history::{Ending, Event, Outcome, Reader};
use redquake_topologies::namespace::Zone;
use redquake_topologies::process::{self, ProcessRuntime};
use redquake_topologies::runtime::{Announce, Lab, LabRequest, NodeAddress, Runtime};
use redquake_topologies::{doctor, sentinel};

type Failure = Box<dyn Error>;

/// One primary; a Sentinel, because clients ask one where it is.
const EXPERIMENT: &str = "
version: 1
name: engine
topology: { kind: sentinel, replicas: 0, sentinels: 1, quorum: 1 }
duration: 1m
workloads:
  - { name: added, kind: set, clients: CLIENTS, rate: 1000/s, timeout: 2s, connect_timeout: 2s }
assert:
  - { metric: added.ok_rate, expect: \"min > 0\" }
";
/// What the clients of that workload send, and elements of about the length of theirs; the generator writes twelve digits.
const OPERATION: [&str; 3] = ["SADD", "set:0:0", "0123456789:__rand_int__"];
/// Share of the generator's rate at which the open loop is tried.
const OFFERED: f64 = 0.9;

struct Sizes {
    rounds: u32,
    time: Duration,
    clients: u32,
}

fn main() -> ExitCode {
    if let Some(code) = process::stage() {
        return code;
    }
    let numbers: Vec<u32> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let number = |index: usize, otherwise: u32| numbers.get(index).copied().unwrap_or(otherwise);
    let sizes = Sizes { rounds: number(0, 5), time: Duration::from_secs(number(1, 4).into()), clients: number(2, 50) };
    let announce: Announce = Arc::new(|text| println!("{text}"));
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    let done = if process::inside() {
        runtime.block_on(measure(&sizes, &announce)).map(|()| 0)
    } else {
        provided(&runtime, &announce).and_then(|()| Ok(process::enter(std::env::args_os().skip(1).collect())?))
    };
    done.map_or_else(|error| failed(&error), ExitCode::from)
}

fn failed(error: &Failure) -> ExitCode {
    eprintln!("nothing measured: {error}");
    ExitCode::FAILURE
}

/// Fetches what needs the network.
fn provided(runtime: &tokio::runtime::Runtime, announce: &Announce) -> Result<(), Failure> {
    process::provide_load_generator(announce)?;
    runtime.block_on(process::provide(&spec::Server::default(), announce))?;
    Ok(())
}

/// One way to load the server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Load {
    Generator { threads: usize },
    Closed,
    Open,
}

/// What came of it.
#[derive(Clone, Copy, Default)]
struct Speed {
    /// Acknowledged operations a second.
    rate: f64,
    /// Share of the time in which the server's thread computed.
    server: f64,
    /// Processor time of the side that loads, recording included, s an operation.
    cost: f64,
}

/// Where it happens.
struct Site<'a> {
    sizes: &'a Sizes,
    plan: Plan,
    lab: Arc<dyn Lab>,
    primary: NodeAddress,
    /// In which the generator runs, and from which the server is asked.
    zone: Zone,
    folder: tempfile::TempDir,
}

async fn measure(sizes: &Sizes, announce: &Announce) -> Result<(), Failure> {
    let site = site(sizes, announce).await?;
    let mut ratios = Vec::new();
    let (one, many) = (Load::Generator { threads: 1 }, Load::Generator { threads: CLIENT_THREADS });
    let mut expected = site.speed(one, 50_000.0).await?.rate;
    println!("warmed up; {} rounds of {} s each way, {} connections", sizes.rounds, sizes.time.as_secs(), sizes.clients);
    for round in 0..sizes.rounds {
        let mut order = [one, Load::Closed, many];
        order.rotate_left(round as usize % 3);
        let [mut alone, mut engine, mut threads] = [Speed::default(); 3];
        for load in order {
            let speed = site.speed(load, expected).await?;
            match load {
                Load::Generator { threads: 1 } => alone = speed,
                Load::Generator { .. } => threads = speed,
                _ => engine = speed,
            }
        }
        expected = alone.rate;
        let open = site.speed(Load::Open, OFFERED * alone.rate).await?;
        let ratio = engine.rate / alone.rate;
        println!(
            "round {:>2}: engine {} = {ratio:.2} x redis-benchmark {}; with {CLIENT_THREADS} threads it does {}; \
             open loop at {:.0}/s: {}; load {}",
            round + 1,
            told(engine),
            told(alone),
            told(threads),
            OFFERED * alone.rate,
            told(open),
            std::fs::read_to_string("/proc/loadavg")?.split(' ').next().unwrap_or_default()
        );
        ratios.push([ratio, engine.rate / threads.rate, open.rate / (OFFERED * alone.rate)]);
    }
    let what =
        ["engine / redis-benchmark", &format!("engine / redis-benchmark, {CLIENT_THREADS} threads"), "open loop, performed / offered"];
    for (index, what) in what.into_iter().enumerate() {
        let mut values: Vec<f64> = ratios.iter().map(|ratios| ratios[index]).collect();
        values.sort_by(f64::total_cmp);
        let (Some(min), Some(max)) = (values.first(), values.last()) else { continue };
        let median = f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2]);
        println!("{what}: median {median:.2} (min {min:.2}, max {max:.2}, n = {})", values.len());
    }
    let left = site.lab.close().await;
    if left.is_empty() { Ok(()) } else { Err(left.join(", ").into()) }
}

fn told(speed: Speed) -> String {
    format!("{:.0}/s (server {:.0} % busy, {:.1} us an operation)", speed.rate, speed.server * 100.0, speed.cost * 1e6)
}

async fn site<'a>(sizes: &'a Sizes, announce: &Announce) -> Result<Site<'a>, Failure> {
    let text = EXPERIMENT.replace("CLIENTS", &sizes.clients.to_string());
    let loaded = spec::load("engine.yaml", text.as_bytes(), &|_| Err("it names no file".to_owned()));
    let experiment = loaded.experiment.as_ref().ok_or_else(|| loaded.render_human(false))?;
    let plan = plan(experiment, 1, None, &doctor::capabilities(RuntimeKind::Process).await).map_err(|refused| format!("{refused:?}"))?;
    let Topology::Sentinel(topology) = &plan.experiment.topology else { return Err("not a Sentinel set".into()) };
    let runtime = ProcessRuntime::new()?;
    let server = runtime.provide(&topology.server, announce).await?;
    let (_, generator) = process::provide_load_generator(announce)?;
    println!("{}, {}, redis-benchmark of {generator}", runtime.info().version, server.description);
    let request = LabRequest { run: "bench".to_owned(), trial: 1, server, nodes: sentinel::nodes(topology), zones: Vec::new() };
    let lab = runtime.open(request).await?;
    let zone = Zone::open("generator", lab.client_namespace(), 1)?;
    let set = sentinel::bring_up(lab.as_ref(), &zone, topology, Duration::from_secs(60)).await?;
    let primary = set.nodes.first().ok_or("no primary")?.address;
    Ok(Site { sizes, plan, lab, primary, zone, folder: tempfile::tempdir()? })
}

impl Site<'_> {
    /// Loads the empty server in one way for about as long as ordered; `expected` is the rate offered or, for the generator, guessed.
    async fn speed(&self, load: Load, expected: f64) -> Result<Speed, Failure> {
        let address = self.primary;
        let connecting = self.zone.spawn(async move {
            let client = redis::Client::open(format!("redis://{address}"))?;
            let mut connection = client.get_multiplexed_async_connection().await?;
            redis::cmd("FLUSHALL").query_async::<()>(&mut connection).await?;
            redis::RedisResult::Ok(connection)
        });
        let mut connection = connecting.await??;
        let (began, server, own) = (Instant::now(), busy(&mut connection).await?, ticks()?);
        let (operations, rate) = match load {
            Load::Generator { threads } => self.generator(threads, expected).await?,
            Load::Closed => self.engine(Rate::per_second(f64::INFINITY)).await?,
            Load::Open => self.engine(Rate::per_second(expected)).await?,
        };
        let [by_self, by_children] = std::array::from_fn(|index| ticks().map(|now| now[index] - own[index]));
        let spent = if matches!(load, Load::Generator { .. }) { by_children? } else { by_self? };
        let server = busy(&mut connection).await? - server;
        Ok(Speed { rate, server: server / began.elapsed().as_secs_f64(), cost: spent / operations as f64 })
    }

    /// Runs `redis-benchmark`; returns how many operations it did and how many a second by its own account.
    async fn generator(&self, threads: usize, expected: f64) -> Result<(u64, f64), Failure> {
        let operations = (expected * self.sizes.time.as_secs_f64()) as u64;
        let (mut command, _) = process::provide_load_generator(&(Arc::new(|_: &str| ()) as Announce))?;
        let (ip, port) = (self.primary.ip.to_string(), self.primary.port.to_string());
        command.args(["-h", &ip, "-p", &port, "-c", &self.sizes.clients.to_string(), "-n", &operations.to_string()]);
        // One at a time on each connection; elements hardly ever come twice.
        command.args(["-P", "1", "-r", "2000000000", "--csv"]);
        if threads > 1 {
            command.args(["--threads", &threads.to_string()]);
        }
        command.args(OPERATION);
        // A thread of the zone, also one for what blocks, is on the lab network.
        let output = self.zone.handle().spawn_blocking(move || command.output()).await??;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let rate = text.lines().last().and_then(|line| line.rsplit("\",\"").nth(6)?.parse().ok());
        let said = || format!("redis-benchmark said: {text}{}", String::from_utf8_lossy(&output.stderr));
        Ok((operations, rate.ok_or_else(said)?))
    }

    /// Runs the engine; returns how many operations its history says were acknowledged, and how many a second.
    async fn engine(&self, rate: Rate) -> Result<(u64, f64), Failure> {
        let path = self.folder.path().join("history.ndjson.zst");
        let order = Order { plan: &self.plan, lab: self.lab.as_ref(), rate, time: self.sizes.time, history: &path };
        let done = speed::perform(&order).await?;
        let (acknowledged, others) = counted(&path, done.from)?;
        std::fs::remove_file(&path)?;
        if others > 0 {
            println!("{others} operations were not acknowledged");
        }
        Ok((acknowledged, acknowledged as f64 / (Duration::from_nanos(done.stored - done.from).as_secs_f64())))
    }
}

/// Operations of a history that were over after an instant: acknowledged and not.
fn counted(path: &Path, from: u64) -> Result<(u64, u64), Failure> {
    let mut reader = Reader::open(BufReader::new(File::open(path)?))?;
    let (mut acknowledged, mut others) = (0, 0);
    for event in &mut reader {
        match event? {
            Event::Op(op) if op.at[2] >= from && op.out == Outcome::Ok => acknowledged += 1,
            Event::Op(op) if op.at[2] >= from => others += 1,
            _ => {}
        }
    }
    if reader.ending() == Some(Ending::Complete) { Ok((acknowledged, others)) } else { Err("the history is not complete".into()) }
}

/// Processor time of the server's main thread so far, s.
async fn busy(connection: &mut MultiplexedConnection) -> Result<f64, Failure> {
    let info: String = redis::cmd("INFO").arg("cpu").query_async(connection).await?;
    let of = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok());
    let parts = of("used_cpu_sys_main_thread:").zip(of("used_cpu_user_main_thread:"));
    parts.map(|(system, user)| system + user).ok_or_else(|| "INFO cpu does not tell of the main thread".into())
}

/// Processor time of this process and of the children that have ended, s.
fn ticks() -> Result<[f64; 2], Failure> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    // The name, in brackets, may contain anything; what follows is counted from the state, field 3. A tick is 10 ms.
    let fields: Vec<f64> =
        text.rsplit(')').next().unwrap_or_default().split_whitespace().map(|field| field.parse().unwrap_or(0.0)).collect();
    let sum = |from: usize| fields.get(from..from + 2).map(|pair| pair.iter().sum::<f64>() / 100.0).ok_or("a short /proc/self/stat");
    Ok([sum(11)?, sum(13)?])
}
