//! A network namespace held open, so that it can be entered however its processes fare.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// A network namespace held open by a file descriptor.
#[derive(Debug, Clone)]
pub struct Namespace(Arc<File>);

impl Namespace {
    /// The network namespace of a process.
    pub fn of_process(pid: u32) -> io::Result<Self> {
        File::open(format!("/proc/{pid}/ns/net")).map(|file| Self(Arc::new(file)))
    }

    /// The network namespace a file stands for, such as those `ip netns` keeps.
    pub fn at(path: &Path) -> io::Result<Self> {
        File::open(path).map(|file| Self(Arc::new(file)))
    }

    /// Moves the calling thread into the namespace, for good. Only for threads made for that purpose,
    /// never for a thread shared with other work.
    pub fn enter(&self) -> io::Result<()> {
        move_into_link_name_space(self.0.as_fd(), Some(LinkNameSpaceType::Network)).map_err(io::Error::from)
    }

    /// Tells this namespace from every other that is open.
    pub(crate) fn identity(&self) -> io::Result<(u64, u64)> {
        self.0.metadata().map(|metadata| (metadata.dev(), metadata.ino()))
    }

    /// Moves the calling thread into the namespace and makes sure that it is there.
    pub(super) fn enter_and_check(&self) -> io::Result<()> {
        self.enter()?;
        let here = std::fs::metadata("/proc/thread-self/ns/net")?;
        if (here.dev(), here.ino()) == self.identity()? {
            Ok(())
        } else {
            Err(io::Error::other("the thread is in another network namespace than asked"))
        }
    }
}
