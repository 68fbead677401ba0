//! What is quoted for a shell, given to one.

use std::process::Command;

use redquake_experiments::shown::shell_quote;

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
