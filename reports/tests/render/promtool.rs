//! Both files of metrics, read by a grammar of our own, and by `promtool` where it is installed.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

use redquake_reports::render::metrics;
use redquake_reports::result::Document;

use crate::fixture;

fn documents() -> [Document; 6] {
    [fixture::passing(), fixture::failing(), fixture::inconclusive(), fixture::interrupted(), fixture::hostile(), fixture::split()]
}

/// The labels of a line and what follows them; quotation marks inside a value are escaped.
fn labels(rest: &str) -> (Vec<(String, String)>, &str) {
    let mut labels = Vec::new();
    let mut rest = rest.strip_prefix('{').expect("labels");
    while !rest.starts_with('}') {
        let (name, after) = rest.split_once("=\"").expect("a value in quotation marks");
        assert!(!name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "label {name}");
        let (mut value, mut end, mut escaped) = (String::new(), None, false);
        for (at, c) in after.char_indices() {
            match (escaped, c) {
                (true, '\\' | '"' | 'n') => (escaped, _) = (false, value.push(c)),
                (true, other) => panic!("escape {other}"),
                (false, '\\') => escaped = true,
                (false, '"') => {
                    end = Some(at);
                    break;
                }
                (false, c) => value.push(c),
            }
        }
        labels.push((name.to_owned(), value));
        rest = &after[end.expect("a closed value") + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    (labels, &rest[1..])
}

/// Families, each with its head before its lines, and no line twice.
fn check(text: &str, types: &[&str]) {
    let (mut families, mut series, mut family) = (BTreeSet::new(), BTreeSet::new(), String::new());
    for line in text.lines().filter(|line| *line != "# EOF") {
        if let Some(head) = line.strip_prefix("# TYPE ") {
            let (name, kind) = head.split_once(' ').expect("a name and a kind");
            assert!(types.contains(&kind), "type {kind}");
            assert!(families.insert(name.to_owned()), "{name} stands twice");
            family = name.to_owned();
        } else if let Some(head) = line.strip_prefix("# HELP ").or_else(|| line.strip_prefix("# UNIT ")) {
            assert!(head.starts_with(&format!("{family} ")), "{line} is of another family than {family}");
        } else {
            let name: String = line.chars().take_while(|c| *c != '{').collect();
            assert!(name == family || name == format!("{family}_info"), "{name} in the family {family}");
            let (labels, value) = labels(&line[name.len()..]);
            let names: BTreeSet<&String> = labels.iter().map(|(name, _)| name).collect();
            assert_eq!(names.len(), labels.len(), "a label twice: {line}");
            value.trim().parse::<f64>().expect("a number");
            assert!(series.insert((name, labels)), "twice: {line}");
        }
    }
    assert!(!series.is_empty());
}

#[test]
fn both_files_keep_to_their_grammar() {
    for document in documents() {
        let open = metrics::render(&document);
        assert!(open.ends_with("\n# EOF\n"));
        check(&open, &["gauge", "info", "stateset"]);
        let plain = metrics::prometheus(&document);
        assert!(!plain.contains("# EOF") && !plain.contains("# UNIT"));
        check(&plain, &["gauge"]);
        let lines = |text: &str| text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(lines(&open), lines(&plain), "the same figures");
    }
}

#[test]
fn assertions_are_told_with_their_limit_and_result() {
    let text = metrics::prometheus(&fixture::failing());
    let said = r#"metric="failover.write_gap",expect="max < 1380ms",verdict="fail",vacuous="false"} 0"#;
    assert!(text.contains(said), "{text}");
}

#[test]
fn promtool_reads_the_file_that_is_meant_for_it() {
    for document in documents() {
        let child =
            Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let Ok(mut child) = child else {
            println!("NOT CHECKED: promtool is not installed; Debian has it in the package prometheus");
            return;
        };
        child.stdin.take().unwrap().write_all(metrics::prometheus(&document).as_bytes()).unwrap();
        let ended = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned() + &String::from_utf8_lossy(&ended.stdout);
        assert!(ended.status.success(), "{said}");
    }
}
