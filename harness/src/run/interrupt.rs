//! SIGINT and SIGTERM: the first takes everything back in order, the second at once.

use std::sync::{Arc, OnceLock};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::cli::{Exit, Progress};

/// What the signals asked for so far.
#[derive(Clone)]
pub struct Interrupt {
    /// Cancelled by the first signal.
    pub cancel: CancellationToken,
    /// Cancelled by the second.
    pub force: CancellationToken,
    first: Arc<OnceLock<Exit>>,
}

impl Interrupt {
    /// Starts listening; must be called inside a runtime, before anything is started that needs taking back.
    pub fn listen(progress: Progress) -> std::io::Result<Self> {
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let this = Self { cancel: CancellationToken::new(), force: CancellationToken::new(), first: Arc::default() };
        tokio::spawn(this.clone().wait(interrupt, terminate, progress));
        Ok(this)
    }

    /// The exit code the first signal leads to.
    pub fn exit(&self) -> Option<Exit> {
        self.first.get().copied()
    }

    /// Name of the first signal.
    pub fn name(&self) -> Option<&'static str> {
        self.exit().map(|exit| if exit == Exit::Terminated { "SIGTERM" } else { "SIGINT" })
    }

    async fn wait(self, mut interrupt: Signal, mut terminate: Signal, progress: Progress) {
        loop {
            let exit = tokio::select! {
                Some(()) = interrupt.recv() => Exit::Interrupted,
                Some(()) = terminate.recv() => Exit::Terminated,
                else => return,
            };
            if self.first.set(exit).is_ok() {
                progress.line("interrupted: taking everything back and writing the report; a second signal removes the servers at once");
                self.cancel.cancel();
            } else {
                self.force.cancel();
            }
        }
    }
}
