//! What the user sees while a run goes on: a moving line on a terminal, plain lines anywhere else.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use redquake_experiments::shown;
use redquake_topologies::runtime::Announce;

/// Tells the user how far a run is. Everything goes to standard error; results go to standard output.
#[derive(Clone)]
pub struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// A moving line where standard error is a terminal, plain lines otherwise.
    pub fn new() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self { bar: None };
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix}{wide_msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar: Some(bar) }
    }

    /// A line that stays.
    pub fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(shown::lines(text)),
            None => eprintln!("{text}"),
        }
    }

    /// The same for those who only have something to announce.
    pub fn announce(&self) -> Announce {
        let progress = self.clone();
        Arc::new(move |text: &str| progress.line(text))
    }

    /// What comes before the moving line, for example the number of the trial.
    pub fn prefix(&self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_prefix(format!("{}: ", shown::line(text)));
        }
    }

    /// What is being done right now; shown only where the line can be overwritten.
    pub fn transient(&self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(shown::line(text).into_owned());
        }
    }

    /// Removes the moving line.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
