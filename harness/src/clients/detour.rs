//! Where a node of a Cluster sends a client that came to the wrong place.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use redis::{ErrorKind, RedisError, ServerErrorKind};

/// What a client is told to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detour {
    /// Ask the node at this address this once (`ASK`).
    Ask(String),
    /// The slot is served at this address from now on (`MOVED`).
    Moved(u16, String),
    /// Come again: some of the keys are on their way (`TRYAGAIN`).
    Again,
}

/// The first error of a pipeline, or what kept a transaction from being executed.
pub fn cause(error: &RedisError) -> Option<RedisError> {
    error.clone().into_server_errors()?.first().map(|(_, first)| RedisError::from(first.clone()))
}

/// Whether the error is that of a later command of a pipeline, so that those before it were executed.
pub fn partly_executed(error: &RedisError) -> bool {
    let transaction = error.kind() == ErrorKind::Server(ServerErrorKind::ExecAbort);
    !transaction && error.clone().into_server_errors().is_some_and(|all| all.first().is_some_and(|(index, _)| *index > 0))
}

/// Reads an error reply.
pub fn detour(error: &RedisError) -> Option<Detour> {
    if partly_executed(error) {
        return None;
    }
    let cause = cause(error);
    let error = cause.as_ref().unwrap_or(error);
    let ErrorKind::Server(kind) = error.kind() else { return None };
    if kind == ServerErrorKind::TryAgain {
        return Some(Detour::Again);
    }
    let (address, slot) = error.redirect_node()?;
    match kind {
        ServerErrorKind::Ask => Some(Detour::Ask(address.to_owned())),
        ServerErrorKind::Moved => Some(Detour::Moved(slot, address.to_owned())),
        _ => None,
    }
}

/// Slots a client found to be served by another shard than the one its keys were dealt to.
#[derive(Debug, Default)]
pub struct Detours {
    /// Whether there is any: most trials move no slot, and pay nothing for the question.
    any: AtomicBool,
    shards: RwLock<HashMap<u16, u32>>,
}

impl Detours {
    /// Remembers the shard that serves a slot.
    pub fn learn(&self, slot: u16, shard: u32) {
        self.shards.write().unwrap_or_else(PoisonError::into_inner).insert(slot, shard);
        self.any.store(true, Ordering::Release);
    }

    /// The shard that was found to serve a slot, if any was; the slot is only asked for where it matters.
    pub fn shard(&self, slot: impl FnOnce() -> Option<u16>) -> Option<u32> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        self.shards.read().unwrap_or_else(PoisonError::into_inner).get(&slot()?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> Option<Detour> {
        let value = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).expect("a reply");
        detour(&value.extract_error().expect_err("an error reply"))
    }

    #[test]
    fn redirections_say_where_to_and_other_errors_do_not() {
        assert_eq!(told("ASK 3999 10.0.0.4:6379"), Some(Detour::Ask("10.0.0.4:6379".to_owned())));
        assert_eq!(told("MOVED 3999 10.0.0.4:6379"), Some(Detour::Moved(3999, "10.0.0.4:6379".to_owned())));
        assert_eq!(told("TRYAGAIN Multiple keys request during rehashing of slot"), Some(Detour::Again));
        assert_eq!(told("CLUSTERDOWN The cluster is down"), None);
        assert_eq!(told("MOVED nonsense"), None);
    }

    #[test]
    fn what_was_learned_last_holds_and_nothing_is_asked_before() {
        let detours = Detours::default();
        assert_eq!(detours.shard(|| panic!("nobody was sent anywhere")), None);
        detours.learn(7, 2);
        detours.learn(7, 3);
        assert_eq!((detours.shard(|| Some(7)), detours.shard(|| Some(8)), detours.shard(|| None)), (Some(3), None, None));
    }
}
