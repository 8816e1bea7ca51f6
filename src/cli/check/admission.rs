//! An object as the API server would judge it: by the structure that its definition asks for, then by the rules.

use std::fmt;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::ResourceExt;
use kube_cel::{ErrorKind, ValidationError, Validator};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{
    labels, metadata,
    structure::{self, Kind, Problem, join},
};
use passcode_core::{
    api::{
        GROUP, VERSION,
        approval::PasscodeResetApproval,
        manifests,
        matrix::PlatformSupportMatrix,
        policy::PasscodeResetPolicy,
        reset::PasscodeReset,
        tenant::{Defaults, IntuneTenant},
    },
    platform::Matrix,
    policy::Policy,
};

/// Said of what only has a `generateName`.
const UNNAMED: &str = "it has no metadata.name: kubectl create makes one up, kubectl apply and GitOps need one";

/// The kinds that are known, with their schemas.
pub(super) struct Kinds {
    kinds: Vec<(String, Value)>,
}

/// An object that is in order.
pub(super) enum Checked {
    /// A request.
    Reset(Box<PasscodeReset>),
    /// A matrix that can be used.
    Matrix(Box<Matrix>),
    /// A policy that can be used.
    Policy(Box<Policy>),
    /// An approval.
    Approval {
        /// Its name.
        name: String,
    },
    /// A tenant.
    Tenant {
        /// Its name.
        name: String,
        /// What it gives requests that do not say.
        defaults: Defaults,
    },
    /// Something of another kind, which is not looked at.
    Skipped {
        /// Which kind.
        kind: String,
    },
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reset(reset) => write!(f, "PasscodeReset {} is valid", reset.name_any()),
            Self::Matrix(matrix) => write!(f, "PlatformSupportMatrix {} is valid", matrix.name()),
            Self::Policy(policy) => write!(f, "PasscodeResetPolicy {} is valid", policy.name()),
            Self::Approval { name } => write!(f, "PasscodeResetApproval {name} is valid"),
            Self::Tenant { name, .. } => write!(f, "IntuneTenant {name} is valid"),
            Self::Skipped { kind } => write!(f, "skipped: {kind} is no kind of {GROUP}"),
        }
    }
}

impl Checked {
    /// Which object of the cluster it is; `None` where nothing says.
    pub(super) fn identity(&self) -> Option<String> {
        match self {
            Self::Reset(reset) => {
                let (namespace, name) = (reset.metadata.namespace.as_deref(), reset.metadata.name.as_deref());
                Some(format!("PasscodeReset {}/{}", namespace.unwrap_or_default(), name?))
            }
            Self::Matrix(matrix) => Some(format!("PlatformSupportMatrix {}", matrix.name())),
            Self::Policy(policy) => Some(format!("PasscodeResetPolicy {}", policy.name())),
            Self::Tenant { name, .. } => Some(format!("IntuneTenant {name}")),
            Self::Approval { .. } | Self::Skipped { .. } => None,
        }
    }

    /// What is odd about it, without making it unusable.
    pub(super) fn warnings(&self) -> Vec<String> {
        match self {
            Self::Matrix(matrix) => matrix.warnings(),
            Self::Policy(policy) => policy.warnings().iter().map(ToString::to_string).collect(),
            Self::Reset(reset) if reset.metadata.name.is_none() => vec![UNNAMED.to_owned()],
            _ => Vec::new(),
        }
    }
}

impl Kinds {
    /// The kinds, from the definitions that are installed.
    pub(super) fn load() -> anyhow::Result<Self> {
        Self::of(manifests::definitions()?)
    }

    fn of(definitions: Vec<CustomResourceDefinition>) -> anyhow::Result<Self> {
        let mut kinds = Vec::new();
        for definition in definitions {
            let kind = definition.spec.names.kind.clone();
            let mut schema =
                serde_json::to_value(definition)?["spec"]["versions"][0]["schema"]["openAPIV3Schema"].take();
            without_dyn(&mut schema);
            kinds.push((kind, with_envelope(schema)));
        }
        Ok(Self { kinds })
    }

    /// Judges one object.
    pub(super) fn check(&self, document: &Value) -> Result<Checked, Vec<Problem>> {
        let kind = document["kind"].as_str().unwrap_or_default();
        match self.stored(document)? {
            Some(mut object) => {
                if document["metadata"]["name"].is_null() {
                    metadata::take_name(&mut object);
                }
                checked(kind, object)
            }
            None => Ok(Checked::Skipped { kind: kind.to_owned() }),
        }
    }

    /// The object as it would be stored; `None` for one of a kind that is not ours.
    pub(super) fn stored(&self, document: &Value) -> Result<Option<Value>, Vec<Problem>> {
        let (Some(version), Some(kind)) = (document["apiVersion"].as_str(), document["kind"].as_str()) else {
            return Err(refused("", "this is no Kubernetes object: it needs apiVersion and kind"));
        };
        let schema = self.schema(kind);
        let ours = version.split('/').next() == Some(GROUP);
        match schema {
            Some(_) if version != format!("{GROUP}/{VERSION}") => {
                Err(refused("apiVersion", &format!("write {GROUP}/{VERSION} for a {kind}")))
            }
            Some(schema) => admit(schema, document).map(Some),
            None if ours => Err(refused("kind", &self.no_such_kind(kind))),
            None => Ok(None),
        }
    }

    /// A change that the API server would refuse, between two objects that are each in order: where they differ, and what it says.
    pub(super) fn change(&self, old: &Value, new: &Value) -> Option<Problem> {
        let schema = self.schema(new["kind"].as_str()?)?;
        let (Ok(Some(old)), Ok(Some(new))) = (self.stored(old), self.stored(new)) else { return None };
        let mut refusal = rules(schema, &new, Some(&old)).into_iter().next()?;
        let path = structure::difference(&old["spec"], &new["spec"], "spec");
        if path.starts_with(&refusal.path) {
            refusal.path = path;
        }
        Some(refusal)
    }

    fn schema(&self, kind: &str) -> Option<&Value> {
        self.kinds.iter().find(|(name, _)| name == kind).map(|(_, schema)| schema)
    }

    fn no_such_kind(&self, kind: &str) -> String {
        let known = || self.kinds.iter().map(|(name, _)| name.as_str());
        match structure::nearest(kind, known()) {
            Some(meant) => format!("there is no {kind}: did you mean {meant}?"),
            None => format!("there is no {kind}; there are: {}", known().collect::<Vec<_>>().join(", ")),
        }
    }

    #[cfg(test)]
    pub(super) fn schemas(&self) -> impl Iterator<Item = &Value> {
        self.kinds.iter().map(|(_, schema)| schema)
    }
}

/// The schema with the fields that every object has. A status is not looked at: the API server drops it from what is applied.
fn with_envelope(mut schema: Value) -> Value {
    if let Some(properties) = schema["properties"].as_object_mut() {
        properties.insert("apiVersion".to_owned(), json!({"type": "string"}));
        properties.insert("kind".to_owned(), json!({"type": "string"}));
        properties.insert("metadata".to_owned(), metadata::schema());
        properties.insert("status".to_owned(), json!({"x-kubernetes-preserve-unknown-fields": true}));
    }
    schema
}

/// `dyn(…)` only switches the API server's type checker off. The evaluator here has none, and no `dyn` either.
fn without_dyn(schema: &mut Value) {
    manifests::rewrite(schema, "rule", |rule| rule.replace("dyn(", "("));
}

/// The object as it would be stored.
fn admit(schema: &Value, document: &Value) -> Result<Value, Vec<Problem>> {
    let mut object = document.clone();
    object.as_object_mut().map(|fields| fields.remove("status"));
    structure::settle(&mut object, schema);
    let mut problems = structure::problems(schema, &object, "");
    problems.iter_mut().for_each(|problem| metadata::explain(problem, &object["metadata"]));
    problems.extend(labels::problems(&object["metadata"]));
    metadata::generate_name(&mut object);
    if object["metadata"].get("name").is_none() {
        problems.push(problem("metadata.name", "is required", Kind::Shape));
    }
    if problems.iter().all(|problem| problem.kind != Kind::Shape) {
        let broken = rules(schema, &object, None);
        // A rule says in a sentence what a pattern only shows.
        problems.retain(|p| p.kind != Kind::Pattern || broken.iter().all(|rule| rule.path != p.path));
        problems.extend(broken);
    }
    if problems.is_empty() { Ok(object) } else { Err(problems) }
}

/// The rules that the object breaks. Those about changes speak only where the object before this one is known.
fn rules(schema: &Value, object: &Value, before: Option<&Value>) -> Vec<Problem> {
    let Err(errors) = Validator::new().validate(schema, object, before) else { return Vec::new() };
    let said = |error: &ValidationError| match error.kind {
        // A null that the evaluator here takes for a value. The API server says the rule's sentence of it.
        ErrorKind::EvaluationError => sentence(schema, &error.rule).unwrap_or_else(|| error.message.clone()),
        _ => error.message.clone(),
    };
    errors.into_iter().map(|error| problem(&error.field_path, said(&error).trim(), Kind::Other)).collect()
}

/// The sentence that goes with a rule.
fn sentence(schema: &Value, rule: &str) -> Option<String> {
    match schema {
        Value::Object(fields) if fields.get("rule").is_some_and(|own| own == rule) => {
            fields.get("message")?.as_str().map(ToOwned::to_owned)
        }
        Value::Object(fields) => fields.values().find_map(|field| sentence(field, rule)),
        Value::Array(items) => items.iter().find_map(|item| sentence(item, rule)),
        _ => None,
    }
}

/// What the operator makes of an object that the API server takes.
fn checked(kind: &str, object: Value) -> Result<Checked, Vec<Problem>> {
    Ok(match kind {
        "PasscodeReset" => Checked::Reset(Box::new(typed(object)?)),
        "PlatformSupportMatrix" => Checked::Matrix(Box::new(compiled(&typed(object)?)?)),
        "PasscodeResetPolicy" => Checked::Policy(Box::new(usable(&typed(object)?)?)),
        "PasscodeResetApproval" => {
            let approval: PasscodeResetApproval = typed(object)?;
            Checked::Approval { name: approval.name_any() }
        }
        _ => {
            let tenant: IntuneTenant = typed(object)?;
            Checked::Tenant { name: tenant.name_any(), defaults: tenant.spec.defaults }
        }
    })
}

fn typed<T: DeserializeOwned>(object: Value) -> Result<T, Vec<Problem>> {
    serde_json::from_value(object).map_err(|error| refused("", &format!("the operator cannot read it: {error}")))
}

fn compiled(object: &PlatformSupportMatrix) -> Result<Matrix, Vec<Problem>> {
    Matrix::compile(&object.name_any(), &object.spec)
        .map_err(|problems| problems.iter().map(|text| problem(&join("spec", "rules"), text, Kind::Other)).collect())
}

fn usable(object: &PasscodeResetPolicy) -> Result<Policy, Vec<Problem>> {
    let policy = Policy::compile(&object.name_any(), &object.spec);
    let problems: Vec<_> = policy.problems().iter().map(|p| problem(&p.place, &p.text, Kind::Other)).collect();
    if problems.is_empty() { Ok(policy) } else { Err(problems) }
}

fn refused(path: &str, message: &str) -> Vec<Problem> {
    vec![problem(path, message, Kind::Other)]
}

fn problem(path: &str, message: &str, kind: Kind) -> Problem {
    Problem { path: path.to_owned(), message: message.to_owned(), kind }
}
