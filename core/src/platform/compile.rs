//! The reading of a matrix that somebody wrote: everything that is wrong with it, in sentences that say what to write.

use std::collections::HashSet;

use super::{
    class::Platform,
    matching::{DeviceMatch, platform_named},
    matrix::{Matrix, Rule},
    ownership::Ownership,
    version::VersionBound,
};
use crate::api::matrix::{Certainty, MatrixAction, MatrixRule, PlatformSupportMatrixSpec, Support};

impl Matrix {
    /// Reads a matrix.
    ///
    /// # Errors
    ///
    /// Every problem that makes it unusable, one sentence each. A matrix with one bad rule is refused as a whole: the rules
    /// are read in order, so leaving one out would let another answer for its devices.
    pub fn compile(name: &str, spec: &PlatformSupportMatrixSpec) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        if spec.rules.is_empty() {
            problems.push(
                "the matrix has no rules: write at least one, or refer to no matrix to use the built-in one".to_owned(),
            );
        }
        let mut seen = HashSet::new();
        let mut rules = Vec::new();
        for rule in &spec.rules {
            let mut reading = RuleReader { rule: &rule.name, problems: &mut problems };
            if !seen.insert(rule.name.as_str()) {
                reading.problem("is there more than once: give every rule a name of its own");
            }
            rules.push(reading.rule(rule));
        }
        if problems.is_empty() {
            Ok(Self { name: name.to_owned(), revision: spec.revision.clone(), rules })
        } else {
            Err(problems)
        }
    }
}

/// The reading of one rule. What cannot be read is left out of the result and put among the problems.
struct RuleReader<'a> {
    rule: &'a str,
    problems: &'a mut Vec<String>,
}

impl RuleReader<'_> {
    fn problem(&mut self, text: impl std::fmt::Display) {
        self.problems.push(format!("rule {:?} {text}", self.rule));
    }

    fn rule(&mut self, rule: &MatrixRule) -> Rule {
        let platforms = self.platforms(&rule.matches.platforms);
        let action = self.action(rule);
        if let Some(action) = action {
            for platform in &platforms {
                self.fit(*platform, action);
            }
        }
        self.reason(&rule.reason);
        Rule {
            name: rule.name.clone(),
            matches: DeviceMatch {
                platforms: Some(platforms),
                bound: self.bound(rule.matches.os_version.as_deref()),
                owners: self.ownership(rule.matches.ownership.as_deref()).map(|owner| vec![owner]),
            },
            action,
            reason: rule.reason.clone(),
            guidance: rule.guidance.as_deref().and_then(one_line),
            prerequisites: rule.prerequisites.clone(),
            certainty: rule.certainty.filter(|certainty| *certainty != Certainty::Unrecognised),
        }
    }

    fn platforms(&mut self, names: &[String]) -> Vec<Platform> {
        if names.is_empty() {
            self.problem("names no platform: write at least one, such as IosDeviceEnrollment");
        }
        let mut platforms = Vec::new();
        for name in names {
            match platform_named(name) {
                Ok(platform) => platforms.push(platform),
                Err(problem) => self.problem(problem),
            }
        }
        platforms
    }

    fn bound(&mut self, text: Option<&str>) -> Option<VersionBound> {
        let parsed = text?.parse();
        parsed.map_err(|bad| self.problem(format_args!("has a bad osVersion: {bad}"))).ok()
    }

    fn ownership(&mut self, text: Option<&str>) -> Option<Ownership> {
        let text = text?;
        let parsed = text.parse();
        parsed
            .map_err(|()| {
                self.problem(format_args!(
                    "has ownership {text:?}: write company or personal, or leave it out for both"
                ));
            })
            .ok()
    }

    fn action(&mut self, rule: &MatrixRule) -> Option<MatrixAction> {
        match (rule.support, rule.action) {
            (Support::Supported, None) => {
                self.problem(
                    "is Supported and has no action: write what Intune does there, such as RemoveDevicePasscode",
                );
                None
            }
            (Support::Unsupported, Some(action)) => {
                self.problem(format_args!(
                    "is Unsupported and has the action {}: leave the action out, or write support: Supported",
                    action.as_str()
                ));
                None
            }
            (_, action) => action,
        }
    }

    /// What no matrix may say. Unknown devices are refused, never guessed. The PIN reset is another action of Graph with
    /// another name in Intune's record, so under a wrong class a reset would be looked for where it is not. And where only
    /// a work profile can be reset, a promise to unlock the phone would be broken after the work passcode is gone.
    fn fit(&mut self, platform: Platform, action: MatrixAction) {
        use MatrixAction::{ResetDevicePin, ResetWorkProfilePasscode};
        let pin = action == ResetDevicePin;
        let offered = match platform {
            Platform::Unknown => {
                return self
                    .problem("supports Unknown, which stands for devices that nobody knows: take Unknown out of it");
            }
            Platform::Windows10Mobile if !pin => "ResetDevicePin",
            Platform::Windows10Mobile => return,
            platform if platform.is_work_profile_only() && action != ResetWorkProfilePasscode => {
                "ResetWorkProfilePasscode"
            }
            _ if pin => "RemoveDevicePasscode or ResetDevicePasscode",
            _ => return,
        };
        self.problem(format_args!("has the action {}, which {platform} cannot do: write {offered}", action.as_str()));
    }

    /// The reason becomes the reason of a condition, which the API server admits only as a word.
    fn reason(&mut self, reason: &str) {
        let capital = reason.bytes().next().is_some_and(|first| first.is_ascii_uppercase());
        if !(capital && reason.bytes().all(|b| b.is_ascii_alphanumeric())) {
            self.problem(format_args!("has the reason {reason:?}: write one CamelCase word, such as PasscodeRemoved"));
        }
    }
}

/// A text as one line, for it becomes a condition's message: YAML's block texts end in a line break, and terminals obey control characters.
/// None where nothing is left.
pub(crate) fn one_line(text: &str) -> Option<String> {
    let spaced = text.replace(char::is_control, " ");
    let line = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    (!line.is_empty()).then_some(line)
}
