//! The walk over tree and schema.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::{Map, Value};

use super::forms::{accepts, bounds, branches, either, resolve, tag, wanted, words};
use super::leaf::{self, shorten};
use super::placeholder::placeholder;
use super::scalar::{self, Kind};
use super::suggest::{self, Guesses};
use crate::spec::problem::Problem;
use crate::spec::schema;
use crate::spec::source::{Place, SourceMap, Span};
use crate::spec::yaml::{Data, Entry, Node};

/// What a walk found.
pub(crate) struct Shape {
    /// The file as JSON; where it is broken, repaired with placeholders.
    pub(crate) value: Value,
    /// Where everything stands.
    pub(crate) map: SourceMap,
    /// Paths whose value is not what the author wrote.
    pub(crate) tainted: Vec<String>,
    /// Everything wrong with the shape.
    pub(crate) problems: Vec<Problem>,
}

/// Checks a whole experiment against its schema.
pub(crate) fn check(root: &Node) -> Shape {
    let mut walk = Walk { map: SourceMap::default(), tainted: Vec::new(), problems: Vec::new(), guesses: Guesses::default() };
    walk.map.insert(String::new(), Place { key: None, value: point(root, None) });
    let value = walk.visit(root, schema::experiment(), "", None);
    Shape { value, map: walk.map, tainted: walk.tainted, problems: walk.problems }
}

struct Walk {
    map: SourceMap,
    tainted: Vec<String>,
    problems: Vec<Problem>,
    guesses: Guesses,
}

impl Walk {
    /// Checks one node; `key` is where its key stands, if it has one.
    fn visit(&mut self, node: &Node, schema: &Value, path: &str, key: Option<&Span>) -> Value {
        let (name, schema) = resolve(schema);
        let kind = Kind::of(node);
        if let (Some(name), Data::Scalar { text, .. }, false) = (name, &node.data, kind == Kind::Null) {
            match leaf::read(name, text) {
                Some(Ok(())) => return Value::String(text.clone()),
                Some(Err(message)) => return self.broken(path, schema, Problem::error("RQ0109", node.span.clone(), message)),
                None => {}
            }
        }
        if let Some(branches) = branches(schema) {
            return self.branches(node, schema, &branches, path, key);
        }
        if let Some(words) = words(schema) {
            return self.word(node, schema, &words, path, key);
        }
        if !accepts(schema, kind) {
            return self.mismatch(node, schema, path, key);
        }
        match &node.data {
            Data::Sequence(items) => {
                let fallback = Value::Bool(true);
                let schema = schema.get("items").unwrap_or(&fallback);
                let items = items.iter().enumerate().map(|(index, item)| {
                    let path = format!("{path}[{index}]");
                    self.map.insert(path.clone(), Place { key: None, value: point(item, None) });
                    self.visit(item, schema, &path, None)
                });
                Value::Array(items.collect())
            }
            Data::Mapping(entries) => self.mapping(node, entries, schema, path, key),
            Data::Scalar { text, .. } => self.scalar(node, text, kind, schema, path),
        }
    }

    fn scalar(&mut self, node: &Node, text: &str, kind: Kind, schema: &Value, path: &str) -> Value {
        // A directive takes numbers and strings alike; what was written goes into the server's file unchanged.
        if kind != Kind::Null && accepts(schema, Kind::String) {
            if let Some(pattern) = schema.get("pattern").and_then(Value::as_str)
                && let Err(message) = leaf::matches(pattern, text)
            {
                return self.broken(path, schema, Problem::error("RQ0109", node.span.clone(), message));
            }
            return Value::String(text.to_owned());
        }
        let value = scalar::value(text, kind);
        if let Some(number) = value.as_f64() {
            let (low, high) = bounds(schema);
            if number < low || number > high {
                let what = last(path);
                let message = if high > 4e9 {
                    format!("`{what}` must be at least {low}")
                } else {
                    format!("`{what}` must be between {low} and {high}")
                };
                return self.broken(path, schema, Problem::error("RQ0108", node.span.clone(), message));
            }
        }
        value
    }

    fn mapping(&mut self, node: &Node, entries: &[Entry], schema: &Value, path: &str, key: Option<&Span>) -> Value {
        let nothing = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&nothing);
        let others = schema.get("additionalProperties").filter(|others| others.is_object());
        let names = schema.get("propertyNames").and_then(|names| names.get("pattern")).and_then(Value::as_str);
        let mut members = Map::new();
        let mut first: HashMap<Cow<'_, str>, &Entry> = HashMap::new();
        for entry in entries {
            // Names of directives are compared as servers compare them, and kept in the form they are compared in.
            let name = if names.is_some() { Cow::Owned(entry.key.to_ascii_lowercase()) } else { Cow::Borrowed(entry.key.as_str()) };
            let here = join(path, &name);
            if let Some(Err(message)) = names.map(|pattern| leaf::matches(pattern, &entry.key)) {
                let problem = Problem::error("RQ0109", entry.key_span.clone(), message);
                self.problems.push(problem.help("write the directive as it stands in a configuration file, for example `maxmemory`"));
                self.tainted.push(here);
                continue;
            }
            if let Some(earlier) = first.get(&name) {
                let message = format!("the key `{}` is written twice", shorten(&entry.key));
                let repeats = path.starts_with("topology.config.");
                let help =
                    if repeats { "a directive that repeats takes a list: `save: [\"900 1\", \"300 10\"]`" } else { "keep one of the two" };
                let problem = Problem::error("RQ0107", entry.key_span.clone(), message)
                    .label("written again here")
                    .related(earlier.key_span.clone(), "first written here")
                    .help(help);
                self.problems.push(problem);
                self.tainted.push(here);
                continue;
            }
            first.insert(name.clone(), entry);
            let Some(member) = properties.get(&*name).or(others) else {
                if let Some(meant) = self.unknown_key(entry, properties, path)
                    && !entries.iter().any(|other| other.key == meant)
                {
                    // Checked as what was meant, so that the next mistake need not wait for the next pass.
                    let value = self.visit(&entry.value, &properties[meant], &join(path, meant), Some(&entry.key_span));
                    members.insert(meant.to_owned(), value);
                }
                continue;
            };
            self.map.insert(here.clone(), Place { key: Some(entry.key_span.clone()), value: point(&entry.value, Some(&entry.key_span)) });
            let value = self.visit(&entry.value, member, &here, Some(&entry.key_span));
            members.insert(name.into_owned(), value);
        }
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        for wanted in required.filter(|wanted| !first.contains_key(*wanted)) {
            let here = join(path, wanted);
            // A misspelt key was reported already; that it is also missing tells nothing new.
            if !self.tainted.contains(&here) {
                let description = properties.get(wanted).and_then(|p| p.get("description")).and_then(Value::as_str);
                let problem = Problem::error("RQ0105", point(node, key), format!("missing key `{wanted}`"))
                    .label(format!("has no `{wanted}`"))
                    .maybe_help(description.map(|text| format!("`{wanted}`: {}", text.replace('\n', " "))));
                self.problems.push(problem);
                self.tainted.push(here);
            }
            if members.contains_key(wanted) {
                continue;
            }
            members.insert(wanted.to_owned(), properties.get(wanted).map_or(Value::Null, placeholder));
        }
        Value::Object(members)
    }

    /// Reports a key that is not known; the one that was probably meant.
    fn unknown_key<'p>(&mut self, entry: &Entry, properties: &'p Map<String, Value>, path: &str) -> Option<&'p str> {
        let known: Vec<&str> = properties.keys().map(String::as_str).collect();
        let told = self.guesses.are_left();
        let meant = self.guesses.closest(&entry.key, known.iter().copied());
        if let Some(meant) = meant {
            self.tainted.push(join(path, meant));
        }
        let help = match (entry.key.as_str(), meant) {
            ("<<", _) => Some("merge keys are not part of YAML 1.2; write the values out, or use an alias for the whole value".to_owned()),
            (_, Some(meant)) => Some(format!("did you mean `{meant}`?")),
            (_, None) => told.then(|| format!("known here: {}", suggest::list(known, "and"))),
        };
        let message = format!("unknown key `{}`", shorten(&entry.key));
        self.problems.push(Problem::error("RQ0103", entry.key_span.clone(), message).maybe_help(help));
        meant
    }

    /// A value with several forms: told apart by a tag (`kind`, `action`), else by what the value is.
    fn branches(&mut self, node: &Node, schema: &Value, branches: &[&Value], path: &str, key: Option<&Span>) -> Value {
        let kind = Kind::of(node);
        let fitting: Vec<&Value> = branches.iter().copied().filter(|branch| accepts(resolve(branch).1, kind)).collect();
        match (fitting.as_slice(), &node.data) {
            ([], _) => self.mismatch(node, schema, path, key),
            ([one], _) if tag(&fitting).is_none() => self.visit(node, one, path, key),
            (several, Data::Mapping(entries)) => match tag(several) {
                Some(tag) => self.tagged(node, entries, several, tag, path, key),
                None => {
                    let shared = |branch: &&&Value| {
                        let properties = resolve(branch).1.get("properties").and_then(Value::as_object);
                        properties.map_or(0, |p| entries.iter().filter(|entry| p.contains_key(&entry.key)).count())
                    };
                    match several.iter().max_by_key(shared).filter(|best| shared(best) > 0) {
                        Some(best) => self.visit(node, best, path, key),
                        None => self.mismatch(node, schema, path, key),
                    }
                }
            },
            (several, _) => self.visit(node, several[0], path, key),
        }
    }

    fn tagged(&mut self, node: &Node, entries: &[Entry], branches: &[&Value], tag: &str, path: &str, key: Option<&Span>) -> Value {
        let constant = |branch: &Value| resolve(branch).1.get("properties")?.get(tag)?.get("const")?.as_str().map(str::to_owned);
        let known: Vec<String> = branches.iter().filter_map(|branch| constant(branch)).collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let properties = branches.iter().filter_map(|branch| resolve(branch).1.get("properties")?.as_object());
        let keys: Vec<&str> = properties.flat_map(|properties| properties.keys().map(String::as_str)).collect();
        let misspelt =
            |entry: &&Entry| !keys.contains(&entry.key.as_str()) && suggest::closest(&entry.key, keys.iter().copied()) == Some(tag);
        let written = entries.iter().find(|entry| entry.key == tag).or_else(|| entries.iter().take(20).find(misspelt));
        let word = written.and_then(|entry| match &entry.value.data {
            Data::Scalar { text, .. } => Some(text.as_str()),
            _ => None,
        });
        let meant = word.and_then(|word| known.iter().position(|known| *known == word));
        if let Some(index) = meant {
            return self.visit(node, branches[index], path, key);
        }
        // Which of the forms was meant is a guess from here on; a good guess finds the other mistakes of the same item.
        let guess = match word {
            Some(word) => suggest::closest(word, known.iter().copied()),
            None if known.len() == 1 => known.first().copied(),
            None => None,
        };
        let index = guess.and_then(|guess| known.iter().position(|known| *known == guess));
        let chosen = index.map_or(branches[0], |index| branches[index]);
        if written.is_some() || index.is_none() {
            let problem = match (written, word) {
                (Some(entry), Some(word)) => {
                    Problem::error("RQ0104", point(&entry.value, Some(&entry.key_span)), format!("unknown {tag} `{}`", shorten(word)))
                        .label(format!("not one of {}", suggest::list(known.iter().copied(), "or")))
                        .maybe_help(suggest::closest(word, known.iter().copied()).map(|found| format!("did you mean `{found}`?")))
                }
                (Some(entry), None) => {
                    let message = format!("`{tag}` must be one word");
                    Problem::error("RQ0106", point(&entry.value, Some(&entry.key_span)), message)
                        .help(format!("known here: {}", suggest::list(known.iter().copied(), "and")))
                }
                (None, _) => Problem::error("RQ0105", point(node, key), format!("missing key `{tag}`"))
                    .label(format!("has no `{tag}`"))
                    .help(format!("`{tag}` is one of {}", suggest::list(known.iter().copied(), "or"))),
            };
            self.problems.push(problem);
        }
        if index.is_none() {
            self.tainted.push(path.to_owned());
            return placeholder(chosen);
        }
        if written.is_some() {
            self.tainted.push(join(path, tag));
        }
        // The tag itself was reported; the rest is checked as if it had been right.
        let reported = self.problems.len();
        let mut value = self.visit(node, chosen, path, key);
        if written.is_some() {
            let again = self.problems[reported..]
                .iter()
                .position(|problem| written.is_some_and(|entry| problem.span == point(&entry.value, Some(&entry.key_span))));
            if let Some(again) = again {
                self.problems.remove(reported + again);
            }
        }
        if let (Some(members), Some(word)) = (value.as_object_mut(), constant(chosen)) {
            members.insert(tag.to_owned(), Value::String(word));
        }
        value
    }

    fn word(&mut self, node: &Node, schema: &Value, words: &[&Value], path: &str, key: Option<&Span>) -> Value {
        let Data::Scalar { text, .. } = &node.data else {
            return self.mismatch(node, schema, path, key);
        };
        let value = scalar::value(text, Kind::of(node));
        if let Some(found) = words.iter().find(|word| ***word == value || word.as_str() == Some(text)) {
            return (*found).clone();
        }
        let known: Vec<&str> = words.iter().filter_map(|word| word.as_str()).collect();
        if known.is_empty() || Kind::of(node) == Kind::Null {
            return self.mismatch(node, schema, path, key);
        }
        let problem = Problem::error("RQ0104", node.span.clone(), format!("unknown {} `{}`", last(path), shorten(text)))
            .label(format!("not one of {}", suggest::list(known.iter().copied(), "or")));
        let meant = suggest::closest(text, known.iter().copied()).map(|found| format!("did you mean `{found}`?"));
        self.broken(path, schema, problem.maybe_help(meant))
    }

    fn mismatch(&mut self, node: &Node, schema: &Value, path: &str, key: Option<&Span>) -> Value {
        let found = Kind::of(node);
        let wanted = wanted(schema);
        let text = match &node.data {
            Data::Scalar { text, .. } => text.as_str(),
            _ => "",
        };
        let what = if path.is_empty() { "the file".to_owned() } else { format!("`{}`", last(path)) };
        let message = format!("{what} must be {}, not {}", either(&wanted), found.words());
        let help = match found {
            Kind::Boolean if path.starts_with("topology.config.") => Some("Redis says `yes` and `no`".to_owned()),
            Kind::Boolean | Kind::Integer | Kind::Number if wanted.contains(&Kind::String) => Some(format!("quote it: `\"{text}\"`")),
            Kind::String if wanted.contains(&Kind::Integer) && scalar::integer(text).is_some() => Some("remove the quotes".to_owned()),
            Kind::Object if wanted == [Kind::Array] => Some("begin each item of a list with `- `".to_owned()),
            _ => schema.get("examples").and_then(|examples| examples.get(0)?.as_str()).map(|example| format!("write it like `{example}`")),
        };
        self.broken(path, schema, Problem::error("RQ0106", point(node, key), message).maybe_help(help))
    }

    fn broken(&mut self, path: &str, schema: &Value, problem: Problem) -> Value {
        self.problems.push(problem);
        self.tainted.push(path.to_owned());
        placeholder(schema)
    }
}

/// What to underline for a node: a scalar or a one-line collection whole, else its key or its first key.
pub(crate) fn point(node: &Node, key: Option<&Span>) -> Span {
    match &node.data {
        Data::Scalar { .. } if node.span.range.is_empty() => key.unwrap_or(&node.span).clone(),
        _ if node.inline => node.span.clone(),
        Data::Scalar { .. } => node.span.clone(),
        Data::Mapping(entries) => match (key, entries.first()) {
            (Some(key), _) => key.clone(),
            (None, Some(entry)) => entry.key_span.clone(),
            (None, None) => node.span.clone(),
        },
        Data::Sequence(items) => match (key, items.first()) {
            (Some(key), _) => key.clone(),
            (None, Some(item)) => point(item, None),
            (None, None) => node.span.clone(),
        },
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// The last key of a path, without indices.
fn last(path: &str) -> &str {
    let tail = path.rsplit('.').next().unwrap_or(path);
    tail.split('[').next().unwrap_or(tail)
}
