//! Values near the edges of a schema: what it admits, what it nearly admits, and what people and templates write by mistake.

use proptest::{collection, prelude::*, sample, string::string_regex};
use serde_json::{Map, Value, json};

/// A place in a manifest, with the schema of what belongs there.
#[derive(Clone, Debug)]
pub struct Place {
    path: Vec<String>,
    schema: Value,
}

/// All places below this one, itself included. Lists are entered where the manifest has one.
pub fn places(path: &[String], schema: &Value, manifest: &Value) -> Vec<Place> {
    let mut all = vec![Place { path: path.to_vec(), schema: schema.clone() }];
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let below = [path, std::slice::from_ref(name)].concat();
        all.extend(places(&below, property, &manifest[name.as_str()]));
    }
    if let Some(first) = manifest.get(0) {
        let below = [path, &["0".to_owned()]].concat();
        all.extend(places(&below, &schema["items"], first));
    }
    all
}

/// The manifest with values of their schemas at one or two of these places.
pub fn manifests(manifest: Value, places: Vec<Place>) -> BoxedStrategy<Value> {
    let change = sample::select(places).prop_flat_map(|place| (Just(place.path.clone()), value(&place.schema)));
    collection::vec(change, 1..=2)
        .prop_map(move |changes| {
            let mut manifest = manifest.clone();
            for (path, value) in changes {
                put(&mut manifest, &path, value);
            }
            manifest
        })
        .boxed()
}

/// Puts the value at its place, whatever an earlier change has put in its way.
fn put(target: &mut Value, path: &[String], value: Value) {
    let Some((first, rest)) = path.split_first() else {
        *target = value;
        return;
    };
    if let (Value::Array(items), Ok(index)) = (&mut *target, first.parse::<usize>()) {
        if let Some(item) = items.get_mut(index) {
            put(item, rest, value);
        }
        return;
    }
    if !target.is_object() {
        *target = json!({});
    }
    put(&mut target[first.as_str()], rest, value);
}

/// A value that belongs here, or nearly so.
fn value(schema: &Value) -> BoxedStrategy<Value> {
    let right = match schema["type"].as_str().unwrap_or_default() {
        "object" if schema["additionalProperties"].is_object() => labels(&schema["additionalProperties"]),
        "object" => object(schema),
        "array" => array(schema),
        "integer" => integer(schema),
        "boolean" => any::<bool>().prop_map(Value::from).boxed(),
        _ => string(schema),
    };
    let wrong =
        sample::select(vec![json!(null), json!(""), json!(0), json!(true), json!([]), json!({}), json!([null])]);
    prop_oneof![40 => right, 1 => wrong].boxed()
}

/// Some of the properties: nearly always those that are required, now and then one that is null.
fn object(schema: &Value) -> BoxedStrategy<Value> {
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let properties = schema["properties"].as_object().cloned().unwrap_or_default();
    let (names, values): (Vec<String>, Vec<BoxedStrategy<Option<Value>>>) = properties
        .into_iter()
        .map(|(name, property)| {
            let (there, missing) = if required.contains(&name.as_str()) { (60, 1) } else { (8, 24) };
            let some = value(&property).prop_map(Some);
            (name, prop_oneof![there => some, missing => Just(None), 1 => Just(Some(Value::Null))].boxed())
        })
        .unzip();
    values
        .prop_map(move |values| {
            let fields = names.iter().cloned().zip(values);
            Value::Object(fields.filter_map(|(name, value)| Some((name, value?))).collect::<Map<_, _>>())
        })
        .boxed()
}

fn labels(schema: &Value) -> BoxedStrategy<Value> {
    let value = prop_oneof![8 => value(schema), 1 => Just(Value::Null)];
    collection::btree_map("[a-z/]{0,3}", value, 0..3).prop_map(|map| Value::Object(map.into_iter().collect())).boxed()
}

fn array(schema: &Value) -> BoxedStrategy<Value> {
    let few = collection::vec(value(&schema["items"]), 0..=3).prop_map(Value::Array);
    let most = usize::try_from(schema["maxItems"].as_u64().expect("every list has a bound")).expect("a small number");
    let many = (value(&schema["items"]), most..=most + 1).prop_map(|(item, count)| Value::Array(vec![item; count]));
    prop_oneof![12 => few, 1 => many].boxed()
}

fn integer(schema: &Value) -> BoxedStrategy<Value> {
    let bound = |name: &str| schema[name].as_f64().expect("every number has bounds") as i64;
    let (least, most) = (bound("minimum"), bound("maximum"));
    let edges = [least - 1, least, most, most + 1, i64::from(i32::MAX), i64::from(i32::MAX) + 1, i64::MIN, i64::MAX];
    let mut values: Vec<Value> = edges.map(Value::from).into();
    // The server takes a number for whole by its value, not by the way it is written.
    values.extend([json!(5.0), json!(1e3), json!(1.5), json!(-0.0), json!(1e300)]);
    let edges = sample::select(values);
    prop_oneof![2 => (least..=most).prop_map(Value::from), 1 => edges].boxed()
}

fn string(schema: &Value) -> BoxedStrategy<Value> {
    if let Some(words) = schema["enum"].as_array() {
        let near =
            near(sample::select(words.clone()).prop_map(|word| word.as_str().unwrap_or_default().to_owned()).boxed());
        return prop_oneof![8 => sample::select(words.clone()), 1 => near].boxed();
    }
    let longest =
        usize::try_from(schema["maxLength"].as_u64().expect("every text has a bound")).expect("a small number");
    let free = prop_oneof![
        string_regex(r"\PC{0,12}").expect("a pattern"),
        string_regex("(?s).{0,6}").expect("a pattern"),
        // Lengths count characters, of whatever size.
        (sample::select(vec!["a", "ü", "😀"]), longest..=longest + 1).prop_map(|(letter, count)| letter.repeat(count)),
    ];
    let patterns = patterns(schema);
    if patterns.is_empty() {
        return free.prop_map(Value::from).boxed();
    }
    let matching = sample::select(patterns).prop_flat_map(|pattern| string_regex(&pattern).expect("a pattern")).boxed();
    prop_oneof![9 => matching.clone().prop_map(Value::from), 3 => near(matching), 1 => free.prop_map(Value::from)]
        .boxed()
}

/// What a text may look like: the schema's pattern, and those in its rules, some of which are stricter.
fn patterns(schema: &Value) -> Vec<String> {
    let mut all: Vec<String> = schema["pattern"].as_str().map(str::to_owned).into_iter().collect();
    for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
        let rule = rule["rule"].as_str().unwrap_or_default();
        if let Some(rest) = rule.strip_prefix("self.matches(") {
            let (_, rest) = rest.split_once('\'').expect("a quoted pattern");
            all.push(rest.split_once("')").expect("the end of the pattern").0.to_owned());
        } else if let Some(words) = rule.strip_prefix("self in [") {
            all.extend(words.split('\'').skip(1).step_by(2).map(str::to_owned));
        }
    }
    all.iter().map(|pattern| pattern.trim_start_matches('^').trim_end_matches('$').to_owned()).collect()
}

/// The text with one character more, less or other.
fn near(text: BoxedStrategy<String>) -> BoxedStrategy<Value> {
    let slips = vec!["", " ", "\n", "\u{0}", "ü", "z", "Z", "0", "9", ".", "-", "+", ":", "٣"];
    (text, any::<sample::Index>(), sample::select(slips), any::<bool>())
        .prop_map(|(text, index, slip, replace)| {
            let mut characters: Vec<String> = text.chars().map(String::from).collect();
            let at = index.index(characters.len() + 1);
            if replace && at < characters.len() {
                characters[at] = slip.to_owned();
            } else {
                characters.insert(at, slip.to_owned());
            }
            Value::from(characters.concat())
        })
        .boxed()
}
