//! Reading of `redis.conf` lines.

use std::ops::Range;

use super::directive_name::{self, DirectiveError, DirectiveName};

/// One directive of a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// The directive, as Redis compares it.
    pub(crate) name: DirectiveName,
    /// Everything after it, quotes kept, ready to be written into another configuration file.
    pub(crate) arguments: String,
    /// Bytes of the whole directive in the text.
    pub(crate) range: Range<usize>,
    /// Bytes of its arguments.
    pub(crate) after: Range<usize>,
}

/// Directives of a configuration file in the order written, or the range and reason of each line Redis could not read.
///
/// Lines are those of Redis (`loadServerConfigFromString`): a comment is a whole line that begins with `#`.
pub(crate) fn parse(text: &str) -> (Vec<Line>, Vec<(Range<usize>, &'static str)>) {
    let mut lines = Vec::new();
    let mut bad = Vec::new();
    let mut start = 0;
    for raw in text.split_inclusive('\n') {
        let line = raw.trim_matches(SPACES);
        let from = start + (raw.len() - raw.trim_start_matches(SPACES).len());
        let range = from..from + line.len();
        start += raw.len();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match directive(line) {
            Ok((name, arguments)) => {
                let after = range.end - arguments.len()..range.end;
                lines.push(Line { name, arguments: arguments.to_owned(), range, after });
            }
            Err(why) => bad.push((range, why)),
        }
    }
    (lines, bad)
}

/// What Redis trims from both ends of a line.
const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];

fn directive(line: &str) -> Result<(DirectiveName, &str), &'static str> {
    let (word, rest) = first_word(line)?;
    let name = word.parse().map_err(|_| "its first word is no directive's name")?;
    let arguments = rest.trim_start_matches(SPACES);
    quotes_close(arguments)?;
    directive_name::value(arguments).map_err(|_: DirectiveError| "it has a control character")?;
    Ok((name, arguments))
}

/// The first word as `sdssplitargs` reads it, out of its quotes, and what follows it.
fn first_word(line: &str) -> Result<(String, &str), &'static str> {
    let mut word = String::new();
    let mut quote = None;
    let mut chars = line.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (None, c) if is_space(c) => return Ok((word, &line[at..])),
            (Some('"'), '\\') => word.push(escaped(line, at, &mut chars)),
            (Some('\''), '\\') if chars.peek().is_some_and(|(_, next)| *next == '\'') => {
                chars.next();
                word.push('\'');
            }
            (Some(open), c) if c == open => {
                if chars.peek().is_some_and(|(_, next)| !is_space(*next)) {
                    return Err(FOLLOWED);
                }
                quote = None;
            }
            (_, c) => word.push(c),
        }
    }
    if quote.is_some() { Err(OPEN) } else { Ok((word, "")) }
}

/// What a backslash in double quotes stands for.
fn escaped(line: &str, at: usize, chars: &mut std::iter::Peekable<std::str::CharIndices<'_>>) -> char {
    let digits = line.get(at + 2..at + 4).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
    match (chars.next().map(|(_, c)| c), digits.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
        (Some('x'), Some(byte)) => {
            chars.next();
            chars.next();
            char::from(byte)
        }
        (Some('n'), _) => '\n',
        (Some('r'), _) => '\r',
        (Some('t'), _) => '\t',
        (Some('b'), _) => '\u{8}',
        (Some('a'), _) => '\u{7}',
        (Some(c), _) => c,
        (None, _) => '\\',
    }
}

/// C's `isspace`.
fn is_space(c: char) -> bool {
    c.is_ascii_whitespace() || c == '\u{b}'
}

const OPEN: &str = "a quote is not closed";
const FOLLOWED: &str = "a closing quote is followed by something else than a space";

/// Quoting as `sdssplitargs` reads it: quotes close, and a closing quote is followed by a space or the end.
pub(crate) fn quotes_close(arguments: &str) -> Result<(), &'static str> {
    let mut chars = arguments.chars().peekable();
    let mut quote: Option<char> = None;
    while let Some(c) = chars.next() {
        match quote {
            None if c == '"' || c == '\'' => quote = Some(c),
            None => {}
            Some('"') if c == '\\' => drop(chars.next()),
            Some('\'') if c == '\\' && chars.peek() == Some(&'\'') => drop(chars.next()),
            Some(open) if c == open => {
                if chars.peek().is_some_and(|next| !is_space(*next)) {
                    return Err(FOLLOWED);
                }
                quote = None;
            }
            Some(_) => {}
        }
    }
    if quote.is_some() { Err(OPEN) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<(String, String)> {
        parse(text).0.into_iter().map(|line| (line.name.to_string(), line.arguments)).collect()
    }

    #[test]
    fn comments_and_empty_lines_are_no_directives() {
        assert_eq!(names("# a\n\n  # b\nHZ 10\n"), [("hz".to_owned(), "10".to_owned())]);
    }

    #[test]
    fn quoted_arguments_are_kept_as_written() {
        let text = "save \"\"\r\nproc-title-template \"{title} # {listen-addr}\"\n";
        assert_eq!(names(text)[0], ("save".to_owned(), "\"\"".to_owned()));
        assert_eq!(names(text)[1].1, "\"{title} # {listen-addr}\"");
    }

    #[test]
    fn a_quoted_name_is_read_as_the_server_reads_it() {
        for line in ["\"dir\" /etc", "'dir' /etc", "\"d\\x69r\" /etc", "d\"ir\" /etc", "DIR\t/etc", "dir\u{b} /etc", "dir /etc"] {
            let read = names(line);
            assert!(read.is_empty() || read[0].0 == "dir", "{line:?} {read:?}");
            assert!(!read.is_empty() || !parse(line).1.is_empty(), "{line:?} is neither read nor refused");
        }
        assert_eq!(names("\"d\\x69r\" /etc"), [("dir".to_owned(), "/etc".to_owned())]);
    }

    #[test]
    fn a_first_word_that_is_no_name_is_refused() {
        for line in ["root:x:0:0:root:/root:/bin/sh", "\"dir\"x /etc", "\"a b\" 1", "\"dir\\n\" 1", "\u{a0}dir /etc", "export A=b", "1 2"] {
            let (lines, bad) = parse(line);
            assert!(bad.len() == 1 || lines[0].name.as_str() == "export", "{line:?} {lines:?}");
        }
    }

    #[test]
    fn an_open_quote_is_told_with_its_line() {
        let text = "hz 10\nlogfile \"redis.log\nsave 900 1\n";
        let (lines, bad) = parse(text);
        assert_eq!(lines.len(), 2);
        assert_eq!(bad.len(), 1);
        assert_eq!(&text[bad[0].0.clone()], "logfile \"redis.log");
    }

    #[test]
    fn a_control_character_in_a_line_is_refused() {
        assert_eq!(parse("maxmemory 1\rdir /etc\n").1.len(), 1);
    }
}
