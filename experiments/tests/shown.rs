//! What is quoted for a shell, given to one.

use std::process::Command;

use redquake_experiments::shown::shell_quote;
use redquake_experiments::spec;

#[test]
fn bash_gives_back_what_was_quoted() {
    let words = [
        "",
        "plain.yaml",
        "a b",
        "it's",
        "$(touch x)",
        "`id`",
        "a\nb",
        "\u{1b}[31m1",
        "\u{202e}txt",
        "é'\n\\x41",
        "-x",
        "~",
        "*",
        "!!",
        "a;b",
        "#c",
    ];
    for word in words {
        let script = format!("printf %s {}", shell_quote(word));
        let said = Command::new("bash").args(["-c", &script]).output().expect("bash");
        assert_eq!(String::from_utf8_lossy(&said.stdout), word, "{script}");
    }
}

#[test]
fn no_control_character_of_a_file_reaches_a_diagnostic() {
    // Those of ASCII and those above it, in a file that is UTF-8 and in one that is not.
    for bytes in [&b"version: 1\nname: a\xc2\x9e\xc2\x9b2J\x7f\x1b[2J: b\n"[..], b"version: 1\nname: a\xc2\x9e\xc2\x9b2J\x7f\xff\n"] {
        let shown = spec::load("a.yaml", bytes, &|_| Err("nothing is read".to_owned())).render_human(false);
        assert!(!shown.is_empty() && shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
    }
}
