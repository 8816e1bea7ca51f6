//! `--admission`: what admission policies would say of the claim, the write with which a reset begins.

use std::collections::BTreeMap;

use clap::Args;
use jiff::Timestamp;
use k8s_openapi::{
    api::admissionregistration::v1::{
        MatchResources, NamedRuleWithOperations, ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
    },
    apimachinery::pkg::apis::meta::v1::LabelSelector,
};
use kube::{
    ResourceExt,
    core::{Selector, SelectorExt},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{expressions::Scope, place::Place, report::Report, rule::Rule, walk};
use passcode_core::{
    api::{
        GROUP, Time, VERSION,
        reset::PasscodeReset,
        reset_status::{DeviceStatus, SupportStatus},
    },
    lifecycle::admission::{Denial, DenialKind},
};

#[derive(Debug, Args)]
#[group(id = "admission_options")]
pub(super) struct Options {
    /// ValidatingAdmissionPolicies with their bindings, which judge the claim of each request for the device, and the Namespaces whose labels they read.
    #[arg(long, value_name = "FILE|DIRECTORY", num_args = 1.., requires_all = ["device", "files"])]
    pub(super) admission: Vec<String>,
}

/// The policies of some files, and what is known of namespaces.
#[derive(Default)]
pub(super) struct Admission {
    policies: Vec<ValidatingAdmissionPolicy>,
    bindings: Vec<ValidatingAdmissionPolicyBinding>,
    namespaces: BTreeMap<String, Value>,
}

/// What is written of a device that a request is about.
pub(super) struct Facts {
    pub(super) device: DeviceStatus,
    pub(super) support: SupportStatus,
    pub(super) at: Timestamp,
}

/// What a policy says of a claim.
enum Verdict {
    Admitted,
    NotAsked(String),
    Refused(String),
    Undecided(String),
}

/// The claim: the object before it and with it.
struct Claim {
    namespace: String,
    before: Value,
    object: Value,
}

impl Admission {
    /// The policies that are named; `None` where none is.
    pub(super) fn read(options: &Options, report: &mut Report) -> Option<Self> {
        if options.admission.is_empty() {
            return None;
        }
        let mut read = Self::default();
        let documents: Vec<_> = options.admission.iter().flat_map(|file| walk::objects(file, report)).collect();
        for document in documents {
            match &document.value {
                Err(problem) => report.refuse(&document.place, Rule::Syntax, problem),
                Ok(value) => {
                    if let Err(error) = read.take(value) {
                        report.refuse(&document.place, Rule::InvalidObject, format!("it cannot be read: {error}"));
                    }
                }
            }
        }
        if read.policies.is_empty() {
            let named = options.admission.join(", ");
            report.refuse(&Place::file(&named), Rule::NoManifest, "there is no ValidatingAdmissionPolicy in it");
        }
        Some(read)
    }

    fn take(&mut self, value: &Value) -> Result<(), serde_json::Error> {
        match value["kind"].as_str() {
            Some("ValidatingAdmissionPolicy") => self.policies.push(typed(value)?),
            Some("ValidatingAdmissionPolicyBinding") => self.bindings.push(typed(value)?),
            Some("Namespace") => {
                let name = value["metadata"]["name"].as_str().unwrap_or_default().to_owned();
                self.namespaces.insert(name, value.clone());
            }
            _ => {}
        }
        Ok(())
    }

    /// Says what the policies would make of the claim of this request.
    pub(super) fn judge(&self, place: &Place, reset: &PasscodeReset, facts: &Facts, report: &mut Report) {
        let claim = Claim::of(reset, facts);
        for policy in &self.policies {
            let by = policy.name_any();
            let (denies, unbound) = match self.binding(&by, &claim) {
                Ok(Some(binding)) => binding,
                Ok(None) => {
                    report.note(place, Rule::Admission, format!("{by} is not bound to this claim"));
                    continue;
                }
                Err(why) => {
                    report.undecided(place, format!("{by}: {why}. The API server decides"));
                    continue;
                }
            };
            let verdict = self.verdict(policy, &claim);
            tell(place, &by, denies, unbound, verdict, report);
        }
    }

    /// Whether its bindings for this claim deny, and whether there is none at all in the files; `None` where none is for this claim.
    fn binding(&self, policy: &str, claim: &Claim) -> Result<Option<(bool, bool)>, String> {
        let mut bindings = self.bindings.iter().map(|b| &b.spec).filter(|spec| spec.policy_name == policy).peekable();
        if bindings.peek().is_none() {
            return Ok(Some((true, true)));
        }
        let mut found = None;
        for binding in bindings {
            let matches = binding.match_resources.as_ref().map_or(Ok(true), |of| self.matches(of, claim, true))?;
            if matches {
                let denies = binding.validation_actions.iter().any(|action| action == "Deny");
                found = Some((denies || found.is_some_and(|(before, _)| before), false));
            }
        }
        Ok(found)
    }

    fn verdict(&self, policy: &ValidatingAdmissionPolicy, claim: &Claim) -> Verdict {
        let Some(spec) = &policy.spec else { return Verdict::Undecided("it has no spec".to_owned()) };
        match spec.match_constraints.as_ref().map_or(Ok(false), |of| self.matches(of, claim, false)) {
            Ok(true) => {}
            Ok(false) => return Verdict::NotAsked("is not asked about claims".to_owned()),
            Err(why) => return Verdict::Undecided(why),
        }
        if spec.param_kind.is_some() {
            return Verdict::Undecided("it takes parameters, which are known to the API server only".to_owned());
        }
        let namespace = self.namespaces.get(&claim.namespace);
        let named = [("object", &claim.object), ("oldObject", &claim.before)];
        let mut scope = Scope::of(named.into_iter().chain(namespace.map(|namespace| ("namespaceObject", namespace))));
        let conditions = spec.match_conditions.iter().flatten();
        let met: Vec<_> = conditions.map(|condition| (&condition.name, scope.holds(&condition.expression))).collect();
        if let Some((name, _)) = met.iter().find(|(_, met)| matches!(met, Ok(false))) {
            return Verdict::NotAsked(format!("is not about this claim, by its matchCondition {name}"));
        }
        if let Some((name, Err(why))) = met.iter().find(|(_, met)| met.is_err()) {
            return Verdict::Undecided(format!("matchCondition {name}: {why}"));
        }
        for variable in spec.variables.iter().flatten() {
            scope.define(&variable.name, &variable.expression);
        }
        // The API server reports the first that does not hold.
        for validation in spec.validations.iter().flatten() {
            match scope.holds(&validation.expression) {
                Ok(true) => {}
                Ok(false) => {
                    let said = validation.message_expression.as_ref().map(|message| scope.text(message));
                    let said = said.and_then(Result::ok).filter(|text| !text.trim().is_empty());
                    let otherwise = || format!("failed expression: {}", validation.expression);
                    return Verdict::Refused(said.or_else(|| validation.message.clone()).unwrap_or_else(otherwise));
                }
                Err(why) => return Verdict::Undecided(format!("{why} (in: {})", validation.expression.trim())),
            }
        }
        Verdict::Admitted
    }

    /// Whether the claim is what a policy, or its binding, is about. A binding without rules is about all that its policy is about.
    fn matches(&self, of: &MatchResources, claim: &Claim, without_rules: bool) -> Result<bool, String> {
        let about =
            |rules: &Option<Vec<NamedRuleWithOperations>>| rules.iter().flatten().any(|rule| is_about(rule, claim));
        let rules = if of.resource_rules.as_ref().is_none_or(Vec::is_empty) {
            without_rules
        } else {
            about(&of.resource_rules)
        };
        if !rules || about(&of.exclude_resource_rules) {
            return Ok(false);
        }
        let labels = |object: &Value| {
            serde_json::from_value::<BTreeMap<String, String>>(object["metadata"]["labels"].clone()).unwrap_or_default()
        };
        if !selects(of.object_selector.as_ref(), || Ok(labels(&claim.object)))? {
            return Ok(false);
        }
        selects(of.namespace_selector.as_ref(), || {
            let unknown = || {
                format!(
                    "it selects by labels, and Namespace {} is not among the files for --admission",
                    claim.namespace
                )
            };
            self.namespaces.get(&claim.namespace).map(labels).ok_or_else(unknown)
        })
    }
}

impl Claim {
    fn of(reset: &PasscodeReset, facts: &Facts) -> Self {
        let mut before = json!(reset);
        let namespace = reset.metadata.namespace.clone().unwrap_or_else(|| "default".to_owned());
        before["metadata"]["namespace"] = json!(namespace);
        before["status"] = json!({"device": facts.device, "support": facts.support});
        let mut object = before.clone();
        // What the API server makes up of an attempt's times is left out: nobody knows it before.
        object["status"]["attempt"] =
            json!({"number": 1, "id": "00000000-0000-0000-0000-000000000000", "claimTime": Time(facts.at)});
        Self { namespace, before, object }
    }
}

fn tell(place: &Place, by: &str, denies: bool, unbound: bool, verdict: Verdict, report: &mut Report) {
    let unbound =
        if unbound { " (there is no binding of it in the files; it is taken to be bound, with Deny)" } else { "" };
    match verdict {
        Verdict::Admitted => report.note(place, Rule::Admission, format!("{by} would admit the claim{unbound}")),
        Verdict::NotAsked(why) => report.note(place, Rule::Admission, format!("{by} {why}")),
        Verdict::Undecided(why) => report.undecided(place, format!("{by}: {why}. The API server decides{unbound}")),
        Verdict::Refused(said) if !denies => {
            report.note(place, Rule::Admission, format!("{by} would only warn or audit, as it is bound: {said}"));
        }
        Verdict::Refused(said) => {
            let denial = Denial { by: by.to_owned(), sentence: said, kind: DenialKind::Denied };
            let said = &denial.sentence;
            if denial.asks_to_hold() {
                report.note(place, Rule::Admission, format!("{by} would hold the claim{unbound}: {said}"));
            } else {
                report.refuse(place, Rule::Admission, format!("{by} would deny the claim{unbound}: {said}"));
            }
        }
    }
}

fn is_about(rule: &NamedRuleWithOperations, claim: &Claim) -> bool {
    let any = |of: &Option<Vec<String>>, wanted: &[&str]| of.iter().flatten().any(|one| wanted.contains(&one.as_str()));
    let named = rule.resource_names.iter().flatten().next().is_none()
        || claim.object["metadata"]["name"].as_str().is_some_and(|name| any(&rule.resource_names, &[name]));
    named
        && any(&rule.api_groups, &["*", GROUP])
        && any(&rule.api_versions, &["*", VERSION])
        && any(&rule.operations, &["*", "UPDATE"])
        && any(&rule.resources, &["*/*", "*/status", "passcoderesets/*", "passcoderesets/status"])
        && rule.scope.as_deref() != Some("Cluster")
}

fn selects(
    selector: Option<&LabelSelector>,
    labels: impl FnOnce() -> Result<BTreeMap<String, String>, String>,
) -> Result<bool, String> {
    let Some(selector) = selector.filter(|selector| **selector != LabelSelector::default()) else { return Ok(true) };
    let selector =
        Selector::try_from(selector.clone()).map_err(|error| format!("its selector cannot be read: {error}"))?;
    Ok(selector.selects_all() || selector.matches(&labels()?))
}

fn typed<T: DeserializeOwned>(value: &Value) -> Result<T, serde_json::Error> {
    serde_json::from_value(value.clone())
}
