//! Servers that ended by themselves, for the first sentence of every report.

use super::{facts, number};
use crate::result::Document;

/// `redis-2 crashed by itself (SIGSEGV) at T+5.100 s`; of several the first, and how many there were.
pub fn clause(document: &Document) -> Option<String> {
    let trials: Vec<_> = facts::conclusive(document).collect();
    let crashes: Vec<_> = trials.iter().flat_map(|trial| trial.crashes.iter().map(move |crash| (trial, crash))).collect();
    let (trial, first) = crashes.first()?;
    let told = format!("{} crashed by itself ({}) at {}", first.node, first.by(), number::instant(first.at, trial.zero));
    let of = trials.iter().filter(|trial| !trial.crashes.is_empty()).count();
    let share = if trials.len() > 1 { format!(" in trial {}", trial.index) } else { String::new() };
    Some(match crashes.len() {
        1 => format!("{told}{share}"),
        more => format!("{told}{share}, the first of {more} crashes in {of} of {}", number::plural(trials.len() as u64, "trial", "trials")),
    })
}
