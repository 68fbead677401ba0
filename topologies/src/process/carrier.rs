//! What the kernel tells of the links of a lab: which are up, down or gone.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with};

use crate::runtime::ObjectState;

/// `RTMGRP_LINK`
const LINKS: u32 = 1;
/// `RTM_NEWLINK`, also sent for every change, and `RTM_DELLINK`.
const CHANGED: u16 = 16;
const DELETED: u16 = 17;
/// `IFLA_IFNAME`
const NAME: u16 = 3;
/// `IFF_UP` and `IFF_RUNNING`: both ends are up.
const UP: u32 = 1 | 1 << 6;
/// Bytes of `nlmsghdr` and of `ifinfomsg`.
const HEADER: usize = 16;
const LINK: usize = 16;

/// Listens to what becomes of links in the network namespace of the thread that opened it.
#[derive(Debug)]
pub(super) struct Carrier {
    socket: OwnedFd,
    states: HashMap<String, ObjectState>,
}

impl Carrier {
    /// Begins to listen. Links with these names are up now; others count from when they are first up.
    pub(super) fn open(up: impl IntoIterator<Item = String>) -> io::Result<Self> {
        // Without a protocol it is that of routes and links.
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
        bind(&socket, &SocketAddrNetlink::new(0, LINKS))?;
        Ok(Self { socket, states: up.into_iter().map(|name| (name, ObjectState::Running)).collect() })
    }

    /// Takes in what has happened since the last call.
    pub(super) fn refresh(&mut self) {
        let mut buffer = vec![0; 32 << 10];
        loop {
            match recv(&self.socket, &mut buffer[..], RecvFlags::DONTWAIT) {
                Ok((_, length)) => {
                    for (name, state) in changes(buffer.get(..length).unwrap_or_default()) {
                        if state == ObjectState::Running || self.states.contains_key(&name) {
                            self.states.insert(name, state);
                        }
                    }
                }
                Err(rustix::io::Errno::INTR | rustix::io::Errno::NOBUFS) => {}
                Err(_) => return,
            }
        }
    }

    /// What has become of a link; `None` of one that was never up.
    pub(super) fn state(&self, name: &str) -> Option<ObjectState> {
        self.states.get(name).copied()
    }
}

/// The changes a datagram tells of.
fn changes(mut messages: &[u8]) -> Vec<(String, ObjectState)> {
    let mut found = Vec::new();
    while let Some(length) = number(messages, 0, 4).filter(|length| (HEADER..=messages.len()).contains(length)) {
        let (message, rest) = messages.split_at(length);
        found.extend(change(message));
        messages = rest.get(length.next_multiple_of(4) - length..).unwrap_or_default();
    }
    found
}

fn change(message: &[u8]) -> Option<(String, ObjectState)> {
    let kind = u16::try_from(number(message, 4, 2)?).ok()?;
    let flags = u32::try_from(number(message, HEADER + 8, 4)?).ok()?;
    let mut attributes = message.get(HEADER + LINK..)?;
    let name = loop {
        let (length, attribute) = (number(attributes, 0, 2)?, number(attributes, 2, 2)?);
        if attribute == usize::from(NAME) {
            let text = attributes.get(4..length)?;
            break String::from_utf8_lossy(text.strip_suffix(&[0]).unwrap_or(text)).into_owned();
        }
        attributes = attributes.get(length.next_multiple_of(4).max(4)..)?;
    };
    let state = match kind {
        DELETED => ObjectState::Missing,
        CHANGED if flags & UP == UP => ObjectState::Running,
        CHANGED => ObjectState::Stopped,
        _ => return None,
    };
    Some((name, state))
}

/// A number of so many bytes in the machine's order.
fn number(bytes: &[u8], at: usize, size: usize) -> Option<usize> {
    match *bytes.get(at..at + size)? {
        [a, b] => Some(usize::from(u16::from_ne_bytes([a, b]))),
        [a, b, c, d] => usize::try_from(u32::from_ne_bytes([a, b, c, d])).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u16, flags: u32, name: &str) -> Vec<u8> {
        let attribute =
            [&[8, 0, 4, 0, 220, 5, 0, 0], &u16::try_from(4 + name.len() + 1).unwrap().to_ne_bytes()[..], &[3, 0], name.as_bytes(), &[0]];
        let mut body: Vec<u8> = [&[0; 8][..], &flags.to_ne_bytes(), &[0; 4]].concat();
        body.extend(attribute.concat());
        let length = u32::try_from(HEADER + body.len()).unwrap().to_ne_bytes();
        let mut bytes = [&length[..], &kind.to_ne_bytes(), &[0; 10], &body].concat();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn links_that_go_down_and_that_vanish_are_told_by_name() {
        let told = changes(&[message(CHANGED, UP, "l0n0"), message(CHANGED, 1, "l0n11"), message(DELETED, 0, "l0n2")].concat());
        let wanted = [("l0n0", ObjectState::Running), ("l0n11", ObjectState::Stopped), ("l0n2", ObjectState::Missing)];
        assert_eq!(told, wanted.map(|(name, state)| (name.to_owned(), state)));
    }

    #[test]
    fn whatever_else_comes_is_nothing_and_ends() {
        assert_eq!(changes(&[]), []);
        assert_eq!(changes(&[255; 40]), []);
        let mut cut = message(CHANGED, UP, "l0n0");
        cut.truncate(HEADER + LINK + 3);
        let length = u32::try_from(cut.len()).unwrap().to_ne_bytes();
        cut[..4].copy_from_slice(&length);
        assert_eq!(changes(&cut), []);
    }
}
