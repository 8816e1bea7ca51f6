//! Label and field selectors.

use serde_json::Value;

use crate::errors::{self, Refusal};
use crate::resources::ServedVersion;

/// What a list, a watch or a collection delete is narrowed to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selector {
    namespace: Option<String>,
    labels: Vec<Requirement>,
    fields: Vec<Requirement>,
}

#[derive(Clone, Debug, PartialEq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    Exists,
    Absent,
    In(Vec<String>),
    NotIn(Vec<String>),
}

impl Selector {
    pub(crate) fn parse(
        namespace: Option<&str>,
        labels: &str,
        fields: &str,
        served: &ServedVersion,
    ) -> Result<Self, Refusal> {
        Ok(Self {
            namespace: namespace.map(ToOwned::to_owned),
            labels: parse_labels(labels)?,
            fields: parse_fields(fields, served)?,
        })
    }

    pub(crate) fn matches(&self, object: &Value) -> bool {
        let metadata = &object["metadata"];
        self.namespace.as_ref().is_none_or(|namespace| metadata["namespace"] == namespace.as_str())
            && self.labels.iter().all(|requirement| {
                requirement.test.accepts(metadata["labels"].get(&requirement.key).and_then(Value::as_str))
            })
            && self
                .fields
                .iter()
                .all(|requirement| requirement.test.accepts(Some(&field_value(object, &requirement.key))))
    }
}

impl Test {
    fn accepts(&self, value: Option<&str>) -> bool {
        match self {
            Self::Exists => value.is_some(),
            Self::Absent => value.is_none(),
            Self::In(allowed) => value.is_some_and(|value| allowed.iter().any(|one| one == value)),
            Self::NotIn(refused) => value.is_none_or(|value| refused.iter().all(|one| one != value)),
        }
    }
}

/// A field that is absent compares as the empty string.
fn field_value(object: &Value, path: &str) -> String {
    let found = path.split('.').try_fold(object, |value, key| value.get(key));
    match found {
        Some(Value::String(text)) => text.clone(),
        Some(value @ (Value::Bool(_) | Value::Number(_))) => value.to_string(),
        _ => String::new(),
    }
}

fn parse_fields(text: &str, served: &ServedVersion) -> Result<Vec<Requirement>, Refusal> {
    let terms = text.split(',').filter(|term| !term.is_empty());
    let requirements = terms.map(|term| {
        let (key, test) = parse_comparison(term)
            .ok_or_else(|| errors::bad_request(&format!("invalid selector: '{text}'; can't understand '{term}'")))?;
        let supported =
            ["metadata.name", "metadata.namespace"].contains(&key.as_str()) || served.selectable.contains(&key);
        if supported {
            Ok(Requirement { key, test })
        } else {
            Err(errors::bad_request(&format!("field label not supported: {key}")))
        }
    });
    requirements.collect()
}

fn parse_comparison(term: &str) -> Option<(String, Test)> {
    let one = |value: &str| vec![value.trim().to_owned()];
    if let Some((key, value)) = term.split_once("!=") {
        return Some((key.trim().to_owned(), Test::NotIn(one(value))));
    }
    let (key, value) = term.split_once("==").or_else(|| term.split_once('='))?;
    Some((key.trim().to_owned(), Test::In(one(value))))
}

fn parse_labels(text: &str) -> Result<Vec<Requirement>, Refusal> {
    split_outside_parentheses(text).into_iter().map(parse_label).collect()
}

fn parse_label(term: &str) -> Result<Requirement, Refusal> {
    let (key, test) = if let Some(key) = term.strip_prefix('!') {
        (key.trim().to_owned(), Test::Absent)
    } else if let Some((key, values)) = term.split_once(" notin ") {
        (key.trim().to_owned(), Test::NotIn(set_of(values)))
    } else if let Some((key, values)) = term.split_once(" in ") {
        (key.trim().to_owned(), Test::In(set_of(values)))
    } else {
        parse_comparison(term).unwrap_or_else(|| (term.to_owned(), Test::Exists))
    };
    if key.is_empty() || key.contains(char::is_whitespace) {
        return Err(errors::bad_request(&format!("unable to parse requirement: {term:?}")));
    }
    Ok(Requirement { key, test })
}

fn set_of(values: &str) -> Vec<String> {
    let inner = values.trim().trim_start_matches('(').trim_end_matches(')');
    inner.split(',').map(|value| value.trim().to_owned()).collect()
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let terms = text.split(|letter| {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    });
    terms.map(str::trim).filter(|term| !term.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn matches(labels: &str, fields: &str) -> bool {
        let served = ServedVersion { selectable: vec!["status.outcome".into()], ..ServedVersion::default() };
        let object = json!({
            "metadata": {"name": "x", "namespace": "n", "labels": {"app": "web", "tier": "front"}},
            "status": {},
        });
        Selector::parse(Some("n"), labels, fields, &served).unwrap().matches(&object)
    }

    #[test]
    fn labels_compare_by_equality_set_and_presence() {
        for labels in
            ["app=web", "app==web,tier!=back", "app", "!gone", "app in (web, db),tier", "app notin (db)", "gone!=x"]
        {
            assert!(matches(labels, ""), "{labels}");
        }
        for labels in ["app=db", "gone", "!app", "app in (db)", "tier notin (front,back)", "gone in (a)"] {
            assert!(!matches(labels, ""), "{labels}");
        }
    }

    #[test]
    fn an_absent_field_compares_as_the_empty_string() {
        assert!(matches("", "status.outcome="));
        assert!(matches("", "status.outcome!=Complete,metadata.name=x"));
        assert!(!matches("", "status.outcome=Complete"));
    }

    #[test]
    fn unknown_field_labels_are_refused() {
        let refused = Selector::parse(None, "", "spec.size=1", &ServedVersion::default()).unwrap_err();
        assert_eq!((refused.code, refused.message.as_str()), (400, "field label not supported: spec.size"));
    }
}
