//! Network namespaces: naming one, entering it with a thread, running client threads in it.

mod enter;
mod privilege;
mod zone;

pub use enter::Namespace;
pub use privilege::Privilege;
pub use zone::Zone;
