//! How much of the disk a run may fill with histories, lists of anomalies and logs.

use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use redquake_reports::render::number;
use rustix::fs::statvfs;

/// What a run may fill where nobody says otherwise. Ten minutes of locks at 18,000 operations a second take 154 MB.
const USUAL: u64 = 16_000_000_000;

/// What is left of it, shared by all who write.
#[derive(Debug, Clone)]
pub struct Budget(Arc<State>);

#[derive(Debug)]
struct State {
    whole: u64,
    left: AtomicU64,
}

impl Budget {
    /// So many bytes.
    pub fn new(whole: u64) -> Self {
        Self(Arc::new(State { whole, left: AtomicU64::new(whole) }))
    }

    /// The usual one, or three quarters of what is free on the disk of a folder where that is less.
    pub fn of_disk(folder: &Path) -> Self {
        let free = statvfs(folder).map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize));
        Self::new(USUAL.min(free / 4 * 3))
    }

    /// Takes so many bytes.
    ///
    /// # Errors
    /// There are not so many left.
    pub fn take(&self, bytes: usize) -> io::Result<()> {
        let less = |left: u64| left.checked_sub(bytes as u64);
        self.0.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).map(drop).map_err(|_| {
            let whole = number::bytes(self.0.whole);
            io::Error::new(
                ErrorKind::QuotaExceeded,
                format!("the {whole} of disk that this run may fill are used up; `--disk-gb` sets how much"),
            )
        })
    }
}

/// Something that is written to within a budget.
#[derive(Debug)]
pub struct Within<W> {
    out: W,
    budget: Budget,
}

impl<W> Within<W> {
    /// Writes to `out` as long as the budget lasts.
    pub fn new(out: W, budget: Budget) -> Self {
        Self { out, budget }
    }

    /// What was written to.
    pub fn into_inner(self) -> W {
        self.out
    }
}

impl<W: Write> Write for Within<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.budget.take(bytes.len())?;
        self.out.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_ends_for_all_and_says_how_much_it_was() {
        let budget = Budget::new(10_240);
        let (mut one, mut other) = (Within::new(Vec::new(), budget.clone()), Within::new(Vec::new(), budget));
        one.write_all(&[0; 6_000]).unwrap();
        other.write_all(&[0; 4_240]).unwrap();
        let spent = other.write_all(&[0]).unwrap_err();
        assert_eq!(spent.kind(), ErrorKind::QuotaExceeded);
        assert!(spent.to_string().contains("10 KiB of disk") && spent.to_string().contains("--disk-gb"), "{spent}");
        assert_eq!((one.into_inner().len(), other.into_inner().len()), (6_000, 4_240));
    }
}
