//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use redquake_experiments::spec::{Duration, Until};

use crate::run::{Jobs, Repeats};

/// Breaks a real Redis or Valkey on purpose and says in numbers what its users would have felt.
#[derive(Debug, Parser)]
#[command(name = "redquake", version, about, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "Exit codes:
  0        everything asserted holds
  1        an assertion failed
  2        bad usage or a bad experiment file
  3        inconclusive: the trials prove nothing either way
  4        environment: no engine, no privilege, no image
  6        something could not be removed
  70       a bug in the tool
  129/130/143  ended by SIGHUP, SIGINT or SIGTERM, after everything was reverted

A reader of standard output or error that went away changes none of them; a standard output that cannot be written, a full disk for one, is 4.";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run experiments and write their reports.
    Run(RunArgs),
    /// Check experiment files and list every problem in one pass.
    Validate(ValidateArgs),
    /// Print what an experiment would do, without doing it.
    Plan(PlanArgs),
    /// Recompute the result and the reports of a run from its histories.
    Analyze(FolderArgs),
    /// Write the reports of a run again from its result.json.
    Report(FolderArgs),
    /// Check this machine, and say how to repair what does not work.
    Doctor,
    /// Remove leftovers of runs that are no longer running.
    Clean(CleanArgs),
    /// List the experiments that come with the tool.
    List,
    /// Copy an experiment that comes with the tool into a file of your own.
    Init(InitArgs),
    /// Print a JSON Schema.
    Schema(SchemaArgs),
    /// Print a completion script for a shell.
    Completions(CompletionsArgs),
}

/// What experiment files may ask of this machine.
#[derive(Debug, Args)]
pub struct ReadingArgs {
    /// Allow paths in experiment files to lead into this folder too. Can be given several times.
    #[arg(long, value_name = "DIR")]
    pub allow_path: Vec<PathBuf>,
    /// Whether to trust the authors of the files with this machine. The default is `untrusted` where CI builds a pull request, else `trusted`.
    #[arg(long, value_enum)]
    pub trust: Option<TrustChoice>,
}

/// Whether those who wrote the files are trusted with this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TrustChoice {
    /// Refuse programs and images that a file names.
    Untrusted,
    /// Allow programs and images that a file names.
    Trusted,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Experiment files, folders of them, or names from `redquake list`. A file named twice runs once.
    #[arg(required = true, value_name = "FILE|DIR|NAME")]
    pub experiments: Vec<String>,
    /// Number of trials. The default is the file's.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub trials: Option<u32>,
    /// Seed. The default is the file's.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Number of trials at once. `auto` runs as many as do not disturb each other on this machine.
    #[arg(long, default_value = "1", value_name = "N|auto")]
    pub jobs: Jobs,
    /// Run trials until the 95 % interval of a median is this narrow, for example `failover.write_gap median ±5%`.
    #[arg(long, value_name = "PRECISION")]
    pub until: Option<Until>,
    /// With --until: start no further trial after this time.
    #[arg(long, value_name = "DURATION", requires = "until")]
    pub budget: Option<Duration>,
    /// With --until: maximum number of trials, of each cell of a matrix.
    #[arg(long, value_name = "N", requires = "until", default_value_t = 100, value_parser = clap::value_parser!(u32).range(5..=10_000))]
    pub max_trials: u32,
    /// Reuse servers between trials where a reset is verified to restore their first state. Otherwise start new ones.
    #[arg(long)]
    pub reuse: bool,
    /// Maximum number of repeats of inconclusive trials. The default is the number of trials. It is 0 for trials over 2 minutes, and
    /// repeats end after 5 minutes or half of the time of all trials.
    #[arg(long, value_name = "N|none")]
    pub repeats: Option<Repeats>,
    /// Maximum disk space of each experiment's results, in gigabytes. The default is 16, or three quarters of the free space where that
    /// is less.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub disk_gb: Option<u32>,
    /// Folder of the results. Each run gets a folder of its own in it.
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub out: PathBuf,
    /// Where servers run.
    #[arg(long, value_enum, default_value_t = RuntimeChoice::Auto)]
    pub runtime: RuntimeChoice,
    /// What the files may ask for.
    #[command(flatten)]
    pub reading: ReadingArgs,
}

/// Where servers run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RuntimeChoice {
    /// A Docker engine where one answers, else child processes.
    Auto,
    /// Containers of a Docker engine.
    Docker,
    /// Child processes in namespaces of the run's own; needs no engine.
    Process,
}

/// Arguments of `validate`.
#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// Experiment files, folders of them, or names from `redquake list`.
    #[arg(required = true, value_name = "FILE|DIR|NAME")]
    pub experiments: Vec<String>,
    /// How problems are printed.
    #[arg(long, value_enum, default_value_t = ProblemFormat::Human)]
    pub format: ProblemFormat,
    /// What the files may ask for.
    #[command(flatten)]
    pub reading: ReadingArgs,
}

/// How problems are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProblemFormat {
    /// With a snippet of the file, for people.
    Human,
    /// A JSON array.
    Json,
    /// GitHub workflow commands, which become annotations.
    Github,
}

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Experiment file, or a name from `redquake list`.
    #[arg(value_name = "FILE|NAME")]
    pub experiment: String,
    /// Seed. The default is the file's.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Number of trials. The default is the file's.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub trials: Option<u32>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Where servers would run.
    #[arg(long, value_enum, default_value_t = RuntimeChoice::Auto)]
    pub runtime: RuntimeChoice,
    /// What the file may ask for.
    #[command(flatten)]
    pub reading: ReadingArgs,
}

/// A results folder.
#[derive(Debug, Args)]
pub struct FolderArgs {
    /// Folder of one run, for example results/latest.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

/// Arguments of `clean`.
#[derive(Debug, Args)]
pub struct CleanArgs {
    /// Only list what would be removed.
    #[arg(long)]
    pub dry_run: bool,
    /// Also remove what belongs to runs that are still alive.
    #[arg(long)]
    pub all: bool,
    /// Also remove what other boots left: earlier ones of this machine. Not where another machine uses the same engine.
    #[arg(long)]
    pub other_boots: bool,
    /// Also remove the images that the tool built from packages.
    #[arg(long)]
    pub images: bool,
    /// Also remove the servers from packages that the tool keeps in the user's cache.
    #[arg(long)]
    pub cache: bool,
}

/// Arguments of `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Name from `redquake list`.
    #[arg(default_value = "sentinel/primary-kill")]
    pub name: String,
    /// File to write; it must not exist.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Arguments of `schema`.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Which document.
    #[arg(value_enum, default_value_t = SchemaOf::Experiment)]
    pub of: SchemaOf,
}

/// Documents that have a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// The experiment file.
    Experiment,
    /// A topology in a file of its own.
    Topology,
    /// `result.json`.
    Result,
    /// `result.json` of a run with a matrix.
    Matrix,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}
