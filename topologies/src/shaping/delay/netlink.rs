//! A queue of packets the kernel waits for our word on (`nfnetlink_queue`).
//!
//! Own code because of what it leaves out: the crate `nfq` keeps its socket to itself, so one can only block on it or poll it
//! in vain, and it keeps a page for every packet held. Here the loop sleeps until a packet comes or one is due.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::netlink::{NETFILTER, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, sendto, socket_with, sockopt};

/// `NFNL_SUBSYS_QUEUE`, as the upper byte of a message's type.
const QUEUE: u16 = 3 << 8;
/// `NFQNL_MSG_*`
const PACKET: u16 = 0;
const VERDICT: u16 = 1;
const CONFIG: u16 = 2;
/// `NLM_F_REQUEST`, `NLM_F_ACK`
const REQUEST: u16 = 1;
const ACK: u16 = 4;
/// `NLMSG_ERROR`, which also is the acknowledgement.
const ERROR: u16 = 2;
/// Bytes of `nlmsghdr` and `nfgenmsg`.
const HEADER: usize = 16 + 4;
/// `NF_REPEAT`: through the same hook once more, where the mark makes it skip what it has been through.
const REPEAT: u32 = 4;

/// Most packets held at a time: three seconds of 20 000 packets a second. Those beyond are lost, and counted by the kernel.
const LENGTH: u32 = 65_536;
/// Room for packets the kernel tells of while the loop does something else.
const RECEIVE_BUFFER: usize = 32 << 20;

/// A packet the kernel holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    /// The kernel's name for it.
    pub(super) id: u32,
    /// Its mark.
    pub(super) mark: u32,
}

/// A bound queue. When it is closed, in whatever way, the kernel drops what it holds; rules with `--queue-bypass` let pass what
/// comes later.
#[derive(Debug)]
pub(super) struct Queue {
    socket: OwnedFd,
    number: u16,
}

impl Queue {
    /// Binds a queue in the network namespace of the calling thread.
    pub(super) fn bind(number: u16) -> io::Result<Self> {
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, Some(NETFILTER))?;
        bind(&socket, &SocketAddrNetlink::new(0, 0))?;
        // Without the right to a large one, the usual one has to do.
        let _ = sockopt::set_socket_recv_buffer_size_force(&socket, RECEIVE_BUFFER);
        let queue = Self { socket, number };
        queue.send(&config(number))?;
        queue.acknowledged()?;
        Ok(queue)
    }

    fn send(&self, message: &[u8]) -> io::Result<()> {
        sendto(&self.socket, message, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
        Ok(())
    }

    fn acknowledged(&self) -> io::Result<()> {
        let mut buffer = [0; 4096];
        let (_, length) = recv(&self.socket, &mut buffer[..], RecvFlags::empty())?;
        let message = buffer.get(..length).unwrap_or_default();
        match (message.get(4..6), message.get(16..20)) {
            (Some(kind), Some(&[a, b, c, d])) if kind == ERROR.to_ne_bytes() => match i32::from_ne_bytes([a, b, c, d]) {
                0 => Ok(()),
                error => Err(io::Error::from_raw_os_error(-error)),
            },
            _ => Err(io::Error::other("the kernel's answer is no acknowledgement")),
        }
    }

    /// The next packet, if there is one now.
    pub(super) fn next(&self) -> io::Result<Option<Held>> {
        let mut buffer = [0; 4096];
        loop {
            match recv(&self.socket, &mut buffer[..], RecvFlags::DONTWAIT) {
                Ok((_, length)) => {
                    if let Some(held) = packet(buffer.get(..length).unwrap_or_default()) {
                        return Ok(Some(held));
                    }
                }
                Err(Errno::AGAIN) => return Ok(None),
                // Some packet was lost for want of room; the kernel counts it.
                Err(Errno::NOBUFS | Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Lets a packet go on, with another mark.
    pub(super) fn release(&self, packet: Held, mark: u32) -> io::Result<()> {
        self.send(&verdict(self.number, packet.id, mark))
    }
}

impl AsFd for Queue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// A message about a queue with its attributes.
fn message(kind: u16, flags: u16, queue: u16, attributes: &[(u16, &[u8])]) -> Vec<u8> {
    let mut bytes = vec![0; HEADER];
    bytes[4..6].copy_from_slice(&(QUEUE | kind).to_ne_bytes());
    bytes[6..8].copy_from_slice(&(REQUEST | flags).to_ne_bytes());
    bytes[18..20].copy_from_slice(&queue.to_be_bytes());
    for (kind, value) in attributes {
        bytes.extend((value.len() as u16 + 4).to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(*value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    let length = bytes.len() as u32;
    bytes[..4].copy_from_slice(&length.to_ne_bytes());
    bytes
}

/// Binds a queue that tells of packets without their content, and of segments that are sent as one as of one.
fn config(queue: u16) -> Vec<u8> {
    /// `NFQA_CFG_CMD`: `NFQNL_CFG_CMD_BIND`
    const BIND: (u16, &[u8]) = (1, &[1, 0, 0, 0]);
    /// `NFQA_CFG_PARAMS`: no bytes, `NFQNL_COPY_META`
    const PARAMETERS: (u16, &[u8]) = (2, &[0, 0, 0, 0, 1]);
    /// `NFQA_CFG_MASK` and `NFQA_CFG_FLAGS`: `NFQA_CFG_F_GSO`
    const MASK: (u16, &[u8]) = (4, &[0, 0, 0, 4]);
    const FLAGS: (u16, &[u8]) = (5, &[0, 0, 0, 4]);
    // `NFQA_CFG_QUEUE_MAXLEN`
    let length = (3, &LENGTH.to_be_bytes()[..]);
    message(CONFIG, ACK, queue, &[BIND, PARAMETERS, length, MASK, FLAGS])
}

fn verdict(queue: u16, id: u32, mark: u32) -> Vec<u8> {
    let word = [REPEAT.to_be_bytes(), id.to_be_bytes()].concat();
    // `NFQA_VERDICT_HDR`, `NFQA_MARK`
    message(VERDICT, 0, queue, &[(2, &word), (3, &mark.to_be_bytes())])
}

/// The packet a message tells of.
fn packet(message: &[u8]) -> Option<Held> {
    let kind = message.get(4..6)?;
    if kind != (QUEUE | PACKET).to_ne_bytes() {
        return None;
    }
    let (mut id, mut mark) = (None, 0);
    let mut rest = message.get(HEADER..)?;
    while let Some((&[a, b, c, d], _)) = rest.split_first_chunk::<4>() {
        let length = usize::from(u16::from_ne_bytes([a, b]));
        let value = rest.get(4..length)?;
        let number = || value.first_chunk::<4>().map(|bytes| u32::from_be_bytes(*bytes));
        match u16::from_ne_bytes([c, d]) {
            // `NFQA_PACKET_HDR` begins with the id.
            1 => id = number(),
            // `NFQA_MARK`
            3 => mark = number()?,
            _ => {}
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Some(Held { id: id?, mark })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_told_by_its_id_and_its_mark_among_other_attributes() {
        let header = [7_u32.to_be_bytes().as_slice(), &[8, 0, 3]].concat();
        let told = message(PACKET, 0, 5, &[(1, &header), (5, &[0, 0, 0, 2]), (3, &0x2_0000_u32.to_be_bytes())]);
        assert_eq!(packet(&told), Some(Held { id: 7, mark: 0x2_0000 }));
        assert_eq!(packet(&message(VERDICT, 0, 5, &[(1, &header)])), None);
        assert_eq!(packet(&told[..22]), None, "cut off in its first attribute");
    }

    #[test]
    fn messages_are_aligned_and_say_their_length() {
        for message in [config(9), verdict(9, 1, 2)] {
            assert_eq!(message.len() % 4, 0);
            assert_eq!(message[..4], (message.len() as u32).to_ne_bytes());
        }
    }
}
