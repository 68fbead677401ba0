//! The report in a real browser: its headings are there, nothing complains, and nothing is fetched from anywhere.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{results, tell};

/// What a browser made of a page.
struct Seen {
    dom: String,
    /// Lines of its console.
    console: Vec<String>,
    /// Addresses that the page asked for, itself apart.
    requests: Vec<String>,
}

/// `None`, with the reason printed, where there is no Chromium.
fn open(page: &Path) -> Option<Seen> {
    let profile = tempfile::tempdir().unwrap();
    let log = profile.path().join("net.json");
    let mut chromium = Command::new("chromium");
    chromium
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps"])
        .args(["--enable-logging=stderr", "--virtual-time-budget=3000", "--dump-dom"])
        // Nobody listens there, so nothing leaves the machine, neither what the page asks for nor what the browser does by itself.
        .args(["--proxy-server=127.0.0.1:1", "--proxy-bypass-list=<-loopback>"])
        .arg(format!("--log-net-log={}", log.display()))
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("file://{}", page.display()))
        .env("HOME", profile.path())
        .stdin(Stdio::null());
    let output = match chromium.output() {
        Ok(output) => output,
        Err(error) => {
            // Past the test runner, which keeps back what tests that pass print.
            let _ = writeln!(std::io::stderr(), "not done: the report in a browser: `chromium` does not start ({error})");
            return None;
        }
    };
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {words}", output.status);
    let console = words.lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned).collect();
    let requests = requests(&serde_json::from_slice(&std::fs::read(log).unwrap()).unwrap(), page);
    Some(Seen { dom: String::from_utf8(output.stdout).unwrap(), console, requests })
}

/// What a page asked for, from the browser's log of its network; what the browser does by itself has no origin.
fn requests(log: &Value, page: &Path) -> Vec<String> {
    let start = &log["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"];
    assert!(start.is_number(), "another format of the log");
    let events = log["events"].as_array().unwrap().iter().filter(|event| event["type"] == *start);
    let started = events.map(|event| &event["params"]).filter(|request| request["initiator"] != "not an origin");
    let urls = started.filter_map(|request| request["url"].as_str()).filter(|url| !url.ends_with(&*page.to_string_lossy()));
    urls.map(str::to_owned).collect()
}

#[test]
fn a_report_opens_in_a_browser_without_a_word_on_the_console_or_a_request() {
    let run = results();
    assert_eq!(tell(&["analyze", run.path().to_str().unwrap()]).code, 0);
    let Some(seen) = open(&run.path().join("report.html")) else { return };
    assert_eq!((seen.console, seen.requests), (Vec::new(), Vec::<String>::new()));
    for id in ["figures", "assertions", "timeline", "anatomy", "distribution", "clients", "metrics", "environment"] {
        assert!(seen.dom.contains(&format!("<h2 id=\"{id}-h\">")), "no heading `{id}`");
    }
    assert!(seen.dom.contains("<svg "), "no picture");
}

#[test]
fn a_page_that_complains_and_fetches_is_caught() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.html");
    std::fs::write(&page, "<img src=\"http://elsewhere.invalid/picture.png\"><script>throw new Error('broken')</script>").unwrap();
    let Some(seen) = open(&page) else { return };
    assert!(seen.console.iter().any(|line| line.contains("broken")), "{:?}", seen.console);
    assert!(seen.requests.iter().any(|line| line.contains("elsewhere.invalid")), "{:?}", seen.requests);
}
