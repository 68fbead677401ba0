//! The record of one trial: event types and their codec.

mod codec;
mod event;
mod load;

pub use codec::{Ending, HistoryError, MAX_LINE, Reader, Writer};
pub use event::{
    ClusterEvent, ClusterNews, End, Event, FORMAT_VERSION, FaultEvent, FaultState, Final, Header, Members, Node, NodeRole, Note, NoteKind,
    Op, OpKind, Outcome, Phase, PhaseName, Probe, ProbeKind, RoleSample, SentinelEvent, Stall, Why,
};
pub use load::{DecidedBy, Decision, Keys, Paid, Paying, Payment, Queried, Query, Read, ReadFrom};
