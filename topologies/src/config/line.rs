//! One line of a configuration file.

use redquake_experiments::spec::Directives;

/// `name value`, an empty value in quotes. Neither can bring in another line: [`Directives`] has none that would.
pub(super) fn line(name: &str, value: &str) -> String {
    let value = if value.is_empty() { "\"\"" } else { value };
    format!("{name} {value}\n")
}

/// The lines of a user's directives; those the lab decides itself are shown but not applied.
pub(super) fn of_user(user: &Directives, reserved: &[&str], render: impl Fn(&str, &str) -> String) -> String {
    let mut text = String::new();
    for (name, value) in user.iter() {
        if reserved.contains(&name) {
            text.push_str("# not applied, the lab decides this: ");
            text.push_str(&line(name, value));
        } else {
            text.push_str(&render(name, value));
        }
    }
    text
}
