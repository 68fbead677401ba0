//! What this machine carries at once, tried for a moment: beside it a load is told to be more than it can be.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::Check;

/// How long it is tried.
const MOMENT: Duration = Duration::from_millis(100);

/// Exchanges of 64 bytes a second over loopback, one connection a processor; `None` where there is no loopback.
pub fn exchanges() -> Option<f64> {
    let pairs = thread::available_parallelism().map_or(1, usize::from).min(16);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
    let address = listener.local_addr().ok()?;
    let begun = Instant::now();
    let mut asking = Vec::new();
    for _ in 0..pairs {
        let near = TcpStream::connect(address).ok()?;
        let far = listener.accept().ok()?.0;
        near.set_nodelay(true).ok()?;
        far.set_nodelay(true).ok()?;
        thread::spawn(move || answer(far));
        asking.push(thread::spawn(move || ask(near)));
    }
    let done: u64 = asking.into_iter().filter_map(|thread| thread.join().ok()).sum();
    Some(done as f64 / begun.elapsed().as_secs_f64())
}

fn ask(mut stream: TcpStream) -> u64 {
    let (begun, mut done, mut reply) = (Instant::now(), 0, [0; 64]);
    while begun.elapsed() < MOMENT {
        if stream.write_all(&[b'x'; 64]).and_then(|()| stream.read_exact(&mut reply)).is_err() {
            break;
        }
        done += 1;
    }
    done
}

/// Answers until the other end is closed.
fn answer(mut stream: TcpStream) {
    let mut asked = [0; 64];
    while stream.read_exact(&mut asked).and_then(|()| stream.write_all(&asked)).is_ok() {}
}

/// For the list of checks.
pub(super) fn check() -> Check {
    match exchanges() {
        Some(rate) => Check::ok("load", format!("{:.0} thousand exchanges a second over loopback, in a trial of 100 ms", rate / 1000.0)),
        None => Check::warn("load", "there is no loopback to try it on", "bring the interface `lo` up"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_carries_something_in_a_moment() {
        let begun = Instant::now();
        let rate = exchanges().expect("a loopback");
        assert!(rate > 100.0, "{rate}");
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}
