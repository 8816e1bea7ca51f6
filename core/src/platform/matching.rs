//! What a rule asks of a device, and whether one fits: for the rules of matrices and of policies alike.

use super::{
    class::{Platform, UnknownPlatform},
    nearest::nearest,
    ownership::Ownership,
    version::{OsVersion, VersionBound},
};

/// What a rule asks of a device; all of it has to fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceMatch {
    /// The classes; none: all.
    pub(crate) platforms: Option<Vec<Platform>>,
    /// The bound on its version; none: any.
    pub(crate) bound: Option<VersionBound>,
    /// The owners; none: all.
    pub(crate) owners: Option<Vec<Ownership>>,
}

/// Whether a device fits a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// That depends on a version that cannot be read.
    NeedsVersion,
}

impl DeviceMatch {
    /// Whether a device of this class, version and owner fits.
    #[must_use]
    pub fn fit(&self, platform: Platform, version: Option<&OsVersion>, ownership: Ownership) -> Fit {
        let named = self.platforms.as_ref().is_none_or(|platforms| platforms.contains(&platform))
            && self.owners.as_ref().is_none_or(|owners| owners.contains(&ownership));
        match (&self.bound, version) {
            _ if !named => Fit::No,
            (None, _) => Fit::Yes,
            (Some(_), None) => Fit::NeedsVersion,
            (Some(bound), Some(version)) if bound.admits(version) => Fit::Yes,
            (Some(_), Some(_)) => Fit::No,
        }
    }
}

/// Versions that stand for all: the answers of these rules change only at the edges of their bounds, so a version below all and each edge itself
/// do.
pub(crate) fn versions_that_matter<'a>(rules: impl Iterator<Item = &'a DeviceMatch>) -> Vec<OsVersion> {
    let edges = rules.filter_map(|rule| rule.bound.as_ref()).map(|bound| bound.edge().clone());
    let mut versions: Vec<OsVersion> = std::iter::once(OsVersion::new(&[])).chain(edges).collect();
    versions.sort();
    versions.dedup();
    versions
}

/// The class of this name.
///
/// # Errors
///
/// What to write instead, as the end of a sentence.
pub(crate) fn platform_named(name: &str) -> Result<Platform, String> {
    name.parse().map_err(|UnknownPlatform(name)| {
        let instead = nearest(&name).map_or_else(all_platforms, |meant| meant.to_string());
        format!("names the platform {name:?}, which does not exist: write {instead}")
    })
}

fn all_platforms() -> String {
    let names: Vec<&str> = Platform::ALL.iter().map(|platform| platform.as_str()).collect();
    format!("one of {}", names.join(", "))
}
