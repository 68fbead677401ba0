//! The search.

use std::collections::HashSet;

use super::forced::Values;
use super::prune::prune;

/// One call of a client on one register. The register begins empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// When it may have begun to take effect.
    pub invoked: u64,
    /// When its answer came; `None` for a call without one, which may take effect at any later time, or never.
    pub completed: Option<u64>,
    /// What was called, and what was answered.
    pub kind: Kind,
}

/// What was called, and what was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It was read, and this was found.
    Read(Option<u64>),
    /// This was written.
    Write(u64),
    /// The first was found and replaced by the second.
    Swap(Option<u64>, u64),
    /// Something else than this was found, and nothing was written.
    NoSwap(Option<u64>),
}

/// What the search came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// There is a legal order.
    Linearizable,
    /// There is none.
    Broken,
    /// The budget was used up before either was shown.
    Inconclusive,
}

/// Checks every register by itself, each with the whole budget; the positions of those that are broken, and of those that are inconclusive.
pub fn check_all<'a>(registers: impl IntoIterator<Item = (u32, &'a [Call])>, budget: u64) -> (Vec<u32>, Vec<u32>) {
    let (mut broken, mut inconclusive) = (Vec::new(), Vec::new());
    for (key, calls) in registers {
        match check(calls, budget) {
            Verdict::Linearizable => {}
            Verdict::Broken => broken.push(key),
            Verdict::Inconclusive => inconclusive.push(key),
        }
    }
    (broken, inconclusive)
}

/// Searches a legal order of the calls of one register, looking at no more than `budget` states.
pub fn check(calls: &[Call], budget: u64) -> Verdict {
    let mut calls = prune(calls);
    calls.sort_by_key(|call| (call.invoked, call.completed));
    let mut search = Search {
        left: calls.iter().filter(|call| call.completed.is_some()).count(),
        done: vec![false; calls.len()],
        first: 0,
        values: Values::new(&calls),
        calls,
    };
    let mut seen: HashSet<(usize, Vec<u64>, Option<u64>)> = HashSet::new();
    let mut state = None;
    // What was put in order so far: the call, and the state before it.
    let mut order: Vec<(usize, Option<u64>)> = Vec::new();
    let mut from = 0;
    loop {
        if search.left == 0 {
            return Verdict::Linearizable;
        }
        let next = search
            .candidates(from, state)
            .find_map(|(index, after)| search.done_with(index, |done, first| seen.insert((first, done, after))).then_some((index, after)));
        if seen.len() as u64 > budget {
            return Verdict::Inconclusive;
        }
        if let Some((index, after)) = next {
            order.push((index, state));
            search.put(index);
            (state, from) = (after, 0);
        } else if let Some((index, before)) = order.pop() {
            search.take(index);
            (state, from) = (before, index + 1);
        } else {
            return Verdict::Broken;
        }
    }
}

struct Search {
    /// Sorted by invocation.
    calls: Vec<Call>,
    done: Vec<bool>,
    /// The first call that is not in order yet.
    first: usize,
    /// Answered calls that are not in order yet.
    left: usize,
    /// What those that are not in order yet write and find.
    values: Values,
}

impl Search {
    /// Calls from position `from` on that may come next, with the state after them.
    fn candidates(&self, from: usize, state: Option<u64>) -> impl Iterator<Item = (usize, Option<u64>)> {
        let open = || self.open().filter_map(move |index| Some((index, after(self.calls[index].kind, state)?)));
        let forced = open().find(|(index, _)| self.values.costs_nothing(&self.calls[*index], state));
        let others =
            open().filter(move |_| forced.is_none()).filter(move |(index, _)| self.values.leaves_a_way(&self.calls[*index], state));
        forced.into_iter().chain(others).filter(move |(index, _)| *index >= from)
    }

    /// Calls that may come next as far as time goes.
    fn open(&self) -> impl Iterator<Item = usize> {
        let mut ends = u64::MAX;
        let waiting = (self.first..self.calls.len()).filter(|index| !self.done[*index]);
        // Nothing may come before a call that was answered before it began.
        waiting.take_while(move |index| {
            let call = &self.calls[*index];
            let open = call.invoked <= ends;
            ends = ends.min(call.completed.unwrap_or(u64::MAX));
            open
        })
    }

    /// Shows what would be done with one more call.
    fn done_with<T>(&self, index: usize, show: impl FnOnce(Vec<u64>, usize) -> T) -> T {
        let first = if index == self.first { self.next_after(index) } else { self.first };
        let mut bits = Vec::new();
        let last = self.done.iter().rposition(|done| *done).unwrap_or(0).max(index);
        for position in first..=last {
            let offset = position - first;
            if offset.is_multiple_of(64) {
                bits.push(0);
            }
            if (self.done[position] || position == index)
                && let Some(word) = bits.last_mut()
            {
                *word |= 1_u64 << (offset % 64);
            }
        }
        show(bits, first)
    }

    fn next_after(&self, index: usize) -> usize {
        (index + 1..self.calls.len()).find(|position| !self.done[*position]).unwrap_or(self.calls.len())
    }

    fn put(&mut self, index: usize) {
        self.done[index] = true;
        self.values.put(&self.calls[index]);
        self.left -= usize::from(self.calls[index].completed.is_some());
        if index == self.first {
            self.first = self.next_after(index);
        }
    }

    fn take(&mut self, index: usize) {
        self.done[index] = false;
        self.values.take(&self.calls[index]);
        self.left += usize::from(self.calls[index].completed.is_some());
        self.first = self.first.min(index);
    }
}

/// The state after a call, if its answer is legal in the state before it.
fn after(kind: Kind, state: Option<u64>) -> Option<Option<u64>> {
    match kind {
        Kind::Read(found) => (found == state).then_some(state),
        Kind::Write(value) => Some(Some(value)),
        Kind::Swap(found, value) => (found == state).then_some(Some(value)),
        Kind::NoSwap(wanted) => (wanted != state).then_some(state),
    }
}
