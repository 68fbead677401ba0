//! What a history meant: one file per question.

mod hash;
pub mod locks;
mod words;
