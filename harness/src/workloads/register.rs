//! `register`: read values, write them, and replace what was read.

use redquake_experiments::spec::{Mix, RegisterWorkload};
use redquake_reports::history::{Called, Event, Exchange, FOREIGN, OpKind, Outcome, Why};

use super::behaviour::{Asked, Common, Request, WorkloadClient};
use super::copies::Answer;
use super::{contents, copies};
use crate::clients::Following;

/// Writes a value if the register has the one that is wanted, or is empty if none is; tells what it had.
const COMPARE_AND_SET: &str = "local found = redis.call('get', KEYS[1]) \
    if (found or '') == ARGV[1] then redis.call('set', KEYS[1], ARGV[2]) end return found";

/// What the clients of a register workload do.
pub struct RegisterClients(pub RegisterWorkload);

/// The name of a register on the server.
fn register_key(common: &Common, key: u32) -> String {
    common.keys.name(format!("register:{}:{key}", common.index), key)
}

/// A value: unique over all trials with different seeds.
fn value(seed: u64, id: u64) -> String {
    format!("{seed:016x}:{id}")
}

/// The number a value stands for, if it is one of this trial.
fn value_id(seed: u64, text: &str) -> Option<u64> {
    text.strip_prefix(&format!("{seed:016x}:"))?.parse().ok()
}

/// What is done with an arrival: drawn from its identity, so that it is the same for the same seed.
fn drawn(mix: Mix, seed: u64, id: u64) -> Called {
    // The finaliser of SplitMix64 (Steele, Lea and Flood 2014) makes neighbours differ in every bit.
    let mut bits = seed ^ id.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    match bits % u64::from(mix.sum().max(1)) {
        share if share < u64::from(mix.read) => Called::Read,
        share if share < u64::from(mix.read + mix.write) => Called::Write,
        _ => Called::Swap,
    }
}

impl RegisterClients {
    /// Reads; what was found and when, where there was an answer.
    async fn read(&self, turn: &Request) -> Option<(Option<String>, u64)> {
        let get = redis::cmd("GET").arg(register_key(&turn.common, turn.key)).take();
        let told = turn.call::<Option<String>>(OpKind::Read, turn.intended, Asked::Command(&get), |_| (Outcome::Ok, None)).await?;
        let text = told.value.clone().flatten();
        let reply = Answer { at: told.at, out: told.out, value: told.value, node: told.node };
        record(turn, Called::Read, None, &reply);
        (told.out == Outcome::Ok).then_some((text, told.at[1]))
    }

    async fn write(&self, turn: &Request) {
        let set = redis::cmd("SET").arg(register_key(&turn.common, turn.key)).arg(value(turn.common.seed, turn.id)).take();
        let wrote = |_: &Option<String>| (true, None);
        let told = copies::write::<Option<String>>(turn, OpKind::Write, turn.intended, set, self.0.wait, wrote).await;
        let Some(told) = told else { return };
        // `OK` is no value.
        record(turn, Called::Write, None, &Answer { value: None, ..told });
    }

    async fn swap(&self, turn: &Request) {
        let Some((wanted, known)) = self.read(turn).await else { return };
        let old = wanted.clone().unwrap_or_default();
        let new = value(turn.common.seed, turn.id);
        let script = redis::cmd("EVAL").arg(COMPARE_AND_SET).arg(1).arg(register_key(&turn.common, turn.key)).arg(&old).arg(&new).take();
        let wrote = |found: &Option<String>| {
            // Sent twice by the library, it finds its own value.
            let swapped = *found == wanted || found.as_deref() == Some(&new);
            (swapped, (!swapped).then_some(Why::Changed))
        };
        let told = copies::write::<Option<String>>(turn, OpKind::Swap, known, script, self.0.wait, wrote).await;
        let Some(told) = told else { return };
        record(turn, Called::Swap, wanted.as_deref(), &told);
    }
}

fn record(turn: &Request, call: Called, wanted: Option<&str>, told: &Answer<Option<String>>) {
    let number = |text: &str| value_id(turn.common.seed, text).unwrap_or(FOREIGN);
    let found = told.value.as_ref().and_then(|found| found.as_deref().map(number));
    let (w, c, id, key, wanted) = (turn.common.index, turn.client, turn.id, turn.key, wanted.map(number));
    let exchange = Exchange { w, c, id, key, at: told.at, call, wanted, found, out: told.out, node: told.node };
    turn.common.recorder.record(Event::Exchange(exchange));
}

impl WorkloadClient for RegisterClients {
    fn first(&self) -> OpKind {
        OpKind::Read
    }

    fn keys(&self) -> u32 {
        self.0.keys
    }

    async fn run(&self, turn: &Request) {
        match drawn(self.0.mix, turn.common.seed, turn.id) {
            Called::Write => self.write(turn).await,
            Called::Swap => self.swap(turn).await,
            Called::Read | Called::Increment => {
                self.read(turn).await;
            }
        }
    }
}

/// Reads every register and records what it has.
pub async fn final_read(common: &Common, keys: u32, connection: &mut Following) -> redis::RedisResult<()> {
    let seed = common.seed;
    contents::read(common, keys, connection, register_key, |text| value_id(seed, text)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_leads_back_to_its_arrival_and_to_no_other_trial() {
        assert_eq!(value_id(0xfeed, &value(0xfeed, 77)), Some(77));
        assert_eq!(value_id(0xbeef, &value(0xfeed, 77)), None);
        assert_eq!(value_id(0xfeed, "something else"), None);
    }

    #[test]
    fn arrivals_are_dealt_out_in_the_proportions_of_the_mix_and_alike_for_the_same_seed() {
        let mix = Mix { read: 2, write: 1, swap: 1 };
        let of = |seed: u64| (0..4_000).map(move |id| drawn(mix, seed, id));
        let count = |wanted: Called| of(7).filter(|call| *call == wanted).count();
        // Five standard errors of a binomial share.
        assert!(count(Called::Read).abs_diff(2_000) < 160, "{}", count(Called::Read));
        assert!(count(Called::Write).abs_diff(1_000) < 140, "{}", count(Called::Write));
        assert!(of(7).eq(of(7)) && !of(7).eq(of(8)));
        assert!((0..100).all(|id| drawn(Mix { read: 0, write: 1, swap: 0 }, 7, id) == Called::Write));
    }
}
