//! Doors for the fuzz targets, to readers that nobody else needs from outside.

use crate::boot::refused;
use crate::runtime::BoundedLog;

/// Takes what a server said in two pieces, and looks for what it refused; the text that is kept, and the words of the refusal.
pub fn server_log(first: &[u8], second: &[u8]) -> (String, Option<String>) {
    let mut log = BoundedLog::default();
    log.push(first);
    log.push(second);
    let text = log.text();
    let told = refused("redis-1", &text).map(|refused| refused.to_string());
    (text, told)
}
