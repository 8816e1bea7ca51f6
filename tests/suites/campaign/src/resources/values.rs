//! What is written at a place: what belongs there, what nearly does, and what never should.

use proptest::{
    strategy::{Strategy, ValueTree},
    string::string_regex,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};

use super::places::Place;

/// A sort of values. Every place gets each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sort {
    /// What the schema asks for, other than what stands there.
    Valid,
    /// Another JSON type.
    WrongType,
    /// An empty one of the right type.
    Empty,
    /// `null`.
    Null,
    /// The least that the schema admits.
    Minimum,
    /// The most that it admits.
    Maximum,
    /// One more, or one less than the least.
    Beyond,
    /// Right-to-left marks, combining characters, NUL, emoji, what is no character at all.
    Unicode,
    /// What means something to OData, CEL, YAML, a log, a header, a path, a template or a shell.
    Injection,
    /// A megabyte.
    Megabyte,
    /// A field that does not exist, below or beside it.
    Unknown,
    /// The field is not there.
    Removed,
}

/// What is done at a place.
#[derive(Clone, Debug)]
pub struct Change {
    /// What sort of value it is.
    pub sort: Sort,
    /// What is done.
    pub write: Write,
}

/// What is done at a place.
#[derive(Clone, Debug)]
pub enum Write {
    /// This value is put there.
    Put(Value),
    /// A number of a million digits, which a JSON value cannot hold.
    Digits,
    /// A field of this name is put into the object there.
    Field(&'static str, Value),
    /// The field is taken away.
    Remove,
}

/// A mark in a text, in whose place the body of the request gets bytes that no Rust string can hold.
pub const RAW: [(&str, &[u8]); 2] = [("LONE-SURROGATE", b"\\ud800"), ("NOT-UTF-8", b"\xff\xfe\xc0\x80")];
/// Stands for [`Write::Digits`] until the body is written.
pub const DIGITS: &str = "A-MILLION-DIGITS";
/// Begins a line that nobody but an attacker writes.
pub const FORGED: &str = "FORGED";

const MEGABYTE: usize = 1 << 20;

const UNICODE: [&str; 12] = [
    "\u{202e}drow\u{202c}",
    "\u{200f}\u{5d0}\u{5d1}\u{200e}",
    "Zu\u{308}rich e\u{301}\u{301}\u{301}",
    "a\u{0}b",
    "👩\u{200d}👩\u{200d}👧\u{200d}👦🏳\u{fe0f}\u{200d}🌈",
    "\u{feff}iPad",
    "１２３４５６７８９０１２３４５",
    "\u{200b}",
    "\u{2028}\u{2029}\u{85}",
    "\u{fdfa}ﬁ\u{10ffff}",
    "LONE-SURROGATE",
    "NOT-UTF-8",
];

const INJECTION: [&str; 20] = [
    "' or '1' eq '1",
    "x'or'1'eq'1@b",
    "x') or startswith(serialNumber,'",
    "a'b''c",
    "' || true || '",
    "self.matches('.*')",
    "a: b\n- c",
    "!!python/object/apply:os.system [id]",
    "*alias",
    "x\r\nFORGED: 1\r\n\r\nFORGED",
    "x\nFORGED INFO the reset is done",
    "\u{1b}[2J\u{1b}[31mred",
    "../../../../etc/passwd",
    "%2e%2e%2f%00%0d%0a",
    "{{ .Values.secret }}",
    "${{ secrets.TOKEN }}$(id)`id`",
    "<script>alert(1)</script>",
    "\\\"\\u0022\"",
    "&$top=1#?$select=passcode",
    "{0}{}%s%n",
];

/// Everything that is tried at a place, where the specimen has this value.
pub fn changes(place: &Place, present: Option<&Value>) -> Vec<Change> {
    let put =
        |sort: Sort, values: Vec<Value>| values.into_iter().map(move |value| Change { sort, write: Write::Put(value) });
    let mut all: Vec<Change> = put(Sort::Valid, valid(place)).collect();
    all.extend(put(Sort::WrongType, wrong_types(place.kind())));
    all.extend(put(Sort::Empty, vec![empty(place.kind())]));
    all.extend(put(Sort::Null, vec![Value::Null]));
    let bounds = bounds(place, present);
    all.extend(put(Sort::Minimum, bounds.0));
    all.extend(put(Sort::Maximum, bounds.1));
    all.extend(put(Sort::Beyond, bounds.2));
    all.extend(put(Sort::Unicode, texts(place, present, &UNICODE)));
    all.extend(put(Sort::Injection, texts(place, present, &INJECTION)));
    all.extend(megabytes(place, present));
    let unknown = [Write::Field("phone", json!("x")), Write::Field("x\r\nFORGED", json!({"a": [1]}))];
    all.extend(unknown.map(|write| Change { sort: Sort::Unknown, write }));
    all.push(Change { sort: Sort::Removed, write: Write::Remove });
    all
}

fn wrong_types(kind: &str) -> Vec<Value> {
    let all = [
        ("string", json!("text")),
        ("integer", json!(17)),
        ("number", json!(1.5)),
        ("boolean", json!(true)),
        ("array", json!([])),
        ("array", json!(["x", null])),
        ("object", json!({})),
        ("object", json!({"a": "b"})),
    ];
    all.into_iter().filter(|(other, _)| *other != kind).map(|(_, value)| value).collect()
}

fn empty(kind: &str) -> Value {
    match kind {
        "object" => json!({}),
        "array" => json!([]),
        "integer" => json!(0),
        "boolean" => json!(false),
        _ => json!(""),
    }
}

/// What the schema asks for.
fn valid(place: &Place) -> Vec<Value> {
    let schema = &place.schema;
    if let Some(words) = schema["enum"].as_array() {
        return words.clone();
    }
    match place.kind() {
        "boolean" => vec![json!(true), json!(false)],
        "integer" => {
            let middle = (number(schema, "minimum") + number(schema, "maximum")) / 2;
            vec![json!(middle), json!(middle as f64)]
        }
        "string" => patterns(schema).iter().flat_map(|pattern| matching(pattern)).chain(plain(place)).collect(),
        // Of lists and objects, what the specimen has, and what is tried below them.
        _ => Vec::new(),
    }
}

fn number(schema: &Value, bound: &str) -> i64 {
    schema[bound].as_f64().unwrap_or_default() as i64
}

/// Texts without a pattern, and those whose bounds stand in a rule.
fn plain(place: &Place) -> Vec<Value> {
    if let Some((least, _)) = lengths(&place.schema) {
        return vec![json!("90m"), json!(least)];
    }
    vec![json!("iPad"), json!("contoso")]
}

/// Texts that match, the same ones in every run.
fn matching(pattern: &str) -> Vec<Value> {
    let Ok(texts) = string_regex(pattern) else { return Vec::new() };
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]));
    (0..3).filter_map(|_| texts.new_tree(&mut runner).ok()).map(|tree| json!(tree.current())).collect()
}

/// What a text may look like: the schema's pattern, and those in its rules, some of which are stricter.
fn patterns(schema: &Value) -> Vec<String> {
    let mut all = Vec::new();
    for rule in rules(schema) {
        if let Some(rest) = rule.strip_prefix("self.matches(") {
            let text = rest.split_once('\'').and_then(|(_, rest)| rest.split_once("')"));
            all.extend(text.map(|(pattern, _)| pattern.to_owned()));
        } else if let Some(words) = rule.strip_prefix("self in [") {
            all.extend(words.split('\'').skip(1).step_by(2).map(str::to_owned));
        }
    }
    if all.is_empty() {
        all.extend(schema["pattern"].as_str().map(str::to_owned));
    }
    all.iter().map(|pattern| pattern.trim_start_matches('^').trim_end_matches('$').to_owned()).collect()
}

fn rules(schema: &Value) -> impl Iterator<Item = &str> {
    schema["x-kubernetes-validations"].as_array().into_iter().flatten().filter_map(|rule| rule["rule"].as_str())
}

/// The bounds of a length of time, which stand in its rule: `duration(self) >= duration('1m')`.
fn lengths(schema: &Value) -> Option<(String, String)> {
    let rule = rules(schema).find(|rule| rule.contains("duration(self) >="))?;
    let mut literals = rule.split("duration('").skip(1).filter_map(|rest| rest.split('\'').next());
    Some((literals.next()?.to_owned(), literals.next()?.to_owned()))
}

/// The least, the most, and what is beyond.
fn bounds(place: &Place, present: Option<&Value>) -> (Vec<Value>, Vec<Value>, Vec<Value>) {
    let schema = &place.schema;
    match place.kind() {
        "integer" => {
            let (least, most) = (number(schema, "minimum"), number(schema, "maximum"));
            let beyond = vec![json!(least - 1), json!(most + 1), json!(i64::MIN), json!(i64::MAX), json!(1e300)];
            (vec![json!(least)], vec![json!(most)], beyond)
        }
        "array" => {
            let (least, most) = (place.bound("minItems").unwrap_or(0), place.bound("maxItems").unwrap_or(100));
            let item = present.and_then(|list| list.get(0)).cloned().unwrap_or(json!("x"));
            let of = |count: usize| vec![json!((0..count).map(|number| named(&item, number)).collect::<Vec<_>>())];
            (of(least), of(most), of(most + 1))
        }
        "object" => {
            let most = place.bound("maxProperties").unwrap_or(100);
            let of = |count: usize| vec![(0..count).map(|number| (format!("key-{number}"), json!("x"))).collect()];
            (of(1), of(most), of(most + 1))
        }
        "boolean" => (vec![json!(false)], vec![json!(true)], vec![json!(2)]),
        _ => texts_of_bounds(place, present),
    }
}

/// An item of a list, told apart where it has a name.
fn named(item: &Value, number: usize) -> Value {
    let mut item = item.clone();
    if item.get("name").is_some() {
        item["name"] = json!(format!("r{number}"));
    }
    item
}

fn texts_of_bounds(place: &Place, present: Option<&Value>) -> (Vec<Value>, Vec<Value>, Vec<Value>) {
    if let Some((least, most)) = lengths(&place.schema) {
        let beyond = vec![json!(format!("{most}1ms")), json!("99999h99999h99999h99999h"), json!("0s"), json!("-1h")];
        return (vec![json!(least)], vec![json!(most)], beyond);
    }
    let most = place.bound("maxLength").unwrap_or(1024);
    let least = place.bound("minLength").unwrap_or(1);
    // A text that belongs here, made longer: where letters would be refused for what they are.
    let grown = |length: usize| {
        let text = present.and_then(Value::as_str).unwrap_or("a");
        let padding: String = std::iter::repeat_n('1', length.saturating_sub(text.chars().count())).collect();
        json!(format!("{text}{padding}"))
    };
    let letters = |letter: &str, length: usize| json!(letter.repeat(length));
    (
        vec![letters("a", least), letters("ü", least)],
        vec![letters("a", most), letters("😀", most), grown(most)],
        vec![letters("a", most + 1), grown(most + 1), letters("a", least - least.min(1))],
    )
}

/// These texts by themselves and after one that belongs there; of what is no text, the first few.
fn texts(place: &Place, present: Option<&Value>, texts: &[&str]) -> Vec<Value> {
    if place.kind() != "string" {
        return texts.iter().step_by(4).map(|text| json!(text)).collect();
    }
    let before = present.and_then(Value::as_str).unwrap_or_default();
    texts.iter().flat_map(|text| [json!(text), json!(format!("{before}{text}"))]).collect()
}

fn megabytes(place: &Place, present: Option<&Value>) -> Vec<Change> {
    let write = match place.kind() {
        "integer" => Write::Digits,
        "array" => {
            // A few large texts, or many of what is larger than a text.
            let large = || json!("a".repeat(MEGABYTE / 16));
            let item =
                present.and_then(|list| list.get(0)).filter(|item| !item.is_string()).cloned().unwrap_or_else(large);
            let count = MEGABYTE / item.to_string().len() + 1;
            Write::Put(json!((0..count).map(|number| named(&item, number)).collect::<Vec<_>>()))
        }
        "object" => Write::Field("phone", json!("a".repeat(MEGABYTE))),
        _ => Write::Put(json!("a".repeat(MEGABYTE))),
    };
    vec![Change { sort: Sort::Megabyte, write }]
}

impl Change {
    /// The object with the change; `None`: it would change nothing, or there is no such place in it.
    pub fn applied_to(&self, place: &Place, object: &Value) -> Option<Value> {
        let mut changed = object.clone();
        match &self.write {
            Write::Put(value) => place.put(&mut changed, value.clone()),
            Write::Digits => place.put(&mut changed, json!(DIGITS)),
            Write::Field(name, value) => {
                let mut holder = place.of(object).cloned().unwrap_or(json!({}));
                if holder.is_object() {
                    holder[*name] = value.clone();
                    place.put(&mut changed, holder);
                } else {
                    // Beside a field that is no object.
                    let parent = Place { path: place.path[..place.path.len() - 1].to_vec(), schema: Value::Null };
                    let mut holder = parent.of(object)?.as_object()?.clone();
                    holder.insert((*name).to_owned(), value.clone());
                    parent.put(&mut changed, Value::Object(holder));
                }
            }
            Write::Remove => return place.remove(&mut changed).then_some(changed),
        }
        (changed != *object).then_some(changed)
    }

    /// The change in a few words, for reports.
    pub fn words(&self) -> String {
        let text = match &self.write {
            Write::Put(value) => value.to_string(),
            Write::Digits => "a million digits".to_owned(),
            Write::Field(name, _) => format!("with {name:?}"),
            Write::Remove => String::new(),
        };
        let short: String = text.chars().take(48).collect();
        format!("{:?} {}", self.sort, short.escape_debug())
    }
}

/// The body of a request: JSON, with the bytes in it that a value cannot hold.
pub fn body(object: &Value) -> Vec<u8> {
    let text = object.to_string();
    let digits = format!("\"{DIGITS}\"");
    let mut marks: Vec<(usize, usize, Vec<u8>)> = Vec::new();
    for (mark, bytes) in RAW {
        marks.extend(text.match_indices(mark).map(|(at, _)| (at, mark.len(), bytes.to_vec())));
    }
    marks.extend(text.match_indices(&digits).map(|(at, _)| (at, digits.len(), vec![b'9'; MEGABYTE])));
    marks.sort_unstable();
    let mut body = text.into_bytes();
    for (at, length, bytes) in marks.into_iter().rev() {
        body.splice(at..at + length, bytes);
    }
    body
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            places::places,
            specimens::{KINDS, TRIED_KINDS},
        },
        *,
    };

    #[test]
    fn every_place_gets_every_sort() {
        for kind in KINDS.into_iter().chain(TRIED_KINDS) {
            for place in places(kind) {
                let all = changes(&place, None);
                for sort in [Sort::WrongType, Sort::Empty, Sort::Minimum, Sort::Maximum, Sort::Beyond, Sort::Megabyte] {
                    assert!(all.iter().any(|change| change.sort == sort), "{place}: {sort:?}");
                }
                let leaf = !matches!(place.kind(), "object" | "array");
                assert!(!leaf || all.iter().any(|change| change.sort == Sort::Valid), "{place}");
            }
        }
    }

    #[test]
    fn bounds_of_lengths_come_from_the_rule() {
        let all = places("PasscodeReset");
        let place = all.iter().find(|place| place.name() == "completionTimeout").unwrap();
        assert_eq!(lengths(&place.schema), Some(("1m".to_owned(), "2160h".to_owned())));
    }

    #[test]
    fn bodies_hold_what_values_cannot() {
        let body = body(&json!({"a": "xLONE-SURROGATE", "b": "NOT-UTF-8", "c": DIGITS}));
        assert!(body.windows(7).any(|window| window == b"x\\ud800") && body.contains(&0xff));
        assert!(body.len() > MEGABYTE && body.ends_with(b"9}"));
    }
}
