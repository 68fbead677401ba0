//! What holders did with what their locks guard: updates that were lost, holders that were fenced out, tokens that went back.

use super::hold::{Hold, of_key};
use super::overlap::Reach;
use super::tokens::{Grant, regressions};
use super::{Names, Regression};
use crate::analysis::found::Found;
use crate::analysis::hash::Map;
use crate::history::{Access, Accessed};
use crate::result::{Anomaly, AnomalyKind};

/// Takes in what holders did.
#[derive(Debug, Default)]
pub struct Accesses(Vec<Access>);

/// What came of it.
#[derive(Debug, Default)]
pub struct Harm {
    pub updates: u64,
    pub lost_updates: u64,
    pub fenced_out: u64,
    pub fenced_alone: u64,
    pub token_regressions: u64,
}

impl Accesses {
    pub fn access(&mut self, access: &Access) {
        self.0.push(*access);
    }

    /// Judges. `cores` are those of the acknowledged holds, sorted.
    pub fn finish(&self, cores: &[Hold], names: &Names<'_>, found: &mut Found<'_>) -> Harm {
        let written: Vec<(&Access, [u64; 2])> =
            self.0.iter().filter(|one| one.out == Accessed::Written).filter_map(|one| Some((one, one.wrote?))).collect();
        // What a value's nth write came from: whoever found it written n - 1 times.
        let writers: Map<(u32, u64), &Access> = written.iter().map(|(one, wrote)| ((one.key, wrote[1].saturating_add(1)), *one)).collect();
        // A holder that found the value written more often than when it read wrote over what it had not seen.
        let lost: Vec<(&Access, [u64; 2])> = written.iter().copied().filter(|(one, wrote)| wrote[1] != one.read[1]).collect();
        let refused = |one: &&Access| matches!(one.out, Accessed::RefusedRead | Accessed::RefusedWrite);
        let fenced: Vec<&Access> = self.0.iter().filter(refused).collect();
        let grants: Vec<Grant> =
            self.0.iter().filter_map(|one| Some(Grant { key: one.key, id: one.id, at: one.lock, token: one.token? })).collect();
        let back = regressions(&grants);

        lost.iter().for_each(|(one, wrote)| found.one(told_lost(one, *wrote, writers.get(&(one.key, wrote[1])), names)));
        if !back.is_empty() {
            let clients: Map<u64, u16> = self.0.iter().map(|one| (one.id, one.c)).collect();
            back.iter().for_each(|one| found.one(told_back(one, &clients, names)));
        }
        Harm {
            updates: written.len() as u64,
            lost_updates: lost.len() as u64,
            fenced_out: fenced.len() as u64,
            fenced_alone: alone(&fenced, cores),
            token_regressions: back.len() as u64,
        }
    }
}

fn told_back(found: &Regression, clients: &Map<u64, u16>, names: &Names<'_>) -> Anomaly {
    let client = |grant: &Grant| clients.get(&grant.id).copied().unwrap_or_default();
    let Regression { later, earlier } = found;
    let text = format!(
        "key {}: client {} (hold {}) was given the fencing token {} at {}, and client {} (hold {}) had been given {} at {}{}",
        later.key,
        client(later),
        later.id,
        later.token,
        names.at(later.at[1]),
        client(earlier),
        earlier.id,
        earlier.token,
        names.at(earlier.at[1]),
        if later.token == earlier.token { ": the same token twice" } else { ": the counter went back" },
    );
    names.anomaly(AnomalyKind::TokenRegression, later.key, later.at[1], None, text)
}

/// Refused holders whose lease ran at that instant and whose core overlaps that of nobody else.
fn alone(fenced: &[&Access], cores: &[Hold]) -> u64 {
    let mut fenced = fenced.to_vec();
    fenced.sort_by_key(|one| one.key);
    let of_one_key = |chunk: &[&Access]| {
        let held = of_key(cores, chunk[0].key);
        let reach = Reach::new(held);
        let by_id: Map<u64, &Hold> = held.iter().map(|hold| (hold.id, hold)).collect();
        let refused_at = |one: &Access| one.wrote.map_or(one.read[0], |wrote| wrote[0]);
        // A core overlaps itself.
        let alone = |one: &Access| by_id.get(&one.id).is_some_and(|core| refused_at(one) <= core.end && reach.overlapping(core) <= 1);
        chunk.iter().filter(|one| alone(one)).count() as u64
    };
    fenced.chunk_by(|one, next| one.key == next.key).map(of_one_key).sum()
}

fn told_lost(one: &Access, wrote: [u64; 2], over: Option<&&Access>, names: &Names<'_>) -> Anomaly {
    let whose = over.map_or_else(
        || "an update".to_owned(),
        |other| {
            let at = other.wrote.map_or(other.read[0], |wrote| wrote[0]);
            format!("what client {} (hold {}) had written at {}", other.c, other.id, names.at(at))
        },
    );
    let text = format!(
        "key {}: client {} (hold {}) wrote at {} over {whose}; it had read at {}",
        one.key,
        one.c,
        one.id,
        names.at(wrote[0]),
        names.at(one.read[0])
    );
    names.anomaly(AnomalyKind::LostUpdate, one.key, one.read[0], Some(wrote[0]), text)
}
