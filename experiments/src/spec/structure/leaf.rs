//! Strings with a form of their own, read by the type's own parser so that its message is the one shown.

use crate::spec::directive_name;
use crate::spec::schema::NAME_PATTERN;
use crate::spec::{
    After, BitRate, DirectiveName, Duration, Expectation, Lifetime, Offset, Percent, Rate, Server, SlotChoice, SlotRanges, Trigger,
};

/// Reads `text` as the schema's definition `name`; `None` when the definition has no form of its own.
pub(super) fn read(name: &str, text: &str) -> Option<Result<(), String>> {
    fn by<T: std::str::FromStr>(text: &str) -> Option<Result<(), String>>
    where
        T::Err: std::fmt::Display,
    {
        Some(text.parse::<T>().map(drop).map_err(|error| error.to_string().replace(text, &shorten(text))))
    }
    match name {
        "Duration" => by::<Duration>(text),
        "Rate" => by::<Rate>(text),
        "Expectation" => by::<Expectation>(text),
        "Server" => by::<Server>(text),
        "SlotRanges" => by::<SlotRanges>(text),
        "SlotChoice" => by::<SlotChoice>(text),
        "Lifetime" => by::<Lifetime>(text),
        "Percent" => by::<Percent>(text),
        "BitRate" => by::<BitRate>(text),
        "Offset" => by::<Offset>(text),
        "After" => by::<After>(text),
        "Trigger" => by::<Trigger>(text),
        _ => None,
    }
}

/// Whether `text` matches a pattern of the schema that no definition of its own stands for.
pub(super) fn matches(pattern: &str, text: &str) -> Result<(), String> {
    match pattern {
        NAME_PATTERN => name(text),
        directive_name::NAME => {
            text.parse::<DirectiveName>().map(drop).map_err(|error| format!("`{}` is no directive: {error}", shorten(text)))
        }
        directive_name::VALUE => directive_name::value(text).map_err(|error| error.to_string()),
        // Every other pattern belongs to a definition that `read` knows; a test keeps this true.
        _ => Ok(()),
    }
}

fn name(text: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let first = text.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
    if first && text.len() <= 64 && text.chars().all(plain) {
        return Ok(());
    }
    Err(format!("`{}` is not a name; use letters, digits, `-`, `_` and `.`, beginning with a letter or digit, 64 at most", shorten(text)))
}

/// At most 80 characters of a text, on one line.
pub(super) fn shorten(text: &str) -> String {
    let line: String = text.chars().take(80).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(80).is_some() { format!("{line}...") } else { line }
}
