//! A support matrix that is ready for use, and its verdict about a device.

use super::{
    class::Platform,
    guidance,
    ownership::Ownership,
    version::{OsVersion, VersionBound},
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
    pub(super) platforms: Vec<Platform>,
    pub(super) bound: Option<VersionBound>,
    pub(super) ownership: Option<Ownership>,
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
        match self.find(platform, os_version.parse().ok().as_ref(), ownership.parse().ok()) {
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

    /// The names of the rules that decide for some device. The answer changes only at the edges of bounds, so a version
    /// below all and each edge itself stand for every version.
    fn deciding_rules(&self) -> Vec<&str> {
        let edges = self.rules.iter().filter_map(|rule| rule.bound.as_ref()).map(|bound| bound.edge().clone());
        let versions: Vec<OsVersion> = std::iter::once(OsVersion::new(&[])).chain(edges).collect();
        let owners = [None, Some(Ownership::Company), Some(Ownership::Personal)];
        let mut deciding = Vec::new();
        for platform in Platform::ALL {
            for version in &versions {
                for ownership in owners {
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
    fn find(&self, platform: Platform, version: Option<&OsVersion>, ownership: Option<Ownership>) -> Matched<'_> {
        for rule in self.rules.iter().filter(|rule| rule.names(platform, ownership)) {
            match (&rule.bound, version) {
                (None, _) => return Matched::Rule(rule),
                (Some(_), None) => return Matched::NeedsVersion(rule),
                (Some(bound), Some(version)) if bound.admits(version) => return Matched::Rule(rule),
                (Some(_), Some(_)) => {}
            }
        }
        Matched::Nothing
    }
}

impl Rule {
    fn names(&self, platform: Platform, ownership: Option<Ownership>) -> bool {
        self.platforms.contains(&platform) && (self.ownership.is_none() || self.ownership == ownership)
    }

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
