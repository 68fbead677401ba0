//! Input nobody wrote by hand: an answer with a place, in well under a second.

use std::time::{Duration, Instant};

use redquake_experiments::plan::{self, Capabilities, DelayPath, RuntimeKind};
use redquake_experiments::spec::{self, Loaded};

/// The slowest of these took 0.4 s in a debug build on four cores under a load of 12, nearly all of them a few milliseconds.
const SOON: Duration = Duration::from_secs(2);

/// Loads, and checks code and place of the first error.
fn refused(bytes: &[u8], code: &str, line: u32, column: u32) -> Loaded {
    let began = Instant::now();
    let loaded = spec::load("hostile.yaml", bytes, &|_| Err("nothing is read".to_owned()));
    let text = loaded.render_human(false);
    let took = began.elapsed();
    println!("{took:?} for {code} in {} bytes", bytes.len());
    assert!(took < SOON, "{took:?} for {code}");
    let first = loaded.problems.iter().find(|problem| problem.level == spec::Level::Error).expect("hostile input is refused");
    let place = loaded.sources.location(&first.span);
    assert_eq!((first.code, place.line, place.column), (code, line, column), "{text}");
    assert!(loaded.experiment.is_none());
    assert!(text.len() < 64 * 1024, "a report of {} bytes", text.len());
    assert!(!loaded.problems_as_json().is_empty() && !loaded.render_github().is_empty());
    loaded
}

#[test]
fn ten_megabytes_are_not_even_parsed() {
    let bytes = b"version: 1\n# filler\n".repeat(500_000);
    refused(&bytes, "RQ0001", 1, 1);
}

#[test]
fn a_file_just_under_the_limit_is_answered_soon() {
    let mut text = String::from("version: 1\nname: long\n");
    while text.len() < spec::MAX_FILE_BYTES - 100 {
        text.push_str("# a comment that goes on\n");
    }
    refused(text.as_bytes(), "RQ0105", 1, 1);
}

#[test]
fn an_alias_bomb_does_not_go_off() {
    let mut text = String::from("version: 1\na0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let items = vec![format!("*a{}", level - 1); 9].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{items}]\n"));
    }
    refused(text.as_bytes(), "RQ0007", 6, 15);
}

#[test]
fn many_aliases_are_refused() {
    let text = format!("version: 1\na: &a x\nb: [{}]\n", vec!["*a"; 1_000].join(", "));
    refused(text.as_bytes(), "RQ0007", 3, 5 + 50 * 4);
}

#[test]
fn an_alias_of_the_value_it_stands_in_is_refused() {
    refused(b"version: 1\nname: &a [*a]\n", "RQ0004", 2, 11);
}

#[test]
fn a_hundred_thousand_brackets_are_too_deep() {
    let text = format!("version: 1\nname: {}", "[".repeat(100_000));
    refused(text.as_bytes(), "RQ0007", 2, 40);
}

#[test]
fn a_hundred_thousand_dashes_are_too_deep() {
    let text = format!("version: 1\nname:\n  {}x", "- ".repeat(100_000));
    refused(text.as_bytes(), "RQ0007", 3, 65);
}

#[test]
fn a_hundred_thousand_levels_of_indentation_are_too_deep() {
    let mut text = String::from("version: 1\nname:\n");
    for level in 1..1_000 {
        text.push_str(&format!("{}a:\n", " ".repeat(level)));
    }
    let loaded = spec::load("hostile.yaml", text.as_bytes(), &|_| Err(String::new()));
    assert_eq!(loaded.problems[0].code, "RQ0007");
}

#[test]
fn a_quarter_million_items_are_too_many() {
    let text = format!("version: 1\nfaults:\n{}", "- a\n".repeat(250_000));
    refused(text.as_bytes(), "RQ0007", 20_000 - 2, 3);
}

#[test]
fn a_key_of_a_megabyte_is_refused() {
    let text = format!("version: 1\n{}: x\n", "k".repeat(1_000_000));
    let began = Instant::now();
    let loaded = spec::load("hostile.yaml", text.as_bytes(), &|_| Err(String::new()));
    assert!(began.elapsed() < SOON && !loaded.problems.is_empty());
}

#[test]
fn a_value_of_a_megabyte_is_told_in_short() {
    let text = format!("version: 1\nname: x\ntopology: {{ kind: sentinel }}\nduration: {}\n", "9".repeat(1_000_000));
    let loaded = refused(text.as_bytes(), "RQ0109", 4, 11);
    assert!(loaded.problems.iter().all(|problem| problem.message.len() < 300));
}

#[test]
fn ten_thousand_unknown_keys_are_told_in_short() {
    let keys: String = (0..9_000).map(|number| format!("key{number}: x\n")).collect();
    let loaded = refused(format!("version: 1\n{keys}").as_bytes(), "RQ0105", 1, 1);
    assert!(loaded.problems.len() > 9_000, "every one of them is known to programs");
}

#[test]
fn a_hundred_kilobytes_of_mistakes_in_one_line_are_told_in_short() {
    let keys: Vec<String> = (0..9_000).map(|number| format!("key{number}: x")).collect();
    let loaded = refused(format!("{{ version: 1, {} }}", keys.join(", ")).as_bytes(), "RQ0105", 1, 1);
    assert!(loaded.render_human(false).contains("hostile.yaml:1:15"), "the place is told where the line cannot be shown");
}

#[test]
fn mistakes_far_apart_are_told_in_short() {
    let filler = "# a comment that goes on\n".repeat(30_000);
    let keys: String = (0..200).map(|number| format!("key{number}: x\n")).collect();
    refused(format!("version: 1\nname: a\n{keys}{filler}{keys}name: b\n").as_bytes(), "RQ0105", 1, 1);
}

#[test]
fn invalid_utf8_is_told_with_its_first_byte() {
    let loaded = refused(b"version: 1\nname: caf\xe9\n", "RQ0002", 2, 10);
    assert_eq!(loaded.problems[0].message, "the file is not UTF-8: byte 0xe9 at offset 20");
}

#[test]
fn a_cut_off_character_at_the_end_is_told() {
    refused(b"version: 1\nname: caf\xc3", "RQ0002", 2, 10);
}

#[test]
fn utf16_is_refused() {
    let bytes: Vec<u8> = "version: 1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    refused(&bytes, "RQ0003", 1, 2);
    let with_mark: Vec<u8> = [0xff, 0xfe].into_iter().chain(bytes).collect();
    refused(&with_mark, "RQ0002", 1, 1);
}

#[test]
fn nul_bytes_are_told_with_their_place() {
    refused(b"version: 1\nname: a\0b\n", "RQ0003", 2, 8);
}

#[test]
fn nothing_at_all_is_told_to_be_empty() {
    for bytes in [&b""[..], b"\n\n", b"   ", b"# only a comment\n", b"---\n", b"---\n...\n", b"null\n", b"~"] {
        refused(bytes, "RQ0005", 1, 1);
    }
}

#[test]
fn several_documents_are_refused_at_the_second() {
    refused(b"version: 1\nname: a\n---\nversion: 1\n", "RQ0006", 3, 1);
}

#[test]
fn tabs_are_told_to_be_tabs() {
    let loaded = refused(b"version: 1\ntopology:\n\tkind: sentinel\n", "RQ0004", 3, 1);
    assert!(loaded.problems[0].help.as_deref().is_some_and(|help| help.contains("spaces")));
}

#[test]
fn directives_of_yaml_are_refused() {
    refused(b"%YAML 1.2\n---\nversion: 1\n", "RQ0004", 1, 1);
}

#[test]
fn escapes_of_a_terminal_do_not_reach_it() {
    let loaded = spec::load("hostile.yaml", b"version: 1\nname: \"\\e[2J\"\n\"\\e[31mx\": 1\n", &|_| Err(String::new()));
    assert!(!loaded.render_human(false).contains('\u{1b}'));
}

#[test]
fn an_included_file_is_held_to_the_same_limits() {
    let text = b"version: 1\nname: a\ntopology: big.yaml\nduration: 9s\n";
    let began = Instant::now();
    let loaded = spec::load("hostile.yaml", text, &|_| Ok(vec![b'['; 10_000_000]));
    assert!(began.elapsed() < SOON);
    assert!(loaded.problems.iter().any(|problem| problem.code == "RQ0001"));
}

/// A file with so many faults that each follows another one.
fn followers(number: usize, leader: impl Fn(usize) -> usize) -> String {
    let faults: String = (0..number)
        .map(|index| {
            format!("  - {{ name: fault-{index:058}, after: fault-{:058}, action: kill, target: {{ role: replica }} }}\n", leader(index))
        })
        .collect();
    format!("version: 1\nname: followers\ntopology: {{ kind: sentinel }}\nduration: 30s\nfaults:\n{faults}")
}

#[test]
fn a_circle_of_a_thousand_faults_is_refused_once() {
    let loaded = refused(followers(1_000, |index| (index + 1) % 1_000).as_bytes(), "RQ0227", 6, 86);
    assert_eq!(loaded.problems.iter().filter(|problem| problem.code == "RQ0227").count(), 1);
}

#[test]
fn a_thousand_faults_that_follow_nobody_are_told_in_short() {
    refused(followers(1_000, |index| index + 100_000).as_bytes(), "RQ0227", 6, 86);
}

#[test]
fn a_chain_of_a_thousand_faults_against_the_order_of_the_file_is_planned_soon() {
    let text = followers(1_000, |index| index + 1).replacen("duration", "seed: 1\nduration", 1);
    let last = format!("  - {{ name: fault-{:058}, at: 1s, action: kill, target: {{ role: replica }} }}\n", 1_000);
    let loaded = spec::load("chain.yaml", format!("{text}{last}").as_bytes(), &|_| Err("nothing is read".to_owned()));
    let experiment = loaded.experiment.expect("a chain is no mistake");
    let capable = Capabilities {
        runtime: RuntimeKind::Process,
        enter_namespaces: Ok(()),
        drop_packets: Ok(()),
        lose_packets: Ok(()),
        delay_packets: Ok(DelayPath::Queue),
        limit_bandwidth: Ok(()),
    };
    let began = Instant::now();
    let plan = plan::plan(&experiment, 1, None, &capable).expect("nothing stands in the way");
    assert_eq!(plan.faults.len(), 1_001);
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}

#[test]
fn a_million_injections_are_refused() {
    let faults: String = (0..1_000)
        .map(|index| format!("  - {{ name: f{index}, at: 1s, every: 1ms, times: 1000, action: kill, target: {{ role: replica }} }}\n"))
        .collect();
    let text = format!("version: 1\nname: many\ntopology: {{ kind: sentinel }}\nduration: 30s\nfaults:\n{faults}");
    refused(text.as_bytes(), "RQ0259", 16, 45);
}
