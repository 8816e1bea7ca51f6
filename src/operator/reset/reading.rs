//! The object that a pass begins with: read live, or known already; and as little of it as is needed.

use std::sync::Arc;

use kube::{Api, Client, Resource, ResourceExt, api::ObjectMeta, core::DeserializeGuard};

use super::{listed::Listed, state::PassState};
use crate::operator::calls::{CallError, call};
use passcode_core::api::{
    dropped::LAST_APPLIED,
    reset::{PasscodeReset, REQUESTED_BY},
};

/// The object as it was written last, if the watch shows that version. Whatever is written rests on that very version, so a watch that is
/// behind costs a conflict and no more.
pub fn unchanged(state: &mut PassState, listed: &Listed) -> Option<PasscodeReset> {
    let stored = state.stored.take()?;
    let (known, shown) = (&stored.metadata, listed.meta());
    let same = known.resource_version.is_some() && known.resource_version == shown.resource_version;
    (same && shown.deletion_timestamp.is_none()).then(|| Arc::unwrap_or_clone(stored))
}

/// The object without what nobody here needs and somebody may have made large.
pub fn slim(object: PasscodeReset) -> PasscodeReset {
    let requested_by = object.requested_by().map(|name| (REQUESTED_BY.to_owned(), name.to_owned()));
    let ObjectMeta {
        name, namespace, uid, resource_version, generation, creation_timestamp, deletion_timestamp, ..
    } = object.metadata;
    let metadata = ObjectMeta {
        name,
        namespace,
        uid,
        resource_version,
        generation,
        creation_timestamp,
        deletion_timestamp,
        annotations: requested_by.map(|annotation| [annotation].into()),
        ..ObjectMeta::default()
    };
    PasscodeReset { metadata, ..object }
}

/// The object as it is now; `None`: it cannot be understood.
///
/// # Errors
/// [`CallError`]: `Gone` also where another has taken its name.
pub async fn read(client: &Client, listed: &Listed) -> Result<Option<PasscodeReset>, CallError> {
    let namespace = listed.namespace().unwrap_or_default();
    let api: Api<DeserializeGuard<PasscodeReset>> = Api::namespaced(client.clone(), &namespace);
    let mut read = call(api.get(&listed.name_any())).await?;
    if read.uid() != listed.uid() {
        return Err(CallError::Gone);
    }
    // The manifest that was applied shows which fields the API server dropped.
    let applied = read.meta_mut().annotations.as_mut().and_then(|annotations| annotations.remove_entry(LAST_APPLIED));
    Ok(read.0.ok().map(|object| {
        let mut object = slim(object);
        object.annotations_mut().extend(applied);
        object
    }))
}
