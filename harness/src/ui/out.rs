//! Printing that cannot panic, since the reader of a pipe may have gone away (`redquake schema | head`), and that obeys nobody: whatever is
//! printed went through `shown`.

use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;

use redquake_experiments::shown;

/// Why standard output could not be written, once it could not.
static TROUBLE: OnceLock<String> = OnceLock::new();

/// In place of the standard macro in the whole command line.
macro_rules! print {
    ($($text:tt)*) => { $crate::ui::out::to_stdout(&format!($($text)*)) };
}

/// In place of the standard macro in the whole command line.
macro_rules! println {
    ($($text:tt)*) => { $crate::ui::out::to_stdout(&(format!($($text)*) + "\n")) };
}

/// In place of the standard macro in the whole command line.
macro_rules! eprintln {
    ($($text:tt)*) => { $crate::ui::out::to_stderr(&(format!($($text)*) + "\n")) };
}

/// Writes a result for people. Colours are the tool's own where there is a terminal to show them.
pub fn to_stdout(text: &str) {
    if io::stdout().is_terminal() { write(&shown::painted(text)) } else { write(&shown::lines(text)) }
}

/// Writes a document of JSON.
pub fn json(text: &str) {
    write(&shown::json(text));
    write("\n");
}

/// Writes what is made here for a program to obey, with everything foreign in it escaped: workflow commands, scripts for shells.
pub fn commands(text: &str) {
    write(text);
}

/// A reader that went away wants no more, which is no failure of what was done; anything else, a full disk for one, is kept for [`trouble`].
fn write(text: &str) {
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
    let text = if io::stderr().is_terminal() { shown::painted(text) } else { shown::lines(text).into_owned() };
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Why some of the output is missing, if any is.
pub fn trouble() -> Option<&'static str> {
    TROUBLE.get().map(String::as_str)
}
