//! Rules that can never decide, because those before them take every request that they match.

use super::checked::{Problem, Rule};
use crate::{
    api::policy::PolicyAction,
    platform::{Fit, OsVersion, Ownership, Platform, versions_that_matter},
};

/// One sentence for each such rule.
pub(super) fn warnings(rules: &[Rule]) -> Vec<Problem> {
    let versions = versions_that_matter(rules.iter().map(|rule| &rule.device));
    let never = rules.iter().enumerate().filter(|(index, rule)| {
        let (earlier, mut requests) = (&rules[..*index], requests(rule, &versions));
        index > &0 && requests.all(|request| earlier.iter().any(|earlier| request.meets(earlier)))
    });
    never
        .map(|(index, rule)| Problem {
            place: format!("spec.rules[{index}]"),
            text: format!(
                "rule {:?} never decides, because the rules before it take every request that it matches: move it up or leave it out",
                rule.name
            ),
        })
        .collect()
}

/// A request that stands for all that the rules here cannot tell from it.
struct Sample<'a> {
    action: PolicyAction,
    platform: Platform,
    version: &'a OsVersion,
    ownership: Ownership,
    /// `None`: somebody whom no rule names.
    requester: Option<&'a str>,
}

impl Sample<'_> {
    fn meets(&self, rule: &Rule) -> bool {
        let requester =
            |names: &Vec<String>| self.requester.is_some_and(|name| names.iter().any(|named| named == name));
        rule.actions.contains(&self.action)
            && rule.requesters.as_ref().is_none_or(requester)
            && rule.device.fit(self.platform, Some(self.version), self.ownership) == Fit::Yes
    }
}

/// Requests that the rule matches, such that every request which it matches is like one of them.
fn requests<'a>(rule: &'a Rule, versions: &'a [OsVersion]) -> impl Iterator<Item = Sample<'a>> {
    let requesters: Vec<Option<&str>> = match &rule.requesters {
        None => vec![None],
        Some(names) => names.iter().map(|name| Some(name.as_str())).collect(),
    };
    let devices = Platform::ALL.iter().flat_map(move |platform| {
        versions.iter().flat_map(move |version| Ownership::ALL.map(|ownership| (*platform, version, ownership)))
    });
    let samples = devices.flat_map(move |(platform, version, ownership)| {
        let requesters = requesters.clone();
        rule.actions.iter().flat_map(move |action| {
            requesters.clone().into_iter().map(move |requester| Sample {
                action: *action,
                platform,
                version,
                ownership,
                requester,
            })
        })
    });
    samples.filter(|sample| sample.meets(rule))
}
