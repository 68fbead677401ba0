//! One line of a configuration file.

use redquake_experiments::spec::Directives;

/// `name value`. A value that is empty or would end the line is quoted the way the servers read it.
pub(super) fn line(name: &str, value: &str) -> String {
    if value.is_empty() || value.contains(['\n', '\r', '\0']) {
        let escaped: String = value.chars().flat_map(escape).collect();
        format!("{name} \"{escaped}\"\n")
    } else {
        format!("{name} {value}\n")
    }
}

fn escape(character: char) -> Vec<char> {
    match character {
        '\n' => vec!['\\', 'n'],
        '\r' => vec!['\\', 'r'],
        '\0' => "\\x00".chars().collect(),
        '"' => vec!['\\', '"'],
        '\\' => vec!['\\', '\\'],
        other => vec![other],
    }
}

/// The lines of a user's directives; those the lab decides itself are shown but not applied.
pub(super) fn of_user(user: &Directives, reserved: &[&str], render: impl Fn(&str, &str) -> String) -> String {
    let mut text = String::new();
    for (name, value) in user.iter() {
        // A name is one word; anything else would smuggle in further directives.
        let name: String = name.split_whitespace().collect::<Vec<_>>().join("-");
        if reserved.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
            text.push_str("# not applied, the lab decides this: ");
            text.push_str(&line(&name, value));
        } else {
            text.push_str(&render(&name, value));
        }
    }
    text
}
