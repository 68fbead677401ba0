//! The name of a directive: the one type that every way into a server's configuration goes through.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

/// What names look like, also the text of the schema's pattern. Capitals are taken, and made small.
pub(crate) const NAME: &str = "^[A-Za-z][A-Za-z0-9_-]{0,63}$";
/// What values look like, likewise: one line, without control characters other than tabs.
pub(crate) const VALUE: &str = "^[^\\u0000-\\u0008\\u000a-\\u001f\\u007f-\\u009f]*$";

/// Most characters of a name.
const LONGEST: usize = 64;

/// The name of a directive in lower case: a letter, then letters, digits, `-` and `_`. Nothing else is one: no quote and no
/// space, which servers would read differently from this tool.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DirectiveName(String);

/// Why a name or a value is none of a directive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectiveError {
    /// The name.
    #[error("a directive's name is a letter, then letters, digits, `-` and `_`: no quote, no space, at most {LONGEST} characters")]
    Name,
    /// The value.
    #[error("a directive's value is one line without control characters")]
    Value,
}

impl DirectiveName {
    /// In lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DirectiveName {
    type Err = DirectiveError;

    fn from_str(text: &str) -> Result<Self, DirectiveError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let good = text.len() <= LONGEST && text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.bytes().all(plain);
        if good { Ok(Self(text.to_ascii_lowercase())) } else { Err(DirectiveError::Name) }
    }
}

/// Whether a directive may have this value.
pub(crate) fn value(text: &str) -> Result<(), DirectiveError> {
    if text.chars().any(|c| c.is_control() && c != '\t') { Err(DirectiveError::Value) } else { Ok(()) }
}

impl fmt::Display for DirectiveName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Maps are asked by text.
impl Borrow<str> for DirectiveName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl serde::Serialize for DirectiveName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for DirectiveName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_small() {
        assert_eq!("MaxMemory".parse::<DirectiveName>().map(|name| name.to_string()), Ok("maxmemory".to_owned()));
        assert!("aof_rewrite_cpulist".parse::<DirectiveName>().is_ok());
    }

    #[test]
    fn what_a_server_would_read_as_another_name_is_none() {
        let long = "a".repeat(65);
        for text in [
            "",
            "\"dir\"",
            "'dir'",
            "dir ",
            " dir",
            "dir\t",
            "dir\n",
            "d\0ir",
            "dir\u{a0}",
            "dir\u{b}",
            "a.b",
            "-a",
            "1a",
            "d\"i\"r",
            "\\x64ir",
            "\u{212a}ey",
            "dir/etc",
            &long,
        ] {
            assert_eq!(text.parse::<DirectiveName>(), Err(DirectiveError::Name), "{text:?}");
        }
    }

    #[test]
    fn a_value_has_no_control_characters_but_tabs() {
        assert_eq!(value("900 1\t300 10"), Ok(()));
        for text in ["1\nport 1", "1\r", "\0", "\u{1b}[2J", "\u{85}", "\u{7f}"] {
            assert_eq!(value(text), Err(DirectiveError::Value), "{text:?}");
        }
    }
}
