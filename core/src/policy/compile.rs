//! The reading of a policy that somebody wrote: everything that is wrong with it, with the place and what to write instead.

use std::collections::HashSet;

use jiff::SignedDuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube_core::Selector;

use super::{
    checked::{self, Body, Decision, Demand, Policy, Problem, Rule, Selection},
    hours::{self, Hours},
    unreachable, zones,
};
use crate::{
    api::{
        Duration,
        policy::{
            ApprovalDemand, Budget, Day, PasscodeResetPolicySpec, PolicyAction, PolicyMatch, PolicyRule, RuleDecision,
            Window,
        },
    },
    platform::{DeviceMatch, Ownership, one_line, platform_named},
};

/// The days of a manifest, from Monday on.
const DAYS: [Day; 7] = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri, Day::Sat, Day::Sun];

impl Policy {
    /// Reads a policy. It always comes back: one with problems is not ready, and holds the requests that it may be about. A policy with one bad rule is
    /// refused as a whole, since without that rule another would answer.
    #[must_use]
    pub fn compile(name: &str, spec: &PasscodeResetPolicySpec) -> Self {
        let mut reader = Reader::default();
        let selection = Selection {
            tenants: reader.selector("spec.tenantSelector", spec.tenant_selector.as_ref()),
            namespaces: reader.selector("spec.namespaceSelector", spec.namespace_selector.as_ref()),
        };
        if spec.rules.is_empty() && spec.budgets.is_empty() && spec.hours.is_empty() {
            reader.problem("spec", "the policy restricts nothing: write at least one of rules, budgets or hours");
        }
        reader.names("spec.rules", "rule", spec.rules.iter().map(|rule| &rule.name));
        reader.names("spec.budgets", "budget", spec.budgets.iter().map(|budget| &budget.name));
        let rules: Vec<Rule> = spec.rules.iter().enumerate().map(|(index, rule)| reader.rule(index, rule)).collect();
        let budgets = spec.budgets.iter().enumerate().map(|(index, budget)| reader.budget(index, budget)).collect();
        let hours = reader.hours(&spec.hours);
        reader.warnings.extend(unreachable::warnings(&rules));
        let body = if reader.problems.is_empty() { Ok(Body { rules, budgets, hours }) } else { Err(reader.problems) };
        Self { name: name.to_owned(), enforcement: spec.enforcement, selection, body, warnings: reader.warnings }
    }
}

/// What was found on the way. What cannot be read is left out of the result and put among the problems.
#[derive(Default)]
struct Reader {
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl Reader {
    fn problem(&mut self, place: &str, text: impl Into<String>) {
        self.problems.push(Problem { place: place.to_owned(), text: text.into() });
    }

    /// A selector that selects everything is none.
    fn selector(&mut self, place: &str, selector: Option<&LabelSelector>) -> Option<Selector> {
        match Selector::try_from(selector?.clone()) {
            Ok(selector) => Some(selector),
            Err(error) => {
                self.problem(place, format!("it is no label selector: {error}"));
                None
            }
        }
    }

    fn names<'a>(&mut self, place: &str, what: &str, names: impl Iterator<Item = &'a String>) {
        let mut seen = HashSet::new();
        for (index, name) in names.enumerate() {
            if !seen.insert(name) {
                self.problem(
                    &format!("{place}[{index}].name"),
                    format!("{what} {name:?} is there more than once: give every {what} a name of its own"),
                );
            }
        }
    }

    fn rule(&mut self, index: usize, rule: &PolicyRule) -> Rule {
        let place = format!("spec.rules[{index}]");
        let name = &rule.name;
        let device = self.device(&place, name, &rule.matches);
        let requesters = self.requesters(&place, name, &rule.matches);
        let actions =
            if rule.matches.actions.is_empty() { PolicyAction::RESETS.to_vec() } else { rule.matches.actions.clone() };
        Rule { name: name.clone(), device, actions, requesters, decision: self.decision(&place, rule) }
    }

    fn device(&mut self, place: &str, rule: &str, matches: &PolicyMatch) -> DeviceMatch {
        let mut platforms = Vec::new();
        for (index, name) in matches.platforms.iter().enumerate() {
            match platform_named(name) {
                Ok(platform) => platforms.push(platform),
                Err(problem) => {
                    self.problem(&format!("{place}.match.platforms[{index}]"), format!("rule {rule:?} {problem}"));
                }
            }
        }
        let mut owners = Vec::new();
        for (index, name) in matches.ownership.iter().enumerate() {
            match name.parse() {
                Ok(owner) => owners.push(owner),
                Err(()) if name.eq_ignore_ascii_case("unknown") => owners.push(Ownership::Unknown),
                Err(()) => self.problem(
                    &format!("{place}.match.ownership[{index}]"),
                    format!("rule {rule:?} names the owner {name:?}: write company, personal or unknown"),
                ),
            }
        }
        let bound = matches.os_version.as_deref().and_then(|text| {
            text.parse()
                .map_err(|bad| {
                    self.problem(
                        &format!("{place}.match.osVersion"),
                        format!("rule {rule:?} has a bad osVersion: {bad}"),
                    );
                })
                .ok()
        });
        DeviceMatch {
            platforms: (!matches.platforms.is_empty()).then_some(platforms),
            bound,
            owners: (!matches.ownership.is_empty()).then_some(owners),
        }
    }

    fn requesters(&mut self, place: &str, rule: &str, matches: &PolicyMatch) -> Option<Vec<String>> {
        let accounts = &matches.requesters.as_ref()?.service_accounts;
        let place = format!("{place}.match.requesters.serviceAccounts");
        if accounts.is_empty() {
            self.problem(&place, format!("rule {rule:?} names no service account: write one, or leave requesters out"));
        }
        let mut names = Vec::new();
        for (index, account) in accounts.iter().enumerate() {
            match account.split_once('/') {
                Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
                    names.push(format!("system:serviceaccount:{namespace}:{name}"));
                }
                _ => self.problem(
                    &format!("{place}[{index}]"),
                    format!("rule {rule:?} names {account:?}: write NAMESPACE/NAME, such as flux-system/kustomize-controller"),
                ),
            }
        }
        Some(names)
    }

    fn decision(&mut self, place: &str, rule: &PolicyRule) -> Decision {
        let name = &rule.name;
        let message = rule.message.as_deref().and_then(one_line);
        match (&rule.approval, rule.decision) {
            (None, RuleDecision::RequireApproval) => self.problem(
                &format!("{place}.approval"),
                format!("rule {name:?} requires approval and does not say whose: write approval: {{required: 1}}"),
            ),
            (Some(_), RuleDecision::Permit | RuleDecision::Deny) => self.problem(
                &format!("{place}.approval"),
                format!("rule {name:?} requires no approval: leave approval out, or write decision: RequireApproval"),
            ),
            _ => {}
        }
        match rule.decision {
            RuleDecision::Permit => {
                if rule.overridable.is_some() {
                    self.problem(
                        &format!("{place}.overridable"),
                        format!("rule {name:?} permits, and has nothing to override: leave overridable out"),
                    );
                }
                Decision::Permit
            }
            RuleDecision::Deny => {
                if message.is_none() {
                    self.problem(
                        &format!("{place}.message"),
                        format!("rule {name:?} denies without a word: write in message why, and what to do instead"),
                    );
                }
                Decision::Deny { message: message.unwrap_or_default(), overridable: rule.overridable.unwrap_or(false) }
            }
            RuleDecision::RequireApproval => {
                let default =
                    ApprovalDemand { required: 1, roles: Vec::new(), valid_for: ApprovalDemand::DEFAULT_VALID_FOR };
                let demand = rule.approval.as_ref().unwrap_or(&default);
                Decision::RequireApproval(self.demand(place, rule, demand, message))
            }
        }
    }

    fn demand(&mut self, place: &str, rule: &PolicyRule, demand: &ApprovalDemand, message: Option<String>) -> Demand {
        let (name, place) = (&rule.name, format!("{place}.approval"));
        if !(1..=5).contains(&demand.required) {
            self.problem(
                &format!("{place}.required"),
                format!("rule {name:?} asks for {} people: write 1 to 5", demand.required),
            );
        }
        self.names(&format!("{place}.roles"), "role", demand.roles.iter().map(|role| &role.name));
        let mut roles = Vec::new();
        for (index, role) in demand.roles.iter().enumerate() {
            if !(1..=5).contains(&role.count) {
                self.problem(
                    &format!("{place}.roles[{index}].count"),
                    format!("rule {name:?} asks for {} people of the role {:?}: write 1 to 5", role.count, role.name),
                );
            }
            let count = usize::try_from(role.count.clamp(0, 5)).unwrap_or_default();
            roles.extend(std::iter::repeat_n(role.name.clone(), count));
        }
        let required = usize::try_from(demand.required.clamp(1, 5)).unwrap_or(1);
        if roles.len() > required {
            self.problem(
                &format!("{place}.required"),
                format!(
                    "rule {name:?} asks for {required} people, of whom {} are to have a role: raise required, or lower the counts",
                    roles.len()
                ),
            );
        }
        let valid_for = self.length(&format!("{place}.validFor"), demand.valid_for, SignedDuration::from_hours(168));
        Demand { required, roles, valid_for, message, overridable: rule.overridable.unwrap_or(true) }
    }

    fn length(&mut self, place: &str, length: Duration, most: SignedDuration) -> SignedDuration {
        let (length, least) = (length.as_signed(), SignedDuration::from_mins(1));
        if !(least..=most).contains(&length) {
            self.problem(place, format!("write a length of time from 1m to {}h", most.as_hours()));
        }
        length.clamp(least, most)
    }

    fn budget(&mut self, index: usize, budget: &Budget) -> checked::Budget {
        let place = format!("spec.budgets[{index}]");
        if budget.max < 1 {
            self.problem(
                &format!("{place}.max"),
                format!(
                    "budget {:?} never has room for a reset: write 1 or more, or a rule with decision: Deny to refuse resets",
                    budget.name
                ),
            );
        }
        checked::Budget {
            name: budget.name.clone(),
            max: usize::try_from(budget.max).unwrap_or_default(),
            per: self.length(&format!("{place}.per"), budget.per, SignedDuration::from_hours(24)),
            scope: budget.scope,
        }
    }

    fn hours(&mut self, windows: &[Window]) -> Option<Hours> {
        let read: Vec<_> = windows.iter().enumerate().map(|(index, window)| self.window(index, window)).collect();
        for (index, window) in read.iter().enumerate() {
            let overlapping = read[..index].iter().position(|earlier| match (window, earlier) {
                (Some(window), Some(earlier)) => window.zone == earlier.zone && window.overlaps(earlier),
                _ => false,
            });
            if let Some(earlier) = overlapping {
                let text = format!(
                    "overlaps spec.hours[{earlier}]: both count, so one of them can be left out or made shorter"
                );
                self.warnings.push(Problem { place: format!("spec.hours[{index}]"), text });
            }
        }
        (!windows.is_empty()).then(|| Hours { windows: read.into_iter().flatten().collect() })
    }

    /// `None`: it cannot be read.
    fn window(&mut self, index: usize, window: &Window) -> Option<hours::Window> {
        let place = format!("spec.hours[{index}]");
        let from = hours::minutes(&window.from).filter(|from| *from < hours::DAY);
        if from.is_none() {
            self.problem(
                &format!("{place}.from"),
                format!("{:?} is no time of day: write \"00:00\" to \"23:59\"", window.from),
            );
        }
        let to = hours::minutes(&window.to);
        if to.is_none() {
            self.problem(
                &format!("{place}.to"),
                format!("{:?} is no time of day: write \"00:00\" to \"24:00\"", window.to),
            );
        }
        if from.is_some() && from == to {
            self.problem(&place, "from and to are the same: write from: \"00:00\" and to: \"24:00\" for a whole day");
        }
        if window.days.is_empty() {
            self.problem(&format!("{place}.days"), "it opens on no day: write at least one, such as Mon");
        }
        let zone =
            zones::named(&window.time_zone).map_err(|problem| self.problem(&format!("{place}.timeZone"), problem)).ok();
        let days = DAYS.map(|day| window.days.contains(&day));
        Some(hours::Window { days, from: from?, to: to?, zone: zone? })
    }
}
