//! Reading of `redis.conf` lines.

use std::ops::Range;

/// One directive of a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// The directive in lower case, as Redis compares it.
    pub(crate) name: String,
    /// Everything after it, quotes kept, ready to be written into another configuration file.
    pub(crate) arguments: String,
    /// Bytes of the whole directive in the text.
    pub(crate) range: Range<usize>,
}

/// Directives of a configuration file in the order written, or the range and reason of each line Redis could not read.
///
/// Lines are those of Redis (`loadServerConfigFromString`): a comment is a whole line that begins with `#`.
pub(crate) fn parse(text: &str) -> (Vec<Line>, Vec<(Range<usize>, &'static str)>) {
    let mut lines = Vec::new();
    let mut bad = Vec::new();
    let mut start = 0;
    for raw in text.split_inclusive('\n') {
        let line = raw.trim();
        let from = start + (raw.len() - raw.trim_start().len());
        let range = from..from + line.len();
        start += raw.len();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, arguments) = line.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((line, ""));
        let arguments = arguments.trim();
        match balanced(arguments) {
            Ok(()) if name.contains(['"', '\'']) => bad.push((range, "a directive's name is not quoted")),
            Ok(()) => lines.push(Line { name: name.to_ascii_lowercase(), arguments: arguments.to_owned(), range }),
            Err(why) => bad.push((range, why)),
        }
    }
    (lines, bad)
}

/// Quoting as `sdssplitargs` reads it: quotes close, and a closing quote is followed by a space or the end.
fn balanced(arguments: &str) -> Result<(), &'static str> {
    let mut chars = arguments.chars().peekable();
    let mut quote: Option<char> = None;
    while let Some(c) = chars.next() {
        match quote {
            None if c == '"' || c == '\'' => quote = Some(c),
            None => {}
            Some('"') if c == '\\' => drop(chars.next()),
            Some('\'') if c == '\\' && chars.peek() == Some(&'\'') => drop(chars.next()),
            Some(open) if c == open => {
                if chars.peek().is_some_and(|next| !next.is_ascii_whitespace()) {
                    return Err("a closing quote is followed by something else than a space");
                }
                quote = None;
            }
            Some(_) => {}
        }
    }
    if quote.is_some() { Err("a quote is not closed") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<(String, String)> {
        parse(text).0.into_iter().map(|line| (line.name, line.arguments)).collect()
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
    fn an_open_quote_is_told_with_its_line() {
        let text = "hz 10\nlogfile \"redis.log\nsave 900 1\n";
        let (lines, bad) = parse(text);
        assert_eq!(lines.len(), 2);
        assert_eq!(bad.len(), 1);
        assert_eq!(&text[bad[0].0.clone()], "logfile \"redis.log");
    }
}
