//! A support matrix that is ready for use, and its verdict about a device.

use super::{
    class::Platform,
    guidance,
    matching::{DeviceMatch, Fit, versions_that_matter},
    ownership::Ownership,
    version::OsVersion,
};
use crate::api::matrix::{Certainty, MatrixAction};

/// The reason where no rule speaks of the device.
pub const NOT_LISTED: &str = "NotListed";
/// The reason where a rule asks for a version and Intune has none that can be read.
pub const OS_VERSION_UNREADABLE: &str = "OsVersionUnreadable";

/// Ordered rules about what Intune can do on which platform. Made by [`Matrix::builtin`], [`Matrix::builtin_2020_07`] or
/// [`Matrix::compile`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    pub(super) name: String,
    pub(super) revision: String,
    pub(super) rules: Vec<Rule>,
}

/// One rule, read and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) matches: DeviceMatch,
    /// What Intune does there; none where it cannot.
    pub(super) action: Option<MatrixAction>,
    pub(super) reason: String,
    pub(super) guidance: Option<String>,
    pub(super) prerequisites: Vec<String>,
    pub(super) certainty: Option<Certainty>,
}

/// What a matrix says about a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether Intune can reset it.
    pub supported: bool,
    /// What Intune then does; present exactly where it is supported.
    pub action: Option<MatrixAction>,
    /// The rule that decided; none where no rule speaks of the device.
    pub rule: Option<String>,
    /// The reason, one CamelCase word.
    pub reason: String,
    /// What the person at the desk needs to know.
    pub guidance: String,
    /// What has to be true of the device for it to work; told, not checked.
    pub prerequisites: Vec<String>,
    /// How certain the rule is; none where it does not say.
    pub certainty: Option<Certainty>,
}

/// How the search through the rules ended.
enum Matched<'a> {
    Rule(&'a Rule),
    NeedsVersion(&'a Rule),
    Nothing,
}

impl Matrix {
    /// The name by which a tenant refers to it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which state of knowledge it is.
    #[must_use]
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// What Intune can do for a device of this class, with its `osVersion` and `managedDeviceOwnerType` as Intune sent
    /// them. The first rule that matches decides; what no rule names is unsupported.
    #[must_use]
    pub fn verdict(&self, platform: Platform, os_version: &str, ownership: &str) -> Verdict {
        match self.find(platform, os_version.parse().ok().as_ref(), Ownership::of_device(ownership)) {
            Matched::Rule(rule) => rule.verdict(platform),
            Matched::NeedsVersion(rule) => {
                refusal(Some(rule.name.clone()), OS_VERSION_UNREADABLE, guidance::VERSION_UNREADABLE)
            }
            Matched::Nothing => refusal(None, NOT_LISTED, guidance::fallback(platform, None)),
        }
    }

    /// What is odd about the matrix without making it unusable, one sentence each: rules that can never decide.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let deciding = self.deciding_rules();
        self.rules
            .iter()
            .filter(|rule| !deciding.contains(&rule.name.as_str()))
            .map(|rule| {
                format!(
                    "rule {:?} never decides, because the rules before it take every device that it names: \
                     move it up or leave it out",
                    rule.name
                )
            })
            .collect()
    }

    /// The names of the rules that decide for some device.
    fn deciding_rules(&self) -> Vec<&str> {
        let versions = versions_that_matter(self.rules.iter().map(|rule| &rule.matches));
        let mut deciding = Vec::new();
        for platform in Platform::ALL {
            for version in &versions {
                for ownership in Ownership::ALL {
                    if let Matched::Rule(rule) = self.find(*platform, Some(version), ownership) {
                        deciding.push(rule.name.as_str());
                    }
                }
            }
        }
        deciding
    }

    /// The first rule that matches. A rule with a bound, met without a version, ends the search: whether it matches cannot
    /// be told, and going on would let a later rule answer in its place.
    fn find(&self, platform: Platform, version: Option<&OsVersion>, ownership: Ownership) -> Matched<'_> {
        for rule in &self.rules {
            match rule.matches.fit(platform, version, ownership) {
                Fit::Yes => return Matched::Rule(rule),
                Fit::NeedsVersion => return Matched::NeedsVersion(rule),
                Fit::No => {}
            }
        }
        Matched::Nothing
    }
}

impl Rule {
    fn verdict(&self, platform: Platform) -> Verdict {
        let guidance = self.guidance.as_deref().unwrap_or_else(|| guidance::fallback(platform, self.action));
        Verdict {
            supported: self.action.is_some(),
            action: self.action,
            rule: Some(self.name.clone()),
            reason: self.reason.clone(),
            guidance: guidance.to_owned(),
            prerequisites: self.prerequisites.clone(),
            certainty: self.certainty,
        }
    }
}

fn refusal(rule: Option<String>, reason: &str, guidance: &str) -> Verdict {
    Verdict {
        supported: false,
        action: None,
        rule,
        reason: reason.to_owned(),
        guidance: guidance.to_owned(),
        prerequisites: Vec::new(),
        certainty: None,
    }
}
