//! The cells of a matrix compared, from nothing but their documents.

mod assemble;
mod compared;
mod differences;
mod trade_off;

pub use assemble::{CellDocument, MatrixAssembly, assemble_matrix};
