//! The record of one trial: event types and their codec.

mod codec;
mod event;
mod exchange;
mod fault;
mod last;
mod load;
mod lock;
mod objects;
mod op;
mod servers;
mod slots;

pub use codec::{Ending, HistoryError, MAX_LINE, Reader, Writer};
pub use event::{End, Event, FORMAT_VERSION, Header, Node, Note, NoteKind, Phase, PhaseName, Stall};
pub use exchange::{Called, Exchange, FOREIGN, Value};
pub use fault::{FaultEvent, FaultState};
pub use last::{Final, Members};
pub use load::{DecidedBy, Decision, Keys, Paid, Paying, Payment, Queried, Query, Read, ReadFrom};
pub use lock::{Access, Accessed, Vote};
pub use objects::{ObjectEvent, ObjectKind, ObjectState, ServerStall};
pub use op::{Op, OpKind, Outcome, Probe, ProbeKind, Why};
pub use servers::{ClusterEvent, ClusterNews, NodeRole, RoleSample, SentinelEvent, Started};
pub use slots::{SlotLeft, SlotsLeft};
