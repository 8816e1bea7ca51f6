//! How objects have ended, to compare a run with its undisturbed one.

use passcode_core::api::reset::PasscodeReset;
use world::World;

/// How an object ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct End {
    /// Empty: it has not.
    pub outcome: String,
    /// The reason of its Ready condition.
    pub reason: String,
    /// The object's name.
    pub name: String,
}

/// How the objects that are there have ended, those that ended alike together.
#[must_use]
pub fn ends(world: &World) -> Vec<End> {
    let objects = world.api.objects("PasscodeReset");
    let mut ends: Vec<End> = objects
        .into_iter()
        .map(|object| {
            let object: PasscodeReset = serde_json::from_value(object).unwrap();
            let status = object.status.unwrap_or_default();
            End {
                outcome: status.outcome.map(|outcome| format!("{outcome:?}")).unwrap_or_default(),
                reason: status.reason().to_owned(),
                name: object.metadata.name.unwrap_or_default(),
            }
        })
        .collect();
    ends.sort();
    ends
}

/// The ends without the names: which of two objects for one device was first is not promised.
pub fn kinds(ends: &[End]) -> impl Iterator<Item = (&str, &str)> {
    ends.iter().map(|end| (end.outcome.as_str(), end.reason.as_str()))
}
