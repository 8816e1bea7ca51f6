//! One case for each rule of the definitions: what is written, and the sentence that it is refused with.

mod defaults;
pub mod manifests;
mod matrices;
mod policies;
mod resets;
mod selectors;
mod tenants;
mod times;
mod updates;

use std::collections::BTreeSet;

use futures::{StreamExt, stream};
use passcode_core::api;
use serde_json::Value;

use super::server::{Refusal, Server};

/// What the server is to make of a manifest.
#[derive(Clone, Copy, Debug)]
pub enum Expect {
    /// It takes it.
    Accepted,
    /// It refuses it, and this is part of what it says.
    Refused(&'static str),
}
pub use Expect::{Accepted, Refused};

/// In the place of a value: the field is not written at all, where `null` is a field that is written as null.
pub const ABSENT: &str = "<absent>";

/// A change of a valid manifest, and what comes of it.
pub struct Case {
    /// The field, with dots between its parts.
    pub path: &'static str,
    /// What is written there.
    pub value: Value,
    /// What comes of it.
    pub expect: Expect,
}

/// A case.
pub fn case(path: &'static str, value: impl Into<Value>, expect: Expect) -> Case {
    Case { path, value: value.into(), expect }
}

impl Case {
    /// The manifest with the change.
    fn applied_to(&self, base: &Value) -> Value {
        let mut object = base.clone();
        let (parents, last) = self.path.rsplit_once('.').unwrap_or(("", self.path));
        let mut parent = &mut object;
        for part in parents.split('.').filter(|part| !part.is_empty()) {
            parent = below(parent, part);
        }
        if self.value == ABSENT {
            parent.as_object_mut().expect("an object").remove(last);
        } else {
            *below(parent, last) = self.value.clone();
        }
        object
    }

    /// What is wrong with the server's answer, if anything.
    fn mismatch(&self, answer: &Result<Value, Refusal>) -> Option<String> {
        let wrong = match (self.expect, answer) {
            (Accepted, Ok(_)) => None,
            (Accepted, Err(refusal)) => Some(format!("refused: {}", refusal.message)),
            (Refused(_), Ok(_)) => Some("accepted".to_owned()),
            (Refused(part), Err(refusal)) if !refusal.message.contains(part) => Some(refusal.message.clone()),
            // A rule that cannot be evaluated shows the reader CEL's trouble with types beside or instead of its sentence.
            (Refused(_), Err(refusal)) if refusal.message.contains("evaluating rule") => Some(refusal.message.clone()),
            (Refused(_), Err(_)) => None,
        };
        wrong.map(|wrong| {
            format!("{} = {}\n  expected {:?}\n  was      {wrong}", self.path, shown(&self.value), self.expect)
        })
    }
}

/// The field or, by its number, the item.
fn below<'a>(value: &'a mut Value, part: &str) -> &'a mut Value {
    match part.parse::<usize>() {
        Ok(index) => &mut value[index],
        Err(_) => &mut value[part],
    }
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() > 120 { text.chars().take(120).chain(['…']).collect() } else { text }
}

/// Tries all cases and reports every one that went another way.
async fn check(base: &Value, cases: &[Case]) {
    let server = Server::shared().await;
    server.try_out(base).await.expect("the manifest without a change is accepted");
    let (server, base) = (&server, &base);
    let wrong: Vec<String> = stream::iter(cases)
        .map(async |case| case.mismatch(&server.try_out(&case.applied_to(base)).await))
        .buffer_unordered(8)
        .filter_map(async |mismatch| mismatch)
        .collect()
        .await;
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// All cases, each with the manifest that it changes.
fn all() -> [(Value, Vec<Case>); 7] {
    [
        (manifests::reset("rules"), resets::cases()),
        (manifests::reset("rules"), times::cases()),
        (manifests::tenant("rules"), tenants::cases()),
        (manifests::tenant("rules"), selectors::cases()),
        (manifests::matrix("rules"), matrices::cases()),
        (manifests::policy("rules"), policies::cases()),
        (manifests::approval("rules"), policies::of_approvals()),
    ]
}

/// The program judges every case as the server does: what it takes is taken, and what it refuses is refused.
#[test]
fn control_plane_cases_are_judged_alike_without_a_server() {
    for (base, cases) in all() {
        let accepted = accepted_by_the_program(&base, &cases);
        let otherwise = |(case, accepted): (&Case, &bool)| {
            let expected = matches!(case.expect, Accepted);
            (expected != *accepted).then(|| format!("{} = {}: {accepted}", case.path, shown(&case.value)))
        };
        let wrong: Vec<String> = cases.iter().zip(&accepted).filter_map(otherwise).collect();
        assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    }
}

/// What `check` takes, case by case.
fn accepted_by_the_program(base: &Value, cases: &[Case]) -> Vec<bool> {
    let document = |(number, case): (usize, &Case)| {
        let mut base = base.clone();
        // Two objects of one name are another mistake.
        base["metadata"]["name"] = format!("case-{number}").into();
        case.applied_to(&base).to_string()
    };
    let documents: Vec<String> = cases.iter().enumerate().map(document).collect();
    let (_, said) = crate::check::check(&["-f", "-"], &documents.join("\n---\n"));
    let is_valid = |number: usize| {
        let place = format!("-:document {number}: ");
        // A matrix that is stored may have a rule that the operator does not take.
        let is_taken = |line: &str| line.ends_with(" is valid") || line.starts_with("spec.rules: rule \"");
        said.lines().filter_map(|line| line.strip_prefix(&place)).any(is_taken)
    };
    (1..=cases.len()).map(is_valid).collect()
}

/// Every sentence of the definitions is the expectation of a case: a rule that is added without one is found here.
#[test]
fn control_plane_cases_cover_every_rule() {
    let mut expected = Vec::new();
    for case in all().iter().flat_map(|(_, cases)| cases) {
        if let Refused(part) = case.expect {
            expected.push(part);
        }
    }
    expected.extend(updates::sentences());
    let definitions = serde_json::to_value(api::manifests::definitions().unwrap()).unwrap();
    let mut sentences = BTreeSet::new();
    collect_sentences(&definitions, &mut sentences);
    assert!(sentences.len() > 30, "{sentences:?}");
    sentences.retain(|sentence| !expected.iter().any(|part| sentence.contains(part)));
    assert!(sentences.is_empty(), "no case expects these: {sentences:#?}");
}

fn collect_sentences(value: &Value, sentences: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for rule in fields.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten() {
                sentences.insert(rule["message"].as_str().expect("every rule has a message").to_owned());
            }
            fields.values().for_each(|field| collect_sentences(field, sentences));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_sentences(item, sentences)),
        _ => {}
    }
}
