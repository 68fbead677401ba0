//! One line: serde for every event, and a short cut for the two kinds that make up nearly all of a history.
//!
//! The short cut reads exactly what the writer writes, field by field in order. Anything else goes to serde, which
//! decides; so the short cut can never accept a line that serde would refuse, or read it differently.

use super::kinds::kinds;
use crate::history::{Event, Op, OpKind, Outcome, Probe, ProbeKind, Why};

/// Reads one line, without its line end.
pub fn decode(line: &[u8]) -> Result<Event, serde_json::Error> {
    match short_cut(line) {
        Some(event) => Ok(event),
        None => serde_json::from_slice(line),
    }
}

/// The kind of a line that is an event with a kind this version does not know.
pub fn unknown_kind(line: &[u8]) -> Option<String> {
    let value: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(line).ok()?;
    let (kind, body) = value.into_iter().next()?;
    (body.is_object() && !kinds().contains(&kind.as_str())).then_some(kind)
}

fn short_cut(line: &[u8]) -> Option<Event> {
    let mut text = Text(line);
    let event = if text.skip(b"{\"op\":{\"w\":").is_some() {
        Event::Op(op(&mut text)?)
    } else {
        text.skip(b"{\"probe\":{\"node\":")?;
        Event::Probe(probe(&mut text)?)
    };
    text.skip(b"}}")?;
    text.0.is_empty().then_some(event)
}

fn op(text: &mut Text<'_>) -> Option<Op> {
    let w = text.small()?;
    text.skip(b",\"c\":")?;
    let c = text.small()?;
    text.skip(b",\"op\":\"")?;
    let op = match text.word()? {
        b"acquire" => OpKind::Acquire,
        b"release" => OpKind::Release,
        b"get" => OpKind::Get,
        b"put" => OpKind::Put,
        b"add" => OpKind::Add,
        b"count" => OpKind::Count,
        b"read" => OpKind::Read,
        b"write" => OpKind::Write,
        b"swap" => OpKind::Swap,
        b"increment" => OpKind::Increment,
        _ => return None,
    };
    text.skip(b",\"id\":")?;
    let id = text.number()?;
    text.skip(b",\"key\":")?;
    let key = u32::try_from(text.number()?).ok()?;
    let at = text.times()?;
    let (out, why) = text.outcome()?;
    let node = match text.skip(b",\"node\":") {
        Some(()) => Some(text.small()?),
        None => None,
    };
    Some(Op { w, c, op, id, key, at, out, why, node })
}

fn probe(text: &mut Text<'_>) -> Option<Probe> {
    let node = text.small()?;
    text.skip(b",\"op\":\"")?;
    let op = match text.word()? {
        b"write" => ProbeKind::Write,
        b"read" => ProbeKind::Read,
        _ => return None,
    };
    let at = text.times()?;
    let (out, why) = text.outcome()?;
    Some(Probe { node, op, at, out, why })
}

/// What is left of a line.
struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    fn skip(&mut self, literal: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(literal)?;
        Some(())
    }

    fn number(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        let mut length = 0;
        while let Some(digit) = self.0.get(length).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10) {
            value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
            length += 1;
        }
        // JSON has no numbers without digits and none with a leading zero.
        if length == 0 || (length > 1 && self.0[0] == b'0') {
            return None;
        }
        self.0 = &self.0[length..];
        Some(value)
    }

    fn small(&mut self) -> Option<u16> {
        u16::try_from(self.number()?).ok()
    }

    /// Up to the closing quote, which is skipped; the opening one is behind us.
    fn word(&mut self) -> Option<&'a [u8]> {
        let length = self.0.iter().position(|byte| *byte == b'"')?;
        let word = &self.0[..length];
        self.0 = &self.0[length + 1..];
        Some(word)
    }

    fn times(&mut self) -> Option<[u64; 3]> {
        self.skip(b",\"at\":[")?;
        let intended = self.number()?;
        self.skip(b",")?;
        let invoked = self.number()?;
        self.skip(b",")?;
        let completed = self.number()?;
        self.skip(b"]")?;
        Some([intended, invoked, completed])
    }

    fn outcome(&mut self) -> Option<(Outcome, Option<Why>)> {
        self.skip(b",\"out\":\"")?;
        let out = match self.word()? {
            b"ok" => Outcome::Ok,
            b"fail" => Outcome::Fail,
            b"info" => Outcome::Info,
            _ => return None,
        };
        let why = match self.skip(b",\"why\":\"") {
            Some(()) => Some(why(self.word()?)?),
            None => None,
        };
        Some((out, why))
    }
}

fn why(word: &[u8]) -> Option<Why> {
    Why::ALL.into_iter().find(|why| why.as_str().as_bytes() == word)
}
