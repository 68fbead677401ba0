//! Printing that cannot panic: the reader of a pipe may have gone away (`redquake schema | head`).

use std::io::{self, Write};
use std::sync::OnceLock;

/// Why standard output could not be written, once it could not.
static TROUBLE: OnceLock<String> = OnceLock::new();

/// In place of the standard macro in the whole command line.
macro_rules! print {
    ($($text:tt)*) => { $crate::cli::out::to_stdout(&format!($($text)*)) };
}

/// In place of the standard macro in the whole command line.
macro_rules! println {
    ($($text:tt)*) => { $crate::cli::out::to_stdout(&(format!($($text)*) + "\n")) };
}

/// In place of the standard macro in the whole command line.
macro_rules! eprintln {
    ($($text:tt)*) => { $crate::cli::out::to_stderr(&(format!($($text)*) + "\n")) };
}

/// Writes a result. A reader that went away wants no more, which is no failure of what was done; anything else, a full
/// disk for one, is kept for [`trouble`].
pub fn to_stdout(text: &str) {
    let mut stdout = io::stdout().lock();
    if let Err(error) = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        // The first reason is kept; later ones follow from it.
        let _ = TROUBLE.set(error.to_string());
    }
}

/// Writes a message; where nobody can be told, nobody is.
pub fn to_stderr(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Why some of the output is missing, if any is.
pub fn trouble() -> Option<&'static str> {
    TROUBLE.get().map(String::as_str)
}
