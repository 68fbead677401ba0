//! Network namespaces: naming one, entering it with a thread, running programs and client threads in it.

mod enter;
mod privilege;
mod program;
mod zone;

pub use enter::Namespace;
pub use privilege::Privilege;
pub(crate) use program::{IP, IPTABLES_RESTORE, IPTABLES_SAVE, LOCK, NFT, TC, search_path};
pub use zone::Zone;
