//! SIGINT, SIGTERM and SIGHUP: the first takes everything back in order, the second at once.
//!
//! A thread of its own takes them, so that no work of another thread keeps one from being seen, whatever it waits for.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use redquake_topologies::process::ignores_hang_up;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;
use tokio_util::sync::CancellationToken;

use crate::ui::{Exit, Failure, Progress};

/// What the signals asked for so far.
#[derive(Clone)]
pub struct Interrupt {
    /// Cancelled by the first signal.
    pub cancel: CancellationToken,
    /// Cancelled by the second.
    pub force: CancellationToken,
    first: Arc<OnceLock<Exit>>,
    /// Number of the latest signal, set at the very instant it comes.
    latest: Arc<AtomicUsize>,
    /// Whether somebody else tells the user and takes everything back.
    handed_over: Arc<OnceLock<()>>,
}

impl Interrupt {
    /// Starts listening, before anything is started that needs taking back. A hang-up that was ignored at the start (`nohup`) stays ignored.
    pub fn listen(progress: Progress) -> std::io::Result<Self> {
        let wanted = [SIGINT, SIGTERM].into_iter().chain((!ignores_hang_up()).then_some(SIGHUP));
        let this = Self {
            cancel: CancellationToken::new(),
            force: CancellationToken::new(),
            first: Arc::default(),
            latest: Arc::default(),
            handed_over: Arc::default(),
        };
        for signal in wanted.clone() {
            flag::register_usize(signal, Arc::clone(&this.latest), usize::try_from(signal).unwrap_or_default())?;
        }
        let (mut signals, own) = (Signals::new(wanted)?, this.clone());
        let take = move || signals.forever().for_each(|signal| own.take(signal, &progress));
        std::thread::Builder::new().name("signals".to_owned()).spawn(take)?;
        Ok(this)
    }

    /// The exit code the first signal leads to.
    pub fn exit(&self) -> Option<Exit> {
        self.first.get().copied()
    }

    /// Name of the first signal.
    pub fn name(&self) -> Option<&'static str> {
        self.exit().map(|exit| match exit {
            Exit::Terminated => "SIGTERM",
            Exit::HungUp => "SIGHUP",
            _ => "SIGINT",
        })
    }

    /// Work from which nothing is left when it is cut short.
    pub async fn unless<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let ended = self.cancel.run_until_cancelled(work).await;
        ended.unwrap_or_else(|| Err(Failure::told(self.exit().unwrap_or(Exit::Interrupted))))
    }

    /// Leaves signals to others who listen already. Returns the number of the latest that came before.
    pub fn hand_over(&self) -> Option<i32> {
        let _ = self.handed_over.set(());
        i32::try_from(self.latest.load(Ordering::SeqCst)).ok().filter(|signal| *signal != 0)
    }

    fn take(&self, signal: i32, progress: &Progress) {
        let exit = match signal {
            SIGTERM => Exit::Terminated,
            SIGHUP => Exit::HungUp,
            _ => Exit::Interrupted,
        };
        if self.first.set(exit).is_ok() {
            // First of all: to tell somebody may take as long as he takes to read.
            self.cancel.cancel();
            if self.handed_over.get().is_none() {
                progress.line("interrupted: reverting everything and writing the report; a second signal removes the servers at once");
            }
        } else if exit != Exit::HungUp {
            // A terminal that goes hangs up more than once, and nobody is impatient.
            self.force.cancel();
        }
    }
}
