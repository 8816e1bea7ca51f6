//! A policy that was read and checked.

use std::{collections::BTreeMap, fmt};

use jiff::SignedDuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube_core::{Selector, SelectorExt};
use serde_json::Value;

use super::{hours::Hours, request::Request};
use crate::{
    api::{
        conditions::{Truth, reason},
        policy::{BudgetScope, Enforcement, PolicyAction},
    },
    platform::DeviceMatch,
};

/// A policy, ready for use or with what is wrong with it. Made by [`Policy::compile`] or [`Policy::unreadable`].
#[derive(Clone, Debug)]
pub struct Policy {
    pub(super) name: String,
    pub(super) enforcement: Enforcement,
    pub(super) selection: Selection,
    pub(super) body: Result<Body, Vec<Problem>>,
    pub(super) warnings: Vec<Problem>,
}

/// Something wrong or odd in a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where, such as `spec.rules[2].match.osVersion`.
    pub place: String,
    /// What, and what to write instead.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

/// Which requests a policy is about. A selector that cannot be read selects everything: the policy is not ready, and what it might be about is held.
#[derive(Clone, Debug, Default)]
pub(super) struct Selection {
    pub tenants: Option<Selector>,
    pub namespaces: Option<Selector>,
}

/// What a policy says.
#[derive(Clone, Debug, Default)]
pub(super) struct Body {
    pub rules: Vec<Rule>,
    pub budgets: Vec<Budget>,
    pub hours: Option<Hours>,
}

/// One rule.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub name: String,
    pub device: DeviceMatch,
    pub actions: Vec<PolicyAction>,
    /// Names of users; none: anybody.
    pub requesters: Option<Vec<String>>,
    pub decision: Decision,
}

#[derive(Clone, Debug)]
pub(super) enum Decision {
    Permit,
    Deny { message: String, overridable: bool },
    RequireApproval(Demand),
}

/// Who has to agree.
#[derive(Clone, Debug)]
pub(super) struct Demand {
    pub required: usize,
    /// Each role as often as it is asked for; never more than `required`.
    pub roles: Vec<String>,
    pub valid_for: SignedDuration,
    pub message: Option<String>,
    pub overridable: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Budget {
    pub name: String,
    pub max: usize,
    pub per: SignedDuration,
    pub scope: BudgetScope,
}

impl Policy {
    /// A policy whose spec this version cannot read. What it may be about is held: what its selectors name, as far as these can be read.
    #[must_use]
    pub fn unreadable(name: &str, why: &str, spec: &Value) -> Self {
        let selector = |field: &str| {
            let selector: LabelSelector = serde_json::from_value(spec.get(field)?.clone()).ok()?;
            Selector::try_from(selector).ok()
        };
        let selection = Selection { tenants: selector("tenantSelector"), namespaces: selector("namespaceSelector") };
        let text = format!("this version of the operator cannot read it: {why}");
        Self {
            name: name.to_owned(),
            enforcement: Enforcement::Enforce,
            selection,
            body: Err(vec![Problem { place: "spec".to_owned(), text }]),
            warnings: Vec::new(),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What comes of its word.
    #[must_use]
    pub const fn enforcement(&self) -> Enforcement {
        self.enforcement
    }

    /// Whether what it says depends on who asked or who agrees.
    #[must_use]
    pub fn asks_who_somebody_is(&self) -> bool {
        let Ok(body) = &self.body else { return false };
        let asks = |rule: &Rule| {
            let people =
                matches!(rule.decision, Decision::RequireApproval(_) | Decision::Deny { overridable: true, .. });
            people || rule.requesters.is_some()
        };
        body.rules.iter().any(asks) || body.budgets.iter().any(|budget| budget.scope == BudgetScope::Requester)
    }

    /// What makes it unusable; nothing where it can be used.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        self.body.as_ref().err().map_or(&[], Vec::as_slice)
    }

    /// What is odd about it without making it unusable.
    #[must_use]
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// The status, reason and message of its condition Ready.
    #[must_use]
    pub fn ready(&self) -> (Truth, &'static str, String) {
        let listed = |problems: &[Problem]| problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("; ");
        match &self.body {
            Err(problems) => {
                let meanwhile =
                    if self.enforces() { "requests that this policy is about are held" } else { "it reports nothing" };
                let problems = listed(problems);
                let message = format!("{}. Until that is fixed, {meanwhile}.", problems.trim_end_matches('.'));
                (Truth::False, reason::INVALID_POLICY, message)
            }
            Ok(_) if self.warnings.is_empty() => (Truth::True, reason::READY, "The policy is in use.".to_owned()),
            Ok(_) => (Truth::True, reason::READY, format!("The policy is in use. Note: {}.", listed(&self.warnings))),
        }
    }

    /// Whether it is about this request, or may be.
    #[must_use]
    pub fn selects(&self, request: &Request<'_>) -> bool {
        self.is_about(request.tenant_labels, request.namespace_labels)
    }

    /// Whether it is, or may be, about requests of a tenant and a namespace with these labels; `None`: they are not known.
    #[must_use]
    pub fn is_about(
        &self,
        of_tenant: Option<&BTreeMap<String, String>>,
        of_namespace: Option<&BTreeMap<String, String>>,
    ) -> bool {
        let fits = |selector: &Option<Selector>, labels: Option<&BTreeMap<String, String>>| {
            selector.as_ref().zip(labels).is_none_or(|(selector, labels)| selector.matches(labels))
        };
        fits(&self.selection.tenants, of_tenant) && fits(&self.selection.namespaces, of_namespace)
    }

    /// Whether its word decides.
    pub(super) fn enforces(&self) -> bool {
        self.enforcement == Enforcement::Enforce
    }
}
