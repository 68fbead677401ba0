//! One maker of an image at a time, over all processes of this machine.

use std::io::ErrorKind;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::time::Duration;

use crate::runtime::Announce;

/// How often whoever waits looks again.
const AGAIN: Duration = Duration::from_millis(200);

/// The right to make an image. It is a socket address of the kernel's own name space: it ends with its process however that ends, any
/// user can ask for it, and no file is left.
#[derive(Debug)]
pub(super) struct Turn {
    _held: Option<UnixListener>,
}

impl Turn {
    /// Waits until no other process makes the image; tells once that it waits. Where such addresses cannot be had nobody is kept from
    /// making it: twice is a waste and no harm.
    pub(super) async fn wait(image: &str, announce: &Announce) -> Self {
        let Ok(address) = SocketAddr::from_abstract_name(format!("redquake-making-{image}")) else { return Self { _held: None } };
        let mut told = false;
        loop {
            match UnixListener::bind_addr(&address) {
                Ok(held) => return Self { _held: Some(held) },
                Err(error) if error.kind() == ErrorKind::AddrInUse => {}
                Err(_) => return Self { _held: None },
            }
            if !told {
                announce(&format!("another redquake is making {image}: waiting for it"));
                told = true;
            }
            tokio::time::sleep(AGAIN).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[tokio::test]
    async fn who_comes_second_says_so_and_goes_on_once_the_first_is_done() {
        let image = format!("test-{}", uuid::Uuid::new_v4());
        let said = Arc::new(Mutex::new(Vec::new()));
        let announce: Announce = {
            let said = Arc::clone(&said);
            Arc::new(move |text| said.lock().unwrap().push(text.to_owned()))
        };
        let first = Turn::wait(&image, &announce).await;
        assert_eq!(said.lock().unwrap().len(), 0);
        let elsewhere = Turn::wait(&format!("{image}-of-another-kind"), &announce).await;
        let second = Turn::wait(&image, &announce);
        tokio::pin!(second);
        assert!(tokio::time::timeout(AGAIN * 3, &mut second).await.is_err(), "two at once");
        assert_eq!(*said.lock().unwrap(), [format!("another redquake is making {image}: waiting for it")]);
        drop(first);
        second.await;
        drop(elsewhere);
    }
}
