//! What a server says when it does not take its configuration.

use crate::runtime::Refused;

/// How a server begins that has found a mistake in its configuration file.
const BEGINNING: &str = "*** FATAL CONFIG FILE ERROR";

/// What the server of a node refused at its latest start, by its log.
pub(crate) fn refused(node: &str, log: &str) -> Option<Refused> {
    let (_, said) = log.rsplit_once(BEGINNING)?;
    let mut lines = said.lines().skip_while(|line| !line.starts_with(">>> ")).map(str::trim);
    let line = lines.next()?.strip_prefix(">>> ")?.trim_matches('\'').to_owned();
    let words = lines.next().unwrap_or_default().to_owned();
    let mut parts = line.split_whitespace();
    let first = parts.next()?;
    // `sentinel <directive> <primary> …`
    let (sentinel, name) = if first.eq_ignore_ascii_case("sentinel") { (true, parts.next()?) } else { (false, first) };
    Some(Refused { node: node.to_owned(), sentinel, name: name.to_lowercase(), line, words })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directive_and_the_servers_words_are_found_in_the_latest_start() {
        let log = "1:C 30 Nov 2026 # oO0OoO0OoO0Oo Redis is starting\n\n*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***\n\
                   Reading the configuration file, at line 7\n>>> 'maxmemory-policy sometimes'\n\
                   argument(s) must be one of the following: volatile-lru, noeviction\n";
        let found = refused("redis-1", log).unwrap();
        assert_eq!((found.name.as_str(), found.sentinel), ("maxmemory-policy", false));
        assert_eq!(
            found.to_string(),
            "redis-1 refuses `maxmemory-policy sometimes`: argument(s) must be one of the following: volatile-lru, noeviction"
        );
        assert!(refused("redis-1", "Ready to accept connections\n").is_none());
    }

    #[test]
    fn a_directive_of_a_sentinel_is_named_without_what_is_before_it() {
        let log = "*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***\nReading the configuration file, at line 4\n\
                   >>> 'sentinel down-after-milliseconds lab -1'\nnegative or zero time parameter.\n";
        let found = refused("sentinel-2", log).unwrap();
        assert_eq!(
            (found.name.as_str(), found.sentinel, found.words.as_str()),
            ("down-after-milliseconds", true, "negative or zero time parameter.")
        );
    }
}
