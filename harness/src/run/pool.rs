//! Servers that wait for another trial of the experiment they were made for.

use std::collections::HashMap;

use redquake_experiments::spec::Experiment;
use tokio::task::JoinHandle;

use crate::trial::{Servers, Warm, may_be_kept};

/// Sets that may wait at once, those of all cells together: each is half a dozen idle servers.
const MOST: usize = 8;

/// Sets that are up and idle, by cell, and those that are being removed.
pub struct Pool {
    used: bool,
    idle: Vec<(usize, Box<Warm>)>,
    /// Why the latest servers of a cell were not kept.
    reasons: HashMap<usize, String>,
    closing: Vec<(usize, JoinHandle<Vec<String>>)>,
}

impl Pool {
    /// An empty one, which stays so unless servers are to be used again.
    pub fn new(used: bool) -> Self {
        Self { used, idle: Vec::new(), reasons: HashMap::new(), closing: Vec::new() }
    }

    /// Servers for the next trial of a cell.
    pub fn take(&mut self, cell: usize, experiment: &Experiment) -> Servers {
        if !self.used {
            return Servers::Fresh;
        }
        if let Err(reason) = may_be_kept(experiment) {
            return Servers::FreshBecause(reason);
        }
        match self.idle.iter().position(|(of, _)| *of == cell) {
            Some(position) => Servers::Warm(self.idle.swap_remove(position).1),
            None => Servers::FreshBecause(self.reasons.remove(&cell).unwrap_or_else(|| "none wait for another trial".to_owned())),
        }
    }

    /// Takes in the servers of a trial that ended, unless no trial of its cell that waits would use them.
    pub fn give(&mut self, cell: usize, kept: Result<Box<Warm>, String>, waiting: usize) {
        match kept {
            Ok(warm) if self.idle.iter().filter(|(of, _)| *of == cell).count() < waiting && self.idle.len() < MOST => {
                self.idle.push((cell, warm));
            }
            // Apart from the trials that are being measured.
            Ok(warm) => self.closing.push((cell, tokio::spawn(warm.close()))),
            Err(reason) => {
                self.reasons.insert(cell, format!("those of an earlier trial were not kept: {reason}"));
            }
        }
    }

    /// Removes all that are left; by cell, what could not be removed.
    pub async fn close(mut self) -> Vec<(usize, Vec<String>)> {
        let idle = std::mem::take(&mut self.idle);
        self.closing.extend(idle.into_iter().map(|(cell, warm)| (cell, tokio::spawn(warm.close()))));
        let mut residue = Vec::new();
        for (cell, closing) in self.closing {
            residue.push((cell, closing.await.unwrap_or_else(|error| vec![format!("servers, because removing them failed: {error}")])));
        }
        residue
    }
}
