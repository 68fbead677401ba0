//! The record of one trial: event types and their codec.

mod codec;
mod event;

pub use codec::{Ending, HistoryError, MAX_LINE, Reader, Writer};
pub use event::{
    End, Event, FORMAT_VERSION, FaultEvent, FaultState, Final, Header, Node, NodeRole, Note, NoteKind, Op, OpKind, Outcome, Phase,
    PhaseName, Probe, ProbeKind, RoleSample, SentinelEvent, Stall, Why,
};
