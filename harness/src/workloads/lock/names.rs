//! Names of locks, the tokens holders write, and the scripts that look at them.

use crate::workloads::behaviour::{Common, Request};

/// Takes a lock and draws the next fencing token with it; a lifetime of 0 is for ever.
pub const FENCED: &str = "local set if ARGV[2] == '0' then set = redis.call('set', KEYS[1], ARGV[1], 'NX') \
    else set = redis.call('set', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) end \
    if set then return redis.call('incr', KEYS[2]) else return false end";
/// Prolongs a lock only while it still carries the holder's token.
pub const RENEW: &str = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) else return 0 end";
/// Deletes a lock only while it still carries the holder's token.
pub const RELEASE: &str = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end";

/// The name of a lock on the server.
pub fn lock_key(common: &Common, key: u32) -> String {
    common.keys.name(format!("lock:{}:{key}", common.index), key)
}

/// The name of the counter that fencing tokens of a lock come from; it never expires.
pub fn fence_key(common: &Common, key: u32) -> String {
    common.keys.name(format!("fence:{}:{key}", common.index), key)
}

/// The token of a turn.
pub fn token_of(turn: &Request) -> String {
    token(turn.common.seed, turn.common.index, turn.id)
}

/// The token a holder writes: unique over all trials with different seeds.
pub fn token(seed: u64, workload: u16, id: u64) -> String {
    format!("{seed:016x}:{workload}:{id}")
}

/// The hold a token belongs to, if it is one of this workload and trial.
pub fn token_id(seed: u64, workload: u16, text: &str) -> Option<u64> {
    text.strip_prefix(&format!("{seed:016x}:{workload}:"))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leads_back_to_its_hold_and_to_no_other_workload_or_trial() {
        let text = token(0xfeed, 2, 77);
        assert_eq!(token_id(0xfeed, 2, &text), Some(77));
        assert_eq!(token_id(0xfeed, 1, &text), None);
        assert_eq!(token_id(0xbeef, 2, &text), None);
        assert_eq!(token_id(0xfeed, 2, "something else"), None);
    }
}
