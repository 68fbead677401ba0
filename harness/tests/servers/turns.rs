//! Who may run when: many short runs at once, or one that measures.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A run in a debug build keeps about half a processor busy, so this leaves a quarter of the machine idle.
fn lanes() -> usize {
    let cpus = std::thread::available_parallelism().map_or(1, |cpus| cpus.get());
    (cpus + cpus / 2).max(1)
}

#[derive(Default)]
struct Table {
    shared: usize,
    alone: bool,
    /// Who would share comes before those who want to be alone: these then follow each other, and the machine is emptied once.
    waiting: usize,
}

static TABLE: Mutex<Table> = Mutex::new(Table { shared: 0, alone: false, waiting: 0 });
static CHANGED: Condvar = Condvar::new();

fn table() -> MutexGuard<'static, Table> {
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wait(table: MutexGuard<'static, Table>) -> MutexGuard<'static, Table> {
    CHANGED.wait(table).unwrap_or_else(PoisonError::into_inner)
}

/// The right to run, given back on drop.
pub struct Turn {
    alone: bool,
}

impl Turn {
    /// Beside others, as many as the machine has room for.
    pub fn shared() -> Self {
        let mut table = table();
        table.waiting += 1;
        while table.alone || table.shared >= lanes() {
            table = wait(table);
        }
        table.waiting -= 1;
        table.shared += 1;
        Self { alone: false }
    }

    /// With nobody else.
    pub fn alone() -> Self {
        let mut table = table();
        while table.alone || table.shared > 0 || table.waiting > 0 {
            table = wait(table);
        }
        table.alone = true;
        Self { alone: true }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut table = table();
        if self.alone {
            table.alone = false;
        } else {
            table.shared -= 1;
        }
        CHANGED.notify_all();
    }
}
