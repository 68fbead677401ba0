//! Datagrams from one end of a link to the other and back, numbered and time-stamped.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::super::urgent::be_urgent;
use super::way::Way;
use crate::namespace::Namespace;
use crate::runtime::RuntimeError;

/// Bytes of a datagram's time and number.
const STAMP: usize = 12;
/// Longest measurement.
const LIMIT: Duration = Duration::from_secs(60);
/// Most datagrams a direction: what is kept of them is a few MiB.
const MOST: u32 = 1_000_000;
/// What a receiver that is not scheduled for a while may have waiting, so that its slowness is no loss.
const RECEIVE_BUFFER: usize = 16 << 20;
/// How often a receiver looks whether it is done.
const LOOK: Duration = Duration::from_millis(5);

/// One end of a link.
#[derive(Debug, Clone)]
pub struct End {
    /// Where it is.
    pub namespace: Namespace,
    /// Its address there.
    pub address: Ipv4Addr,
    /// Its UDP port, for rules about ports; 0 for any.
    pub port: u16,
}

/// What to send, the same in both directions at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange {
    /// Datagrams each way: 1 to a million.
    pub datagrams: u32,
    /// Datagrams a second each way.
    pub rate: u32,
    /// Bytes of each: 12 to 1472, which is what one packet carries.
    pub payload: u16,
    /// How long to wait for late ones after the last was sent.
    pub linger: Duration,
}

/// What a link did, measured from both ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// From the near end to the far one.
    pub there: Way,
    /// From the far end to the near one.
    pub back: Way,
}

/// Sends datagrams both ways between two ends. Ends early when all have arrived.
///
/// # Errors
/// When more is asked for than a minute and a million datagrams allow, or an end cannot be entered.
pub async fn measure(near: &End, far: &End, exchange: Exchange) -> Result<Link, RuntimeError> {
    let failed = |reason: &dyn std::fmt::Display| RuntimeError::failed("measuring a link", reason);
    let Exchange { datagrams, rate, payload, linger } = exchange;
    let takes = Duration::from_secs(u64::from(datagrams)) / rate.max(1) + linger;
    if datagrams == 0 || datagrams > MOST || rate == 0 || !(STAMP..=1472).contains(&usize::from(payload)) || takes > LIMIT {
        return Err(failed(&format!("{exchange:?} is not within a million datagrams of 12 to 1472 bytes and a minute")));
    }
    let (near, far) = (near.clone(), far.clone());
    let work = move || -> io::Result<Link> {
        let (near, far) = (near.socket()?, far.socket()?);
        let base = Instant::now();
        thread::scope(|scope| {
            let way = |from, to| scope.spawn(move || one_way(from, to, exchange, base));
            let (there, back) = (way(&near, &far), way(&far, &near));
            let joined = |way: thread::ScopedJoinHandle<'_, io::Result<Way>>| way.join().unwrap_or_else(|_| Err(panicked()));
            Ok(Link { there: joined(there)?, back: joined(back)? })
        })
    };
    let done = tokio::task::spawn_blocking(work).await.map_err(|error| failed(&error))?;
    done.map_err(|error| failed(&error))
}

fn panicked() -> io::Error {
    io::Error::other("a thread of the measurement panicked")
}

impl End {
    /// A socket belongs to the namespace it was made in, whoever uses it afterwards.
    fn socket(&self) -> io::Result<UdpSocket> {
        let make = || {
            self.namespace.enter()?;
            let socket = UdpSocket::bind((self.address, self.port))?;
            socket.set_read_timeout(Some(LOOK))?;
            // Without the right to a large one, the usual one has to do.
            let _ = rustix::net::sockopt::set_socket_recv_buffer_size_force(&socket, RECEIVE_BUFFER);
            Ok(socket)
        };
        thread::scope(|scope| scope.spawn(make).join()).unwrap_or_else(|_| Err(panicked()))
    }
}

fn one_way(from: &UdpSocket, to: &UdpSocket, exchange: Exchange, base: Instant) -> io::Result<Way> {
    let (source, target) = (from.local_addr()?, to.local_addr()?);
    let sent = AtomicBool::new(false);
    be_urgent();
    thread::scope(|scope| {
        let receiving = scope.spawn(|| receive(to, source, exchange, base, &sent));
        let sending = send(from, target, exchange, base);
        sent.store(true, Ordering::Release);
        let arrivals = receiving.join().unwrap_or_else(|_| Err(panicked()))?;
        sending?;
        Ok(Way::new(exchange.datagrams, u32::from(exchange.payload), &arrivals))
    })
}

/// Sends at the rate asked for, counted from the beginning, so that a late one does not delay those after it.
fn send(socket: &UdpSocket, target: SocketAddr, exchange: Exchange, base: Instant) -> io::Result<()> {
    let mut datagram = vec![0; usize::from(exchange.payload)];
    let begin = Instant::now();
    for number in 0..exchange.datagrams {
        let due = begin + Duration::from_secs(u64::from(number)) / exchange.rate;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let nanoseconds = base.elapsed().as_nanos() as u64;
        datagram[..8].copy_from_slice(&nanoseconds.to_be_bytes());
        datagram[8..12].copy_from_slice(&number.to_be_bytes());
        match socket.send_to(&datagram, target) {
            Ok(_) => {}
            // A rule or a full queue on the sender's own side: lost like any other.
            Err(error) if refused(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether a datagram was dropped before it left (`EPERM` by a packet rule, `ENOBUFS` by a queue).
fn refused(error: &io::Error) -> bool {
    use rustix::io::Errno;
    [Errno::PERM, Errno::NOBUFS].iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// When each datagram was sent and when it arrived.
fn receive(
    socket: &UdpSocket,
    source: SocketAddr,
    exchange: Exchange,
    base: Instant,
    sent: &AtomicBool,
) -> io::Result<Vec<(Duration, Duration)>> {
    be_urgent();
    let mut arrived = vec![None; exchange.datagrams as usize];
    let mut missing = arrived.len();
    let mut datagram = [0; 2048];
    let mut end: Option<Instant> = None;
    while missing > 0 && end.is_none_or(|end| Instant::now() < end) {
        match socket.recv_from(&mut datagram) {
            Ok((length, sender)) if sender == source && length >= STAMP => {
                let received = base.elapsed();
                let (time, number) = stamp(&datagram);
                if let Some(slot @ None) = arrived.get_mut(number) {
                    *slot = Some((time, received));
                    missing -= 1;
                }
            }
            Ok(_) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
        if end.is_none() && sent.load(Ordering::Acquire) {
            end = Some(Instant::now() + exchange.linger);
        }
    }
    Ok(arrived.into_iter().flatten().collect())
}

fn stamp(datagram: &[u8; 2048]) -> (Duration, usize) {
    let [a, b, c, d, e, f, g, h, i, j, k, l, ..] = *datagram;
    (Duration::from_nanos(u64::from_be_bytes([a, b, c, d, e, f, g, h])), u32::from_be_bytes([i, j, k, l]) as usize)
}
