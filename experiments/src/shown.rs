//! Text that came from outside, made safe to show. A name, a log line or a document of somebody else may hold characters that control a terminal,
//! turn text around, or command a CI system that reads what is printed. Each format escapes its own markup; this is what all formats share.

use std::borrow::Cow;

/// What stands for a character that is not shown.
const HIDDEN: char = '\u{fffd}';

/// Whether a character controls a terminal, turns text around, cannot be seen, or is forbidden in XML.
fn is_hidden(c: char) -> bool {
    let invisible = matches!(
        c,
        '\u{61c}' | '\u{180e}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{fdd0}'..='\u{fdef}' | '\u{e0000}'..='\u{e007f}'
    );
    c.is_control() || invisible || u32::from(c) & 0xfffe == 0xfffe
}

/// A text of any number of lines, ready to be printed or written into a file of text: no control or bidirectional character but the end of a
/// line, and nothing that a CI system takes for a command to it. A tab is a space.
pub fn lines(text: &str) -> Cow<'_, str> {
    let clean = |c: char| c == '\n' || !is_hidden(c);
    let visible = if text.chars().all(clean) {
        Cow::Borrowed(text)
    } else {
        let unix = text.replace("\r\n", "\n");
        Cow::Owned(unix.chars().map(|c| if clean(c) { c } else { stand_in(c) }).collect())
    };
    match defused(&visible) {
        Some(defused) => Cow::Owned(defused),
        None => visible,
    }
}

/// The same in one line: an end of a line is a space.
pub fn line(text: &str) -> Cow<'_, str> {
    if text.contains('\n') {
        return Cow::Owned(lines(&text.replace("\r\n", " ").replace('\n', " ")).into_owned());
    }
    lines(text)
}

/// Several lines with colours of the tool's own: what [`lines`] does, but the sequences that only colour text stay.
pub fn painted(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\u{1b}[") {
        let codes = &rest[at + 2..];
        let length = codes.find(|c: char| !(c.is_ascii_digit() || c == ';')).unwrap_or(codes.len());
        let end = if codes[length..].starts_with('m') { at + 2 + length + 1 } else { at };
        shown.push_str(&lines(&rest[..at]));
        if end > at {
            shown.push_str(&rest[at..end]);
            rest = &rest[end..];
        } else {
            shown.push(HIDDEN);
            rest = &rest[at + 1..];
        }
    }
    shown.push_str(&lines(rest));
    shown
}

/// JSON text, in which only strings can hold what must not be printed: the same values, written with escapes.
pub fn json(text: &str) -> Cow<'_, str> {
    let clean = |c: char| c == '\n' || !is_hidden(c);
    if text.chars().all(clean) && !text.contains("##") {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if clean(c) && !(c == '#' && escaped.ends_with('#')) {
            escaped.push(c);
        } else {
            let mut units = [0; 2];
            escaped.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    Cow::Owned(escaped)
}

/// At most so many characters of a line, for what may be of any length.
pub fn clipped(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", line(&text[..at])),
        None => line(text).into_owned(),
    }
}

fn stand_in(c: char) -> char {
    match c {
        '\t' | '\u{b}' | '\u{c}' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => ' ',
        _ => HIDDEN,
    }
}

/// What CI systems look for in what a job prints: `::name` where a line begins, with or without spaces before it (GitHub), and `##[` and
/// `##name[` anywhere (GitHub, Azure, TeamCity). A space between the signs makes text of it. Where a line is to be broken is not known
/// here, so that every word counts as the beginning of one. `None`: there is nothing to change.
fn defused(text: &str) -> Option<String> {
    let mut changed: Option<String> = None;
    let mut before = '\n';
    let mut rest = text.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        let next = rest.peek().map(|(_, next)| *next);
        let splits = match c {
            ':' => next == Some(':') && before.is_whitespace(),
            '#' => next == Some('#') && commands(&text[at + 2..]),
            _ => false,
        };
        if splits && changed.is_none() {
            changed = Some(text[..at].to_owned());
        }
        if let Some(changed) = &mut changed {
            changed.push(c);
            if splits {
                changed.push(' ');
            }
        }
        before = if splits { ' ' } else { c };
    }
    changed
}

/// Whether what follows two `#` makes a command of them: `[` or `vso[`.
fn commands(rest: &str) -> bool {
    let word = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    word.starts_with('[')
}

/// A word for a shell: as it is where that is safe, else quoted so that `sh` gives back the same word, or, where it holds what cannot be
/// shown, bash, zsh and ksh do.
pub fn shell_quote(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '=' | ',' | '+' | '@' | '%' | ':');
    if !word.is_empty() && word.chars().all(plain) && !word.starts_with([':', '=']) {
        return Cow::Borrowed(word);
    }
    if !word.chars().any(is_hidden) {
        return Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")));
    }
    let mut quoted = "$'".to_owned();
    for c in word.chars() {
        match c {
            '\'' | '\\' => quoted.extend(['\\', c]),
            c if is_hidden(c) => {
                let mut bytes = [0; 4];
                quoted.extend(c.encode_utf8(&mut bytes).bytes().map(|byte| format!("\\x{byte:02x}")));
                // The digits of a number end where no digit follows.
                quoted.push_str("'$'");
            }
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    Cow::Owned(quoted)
}

/// The message of a GitHub workflow command (`actions/toolkit`, `escapeData`).
pub fn github_message(text: &str) -> String {
    lines(text).replace('%', "%25").replace('\n', "%0A")
}

/// The value of a property of one (`escapeProperty`).
pub fn github_property(text: &str) -> String {
    line(text).replace('%', "%25").replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Pieces of attacks beside any other text.
    fn hostile() -> impl Strategy<Value = String> {
        let pieces = prop::sample::select(vec![
            "::",
            ":",
            "#",
            "##[",
            "##vso[",
            "error",
            "::error::",
            " ",
            "\n",
            "\r\n",
            "\r",
            "\t",
            "\u{1b}[31m",
            "\u{202e}",
            "\u{2066}",
            "\u{85}",
            "\u{2028}",
            "'",
            "\"",
            "\\",
            "$(id)",
            "`id`",
            "é",
            "\u{fffe}",
            "\u{e0041}",
            "section_start:1:a\r\u{1b}[0K",
            "-",
            "x",
            "1",
        ]);
        prop::collection::vec(prop_oneof![pieces.prop_map(str::to_owned), any::<String>()], 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn no_hidden_character_and_no_command_is_left(text in hostile()) {
            let shown = lines(&text);
            prop_assert!(!shown.chars().any(|c| c != '\n' && is_hidden(c)), "{shown:?}");
            prop_assert!(!shown.lines().any(|line| line.trim_start().starts_with("::")), "{shown:?}");
            prop_assert!(!shown.contains("##[") && !shown.contains("##vso["), "{shown:?}");
            // Wherever lines are broken between words later.
            prop_assert!(!shown.split_whitespace().any(|word| word.starts_with("::")), "{shown:?}");
            prop_assert_eq!(lines(&shown), shown.as_ref(), "what was shown once is shown as it is");
            prop_assert!(!line(&text).contains('\n'));
        }

        #[test]
        fn colours_stay_and_nothing_else(text in hostile()) {
            let shown = painted(&format!("\u{1b}[1;31m{text}\u{1b}[0m"));
            let own = shown.starts_with("\u{1b}[1;31m") && shown.ends_with("\u{1b}[0m");
            prop_assert!(own, "{shown:?}");
            let left = shown.split("\u{1b}[").skip(1).all(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').starts_with('m'));
            prop_assert!(left && shown.matches('\u{1b}').count() == shown.matches("\u{1b}[").count(), "{shown:?}");
        }

        #[test]
        fn json_means_the_same_and_hides_nothing(text in hostile()) {
            let written = serde_json::to_string_pretty(&serde_json::json!({ &text: [&text, 1.5] })).unwrap();
            let shown = json(&written);
            prop_assert!(!shown.chars().any(|c| c != '\n' && is_hidden(c)) && !shown.contains("##"), "{shown:?}");
            let read: serde_json::Value = serde_json::from_str(&shown).unwrap();
            prop_assert_eq!(read, serde_json::from_str::<serde_json::Value>(&written).unwrap());
        }

        #[test]
        fn a_github_message_is_one_line(text in hostile()) {
            prop_assert!(!github_message(&text).contains(['\n', '\r']));
            prop_assert!(!github_property(&text).contains(['\n', '\r', ':', ',']));
        }

        #[test]
        fn a_quoted_word_has_nothing_hidden_in_it(text in hostile()) {
            prop_assert!(!shell_quote(&text).chars().any(is_hidden));
        }
    }

    #[test]
    fn ordinary_text_is_as_it_was() {
        for text in ["redis-1: promoted", "a::b", "fe80::1", "C:\\x", "## heading", "#1", "[x] ✓ é 日本", "a [b]::c", "ip 10.0.0.1:6379"]
        {
            assert!(matches!(lines(text), Cow::Borrowed(shown) if shown == text), "{text}");
        }
    }

    #[test]
    fn attacks_are_seen_for_what_they_are() {
        assert_eq!(lines("a\n  ::error::b"), "a\n  : :error::b");
        assert_eq!(lines("::::x"), ": : : :x");
        assert_eq!(lines("###[error]x ##[y]"), "## #[error]x # #[y]");
        assert_eq!(lines("##vso[task.setvariable]"), "# #vso[task.setvariable]");
        assert_eq!(line("a\r\nb\tc\u{1b}[0m"), "a b c\u{fffd}[0m");
        assert_eq!(clipped("abc\u{202e}d", 4), "abc\u{fffd}…");
        assert_eq!(github_property("a,b:c%\nd"), "a%2Cb%3Ac%25 d");
    }
}
