//! The form in which the built-in matrices are written down, and the rows that they share.

use super::{
    class::Platform::{self, *},
    guidance,
    matching::DeviceMatch,
    matrix::{Matrix, Rule},
    version::{OsVersion, VersionBound},
};
use crate::api::matrix::{
    Certainty::{self, Documented, Likely},
    MatrixAction, MatrixMatch, MatrixRule, PlatformSupportMatrixSpec, Support,
};

/// A built-in matrix.
pub(super) struct Builtin {
    pub(super) name: &'static str,
    pub(super) revision: &'static str,
    pub(super) sources: &'static [&'static str],
    pub(super) rules: &'static [BuiltinRule],
}

/// One row of a built-in matrix.
pub(super) struct BuiltinRule {
    pub(super) name: &'static str,
    pub(super) platforms: &'static [Platform],
    pub(super) versions: Versions,
    /// What Intune does there; none where it cannot.
    pub(super) action: Option<MatrixAction>,
    pub(super) reason: &'static str,
    pub(super) prerequisites: &'static [&'static str],
    /// None where the classes of the row are told different things.
    pub(super) guidance: Option<&'static str>,
    pub(super) source: &'static str,
    /// None where the row claims nothing.
    pub(super) certainty: Option<Certainty>,
}

/// Which versions of the operating system a row speaks of.
pub(super) enum Versions {
    Any,
    AtLeast(&'static [u64]),
    Below(&'static [u64]),
}

pub(super) const LEAVING: BuiltinRule = BuiltinRule {
    name: "leaving-management",
    platforms: &[LeavingManagement],
    versions: Versions::Any,
    action: None,
    reason: "LeavingManagement",
    prerequisites: &[],
    guidance: Some(guidance::LEAVING_MANAGEMENT),
    source: "S9",
    certainty: Some(Documented),
};

pub(super) const NOT_INTUNE_MDM: BuiltinRule = BuiltinRule {
    name: "not-intune-mdm",
    platforms: &[NotUnderIntuneMdm],
    versions: Versions::Any,
    action: None,
    reason: "NotManagedByIntuneMdm",
    prerequisites: &[],
    guidance: Some(guidance::NOT_UNDER_INTUNE_MDM),
    source: "derived: the action travels by Intune's MDM",
    certainty: Some(Likely),
};

pub(super) const UNKNOWN: BuiltinRule = BuiltinRule {
    name: "unknown",
    platforms: &[Unknown],
    versions: Versions::Any,
    action: None,
    reason: "PlatformUnknown",
    prerequisites: &[],
    guidance: Some(guidance::UNKNOWN),
    source: "derived: what is not known is refused, never guessed",
    certainty: None,
};

/// What the PIN reset of Windows 10 Mobile needs (S5): the phone joined to Entra, consent to Microsoft's PIN reset service, and
/// the policy `EnablePinRecovery`.
pub(super) const PIN_RESET: &[&str] = &["DeviceOnline", "EntraJoined", "PinResetServiceConsented", "EnablePinRecovery"];

impl Builtin {
    pub(super) fn matrix(&self) -> Matrix {
        Matrix {
            name: self.name.to_owned(),
            revision: self.revision.to_owned(),
            rules: self.rules.iter().map(BuiltinRule::rule).collect(),
        }
    }

    pub(super) fn spec(&self) -> PlatformSupportMatrixSpec {
        PlatformSupportMatrixSpec {
            revision: self.revision.to_owned(),
            sources: strings(self.sources),
            rules: self.rules.iter().map(BuiltinRule::spec).collect(),
        }
    }
}

impl BuiltinRule {
    fn rule(&self) -> Rule {
        Rule {
            name: self.name.to_owned(),
            matches: DeviceMatch {
                platforms: Some(self.platforms.to_vec()),
                bound: self.versions.bound(),
                owners: None,
            },
            action: self.action,
            reason: self.reason.to_owned(),
            guidance: self.guidance.map(str::to_owned),
            prerequisites: strings(self.prerequisites),
            certainty: self.certainty,
        }
    }

    fn spec(&self) -> MatrixRule {
        MatrixRule {
            name: self.name.to_owned(),
            matches: MatrixMatch {
                platforms: self.platforms.iter().map(Platform::to_string).collect(),
                os_version: self.versions.bound().map(|bound| bound.to_string()),
                ownership: None,
            },
            support: if self.action.is_some() { Support::Supported } else { Support::Unsupported },
            action: self.action,
            reason: self.reason.to_owned(),
            guidance: self.guidance.map(str::to_owned),
            prerequisites: strings(self.prerequisites),
            certainty: self.certainty,
            source: Some(self.source.to_owned()),
        }
    }
}

impl Versions {
    fn bound(&self) -> Option<VersionBound> {
        match self {
            Self::Any => None,
            Self::AtLeast(parts) => Some(VersionBound::AtLeast(OsVersion::new(parts))),
            Self::Below(parts) => Some(VersionBound::Below(OsVersion::new(parts))),
        }
    }
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
