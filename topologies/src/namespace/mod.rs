//! Network namespaces: naming one, entering it with a thread, running client threads in it.

mod enter;

pub use enter::Namespace;
